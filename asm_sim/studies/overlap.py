"""Two incentives for the same dollars: clinicians of the model in accountable care organizations.

An organization in the Shared Savings Program gets a share of what it saves; if it saves on episodes
of heart failure or low back pain, its clinicians have lower costs in the model too, and are paid
better by it. Adjustments are on Part B of the payment year, two years later, without discount.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
"""

from __future__ import annotations

import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import parameters_of, scenario_in_words
from asm_sim.results.pairs import paired
from asm_sim.studies.estimates import about, mean, named, needed, ratio

SCENARIO = "aco-overlap"
ACO = "population.aco"
_EFFECTS = (f"{ACO}.quality_effect", f"{ACO}.cost_effect")
_WANTED = f"`asm-sim run {SCENARIO}`, and the same with --set " + " --set ".join(
    f"{path}=0" for path in _EFFECTS
)
_MONEY = ("aco_bonuses", "aco_penalties", "aco_savings", "aco_shared_savings")


def double_incentive(ds: xr.Dataset, without: xr.Dataset) -> xr.Dataset:
    """What is paid, twice, for what organizations save; by ``cohort`` and ``performance_year``.

    ``ds`` is a run with organizations that save (``aco-overlap``), ``without`` the same with
    effects of 0 and the same seed: the same clinicians in organizations that change nothing.

    - ``savings``: what organizations save on the episodes of the cohort, USD
    - ``shared_savings``: what Medicare pays them of it (population.aco.sharing_rate), USD
    - ``adjustments``: what the model pays their clinicians more for it, USD; where better quality
      comes with lower cost, for both
    - ``others``: what the model pays all other clinicians more: less, for the pool is fixed
    - ``paid_per_dollar``: shared savings and adjustments together, per USD saved; nan without
      savings

    Raises :class:`InputError` for several scenarios and for runs that are no such pair.
    """
    names = (*_MONEY, "bonuses_payment_year", "penalties_payment_year")
    run, reference = (needed(part, names) for part in (ds, without))
    _check_organizations(run, reference)
    run, reference = paired(run, reference, _EFFECTS, _WANTED)
    pair = [part[[*names]].load() for part in (run, reference)]
    inside = [part["aco_bonuses"] - part["aco_penalties"] for part in pair]
    everyone = [part["bonuses_payment_year"] - part["penalties_payment_year"] for part in pair]
    gained, all_gained = inside[0] - inside[1], everyone[0] - everyone[1]
    savings, shared = pair[0]["aco_savings"], pair[0]["aco_shared_savings"]
    found: dict[str, xr.DataArray] = {}
    for name, values, words in (
        ("savings", savings, "Saved by organizations on the cohort's episodes"),
        ("shared_savings", shared, "Paid to organizations of these savings"),
        ("adjustments", gained, "Paid more by the model to clinicians in organizations"),
        ("others", all_gained - gained, "Paid more by the model to all others"),
    ):
        found |= named(name, mean(values), "USD", words)
    words = "Paid by both per dollar saved"
    found |= named("paid_per_dollar", ratio(shared + gained, savings), "USD per USD", words)
    about_it = about(run) | {"reference": scenario_in_words(reference)}
    return xr.Dataset(found, attrs=about_it)


def _check_organizations(run: xr.Dataset, reference: xr.Dataset) -> None:
    """Raises :class:`InputError` without organizations, or where both of them have effects."""
    values, without = parameters_of(run), parameters_of(reference)
    if not values.get(f"{ACO}.practice_share", 0) > 0 or any(without.get(p, 0) for p in _EFFECTS):
        raise InputError(
            "this study needs a run with practices in organizations and one with the same in which "
            f"they have no effect: {_WANTED}"
        )
