"""Subsets: how any clinicians fare, chosen by groups and by what the roster says of them.

:func:`members` says who they are, and what it returns can be crossed: ``solo & in_texas``,
``~solo``. :func:`statistics` gives means, shares, quantiles and histograms of them by year, each
with its Monte Carlo standard error, and differences with the error of paired draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.results.clinicians import EVERYBODY, having
from asm_sim.results.ranges import error_of_quantile
from asm_sim.results.registry import VARIABLES
from asm_sim.results.scenarios import SCENARIO, scenario_names, scenario_of
from asm_sim.studies.estimates import (
    PANEL,
    Floats,
    Linear,
    about,
    mean,
    named,
    needed,
    ratio,
    share_of,
)
from asm_sim.studies.panel import SIGN_TOLERANCE

SUBSET, YEAR = "subset", "performance_year"
SINGLE = 2.0**-23  # a float32 and the number that was meant are closer than this, relatively

Flags = npt.NDArray[np.bool_]


def members(ds: xr.Dataset, **where: Any) -> xr.DataArray:
    """Who has all of these, as booleans along (scenario,) draw_sample and clinician.

    ``where`` names groupings (``practice_size="solo"``, ``place="rural"``) or what the roster says
    (``state="TX"``, ``cohort="HF"``, ``practice_id``, ``small_practice=True``, ``own``, and
    ``stated_*`` of what a roster of one's own states); a list takes those with any of its values.
    Groups may differ from draw to draw. Raises :class:`InputError` for a name or a value that the
    results do not know, and where no clinicians were kept.
    """
    if SCENARIO in ds.dims:
        names = scenario_names(ds)
        parts = [members(scenario_of(ds, name), **where) for name in names]
        whole: xr.DataArray = xr.concat(parts, SCENARIO).assign_coords({SCENARIO: names})
        return whole
    run = needed(ds, ("panel_group",), PANEL)
    at = {name: run[name].values for name in (PANEL, "clinician")}
    inside = xr.DataArray(np.ones([len(values) for values in at.values()], bool), at, tuple(at))
    for name, wanted in where.items():
        some = list(wanted) if isinstance(wanted, list | tuple | set) else [wanted]
        inside &= having(run, name, some).reset_coords(drop=True)
    return inside


def statistics(
    ds: xr.Dataset,
    variable: str | xr.DataArray = "adjustment",
    subsets: Mapping[str, xr.DataArray] | None = None,
    *,
    at_most: float | Sequence[float] = (),
    below: float | Sequence[float] = (),
    quantiles: float | Sequence[float] = (),
    bins: Sequence[float] = (),
    against: str | None = None,
    unscored: bool = False,
) -> xr.Dataset:
    """Statistics of a variable of the panel over the clinicians of subsets, by performance year.

    ``variable`` is a name (``adjustment``, ``final_score``, ``dollars``, ...) or values along
    draw_sample, clinician and performance_year that were computed from such; ``subsets`` by name
    what :func:`members` gives, by default everybody of all cohorts together. Who has no final score
    in a year does not count then, unless ``unscored`` is set: their adjustment is 0 as paid, their
    final score nan, which never counts.

    Dims (scenario, subset, performance_year), those of a run without the first. In the units of the
    variable: ``NAME_mean``, the mean over clinicians and draws, and ``NAME_quantile`` (quantile)
    of all their values; as fractions of these clinicians: ``share_at_most`` (at_most),
    ``share_below`` (below) and ``share_in_bin`` (bin); and ``clinicians``, the mean number a draw.
    Each has its Monte Carlo standard error ``*_mcse``: over draws, never over clinicians.

    The panel holds float32: a value counts as equal to a limit where it is equal in float32, so
    that the maximum penalty is ``at_most=-0.09`` and not ``below=-0.09``. ``bins`` are ascending
    edges; a bin holds its lower edge, the last also its upper one, and one bin before the first
    (from -inf) and one after the last take what lies outside, so that the shares sum to 1.

    ``against`` names a subset or a scenario: ``*_difference`` is each number less that of it, with
    the error of the difference of paired draws (common random numbers). Raises
    :class:`InputError` where clinicians were not kept, and for what is not known.
    """
    wanted = _Wanted(
        np.atleast_1d(np.asarray(at_most, dtype=np.float64)),
        np.atleast_1d(np.asarray(below, dtype=np.float64)),
        _checked_quantiles(quantiles),
        _checked_edges(bins),
        unscored,
    )
    scenarios = scenario_names(ds) if SCENARIO in ds.dims else [None]
    runs = [ds if name is None else scenario_of(ds, name) for name in scenarios]
    chosen = _checked_subsets(ds, subsets)
    name = str(variable.name or "value") if isinstance(variable, xr.DataArray) else variable
    name = name.removeprefix("panel_")
    found: dict[str, Linear] = {}
    cells = [
        [_of_run(run, variable, mask, label, wanted) for mask in chosen.values()]
        for label, run in zip(scenarios, runs, strict=True)
    ]
    labels = None if scenarios == [None] else [str(one) for one in scenarios]
    for key in cells[0][0]:
        found[key] = _joined([[cell[key] for cell in row] for row in cells], labels, list(chosen))
    units, long_name = _words(ds, variable, name)
    parts: dict[str, xr.DataArray] = {}
    for key, value in found.items():
        unit, words = _MEANING[key]
        unit, title = unit or units, words.format(long_name)
        called = f"{name}_{key}" if key in {"mean", "quantile"} else key
        parts |= named(called, value, unit, title)
        if against is not None and key != "clinicians":
            other = value.minus(_reference(value, against))
            parts |= named(f"{called}_difference", other, unit, f"{title}, less that of {against}")
    return xr.Dataset(parts, attrs=about(ds) | {"panel_draws": ds.sizes[PANEL]})


_MEANING = {
    "clinicians": ("clinicians", "Clinicians that count, mean over draws"),
    "mean": ("", "{}, mean over clinicians"),
    "quantile": ("", "{}, quantile over clinicians and draws"),
    "share_at_most": ("fraction", "Share of clinicians at or below the limit: {}"),
    "share_below": ("fraction", "Share of clinicians below the limit: {}"),
    "share_in_bin": ("fraction", "Share of clinicians in the bin: {}"),
}


@dataclass(frozen=True)
class _Wanted:
    at_most: Floats
    below: Floats
    quantiles: Floats
    edges: Floats
    unscored: bool


def _slack(limits: float | Floats) -> Any:
    """How far from a limit a float32 may lie that was meant to be equal to it."""
    return np.abs(limits) * SINGLE + SIGN_TOLERANCE


def _of_run(
    run: xr.Dataset,
    variable: str | xr.DataArray,
    mask: xr.DataArray | None,
    label: str | None,
    wanted: _Wanted,
) -> dict[str, Linear]:
    """The statistics of one subset in one scenario, along performance_year."""
    dims = (PANEL, "clinician", YEAR)
    values = _values(run, variable, label).transpose(*dims)
    table = values.values.astype(np.float64)
    counts = np.isfinite(table)
    if not wanted.unscored:
        counts &= np.isfinite(run["panel_final_score"].transpose(*dims).values)
    if mask is not None:
        mask = mask.sel({SCENARIO: label}) if SCENARIO in mask.dims else mask
        inside = mask.transpose(PANEL, "clinician", ...).values
        counts &= inside if inside.ndim == 3 else inside[:, :, np.newaxis]
    at = {PANEL: run[PANEL].values, YEAR: run[YEAR].values}

    def sums(of: npt.NDArray[Any]) -> xr.DataArray:
        return xr.DataArray(np.where(counts, of, 0.0).sum(axis=1), at, (PANEL, YEAR))

    def shares(dim: str, limits: Floats, hit: Callable[[float], Flags]) -> Linear:
        hits = xr.concat([sums(hit(limit)) for limit in limits], dim).assign_coords({dim: limits})
        return share_of(hits, number, PANEL)

    number = sums(counts)
    found = {"clinicians": mean(number, PANEL), "mean": ratio(sums(table), number, PANEL)}
    if wanted.at_most.size:
        found["share_at_most"] = shares(
            "at_most", wanted.at_most, lambda limit: table <= limit + _slack(limit)
        )
    if wanted.below.size:
        found["share_below"] = shares(
            "below", wanted.below, lambda limit: table < limit - _slack(limit)
        )
    if wanted.edges.size:
        place = np.searchsorted(_beginnings(wanted.edges), table, side="right")
        every = np.arange(wanted.edges.size + 1, dtype=np.float64)
        share = shares("bin", every, lambda k: place == k)
        ends = {
            "bin": np.concatenate([[-np.inf], wanted.edges]),
            "bin_end": ("bin", np.concatenate([wanted.edges, [np.inf]])),
        }
        found["share_in_bin"] = Linear(
            share.mean.assign_coords(ends), share.influence.assign_coords(ends), PANEL,
            share.draws.assign_coords(ends) if share.draws is not None else None,
        )  # fmt: skip
    if wanted.quantiles.size:
        found["quantile"] = _quantiles(table, counts, wanted.quantiles, at)
    return found


def _beginnings(edges: Floats) -> Floats:
    """Where bins begin for float32: a little before their edges, but the last, which is closed."""
    slack = _slack(edges)
    slack[-1] = -slack[-1]
    return np.asarray(edges - slack)


def _quantiles(table: Floats, counts: Flags, wanted: Floats, at: Mapping[str, Any]) -> Linear:
    """Quantiles of all values that count, by year, and what each draw adds to their errors.

    A draw moves a quantile by as much as its share of values below it differs from that of all; how
    many independent values would make that share as uncertain says how uncertain the quantile is.
    """
    draws, _, years = table.shape
    value = np.full((wanted.size, years), np.nan)
    influence = np.full((wanted.size, draws, years), np.nan)
    for y in range(years):
        inside = counts[:, :, y]
        ordered = np.sort(table[:, :, y][inside])
        if not ordered.size:
            continue
        number = inside.sum(axis=1)
        for k, q in enumerate(wanted):
            value[k, y] = np.quantile(ordered, q)
            hits = (inside & (table[:, :, y] <= value[k, y])).sum(axis=1)
            share = hits.sum() / number.sum()
            apart = (hits - share * number) / number.mean()
            error = apart.std(ddof=1) / math.sqrt(draws) if draws > 1 else math.nan
            if error == 0.0:  # all draws agree
                influence[k, :, y] = 0.0
            elif error > 0.0:
                as_many = max(q * (1.0 - q) / error**2, 1.0)
                scale = error_of_quantile(ordered, float(q), as_many) / error
                influence[k, :, y] = -apart * scale
    of_all = {"quantile": wanted, YEAR: at[YEAR]}
    return Linear(
        xr.DataArray(value, of_all, ("quantile", YEAR)),
        xr.DataArray(influence, of_all | {PANEL: at[PANEL]}, ("quantile", PANEL, YEAR)),
        PANEL,
    )


def _joined(cells: list[list[Linear]], scenarios: list[str] | None, subsets: list[str]) -> Linear:
    """The estimates of scenarios and subsets as one, along these dims."""

    def whole(part: Callable[[Linear], xr.DataArray]) -> xr.DataArray:
        rows = [xr.concat([part(cell) for cell in row], SUBSET) for row in cells]
        if scenarios is None:
            return rows[0].assign_coords({SUBSET: subsets})
        joined: xr.DataArray = xr.concat(rows, SCENARIO)
        return joined.assign_coords({SUBSET: subsets, SCENARIO: scenarios})

    draws = None
    if all(cell.draws is not None for row in cells for cell in row):
        draws = whole(lambda cell: cell.draws)  # type: ignore[arg-type,return-value]
    return Linear(whole(lambda cell: cell.mean), whole(lambda cell: cell.influence), PANEL, draws)


def _reference(value: Linear, against: str) -> Linear:
    """The estimate of the subset or the scenario of this name."""
    known = {
        str(label): dim
        for dim in (SCENARIO, SUBSET)
        if dim in value.mean.dims
        for label in value.mean[dim].values
    }
    if against not in known:
        hint = did_you_mean(against, list(known))
        raise InputError(
            f"against={against!r} is neither a subset nor a scenario{hint}; there are "
            f"{', '.join(known)}"
        )
    return value.sel(**{known[against]: against})


def _values(run: xr.Dataset, variable: str | xr.DataArray, label: str | None) -> xr.DataArray:
    if isinstance(variable, xr.DataArray):
        one = variable.sel({SCENARIO: label}) if SCENARIO in variable.dims else variable
        missing = {PANEL, "clinician", YEAR} ^ set(map(str, one.dims))
        if missing:
            raise InputError(
                "values of clinicians need the dims draw_sample, clinician and performance_year, "
                f"and these have {', '.join(map(str, one.dims)) or 'none'}"
            )
        return one
    known = [
        variable_name
        for variable_name, about_it in VARIABLES.items()
        if about_it.dims == (PANEL, "clinician", YEAR) and variable_name in run
    ]
    name = f"panel_{variable.removeprefix('panel_')}"
    needed(run, ("panel_final_score",), PANEL)
    if name not in known:
        short = [one.removeprefix("panel_") for one in known]
        raise InputError(
            f"the results keep no {variable!r} clinician by clinician"
            f"{did_you_mean(variable, short)}; they keep {', '.join(short)}"
        )
    return run[name]


def _words(ds: xr.Dataset, variable: str | xr.DataArray, name: str) -> tuple[str, str]:
    """The units and the long name of a variable of the panel."""
    attrs = variable.attrs if isinstance(variable, xr.DataArray) else ds[f"panel_{name}"].attrs
    title = str(attrs.get("long_name", name)).partition(", first draws")[0]
    return str(attrs.get("units", "1")), title


def _checked_subsets(
    ds: xr.Dataset, subsets: Mapping[str, xr.DataArray] | None
) -> dict[str, xr.DataArray | None]:
    if subsets is None:
        return {EVERYBODY: None}
    for name, mask in subsets.items():
        if not isinstance(mask, xr.DataArray) or mask.dtype != bool or "clinician" not in mask.dims:
            raise InputError(
                f"subset {name!r} is no choice of clinicians; members(ds, state='TX') makes one"
            )
        if any(mask.sizes[dim] != ds.sizes.get(str(dim)) for dim in mask.dims):
            raise InputError(f"subset {name!r} is of other results: their sizes differ")
    if not subsets:
        raise InputError("no subset is given; leave subsets out for everybody")
    return {name: mask.broadcast_like(ds[PANEL]) for name, mask in subsets.items()}


def _checked_quantiles(quantiles: float | Iterable[float]) -> Floats:
    given = np.atleast_1d(np.asarray(quantiles, dtype=np.float64))
    if not ((given > 0) & (given < 1)).all():
        raise InputError(f"quantiles {quantiles!r}: give numbers between 0 and 1")
    return given


def _checked_edges(bins: Sequence[float]) -> Floats:
    edges = np.asarray(bins, dtype=np.float64)
    if (
        edges.ndim != 1
        or edges.size == 1
        or not (np.isfinite(edges).all() and (np.diff(edges) > 0).all())
    ):
        raise InputError(f"bins {bins!r}: give two or more edges that ascend")
    return edges
