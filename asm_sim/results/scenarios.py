"""The scenarios of a sweep: one of them by name, position or values, and all of them as a grid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError, counted
from asm_sim.results.registry import OPEN_DRAW, OPEN_DRAWS, SEED

SCENARIO = "scenario"
SCENARIO_HASH = "scenario_hash"
DRAW = "draw"
NAMES_SHOWN = 5
COMPARE_TO = "compare_to"
_OF_THE_SWEEP = ("scenarios", COMPARE_TO)  # attributes that one scenario does not have

# A scenario's name, its position (from 0), or the values of axes that only it has.
Which = str | int | Mapping[str, Any]


def scenario_of(ds: xr.Dataset, which: Which) -> xr.Dataset:
    """One scenario of a sweep as if it had been run alone: no ``scenario`` dim, its attributes.

    ``which`` is a name, a position from 0 (as text too, where no scenario is called so), or a
    mapping of axes to values that fits exactly one. Nothing is read. Raises :class:`InputError`
    where there is no such scenario.
    """
    return as_run(ds.isel(scenario=position_of(ds, which)))


def position_of(ds: xr.Dataset, which: Which) -> int:
    """The position of a scenario along the ``scenario`` dim; see :func:`scenario_of`."""
    if SCENARIO not in ds.dims:
        raise InputError("these results are of one run: there are no scenarios to choose from")
    if isinstance(which, Mapping):
        return _fitting(ds, which)
    names = scenario_names(ds)
    if isinstance(which, str) and which in names:
        return names.index(which)
    if not isinstance(which, str) or which.strip().isdecimal():
        position = int(which)
        if 0 <= position < len(names):
            return position
    hint = did_you_mean(str(which), names)
    raise InputError(f"no scenario is called {str(which)!r}{hint}; there are {_listed(names)}")


def scenario_names(ds: xr.Dataset) -> list[str]:
    return [str(name) for name in ds[SCENARIO].values]


def axes(ds: xr.Dataset) -> list[str]:
    """The axes of a sweep: dotted paths of the parameters that its scenarios differ in."""
    return [
        str(name)
        for name, coordinate in ds.coords.items()
        if coordinate.dims == (SCENARIO,) and name not in {SCENARIO, SCENARIO_HASH}
    ]


def told(ds: xr.Dataset) -> xr.Dataset:
    """The Dataset with the attributes that its data have: draws, seed, of which scenario it is.

    Attributes stay where draws or a scenario are selected, or draws of another run are joined.
    """
    ds = as_run(ds)
    draws, seeds = draws_of(ds), ", ".join(map(str, seeds_of(ds)))
    fresh: dict[str, Any] = {"draws": draws} if draws is not None else {}
    fresh |= {SEED: seeds} if seeds else {}
    fresh |= {OPEN_DRAWS: ds.sizes.get(OPEN_DRAW, 0)} if OPEN_DRAWS in ds.attrs else {}
    return ds if all(ds.attrs.get(key) == fresh[key] for key in fresh) else ds.assign_attrs(fresh)


def draws_of(ds: xr.Dataset) -> int | None:
    """How many draws the data hold; without draws, what the attributes say, or None."""
    if DRAW in ds.coords and not ds[DRAW].ndim:
        return 1
    return int(ds.sizes[DRAW]) if DRAW in ds.dims else ds.attrs.get("draws")


def seeds_of(ds: xr.Dataset) -> list[str]:
    """The seeds of the draws, each once, ascending; of the attributes where the data say none."""
    if SEED in ds.coords:
        return [str(seed) for seed in np.unique(ds[SEED].values)]
    return [str(ds.attrs[SEED])] if SEED in ds.attrs else []


def as_run(ds: xr.Dataset) -> xr.Dataset:
    """The Dataset of one scenario of a sweep (``scenario`` a scalar) with that one's attributes.

    ``parameters`` and ``assumptions`` are given the values that the scenario sets, and
    ``scenario_yaml`` is the file that runs it alone; a hash of rules or population that they change
    is left out. A Dataset without a scalar ``scenario`` is returned as it is.
    """
    if SCENARIO not in ds.coords or ds[SCENARIO].ndim:
        return ds
    name = str(ds[SCENARIO].item())
    entries = json.loads(ds.attrs.get("scenarios", "[]"))
    entry: dict[str, Any] = next((entry for entry in entries if entry["name"] == name), {})
    attrs = {str(key): value for key, value in ds.attrs.items() if key not in _OF_THE_SWEEP}
    attrs[SCENARIO] = name
    if SCENARIO_HASH in ds.coords:
        attrs[SCENARIO_HASH] = str(ds[SCENARIO_HASH].item())
    settings = dict(entry.get("set", {}))
    for key in ("rules", "population"):
        if any(path.partition(".")[0] == key for path in settings):
            attrs.pop(f"{key}_hash", None)
    attrs |= _settled(attrs, settings)
    if "scenario" in entry:
        attrs["scenario_yaml"] = json.dumps(entry["scenario"], indent=1)
    run = ds.drop_vars(
        [key for key, scalar in ds.coords.items() if not scalar.ndim and _is_of_sweep(str(key))]
    )
    run.attrs = attrs
    return run


def _is_of_sweep(coordinate: str) -> bool:
    return coordinate in {SCENARIO, SCENARIO_HASH} or "." in coordinate


def _settled(attrs: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """The attributes in JSON that name parameters, with a scenario's settings laid on them."""
    texts = {}
    values = json.loads(attrs.get("parameters", "{}"))
    years = [str(year) for year in values.get("rules.performance_years", [])]
    if "parameters" in attrs:
        texts["parameters"] = json.dumps(with_settings(values, settings, years))
    if "assumptions" in attrs:
        leaves = json.loads(attrs["assumptions"])
        of_leaves = {path: leaf["value"] for path, leaf in leaves.items()}
        changed = with_settings(of_leaves, settings, years)
        texts["assumptions"] = json.dumps(
            {path: {**leaf, "value": changed[path]} for path, leaf in leaves.items()}
        )
    return texts


