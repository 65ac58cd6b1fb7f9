"""The clinicians of a run one by one: its panel, cohort by cohort and draw by draw.

What is said of clinicians is a total over them within a draw; draws are what is averaged over.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.sparse import csr_array

from asm_sim.errors import InputError
from asm_sim.results.clinicians import EVERYBODY
from asm_sim.studies.estimates import PANEL, Floats, Names, about, chosen, needed

SIGN_TOLERANCE = 1e-12  # an adjustment this close to zero is no penalty

_DIMS = (PANEL, "clinician", "performance_year")
_COORDINATES = ("performance_year", "payment_year", "group", "grouping")

# Arrays by name with their dims, of one cohort in one draw.
Measured = dict[str, tuple[tuple[str, ...], npt.NDArray[Any]]]


@dataclass(frozen=True)
class View:
    """The clinicians of one cohort in one draw.

    ``values`` by name, float64 [clinicians, years]; ``members`` [groups, clinicians] is 1 where a
    clinician is in a group. ``draw`` is a position.
    """

    draw: int
    cohort: str
    values: dict[str, Floats]
    members: csr_array

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]

    @property
    def count(self) -> Floats:
        """Clinicians of each group."""
        return np.diff(self.members.indptr).astype(np.float64)

    def total(self, values: npt.NDArray[Any], axis: int = 0) -> Floats:
        """Sums over the members of each group, in place of the clinicians along ``axis``."""
        first = np.moveaxis(np.asarray(values, dtype=np.float64), axis, 0)
        sums = self.members @ first.reshape(len(first), -1)
        return np.moveaxis(sums.reshape(-1, *first.shape[1:]), 0, axis)

    def groups(self) -> Iterator[npt.NDArray[np.integer[Any]]]:
        """The positions of each group's members."""
        ends = self.members.indptr
        return (self.members.indices[i:j] for i, j in itertools.pairwise(ends))


Measure = Callable[[View], Measured]


@dataclass(frozen=True)
class Panel:
    """The panel of one run in memory.

    ``values`` by name, each [draws, clinicians, years]; ``membership`` [draws, clinicians, 1 +
    groupings] positions along ``groups``, the first everyone, those beyond the last of no group;
    ``of_cohort`` the positions of each cohort's clinicians.
    """

    values: dict[str, npt.NDArray[np.floating[Any]]]
    membership: npt.NDArray[np.intp]
    of_cohort: dict[str, npt.NDArray[np.intp]]
    practice: npt.NDArray[np.int64]
    groups: list[str]
    coordinates: dict[str, xr.Variable]
    attrs: dict[str, Any]

    @property
    def draws(self) -> int:
        return len(self.membership)

    def view(self, draw: int, cohort: str) -> View:
        inside = self.of_cohort[cohort]
        members = indicator(self.membership[draw, inside], len(self.groups) + 1)
        values = {
            name: table[draw, inside].astype(np.float64) for name, table in self.values.items()
        }
        return View(draw, cohort, values, members[:-1])

    def collect(self, measure: Measure) -> xr.Dataset:
        """``measure`` of every draw and cohort: its arrays, after the dims draw_sample and cohort.

        With the run's coordinates along the dims that there are.
        """
        parts: dict[str, tuple[tuple[str, ...], npt.NDArray[Any]]] = {}
        for c, cohort in enumerate(self.of_cohort):
            for d in range(self.draws):
                for name, (dims, values) in measure(self.view(d, cohort)).items():
                    if name not in parts:
                        whole = np.empty((self.draws, len(self.of_cohort), *np.shape(values)))
                        parts[name] = ((PANEL, "cohort", *dims), whole)
                    parts[name][1][d, c] = values
        used = {dim for dims, _ in parts.values() for dim in dims}
        return xr.Dataset(
            parts, {name: of for name, of in self.coordinates.items() if used.issuperset(of.dims)}
        )

    def by_practice(self) -> Panel:
        """With the sums over the clinicians of each practice, of all cohorts, in their place.

        A practice is in the groups of the clinician who is listed first.
        """
        _, first, practice = np.unique(self.practice, return_index=True, return_inverse=True)
        within = indicator(practice[:, np.newaxis], len(first))
        return replace(
            _pooled(self, len(first)),
            values={
                name: np.stack([within @ of_draw.astype(np.float64) for of_draw in table])
                for name, table in self.values.items()
            },
            membership=self.membership[:, first],
            practice=self.practice[first],
        )


def read(ds: xr.Dataset, names: Sequence[str], groups: Names = None, pooled: bool = False) -> Panel:
    """The panel variables ``names`` (without ``panel_``) of one run.

    ``groups`` are labels of groups or groupings (by default all); ``pooled`` puts all cohorts
    together as ``all``. Raises :class:`InputError` for several scenarios, where the run kept no
    clinicians or not these variables, and for an unknown group.
    """
    wanted = [f"panel_{name}" for name in names]
    run = needed(ds, (*wanted, "panel_group", "clinician_cohort"), PANEL)
    labels, groupings = (run[name].values.astype(str) for name in ("group", "grouping"))
    if labels[0] != EVERYBODY:
        raise InputError("the first group of the results is not 'all'; run the scenario again")
    some = chosen("group", groups, list(dict.fromkeys([*labels, *groupings])))
    kept = np.flatnonzero(np.isin(labels, some) | np.isin(groupings, some))
    position = np.full(len(labels), len(kept))
    position[kept] = np.arange(len(kept))
    grouped = run["panel_group"].transpose(PANEL, "clinician", "membership").values
    everyone = np.zeros((*grouped.shape[:2], 1), dtype=grouped.dtype)
    of_cohort = run["clinician_cohort"].values.astype(str)
    at = {"group": kept}
    panel = Panel(
        values={name: run[f"panel_{name}"].transpose(*_DIMS).values for name in names},
        membership=position[np.concatenate([everyone, grouped], axis=2)],
        of_cohort={str(name): np.flatnonzero(of_cohort == name) for name in run["cohort"].values},
        practice=run.coords.get("clinician_practice", run["clinician"]).values.astype(np.int64),
        groups=[str(label) for label in labels[kept]],
        coordinates={
            name: run[name].isel(at, missing_dims="ignore").variable
            for name in ("cohort", *_COORDINATES)
            if name in run.coords
        },
        attrs=about(run) | {"panel_draws": run.sizes[PANEL]},
    )
    return _pooled(panel, len(of_cohort)) if pooled else panel


def indicator(membership: npt.NDArray[np.integer[Any]], groups: int) -> csr_array:
    """1 where a row of ``membership`` [rows, groupings] names a group: [groups, rows]."""
    rows, groupings = membership.shape
    at = (membership.ravel(), np.repeat(np.arange(rows), groupings))
    return csr_array((np.ones(membership.size), at), shape=(groups, rows))


def _pooled(panel: Panel, rows: int) -> Panel:
    cohort = xr.Variable("cohort", [EVERYBODY])
    return replace(
        panel,
        of_cohort={EVERYBODY: np.arange(rows)},
        coordinates=panel.coordinates | {"cohort": cohort},
    )
