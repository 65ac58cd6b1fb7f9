"""The answer of a run in sentences, each number with its Monte Carlo standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asm_sim.results.describe import (
    drawn_parameters,
    draws_in_words,
    layers_of,
    leading_assumptions,
    one_scenario,
    with_settings_in_words,
)
from asm_sim.results.statistics import (
    PLUS_MINUS,
    estimate_of,
    mean_over_draws,
    million_usd,
    percent,
)

if TYPE_CHECKING:
    import xarray as xr


def sentences(ds: xr.Dataset) -> list[str]:
    """Three sentences: what the numbers mean, how much is chance, what all of it rests on.

    Where the parameter layer is on, a fourth says so.
    """
    ds = one_scenario(ds)
    return [_meaning(ds), _chance(ds), _assumptions(ds), *_parameter_uncertainty(ds)]


def _meaning(ds: xr.Dataset) -> str:
    first = ds.isel(performance_year=0)
    negative, mean = _by_cohort(first["share_negative"]), _by_cohort(first["adjustment_mean"])
    money = ["retained_by_medicare", "amount_at_risk", "retained_by_medicare_payment_year"]
    over_all = ds[money].sum(["cohort", "performance_year"], skipna=False)
    retained = over_all["retained_by_medicare"]
    actual = over_all["retained_by_medicare_payment_year"]
    if mean_over_draws(retained) >= 0:
        more, less, medicare = "penalties", "bonuses", "keeps"
    else:
        more, less, medicare = "bonuses", "penalties", "adds"
        retained, actual = -retained, -actual
    share = _percent(retained / over_all["amount_at_risk"])
    settings = with_settings_in_words(ds.attrs).strip()
    return (
        f"{f'{settings[0].upper()}{settings[1:]}: in' if settings else 'In'} "
        f"performance year {int(first['performance_year'])}, {negative} of scored clinicians "
        f"get a penalty and the mean adjustment is {mean}; over payment "
        f"{_span(ds['payment_year'].values)} {more} exceed {less} by {_usd(retained)}, which "
        f"Medicare {medicare}: {share} of the amount at risk; on what is paid in those years, "
        f"after the trend of payments and exits, it is {_usd(actual)}."
    )


def _chance(ds: xr.Dataset) -> str:
    error = (
        f"{PLUS_MINUS} is the Monte Carlo standard error over {draws_in_words(ds)} and says "
        "nothing about the assumptions"
    )
    if layers_of(ds).get("measurement") == "off":
        return f"True rates and costs are shown, so that nothing of it is chance; {error}."
    first = ds.isel(performance_year=0)
    names = ("chance_variance_share", "misclassified_share")
    if any(name not in ds or not np.isfinite(first[name]).any() for name in names):
        return f"How much of the adjustment is chance was not computed in this run; {error}."
    share, misclassified = (_by_cohort(first[name]) for name in names)
    return (
        "Chance, that is few episodes and few cases rather than performance, makes up "
        f"{share} of the variance of the adjustment in performance year "
        f"{int(first['performance_year'])} and gives {misclassified} of clinicians the opposite "
        f"sign; {error}."
    )


def _assumptions(ds: xr.Dataset) -> str:
    first, *others = leading_assumptions(ds)
    unseen = ", which no source states" if first.status == "assumption" else ""
    return (
        f"All of this rests on assumptions: above all {first}{unseen}, then "
        f"{'; '.join(str(part) for part in others[:-1])}; and {others[-1]}."
    )


def _parameter_uncertainty(ds: xr.Dataset) -> list[str]:
    count = len(drawn_parameters(ds))
    if not count:
        return []
    return [
        f"Each draw has its own values of {count} parameters of the population, drawn from low to "
        "high: the spread over draws, and every interval taken from it, includes uncertainty about "
        "them beside that of the other layers; parameters without low and high, and the rule, stay "
        "as they are."
    ]


def _by_cohort(values: xr.DataArray) -> str:
    """Fractions by draw and cohort as words, such as ``59 ±1 % (HF) and 57 ±1 % (LBP)``."""
    told = [
        f"{_percent(values.sel(cohort=cohort))} ({cohort})" for cohort in values["cohort"].values
    ]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _percent(values: xr.DataArray) -> str:
    return _without_zero_error(percent(*_numbers(values)))


def _usd(values: xr.DataArray) -> str:
    return _without_zero_error(million_usd(*_numbers(values)))


def _numbers(values: xr.DataArray) -> tuple[float, float]:
    mean, error = estimate_of(values)
    return float(mean), float(error)


def _without_zero_error(written: str) -> str:
    return written.replace(f" {PLUS_MINUS}0 ", " ")


def _span(years: np.ndarray[Any, Any]) -> str:
    first, last = int(years[0]), int(years[-1])
    return f"year {first}" if first == last else f"years {first} to {last}"