def of_all_scenarios(ds: xr.Dataset) -> dict[str, Any]:
    """The attributes of a sweep, less what is true of its first scenario alone.

    ``parameters`` and ``assumptions`` hold what all scenarios have in common, and
    ``parameters_by_scenario`` (JSON) a list for each parameter in which they differ: its value in
    each scenario, in their order. A hash of rules or population is left out where they differ.
    """
    attrs = {str(key): value for key, value in ds.attrs.items()}
    values = json.loads(attrs.get("parameters", "{}"))
    years = [str(year) for year in values.get("rules.performance_years", [])]
    known = set(scenario_names(ds))
    settings = [
        entry["set"] for entry in json.loads(attrs.get("scenarios", "[]")) if entry["name"] in known
    ]
    each = [with_settings(values, one, years) for one in settings] or [values]
    moved = [path for path in values if any(one[path] != each[0][path] for one in each)]
    alike = {path: value for path, value in each[0].items() if path not in moved}
    attrs["parameters"] = json.dumps(alike)
    attrs["assumptions"] = json.dumps(
        {
            path: {**leaf, "value": alike[path]}
            for path, leaf in json.loads(attrs.get("assumptions", "{}")).items()
            if path in alike
        }
    )
    by_scenario = {path: [one[path] for one in each] for path in moved}
    attrs["parameters_by_scenario"] = json.dumps(by_scenario)
    for path in values:
        if any(one[path] != values[path] for one in each):
            attrs.pop(f"{path.partition('.')[0]}_hash", None)
    return attrs


def with_settings(
    values: Mapping[str, Any], settings: Mapping[str, Any], years: Iterable[str]
) -> dict[str, Any]:
    """Parameter values by dotted path with settings laid on them, as a scenario's ``set`` does.

    A mapping of years changes those years of a parameter; a value for a group goes to each
    parameter in it, a mapping for a group to those that it names. ``years`` are the performance
    years, as text. Paths that ``values`` does not hold are left out.
    """
    result = dict(values)
    for path, value in settings.items():
        if path in result and isinstance(value, Mapping):
            old = result[path]
            by_year = old if isinstance(old, Mapping) else dict.fromkeys(years, old)
            result[path] = {**by_year, **{str(year): part for year, part in value.items()}}
        elif path in result:
            result[path] = value
        elif isinstance(value, Mapping):
            below = {f"{path}.{part}": inner for part, inner in value.items()}
            result = with_settings(result, below, years)
        else:
            result |= {leaf: value for leaf in result if leaf.startswith(f"{path}.")}
    return result


def by_axis(ds: xr.Dataset) -> xr.Dataset:
    """The scenarios of a full grid with one dim per axis in place of ``scenario``.

    Numbers along an axis ascend; texts keep the order of the sweep. ``scenario`` and
    ``scenario_hash`` become coordinates along the axes. Data are read only when they are used.
    Raises :class:`InputError` where the scenarios are not every combination of the axes' values.
    """
    known = axes(ds)
    if SCENARIO not in ds.dims or not known:
        raise InputError("these results have no axes: they are not those of a sweep over a grid")
    partly = partly_set(ds)
    if partly:
        raise InputError(
            f"not every scenario sets {partly[0]}; use the scenario dim as it is, or a grid"
        )
    values = {axis: _distinct(ds[axis].values) for axis in known}
    shape = tuple(len(distinct) for distinct in values.values())
    cell = np.array(
        [[list(values[axis]).index(value) for value in ds[axis].values] for axis in known]
    )
    flat = np.ravel_multi_index(tuple(cell), shape)
    count = ds.sizes[SCENARIO]
    if count != np.prod(shape) or len(set(flat.tolist())) != count:
        size = " x ".join(str(length) for length in shape)
        raise InputError(
            f"the {count} scenarios are not the full grid of their axes ({size}: "
            f"{', '.join(known)}); use the scenario dim as it is"
        )
    positions = np.argsort(flat).reshape(shape)
    variables = {
        name: _on_grid(variable, positions, known) if SCENARIO in variable.dims else variable
        for name, variable in ds.variables.items()
        if name not in known
    }
    for axis in known:
        variables[axis] = xr.Variable(axis, values[axis], ds[axis].attrs)
    coords = [*known, *(name for name in ds.coords if name not in known)]
    data = {name: variable for name, variable in variables.items() if name not in coords}
    return xr.Dataset(data, {name: variables[name] for name in coords}, ds.attrs)


