"""What all studies share: reading a run and its parameters, and estimates over draws with errors.

Draws are what is averaged over, so errors are over draws and never over clinicians, who share a
pool, a median and benchmarks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario, parameters_of
from asm_sim.results.registry import COHORT_TITLES, SEED, SETTINGS
from asm_sim.results.scenarios import SCENARIO, axes, told
from asm_sim.results.statistics import Estimate, mcse, mean_over_draws, never_shown

Floats = npt.NDArray[np.float64]
Names = str | Iterable[str] | None

# The dims of draws: all, those kept clinician by clinician, those looked at closely.
DRAW, PANEL, LENS = "draw", "draw_sample", "lens_draw"
TOTALS = {
    "all_years": ("performance_year",),
    "all_cohorts": ("cohort",),
    "total": ("cohort", "performance_year"),
}
RISK = "rules.payment.risk_level"
EXCHANGE = "rules.payment.exchange"
NEUTRAL_BAND = "rules.payment.neutral_band"
ROUNDING = "rules.payment.rounding"
PART_B_EXAMPLE = 500_000.0  # USD a year
PER_POINT = "fraction per point"

_KEPT_FOR = {PANEL: "panel_draws", LENS: "lens_draws"}
_ABOUT = (
    "scenario", SETTINGS, "scenario_hash", "draws", SEED, "asm_sim_version", "rules", "population",
    "mips", COHORT_TITLES,
)  # fmt: skip


# What a study reads


def needed(ds: xr.Dataset, names: Iterable[str], dim: str = DRAW) -> xr.Dataset:
    """One scenario, sure to hold these variables and, of :data:`PANEL` or :data:`LENS`, draws.

    Raises :class:`InputError` otherwise, and for several scenarios.
    """
    run = one_scenario(ds)
    missing = [name for name in names if name not in run]
    option = _KEPT_FOR.get(dim)
    if dim == LENS and "no_lens" in run.attrs and not run.sizes.get(dim, 0):
        raise InputError(
            "this study needs draws that are looked at closely, and under the rule of this run "
            f"none can be: {run.attrs['no_lens']}"
        )
    if missing or (option and not run.sizes.get(dim, 0)):
        raise InputError(
            f"the results hold no {', '.join(missing) or dim}, which this study needs: run the "
            "scenario again with this version of asm_sim; `asm-sim run baseline` makes a run that "
            "holds all" + (f"; in a scenario file {option} says for how many draws" * bool(option))
        )
    return run


def looked_at_closely(ds: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """One scenario's variables on the draws that were looked at closely, in memory.

    Values of every draw are cut to those draws: their dim is then ``lens_draw`` too. The attributes
    are those of :func:`about` and ``lens_draws``. Raises :class:`InputError` as :func:`needed`.
    """
    run = needed(ds, names, LENS)
    parts = {
        name: on_draws_of(run, run[name], LENS) if DRAW in run[name].dims else run[name]
        for name in names
    }
    return xr.Dataset(parts, attrs=about(run) | {"lens_draws": run.sizes[LENS]}).load()


def on_draws_of(run: xr.Dataset, values: xr.DataArray, dim: str) -> xr.DataArray:
    """Values of every draw on the draws along ``dim`` only, with that dim."""
    draws = run[dim].values
    if not run.indexes[DRAW].is_unique or not np.isin(draws, run[DRAW].values).all():
        raise InputError(
            f"the results hold draws along {dim!r} that they do not hold, or hold twice, along "
            f"{DRAW!r}; select the same draws along both, or use the whole run"
        )
    return values.sel({DRAW: draws}).rename({DRAW: dim}).assign_coords({dim: draws})


def check_sweep(ds: xr.Dataset, sweep: str, paths: Sequence[str], all_of_them: bool = True) -> None:
    """Raises :class:`InputError` unless ``ds`` is a sweep over these parameters and no other.

    ``sweep`` is the one to run instead; without ``all_of_them`` some of the parameters will do.
    """
    if SCENARIO not in ds.dims:
        raise InputError(
            "this study needs a sweep, and these results are of one run; "
            f"`asm-sim sweep {sweep}` makes one"
        )
    varied = set(axes(ds))
    if not varied or varied - set(paths) or (all_of_them and varied != set(paths)):
        raise InputError(
            f"the sweep varies {', '.join(axes(ds)) or 'nothing that all scenarios share'}; this "
            f"study needs one over {', '.join(paths)} and nothing else: `asm-sim sweep {sweep}`"
        )


def parameter(run: xr.Dataset, path: str) -> Any:
    """The value of a parameter of the run; :class:`InputError` where the run does not say it."""
    values = parameters_of(run)
    if path not in values:
        raise _not_said(path)
    return values[path]


def by_year(run: xr.Dataset, path: str) -> xr.DataArray:
    """A numeric parameter by performance year, whether or not it differs between them.

    Raises :class:`InputError` where the run does not say it for every year.
    """
    value, years = parameter(run, path), [str(year) for year in run["performance_year"].values]
    numbers = [value.get(year) if isinstance(value, Mapping) else value for year in years]
    if not all(isinstance(number, int | float) for number in numbers):
        raise _not_said(f"{path} in {', '.join(years)}")
    return xr.DataArray(
        np.array(numbers, dtype=np.float64),
        {"performance_year": run["performance_year"]},
        "performance_year",
    )


def _not_said(what: str) -> InputError:
    return InputError(
        f"the results do not say what {what} was (attribute 'parameters'); run the scenario again "
        "with this version of asm_sim"
    )


def exchange_form(run: xr.Dataset) -> str:
    """The form of the exchange function; a run that does not say it has the rule's logistic."""
    return str(parameters_of(run).get(f"{EXCHANGE}.form", "logistic"))


