"""The same clinicians under ASM and under MIPS, draw by draw, from the panel of a run.

A program's numbers by group are totals over clinicians, so that groups add up to the whole; every
estimate keeps what each draw adds to it, so that differences are paired within draw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario
from asm_sim.results.statistics import mcse, mean_over_draws

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Names = str | Iterable[str] | None

ASM, EVERYBODY = "asm", "all"
FORMS = {"traditional": "traditional MIPS", "value_pathway": "MIPS Value Pathway"}
PROGRAMS = {ASM: "ASM"} | {f"mips_{form}": title for form, title in FORMS.items()}
_SCORES = dict(
    zip(
        PROGRAMS,
        ("panel_final_score", "panel_mips_final_score", "panel_mips_pathway_final_score"),
        strict=True,
    )
)
_ADJUSTMENTS = dict(
    zip(
        PROGRAMS,
        ("panel_adjustment", "panel_mips_adjustment", "panel_mips_pathway_adjustment"),
        strict=True,
    )
)
_PART_B, _GROUP = "panel_part_b", "panel_group"
_DIMS = ("draw_sample", "clinician", "performance_year")
_ABOUT = (
    "scenario", "scenario_hash", "draws", "seed", "asm_sim_version", "rules", "population", "mips",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """The clinicians of one cohort in one draw.

    ``score`` (points, nan without one), ``adjustment`` (fraction, 0 without a final score):
    float64 [clinician, performance_year] by program. ``part_b``: USD of the payment year, the same
    shape, 0 of one who has left. ``members``: float64 [group, clinician], 1 or 0.
    """

    score: Mapping[str, Floats]
    adjustment: Mapping[str, Floats]
    part_b: Floats
    members: Floats

    def total(self, values: npt.NDArray[Any]) -> Floats:
        """Sum over the members of each group: [..., clinician, k] to [..., group, k]."""
        return np.asarray(self.members @ values, dtype=np.float64)


# Arrays by name with their dims, of one cohort in one draw.
Measured = dict[str, tuple[tuple[str, ...], npt.NDArray[Any]]]
Measure = Callable[[View], Measured]


@dataclass(frozen=True)
class Panel:
    """The panel of one run, in memory; ``members`` names the groups, ``forms`` those of MIPS."""

    run: xr.Dataset
    forms: list[str]
    groups: list[str]
    cohorts: Mapping[str, Bools]

    @property
    def programs(self) -> list[str]:
        return [ASM, *(f"mips_{form}" for form in self.forms)]

    @property
    def coordinates(self) -> dict[str, Any]:
        run = self.run
        known = [str(group) for group in run["group"].values]
        positions = [known.index(group) for group in self.groups]
        return {
            "draw": run["draw_sample"].values,
            "cohort": list(self.cohorts),
            "performance_year": run["performance_year"].values,
            "payment_year": ("performance_year", run["payment_year"].values),
            "group": self.groups,
            "grouping": ("group", run["grouping"].values[positions].astype(str)),
            "mips_form": self.forms,
        }

    def views(self) -> Iterator[tuple[int, int, View]]:
        """Every draw of every cohort, with their positions."""
        known = [str(group) for group in self.run["group"].values]
        positions = np.array([known.index(group) for group in self.groups])
        everybody = np.array([group == EVERYBODY for group in self.groups])
        arrays = {str(name): self.run[name].values for name in self.run.data_vars}
        for c, inside in enumerate(self.cohorts.values()):
            for d in range(self.run.sizes["draw_sample"]):
                of_draw = {name: values[d, inside] for name, values in arrays.items()}
                codes = of_draw[_GROUP]
                members = (codes[np.newaxis] == positions[:, np.newaxis, np.newaxis]).any(axis=2)
                members[everybody] = True
                read = {
                    name: np.asarray(values, dtype=np.float64)
                    for name, values in of_draw.items()
                    if name != _GROUP
                }
                yield (
                    d,
                    c,
                    View(
                        score={p: read[n] for p, n in _SCORES.items() if n in read},
                        adjustment={p: read[n] for p, n in _ADJUSTMENTS.items() if n in read},
                        part_b=read[_PART_B],
                        members=members.astype(np.float64),
                    ),
                )

    def collect(self, measure: Measure) -> xr.Dataset:
        """``measure`` of every draw and cohort: its arrays, with dims draw and cohort first."""
        shape = (self.run.sizes["draw_sample"], len(self.cohorts))
        parts: dict[str, tuple[tuple[str, ...], npt.NDArray[Any]]] = {}
        for d, c, view in self.views():
            for name, (dims, values) in measure(view).items():
                if name not in parts:
                    whole = np.empty((*shape, *np.shape(values)))
                    parts[name] = (("draw", "cohort", *dims), whole)
                parts[name][1][d, c] = values
        used = {dim for dims, _ in parts.values() for dim in dims}
        coordinates = {
            name: values
            for name, values in self.coordinates.items()
            if (values[0] if isinstance(values, tuple) else name) in used
        }
        return xr.Dataset(parts, coordinates)


def open_panel(
    ds: xr.Dataset,
    groups: Names = None,
    form: Names = None,
    scores: bool = False,
    pooled: bool = False,
) -> Panel:
    """The panel of a run with what a study needs; ``pooled`` puts all cohorts together as ``all``.

    ``groups`` are labels of groups or groupings (by default all), ``form`` one or more of
    :data:`FORMS` (by default both). Raises :class:`InputError` for several scenarios, for results
    without a panel or without MIPS, and for an unknown group or form.
    """
    run = one_scenario(ds)
    forms = _chosen("form of MIPS", form, list(FORMS))
    programs = [ASM, *(f"mips_{one}" for one in forms)]
    names = [_ADJUSTMENTS[program] for program in programs] + [_PART_B, _GROUP]
    names += [_SCORES[program] for program in programs] if scores else []
    missing = [name for name in names if name not in run]
    if missing or not run.sizes["draw_sample"]:
        lacking = ", ".join(missing) or "draws kept clinician by clinician"
        raise InputError(
            f"the results hold no {lacking}: ASM is set against MIPS clinician by clinician; "
            "`asm-sim run baseline` makes such a run (panel_draws in the scenario file)"
        )
    unscored = json.loads(run.attrs.get("mips_unscored", "{}"))
    if unscored:
        raise InputError(
            f"MIPS cannot score what was simulated ({'; '.join(unscored.values())}); name a rule "
            "set of MIPS that can, as 'mips' in the scenario file"
        )
    chosen = _groups(run, groups)
    of_cohort = run["clinician_cohort"].values.astype(str)
    cohorts = {str(cohort): of_cohort == str(cohort) for cohort in run["cohort"].values}
    if pooled:
        cohorts = {EVERYBODY: np.ones(len(of_cohort), dtype=bool)}
    kept = run[names].assign_coords(group=run["group"], grouping=run["grouping"])
    return Panel(kept.transpose(*_DIMS, "membership", ...).load(), forms, chosen, cohorts)


def _groups(run: xr.Dataset, groups: Names) -> list[str]:
    """The labels of these groups, and of the groups of these groupings, in the run's order."""
    labels, groupings = run["group"].values.astype(str), run["grouping"].values.astype(str)
    known = list(dict.fromkeys([*labels, *groupings]))
    wanted = _chosen("group", groups, known)
    return [
        str(label)
        for label, grouping in zip(labels, groupings, strict=True)
        if label in wanted or grouping in wanted
    ]