def partly_set(ds: xr.Dataset) -> list[str]:
    """The axes that some scenario does not set."""
    return [axis for axis in axes(ds) if _is_partly_set(ds[axis].values)]


def _is_partly_set(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "f":
        return bool(np.isnan(values).any())
    return values.dtype.kind in "US" and bool((values == "").any())


def _distinct(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "fiub":
        return np.unique(values)
    return np.array(list(dict.fromkeys(values.tolist())))


def _on_grid(variable: xr.Variable, positions: NDArray[np.intp], dims: list[str]) -> xr.Variable:
    source = variable.transpose(SCENARIO, ...)
    array = indexing.LazilyIndexedArray(_Grid(source, positions))
    return xr.Variable((*dims, *source.dims[1:]), array, variable.attrs)


class _Grid(BackendArray):
    """A variable whose leading dim is laid out on a grid of positions along it, read on use."""

    def __init__(self, source: xr.Variable, positions: NDArray[np.intp]) -> None:
        self.source = source
        self.positions = positions
        self.shape = (*positions.shape, *source.shape[1:])
        self.dtype = source.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        on_grid, rest = key[: self.positions.ndim], key[self.positions.ndim :]
        lists = [
            np.atleast_1d(np.arange(size)[part])
            for size, part in zip(self.positions.shape, on_grid, strict=True)
        ]
        chosen = self.positions[np.ix_(*lists)]
        indexers = dict(zip(self.source.dims[1:], rest, strict=True))
        values = self.source.isel({SCENARIO: chosen.ravel(), **indexers}).values
        values = values.reshape(chosen.shape + values.shape[1:])
        single = [i for i, part in enumerate(on_grid) if isinstance(part, int | np.integer)]
        return np.asarray(values.squeeze(axis=tuple(single)))


def _fitting(ds: xr.Dataset, wanted: Mapping[str, Any]) -> int:
    """The position of the one scenario that has these values along these axes."""
    known = axes(ds)
    fits = np.ones(ds.sizes[SCENARIO], dtype=bool)
    for axis, value in wanted.items():
        if axis not in known:
            raise InputError(
                f"the sweep has no axis {axis!r}{did_you_mean(axis, known)}; "
                f"its axes: {', '.join(known) or 'none'}"
            )
        fits &= _equals(ds[axis].values, value)
    found = np.flatnonzero(fits)
    if len(found) == 1:
        return int(found[0])
    written = ", ".join(f"{axis}={value}" for axis, value in wanted.items())
    names = np.array(scenario_names(ds))
    if len(found):
        raise InputError(f"{written or 'nothing'} fits {_listed(list(names[found]))}; say more")
    raise InputError(f"no scenario has {written}; there are {_listed(list(names))}")


def _equals(values: NDArray[Any], value: Any) -> NDArray[np.bool_]:
    if values.dtype.kind in "fiub":
        try:
            return np.asarray(np.isclose(values, float(value), rtol=1e-9, atol=0.0))
        except (TypeError, ValueError):
            return np.zeros(values.shape, dtype=bool)
    writings = {str(value).lower(), json.dumps(value, default=str).lower()}
    return np.array([str(text).lower() in writings for text in values])


def _listed(names: list[str]) -> str:
    shown = "; ".join(names[:NAMES_SHOWN])
    more = "; ..." if len(names) > NAMES_SHOWN else ""
    return f"{counted(len(names), 'scenario')}: {shown}{more}"


def chosen_variables(
    ds: xr.Dataset, names: Iterable[str] | str | None, default: Iterable[str]
) -> list[str]:
    """``names``, each once, sure to be variables of ``ds``; those of ``default`` where None."""
    if names is None:
        return [name for name in default if name in ds.data_vars]
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    known = [str(name) for name in ds.data_vars]
    problems = [
        f"the results hold no variable {name!r}{did_you_mean(name, known)}"
        for name in wanted
        if name not in known
    ]
    if len(problems) == 1:
        raise InputError(problems[0])
    if problems:
        raise InputError("unknown variables:", problems)
    if not wanted:
        raise InputError("no variable is chosen; name at least one")
    return wanted