def has_neutral_band(run: xr.Dataset) -> bool:
    """Whether scores near the median were left out of the exchange; not where a run is silent."""
    width = parameters_of(run).get(NEUTRAL_BAND, 0)
    return any(width.values()) if isinstance(width, Mapping) else bool(width)


def check_logistic(run: xr.Dataset) -> None:
    """Raises :class:`InputError` unless all scores were exchanged by a logistic, unrounded."""
    form = exchange_form(run)
    rounding = parameters_of(run).get(ROUNDING, "none")
    if has_neutral_band(run) or rounding != "none":
        raise InputError(
            "this study takes the adjustment to follow the logistic, and in these results "
            + (
                f"scores near the median are left out of it ({NEUTRAL_BAND})"
                if has_neutral_band(run)
                else f"it is rounded ({ROUNDING}: {rounding})"
            )
            + "; run a scenario without that"
        )
    if form != "logistic":
        raise InputError(
            f"this study takes the exchange function to be a logistic, and in these results it is "
            f"another ({EXCHANGE}.form: {form}); run a scenario with the logistic"
        )


def chosen(what: str, names: Names, known: Sequence[str]) -> list[str]:
    """``names`` as a list without repeats, by default all that are known.

    Raises :class:`InputError` for a name that is not known, and where there is none.
    """
    if names is None:
        return list(known)
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in wanted:
        if name not in known:
            raise InputError(
                f"no {what} is called {name!r}{did_you_mean(name, list(known))}; "
                f"there are {', '.join(known)}"
            )
    if not wanted:
        raise InputError(f"no {what} is chosen; name at least one of {', '.join(known)}")
    return wanted


def check_amount(part_b_payments: float) -> None:
    """Raises :class:`InputError` for what is no amount of money."""
    if not (math.isfinite(part_b_payments) and part_b_payments >= 0):
        raise InputError(f"part_b_payments is {part_b_payments!r}; give USD, zero or more")


