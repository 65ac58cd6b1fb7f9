"""What studies of single clinicians share: the panel draw by draw, and sums over groups.

The panel holds every clinician of a run's first draws. What is said of clinicians is a sum over
them within a draw; draws are what is averaged over, so that errors are over draws and never over
clinicians, who share a pool, a median and benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.sparse import csr_array

from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario
from asm_sim.results.statistics import Estimate, mcse, mean_over_draws

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

DRAW = "draw_sample"
PANEL_DIMS = (DRAW, "clinician", "performance_year")
GROUP_DIMS = (DRAW, "clinician", "membership")
SIGN_TOLERANCE = 1e-12  # an adjustment this close to zero is no penalty
_ABOUT = (
    "scenario", "scenario_hash", "draws", "seed", "asm_sim_version", "rules", "population",
)  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """The panel of one run in memory.

    ``values`` by name, each [draws, clinicians, years]; ``membership`` [draws, clinicians, 1 +
    groupings] positions along ``groups``, a column for each of ``groupings``, the first everyone;
    ``of_cohort`` the positions of each cohort's clinicians.
    """

    values: dict[str, npt.NDArray[np.float32]]
    membership: npt.NDArray[np.int16]
    of_cohort: dict[str, Positions]
    practice: npt.NDArray[np.int64]
    groups: list[str]
    groupings: list[str]
    coordinates: dict[str, xr.DataArray]
    attrs: dict[str, Any]

    @property
    def draws(self) -> int:
        return len(self.membership)

    def of(self, name: str, draw: int, cohort: str) -> Floats:
        """A variable of one draw and cohort as float64 [clinicians, years]."""
        values: Floats = self.values[name][draw, self.of_cohort[cohort]].astype(np.float64)
        return values

    def members(self, draw: int, cohort: str) -> csr_array:
        """Who is in which group, of one draw and cohort: 1 or 0 [groups, clinicians]."""
        return indicator(self.membership[draw, self.of_cohort[cohort]], len(self.groups))


def read(ds: xr.Dataset, names: Sequence[str]) -> Panel:
    """The panel variables ``names`` (without ``panel_``) of one run.

    Raises :class:`InputError` for several scenarios, and where the run kept no clinicians.
    """
    run = one_scenario(ds)
    wanted = [f"panel_{name}" for name in names]
    missing = [name for name in (*wanted, "panel_group", "clinician_cohort") if name not in run]
    if missing or not run.sizes.get(DRAW, 0):
        lacks = f"no {', '.join(missing)}" if missing else "no clinicians one by one"
        raise InputError(
            f"the results hold {lacks}, which this study needs: `asm-sim run baseline` makes a run "
            "that keeps them; in a scenario file panel_draws says for how many draws"
        )
    everyone = np.zeros((run.sizes[DRAW], run.sizes["clinician"], 1), dtype=np.int16)
    grouped = run["panel_group"].transpose(*GROUP_DIMS).values
    cohort_of = run["clinician_cohort"].values.astype(str)
    practice = run.coords.get("clinician_practice", run["clinician"]).values.astype(np.int64)
    groups = [str(group) for group in run["group"].values]
    if groups[0] != "all":
        raise InputError("the first group of the results is not 'all'; run the scenario again")
    return Panel(
        values={
            name: run[f"panel_{name}"].transpose(*PANEL_DIMS).values.astype(np.float32)
            for name in names
        },
        membership=np.concatenate([everyone, grouped], axis=2),
        of_cohort={
            str(cohort): np.flatnonzero(cohort_of == str(cohort)) for cohort in run["cohort"].values
        },
        practice=practice,
        groups=groups,
        groupings=["all", *(str(grouping) for grouping in run["membership"].values)],
        coordinates={
            name: run[name]
            for name in ("cohort", "performance_year", "payment_year", "group", "grouping")
            if name in run.coords
        },
        attrs=about(run) | {"panel_draws": run.sizes[DRAW]},
    )


def indicator(membership: npt.NDArray[np.integer[Any]], groups: int) -> csr_array:
    """1 where a row of ``membership`` [rows, groupings] names a group: [groups, rows]."""
    rows, groupings = membership.shape
    at = (membership.ravel(), np.repeat(np.arange(rows), groupings))
    return csr_array((np.ones(membership.size), at), shape=(groups, rows))


def sums_by_group(
    panel: Panel, columns: Callable[[int, str], Floats], dims: dict[str, npt.ArrayLike]
) -> xr.DataArray:
    """Sums over the clinicians of every group: (draw_sample, cohort, group, *dims).

    ``columns`` gives a draw's and cohort's values [clinicians, ...], the trailing axes those of
    ``dims`` in their order; a value that does not count is 0.
    """
    shape = [len(np.atleast_1d(np.asarray(values))) for values in dims.values()]
    sums = np.empty((panel.draws, len(panel.of_cohort), len(panel.groups), *shape))
    for c, cohort in enumerate(panel.of_cohort):
        for d in range(panel.draws):
            values = columns(d, cohort)
            flat = panel.members(d, cohort) @ values.reshape(len(values), -1)
            sums[d, c] = flat.reshape(-1, *shape)
    return xr.DataArray(
        sums,
        dims=(DRAW, "cohort", "group", *dims),
        coords={"cohort": list(panel.of_cohort), "group": panel.groups, **dims},
    )


def with_coordinates(result: xr.Dataset, coordinates: dict[str, xr.DataArray]) -> xr.Dataset:
    """``result`` with the run's coordinates along the dims that it has."""
    return result.assign_coords(
        {name: values for name, values in coordinates.items() if set(values.dims) <= {*result.dims}}
    )


def ratio(numerator: xr.DataArray, denominator: xr.DataArray, dim: str = DRAW) -> Estimate:
    """The mean over draws of one over that of the other, its error by the delta method.

    Of sums and counts it is the mean over clinicians and draws, so that groups weighted by their
    clinicians add up. Draws in which either is not finite do not count; nan where nothing does.
    """
    known = np.isfinite(numerator) & np.isfinite(denominator)
    above, below = numerator.where(known), denominator.where(known)
    base = mean_over_draws(below, dim)
    base = base.where(base != 0)
    value = mean_over_draws(above, dim) / base
    return Estimate(value, mcse(above - value * below, dim) / abs(base))


def estimates(name: str, found: Estimate, units: str, words: str) -> dict[str, xr.DataArray]:
    """``name`` and ``name_mcse`` with their attributes."""
    return {
        name: found.mean.assign_attrs(units=units, long_name=words),
        f"{name}_mcse": found.mcse.assign_attrs(
            units=units, long_name=f"{words}, Monte Carlo standard error"
        ),
    }


def mean(values: xr.DataArray, dim: str = DRAW) -> Estimate:
    """Mean over draws and its error."""
    return Estimate(mean_over_draws(values, dim), mcse(values, dim))


def about(ds: xr.Dataset) -> dict[str, Any]:
    """The attributes that say which run numbers are of."""
    return {name: ds.attrs[name] for name in _ABOUT if name in ds.attrs}
