"""From blocks to one Zarr store that plain xarray opens.

The store is written scenario by scenario and a few blocks at a time, so memory is flat in draws and
in scenarios. The same blocks give the same bytes, whoever ran them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import xarray as xr
import zarr

from asm_sim.engine.dataset import (
    attributes,
    clinician_variables,
    coordinates,
    is_panel,
    is_sum,
)
from asm_sim.engine.execute import CLINICIAN_SUMS_NAME, Arrays
from asm_sim.engine.files import Folder
from asm_sim.engine.store import RESULTS, read_block
from asm_sim.engine.work import Job, Work
from asm_sim.results.registry import VARIABLES

_CHUNK_DRAWS = 1000  # of the draw dimension, at most
_PANEL_CHUNK_DRAWS = 25


def consolidate(folder: Folder, work: Work) -> None:
    """Write the results of all blocks; :class:`store.CorruptBlockError` at the first bad one."""
    plan = work.plan(0)
    along = coordinates(plan)
    with folder.replacing(RESULTS) as target:
        template = xr.Dataset(coords={**along, **_scenarios(work)}, attrs=_attributes(work, plan))
        template.to_zarr(target, mode="w", zarr_format=2, consolidated=False)
        group = zarr.open_group(target, mode="r+", zarr_format=2)
        sizes = {dim: len(values) for name, (dim, values, _) in along.items() if name == dim}
        writer = _Writer(group, work, sizes)
        for index in range(len(work)):
            _write_scenario(folder, work, index, writer)
        zarr.consolidate_metadata(target, zarr_format=2)


def stamp(work: Work) -> str:
    """SHA-256 that results carry, to tell whether they are of all this work."""
    parts = [[(member.name, member.fingerprint) for member in work.members], work.draws]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def is_consolidated(folder: Folder, work: Work) -> bool:
    """Whether the results in the folder are complete and hold this work, no more and no less."""
    try:
        json.loads(folder.read(f"{RESULTS}/.zmetadata"))
        about = json.loads(folder.read(f"{RESULTS}/.zattrs"))
    except (OSError, ValueError):
        return False
    return bool(about.get("stamp") == stamp(work))


def _write_scenario(folder: Folder, work: Work, index: int, writer: _Writer) -> None:
    totals: Arrays = {}
    waiting: dict[str, list[Any]] = {}
    first = 0
    blocks = work.blocks()
    per_chunk = max(1, _CHUNK_DRAWS // work.block_draws)
    for block in blocks:
        arrays = read_block(folder, work, Job(index, block))
        for name, values in arrays.items():
            if is_sum(name):
                totals[name] = totals[name] + values if name in totals else values
            elif is_panel(name):
                writer.put(name, index, slice(block.first, block.first + len(values)), values)
            else:
                waiting.setdefault(name, []).append(values)
        if block is blocks[-1] or (block.number + 1) % per_chunk == 0:
            end = block.first + block.draws
            for name, parts in waiting.items():
                writer.put(name, index, slice(first, end), np.concatenate(parts))
            waiting, first = {}, end
    if CLINICIAN_SUMS_NAME in totals:
        totals |= clinician_variables(totals.pop(CLINICIAN_SUMS_NAME))
    for name, values in totals.items():
        writer.put(name, index, slice(None), values)


class _Writer:
    """The arrays of the store, each made on first use."""

    def __init__(self, group: Any, work: Work, sizes: dict[str, int]) -> None:
        self._group = group
        self._leading = ("scenario",) if work.is_sweep else ()
        self._sizes = {**sizes, "scenario": len(work)}
        blocks = max(1, _CHUNK_DRAWS // work.block_draws)
        self._chunk = {
            "scenario": 1,
            "draw": min(blocks * work.block_draws, sizes["draw"]),
            "draw_sample": min(_PANEL_CHUNK_DRAWS, sizes["draw_sample"]),
        }
        self._arrays: dict[str, Any] = {}

    def put(self, name: str, index: int, along: slice, values: Any) -> None:
        """Write values of a scenario; ``along`` is the part of the first dim that they fill."""
        array = self._arrays.get(name)
        if array is None:
            array = self._arrays[name] = self._create(name)
        array[(index, along) if self._leading else along] = values

    def _create(self, name: str) -> Any:
        variable = VARIABLES[name]
        dims = (*self._leading, *variable.dims)
        shape = tuple(self._sizes[dim] for dim in dims)
        integer = variable.dtype.startswith("int")
        array = self._group.create_array(
            name,
            shape=shape,
            chunks=tuple(self._chunk.get(dim, size) for dim, size in zip(dims, shape, strict=True)),
            dtype=variable.dtype,
            fill_value=None if integer else np.nan,
        )
        array.attrs.update({**variable.attrs, "_ARRAY_DIMENSIONS": list(dims)})
        return array


def _scenarios(work: Work) -> dict[str, Any]:
    """The coordinates of a sweep's scenarios: name, hash, and where each stands on the axes."""
    if not work.is_sweep:
        return {}
    source: Any = work.source
    named: dict[str, tuple[str, Any, dict[str, str]]] = {
        "scenario": ("scenario", _texts([m.name for m in work.members]), {"long_name": "Scenario"}),
        "scenario_hash": (
            "scenario",
            _texts([member.hash for member in work.members]),
            {"long_name": "SHA-256 of the scenario's parameters"},
        ),
    }
    for axis in source.axes:
        values = [source.value(index, axis) for index in range(len(work))]
        named[axis] = ("scenario", _axis_values(values), {"long_name": f"Parameter {axis}"})
    return named


def _axis_values(values: list[Any]) -> Any:
    """Numbers where all are, nan where one is not set; else texts."""
    numbers = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    return _texts(
        [
            "" if value is None else value if isinstance(value, str) else json.dumps(value)
            for value in values
        ]
    )


def _texts(values: list[str]) -> Any:
    return np.array(values, dtype=np.str_)


def _attributes(work: Work, plan: Any) -> dict[str, Any]:
    about = {**attributes(plan), "stamp": stamp(work)}
    if not work.is_sweep:
        return about
    source: Any = work.source
    listed = [{"name": m.name, "hash": m.hash, "set": m.changes} for m in work.members]
    about |= {
        "title": source.file.title,
        "scenario": source.name,
        "scenario_hash": work.hash,
        "scenario_yaml": json.dumps(source.resolved(), indent=1),
        "scenarios": json.dumps(listed),
    }
    if work.compare_to is not None:
        about["compare_to"] = work.compare_to
    if source.design is not None:
        about["design"] = json.dumps(source.design)
    return about
