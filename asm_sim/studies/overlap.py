"""Two incentives for the same dollars: clinicians of the model in accountable care organizations.

An organization in the Shared Savings Program gets a share of what it saves; if it saves on episodes
of heart failure or low back pain, its clinicians have lower costs in the model too, and are paid
better by it. Adjustments are on Part B of the payment year, two years later, without discount.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
"""

from __future__ import annotations

import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import layers_of, scenario_in_words
from asm_sim.results.statistics import on_shared_draws
from asm_sim.studies.estimates import (
    about,
    check_alike,
    mean,
    named,
    needed,
    parameters_of,
    ratio,
)

SCENARIO = "aco-overlap"
ACO = "population.aco"
_EFFECTS = (f"{ACO}.quality_effect", f"{ACO}.cost_effect")
_MONEY = ("aco_bonuses", "aco_penalties", "aco_savings", "aco_shared_savings")


def double_incentive(ds: xr.Dataset, without: xr.Dataset) -> xr.Dataset:
    """What is paid, twice, for what organizations save; by ``cohort`` and ``performance_year``.

    ``ds`` is a run with organizations that save (``aco-overlap``), ``without`` the same with
    effects of 0 and the same seed: the same clinicians in organizations that change nothing.

    ``savings``         what organizations save on the episodes of the cohort, USD
    ``shared_savings``  what Medicare pays them of it (population.aco.sharing_rate), USD
    ``adjustments``     what the model pays their clinicians more for it, USD; where better quality
                        comes with lower cost, for both
    ``others``          what the model pays all other clinicians more: less, for the pool is fixed
    ``paid_per_dollar`` shared savings and adjustments together, per USD saved; nan without savings

    Raises :class:`InputError` for several scenarios and for runs that are no such pair.
    """
    names = (*_MONEY, "bonuses_payment_year", "penalties_payment_year")
    run, reference = (needed(part, names) for part in (ds, without))
    _check_pair(run, reference)
    run, reference = on_shared_draws(run, reference)
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


def _check_pair(run: xr.Dataset, reference: xr.Dataset) -> None:
    """Raises :class:`InputError` unless the runs differ by the effects alone, 0 in the second."""
    pair = (run, reference)
    for name in ("seed", "roster_hash", "layers"):
        one, other = (layers_of(r) if name == "layers" else r.attrs.get(name) for r in pair)
        if one != other:
            raise InputError(f"the runs differ in {name}, so that their draws are no pairs")
    values = [parameters_of(part) for part in pair]
    shares = [part.get(f"{ACO}.practice_share", 0) for part in values]
    if not shares[0] > 0 or any(values[1].get(path, 0) != 0 for path in _EFFECTS):
        raise InputError(
            "this study needs a run with practices in organizations and one with the same in which "
            f"they have no effect: `asm-sim run {SCENARIO}`, and the same with --set "
            + " --set ".join(f"{path}=0" for path in _EFFECTS)
        )
    check_alike(values, _EFFECTS, "these effects")