def limits(dim: str, values: Sequence[float], units: str, words: str) -> xr.DataArray:
    """Numbers to be exceeded, along a dim of their own; :class:`InputError` below zero."""
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if not (np.isfinite(given).all() and (given >= 0).all() and given.size):
        raise InputError(f"the values of {dim!r} are {list(values)!r}; give {units}, zero or more")
    attrs = {"units": units, "long_name": words}
    return xr.DataArray(given, coords={dim: (dim, given, attrs)}, dims=dim)


def about(ds: xr.Dataset) -> dict[str, Any]:
    """The attributes that say which run numbers are of."""
    attrs = told(ds).attrs
    return {name: attrs[name] for name in _ABOUT if name in attrs}


# Estimates


@dataclass(frozen=True)
class Linear:
    """An estimate over draws and what each draw adds to its error (``influence``, dim ``dim``).

    The standard error is that of the mean of the influences (the delta method), so that the error
    of a difference is that of the difference of influences.
    """

    mean: xr.DataArray
    influence: xr.DataArray
    dim: str
    draws: xr.DataArray | None = None  # of a share of clinicians: those in which it is known

    @property
    def mcse(self) -> xr.DataArray:
        error = mcse(self.influence, self.dim)
        return error if self.draws is None else never_shown(self.mean, error, self.draws)

    def minus(self, other: Linear) -> Linear:
        return Linear(self.mean - other.mean, self.influence - other.influence, self.dim)

    def sel(self, **where: Any) -> Linear:
        mean, influence = (part.sel(where, drop=True) for part in (self.mean, self.influence))
        draws = None if self.draws is None else self.draws.sel(where, drop=True)
        return Linear(mean, influence, self.dim, draws)


def mean(values: xr.DataArray, dim: str = DRAW) -> Linear:
    """Mean over the draws in which the value is finite."""
    return Linear(mean_over_draws(values, dim), values, dim)


def ratio(numerator: xr.DataArray, denominator: xr.DataArray, dim: str = DRAW) -> Linear:
    """The mean over draws of one over that of the other, its error by the delta method.

    Of sums and counts it is the mean over clinicians and draws, so that groups weighted by their
    clinicians add up. Draws in which either is not finite do not count; nan where nothing does.
    """
    known = np.isfinite(numerator) & np.isfinite(denominator)
    above, below = numerator.where(known), denominator.where(known)
    base = mean_over_draws(below, dim)
    base = base.where(base != 0)
    value = mean_over_draws(above, dim) / base
    return Linear(value, (above - value * below) / base, dim)


def share_of(happened: xr.DataArray, clinicians: xr.DataArray, dim: str = DRAW) -> Linear:
    """The share of clinicians to whom something happened: :func:`ratio` of the two numbers.

    Where it happened to none in any draw, or to all in every draw, the error is half of the
    distance to a bound (:func:`asm_sim.results.statistics.never_shown`), never zero.
    """
    known = (happened.notnull() & (clinicians > 0)).sum(dim)
    return replace(ratio(happened, clinicians, dim), draws=known)


def mean_share(shares: xr.DataArray, dim: str = DRAW) -> Linear:
    """Mean over draws of each draw's share of clinicians; errors as those of :func:`share_of`."""
    return replace(mean(shares, dim), draws=shares.notnull().sum(dim))


def root(square: Linear) -> Linear:
    """The square root; without error where the square is exactly 0 in every draw."""
    value = square.mean.clip(min=0.0) ** 0.5
    slope = 0.5 / value.where(value > 0)
    return Linear(value, square.influence * slope.where(value != 0, 0.0), square.dim)


def named(name: str, found: Estimate | Linear, units: str, words: str) -> dict[str, xr.DataArray]:
    """``name`` and ``name_mcse`` with their attributes."""
    return {
        name: found.mean.assign_attrs(units=units, long_name=words),
        f"{name}_mcse": found.mcse.assign_attrs(
            units=units, long_name=f"{words}, Monte Carlo standard error"
        ),
    }
