"""Closed forms beside a run: what the normal distribution and the rule alone say of its numbers.

:func:`beside` puts what :mod:`asm_sim.studies.closed_forms` say, from the run's own spread of
scores, zero scorers and reliability, beside what was simulated; :func:`power` says how many
episodes it takes until the sign of an adjustment can be trusted. Where scores are skewed the two
differ: the difference is what the shape of the scores does, and no error of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import parameters_of
from asm_sim.results.registry import YEARLY_DIMS
from asm_sim.studies import closed_forms as forms
from asm_sim.studies import normal
from asm_sim.studies.estimates import (
    EXCHANGE,
    RISK,
    Floats,
    about,
    by_year,
    check_logistic,
    mean,
    needed,
    parameter,
)
from asm_sim.studies.jackknife import sd_over_draws

STEEPNESS = f"{EXCHANGE}.steepness"
SHARE_PAID_OUT = "rules.payment.redistribution_share"
DISTANCES = (0.25, 0.5, 1.0, 1.5, 2.0)  # SDs of true cost from the break-even score
RIGHT_SIGN = 0.9

# What the closed forms take for granted, beside the logistic.
_THE_RULE: dict[str, Any] = {
    f"{EXCHANGE}.midpoint": "median",
    "rules.peers.basis": "condition",
    "rules.payment.zero_scorers_in_pool_base": True,
    "rules.payment.zero_score_adjustment": -1,
    "rules.payment.cap": "none",
}
_READ = (
    "final_score_mean",
    "final_score_sd",
    "median_final_score",
    "share_zero_score",
    "scaling_factor",
    "break_even_score",
    "adjustment_mean",
    "adjustment_sd",
    "share_negative",
    "bonuses",
    "penalties",
    "amount_at_risk",
    "chance_variance_share",
    "reliability",
    "misclassified_share",
    "sign_change_share",
    "rank_correlation",
)


class Form(NamedTuple):
    """One number of a run: what was simulated of it in each draw, and what its closed form says."""

    name: str
    units: str
    words: str
    simulated: Floats  # [draws, cohorts, years]
    closed_form: Floats


def beside(ds: xr.Dataset) -> xr.Dataset:
    """Simulated numbers and their closed forms, by cohort and performance year.

    Dims (form, cohort, performance_year): ``simulated``, ``closed_form`` and ``difference``
    (simulated minus closed form, paired draw by draw), each with ``*_mcse``; ``form_units`` and
    ``form_words`` along ``form``. A closed form has in each draw the spread and the share of zero
    scorers of that draw, and the reliability that the adjustment turned out to have.
    ``median_sd`` is a spread over draws: the closed form is that of scores against a standard of
    their own, and where everybody is scored against the peers' median the spread is smaller.

    Raises :class:`InputError` for several scenarios, for results of an early version, and for a
    rule other than a logistic about the median of the whole cohort, uncapped and unrounded.
    """
    run = needed(ds, _READ)
    check_logistic(run)
    _check_rule(run)
    read = run[list(_READ)].load().transpose(*YEARLY_DIMS).astype(np.float64)
    found = [*_of_payment(run, read), *_of_chance(run, read)]
    like = read["scaling_factor"]
    parts: dict[str, list[xr.DataArray]] = {}
    for form in found:
        both = [like.copy(data=values) for values in (form.simulated, form.closed_form)]
        for name, values in zip(
            ("simulated", "closed_form", "difference"), (*both, both[0] - both[1]), strict=True
        ):
            estimate = mean(values)
            parts.setdefault(name, []).append(estimate.mean)
            parts.setdefault(f"{name}_mcse", []).append(estimate.mcse)
    last = _of_medians(run, read)
    for name, values in last.items():
        parts[name].append(values)
    words = {
        "simulated": "What was simulated",
        "closed_form": "What the closed form says",
        "difference": "Simulated minus closed form",
    }
    names = [*(form.name for form in found), "median_sd"]
    result = xr.Dataset(
        {
            name: _told(xr.concat(values, "form"), name, words[name.removesuffix("_mcse")])
            for name, values in parts.items()
        },
        attrs=about(run),
    )
    return result.assign_coords(
        form=names,
        form_units=("form", [*(form.units for form in found), "points"]),
        form_words=(
            "form",
            [*(form.words for form in found), "SD of medians over draws"],
        ),
    )


def _told(values: xr.DataArray, name: str, words: str) -> xr.DataArray:
    error = ", Monte Carlo standard error" if name.endswith("_mcse") else ""
    return values.drop_attrs().assign_attrs(units="units of the form", long_name=words + error)


def _check_rule(run: xr.Dataset) -> None:
    known = parameters_of(run)
    for path, wanted in _THE_RULE.items():
        value = known.get(path, wanted)
        if value != wanted:
            raise InputError(
                f"the closed forms are of a rule with {path}: {wanted}, and in these results it "
                f"is {value}; run a scenario without that"
            )


def _given(run: xr.Dataset, read: xr.Dataset) -> dict[str, Floats]:
    """R, rho and k by year, and of each draw z and sigma: the spread of the scores above zero."""
    shape = read["scaling_factor"].shape
    by_name = {"risk": RISK, "paid": SHARE_PAID_OUT, "steepness": STEEPNESS}
    found = {
        name: np.broadcast_to(by_year(run, path).values, shape) for name, path in by_name.items()
    }
    zero = read["share_zero_score"].values
    average, spread = read["final_score_mean"].values, read["final_score_sd"].values
    positive = average / (1.0 - zero)
    square = (spread**2 + average**2) / (1.0 - zero) - positive**2
    return {**found, "zero": zero, "sd": np.sqrt(square)}


def _of_payment(run: xr.Dataset, read: xr.Dataset) -> list[Form]:
    """What follows of pool and curve alone."""
    g = _given(run, read)
    risk, paid, k, zero, sd = g["risk"], g["paid"], g["steepness"], g["zero"], g["sd"]
    amount = read["amount_at_risk"].values
    median = read["median_final_score"].values
    above = read["break_even_score"].values - median
    return [
        Form(
            "scaling_factor", "1", "Scaling factor",
            read["scaling_factor"].values, forms.scaling(paid, zero),
        ),
        Form(
            "break_even_above_median", "points", "Break-even above median",
            above, forms.break_even(0.0, k, paid, zero),
        ),
        Form(
            "adjustment_mean", "fraction", "Mean adjustment of the scored",
            read["adjustment_mean"].values, risk * (paid - 1.0),
        ),
        Form(
            "adjustment_sd", "fraction", "SD of the adjustment",
            read["adjustment_sd"].values, forms.adjustment_sd(risk, k, sd, paid, zero),
        ),
        Form(
            "share_negative", "fraction", "Share with a penalty",
            read["share_negative"].values, forms.penalty_share(k, sd, paid, zero),
        ),
        Form(
            "bonuses", "fraction", "Bonuses over amount at risk",
            read["bonuses"].values / amount, forms.bonuses(k, sd, paid, zero),
        ),
        Form(
            "penalties", "fraction", "Penalties over amount at risk",
            read["penalties"].values / amount, forms.penalties(k, sd, paid, zero),
        ),
        Form(
            "worth_of_a_point", "fraction per point", "Worth of a point",
            risk * read["scaling_factor"].values * k / 4.0,
            forms.worth_of_a_point(risk, k, paid, zero),
        ),
    ]  # fmt: skip


def _of_chance(run: xr.Dataset, read: xr.Dataset) -> list[Form]:
    """What follows of the reliability, and of how alike two years are, besides."""
    g = _given(run, read)
    cut = forms.break_even_in_sds(g["steepness"], g["sd"], g["paid"], g["zero"])
    scored = 1.0 - g["zero"]  # zero scorers lose in any year, with noise or without
    reliability = read["reliability"].values
    alike = normal.correlation_of_ranks(read["rank_correlation"].values)
    return [
        Form(
            "chance_variance_share", "1", "Variance of chance over total",
            read["chance_variance_share"].values, forms.chance_share_of_variance(reliability),
        ),
        Form(
            "misclassified_share", "fraction", "Sign not the noise-free one",
            read["misclassified_share"].values, scored * forms.wrong_sign(cut, reliability),
        ),
        Form(
            "sign_change_share", "fraction", "Sign not that of last year",
            read["sign_change_share"].values, scored * forms.sign_change(cut, alike),
        ),
    ]  # fmt: skip


def _of_medians(run: xr.Dataset, read: xr.Dataset) -> dict[str, xr.DataArray]:
    """How far the median score differs between draws, and what the peers' luck makes of that."""
    of_cohort = run["clinician_cohort"].values.astype(str)
    clinicians = xr.DataArray(
        [float((of_cohort == name).sum()) for name in run["cohort"].values.astype(str)],
        {"cohort": run["cohort"]},
        "cohort",
    )
    spread = sd_over_draws(read["median_final_score"])
    g = _given(run, read)
    sd = read["scaling_factor"].copy(data=g["sd"])
    luck = mean(sd * float(forms.luck_of_the_peers(1.0, 1.0)) / clinicians**0.5)
    error = (spread.mcse**2 + luck.mcse**2) ** 0.5
    found = {
        "simulated": spread.mean,
        "simulated_mcse": spread.mcse,
        "closed_form": luck.mean,
        "closed_form_mcse": luck.mcse,
        "difference": spread.mean - luck.mean,
        "difference_mcse": error,
    }
    return {name: values.transpose(*YEARLY_DIMS[1:]) for name, values in found.items()}