def _chosen(what: str, names: Names, known: list[str]) -> list[str]:
    if names is None:
        return known
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in wanted:
        if name not in known:
            raise InputError(
                f"no {what} is called {name!r}{did_you_mean(name, known)}; "
                f"there are {', '.join(known)}"
            )
    if not wanted:
        raise InputError(f"no {what} is chosen; name at least one of {', '.join(known)}")
    return wanted


# Parameters


def parameter(run: xr.Dataset, path: str) -> Any:
    """The value of a parameter of the run; :class:`InputError` where the run does not say it."""
    values = json.loads(run.attrs.get("parameters", "{}"))
    if path not in values:
        raise InputError(
            f"the results do not say what {path} was (attribute 'parameters'); run the scenario "
            "again with this version of asm_sim"
        )
    return values[path]


def by_year(run: xr.Dataset, path: str) -> xr.DataArray:
    """A numeric parameter by performance year, whether or not it differs between them."""
    value, years = parameter(run, path), run["performance_year"].values
    numbers = [value[str(year)] if isinstance(value, Mapping) else value for year in years]
    return xr.DataArray(
        np.array(numbers, dtype=np.float64), {"performance_year": years}, "performance_year"
    )


# Estimates


class Linear(NamedTuple):
    """An estimate and what each draw adds to its error: ``influence`` has the dim ``draw``.

    The standard error is that of the mean of the influences (the delta method), so that the error
    of a difference is that of the difference of influences.
    """

    value: xr.DataArray
    influence: xr.DataArray

    def minus(self, other: Linear) -> Linear:
        return Linear(self.value - other.value, self.influence - other.influence)


def mean_of(values: xr.DataArray) -> Linear:
    """Mean over draws."""
    mean = mean_over_draws(values)
    return Linear(mean, values - mean)


def ratio_of(total: xr.DataArray, count: xr.DataArray) -> Linear:
    """Mean total over mean count: nan where nothing is counted."""
    mean = mean_over_draws(count)
    mean = mean.where(mean > 0)
    ratio = mean_over_draws(total) / mean
    return Linear(ratio, (total - ratio * count) / mean)


def root_of(square: Linear) -> Linear:
    """The square root; without error where the square is exactly 0 in every draw."""
    root = square.value.clip(min=0.0) ** 0.5
    slope = 0.5 / root.where(root > 0)
    return Linear(root, square.influence * slope.where(root > 0, 0.0))


def named(name: str, estimate: Linear, units: str, words: str) -> dict[str, xr.DataArray]:
    """The estimate and its Monte Carlo standard error under their names, with attributes."""
    attrs = {"units": units, "long_name": words}
    error = mcse(estimate.influence)
    return {
        name: estimate.value.assign_attrs(attrs),
        f"{name}_mcse": error.assign_attrs(
            attrs | {"long_name": f"{words}, Monte Carlo standard error"}
        ),
    }


def about(run: xr.Dataset) -> dict[str, Any]:
    """The attributes that name the run, and how many of its draws the panel has."""
    attributes = {name: run.attrs[name] for name in _ABOUT if name in run.attrs}
    if "draw_sample" in run.sizes:
        attributes["panel_draws"] = run.sizes["draw_sample"]
    return attributes