def power(
    ds: xr.Dataset, distances: Sequence[float] = DISTANCES, probability: float = RIGHT_SIGN
) -> xr.Dataset:
    """Episodes until the sign of the adjustment is right, were it decided by cost alone.

    By cohort, of the reliability that the run gives its cost measure: ``episodes`` (cohort,
    distance) for the right sign with this probability at so many SDs of true cost from the
    break-even score, ``episodes_for_all`` until this share of all clinicians have it, with the cut
    at the median; ``kappa`` (episodes at which signal and noise have the same variance) and
    ``case_minimum`` (the rule's least number of episodes, first year). Closed forms of the run's
    parameters: they have no Monte Carlo error.

    Raises :class:`InputError` for a distance that is not above zero, a probability that is not
    between one half and one, several scenarios, and results that do not say their parameters.
    """
    run = needed(ds, ())
    far = np.atleast_1d(np.asarray(distances, dtype=np.float64))
    if not (np.isfinite(far).all() and (far > 0).all() and far.size):
        raise InputError(f"the distances are {list(distances)!r}; give SDs of true cost, above 0")
    if not 0.5 < probability < 1.0:
        raise InputError(f"the probability is {probability!r}; give one between 0.5 and 1")
    cost = "population.cost"
    at = float(parameter(run, f"{cost}.reliability_episodes"))
    cohorts = [str(name) for name in run["cohort"].values]
    reliability = [float(parameter(run, f"{cost}.reliability_at_20.{name}")) for name in cohorts]
    kappa = at * (1.0 - np.array(reliability)) / np.array(reliability)
    episodes = forms.episodes_for_sign(kappa[:, None], far[None, :], probability)
    words = f"Episodes for the right sign with probability {probability:g}"
    return xr.Dataset(
        {
            "episodes": (
                ("cohort", "distance"), episodes,
                {"units": "episodes", "long_name": words},
            ),
            "episodes_for_all": (
                "cohort", forms.episodes_for_all(kappa, probability),
                {"units": "episodes", "long_name": f"{words}, of all clinicians"},
            ),
            "kappa": (
                "cohort", kappa,
                {"units": "episodes", "long_name": "Episodes with as much noise as signal"},
            ),
            "reliability": (
                "cohort", np.array(reliability),
                {"units": "1", "long_name": f"Reliability of the cost measure at {at:g} episodes"},
            ),
            "case_minimum": (
                (), float(by_year(run, "rules.cost.case_minimum")[0]),
                {"units": "episodes", "long_name": "Least number of episodes that is scored"},
            ),
        },
        coords={
            "cohort": run["cohort"],
            "distance": (
                "distance", far,
                {"units": "SD of true cost", "long_name": "Distance from the break-even score"},
            ),
        },
        attrs=about(run) | {"probability": float(probability)},
    )  # fmt: skip
