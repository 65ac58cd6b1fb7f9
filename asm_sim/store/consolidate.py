"""From blocks to one Zarr store that plain xarray opens.

The store is written scenario by scenario and a few blocks at a time, so memory is flat in draws and
in scenarios. The same blocks give the same bytes, whoever ran them.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.engine.dataset import attributes, clinician_variables, coordinates, is_sum
from asm_sim.engine.execute import CLINICIAN_SUMS_NAME, Arrays
from asm_sim.engine.frame import Frame, panel_chunk
from asm_sim.results.open import CONSOLIDATED, RESULTS, is_whole
from asm_sim.results.registry import (
    OPEN_DRAW,
    OPEN_LAYER,
    PARAMETER_LAYER,
    VARIABLES,
    attributes_of,
)
from asm_sim.results.whole import files_of
from asm_sim.scenario.sweep import Sweep
from asm_sim.store.arrays import Array, compressor, write_coordinate
from asm_sim.store.blocks import read_block
from asm_sim.store.files import Folder
from asm_sim.store.fresh import Fresh
from asm_sim.store.panel_files import LIST, PanelFile, panel_files, place_of
from asm_sim.store.work import Job, Work

_Blocks = Iterator[tuple[Job, Arrays]]

_CHUNK_DRAWS = 1000  # draws in a chunk, at most
_CHUNK_SCENARIOS = 50  # scenarios in a chunk, at most


def consolidate(folder: Folder, work: Work, computed: Iterable[tuple[Job, Arrays]] = ()) -> None:
    """Write the results of all blocks; :class:`store.CorruptBlockError` at the first bad one.

    ``computed`` computes those that are not there, in their order, and is asked for the next one
    when its turn comes: what has just been computed is not read back.
    """
    Thread(target=compressor).start()  # it is imported while the first block is computed
    blocks = _begun(_blocks(folder, work, iter(computed)))
    frame = work.frame(0)
    along = coordinates(frame)
    about = _attributes(work, frame)
    with folder.replacing(RESULTS, about["stamp"]) as target:
        _begin(target, about, {**along, **_scenarios(work)})
        sizes = {dim: len(values) for name, (dim, values, _) in along.items() if name == dim}
        writer = _Writer(target, work, sizes)
        for index in range(len(work)):
            _write_scenario(work, index, blocks, writer)
            writer.end_scenario(index)
        next(blocks, None)  # there is none, and the last one is kept
        writer.end()


def _begin(store: Fresh, about: dict[str, Any], along: dict[str, Any]) -> None:
    """Write what the store says of itself and its coordinates (dim, values and attributes each).

    Those that are no dim are named in an attribute, as xarray does it, which knows them by that.
    """
    beside = sorted(name for name, (dim, *_) in along.items() if name != dim)
    store.put(".zgroup", json.dumps({"zarr_format": 2}).encode())
    attributes = {**about, "coordinates": " ".join(beside)}
    store.put(".zattrs", json.dumps(attributes, indent=2).encode())
    for name, (dim, values, described) in along.items():
        write_coordinate(store, name, dim, np.asarray(values), described)


def is_consolidated(folder: Folder, work: Work) -> bool:
    """Whether the results in the folder are whole and hold this work, no more and no less."""
    stamp = _attributes_there(folder).get("stamp")
    same = stamp is not None and stamp == _attributes(work, work.frame(0))["stamp"]
    return same and is_whole(_results_of(folder))


def draws_there(folder: Folder) -> int:
    """The draws of the results in the folder; 0 where there are none."""
    draws = _attributes_there(folder).get("draws")
    return draws if isinstance(draws, int) and draws > 0 else 0


def _results_of(folder: Folder) -> Path | str:
    place = folder.place
    return place / RESULTS if isinstance(place, Path) else f"{place}/{RESULTS}"


def _attributes_there(folder: Folder) -> dict[str, Any]:
    """The attributes of results that are there and whole, as far as their metadata say."""
    try:
        content = folder.read(f"{RESULTS}/{CONSOLIDATED}")  # written last
        files_of(content)
        about = json.loads(content)["metadata"][".zattrs"]
    except (FileNotFoundError, NotADirectoryError, LookupError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _begun(blocks: _Blocks) -> _Blocks:
    """The same, of which the first is there."""
    first = deque(islice(blocks, 1))

    def of_all() -> _Blocks:
        while first:
            yield first.popleft()
        yield from blocks

    return of_all()


def _blocks(folder: Folder, work: Work, computed: _Blocks) -> _Blocks:
    """All blocks, scenario by scenario: as they are computed, else as they are there."""
    held = deque(islice(computed, 1))  # no more than one
    for index in range(len(work)):
        for of_open in (False, True) if work.open else (False,):
            for block in work.blocks(of_open):
                wanted = Job(index, block, of_open)
                if held and held[0][0] == wanted:
                    yield held.popleft()
                    held.extend(islice(computed, 1))
                else:
                    yield wanted, read_block(folder, work, wanted)


def _write_scenario(work: Work, index: int, blocks: _Blocks, writer: _Writer) -> None:
    """Hand the blocks of a scenario to the writer: draws in their order, then what is added up."""
    totals: Arrays = {}
    count = len(work.blocks()) + (len(work.blocks(of_open=True)) if work.open else 0)
    for job, block in islice(blocks, count):
        _write_block(block, index, totals, writer)
        for file in panel_files(block):
            writer.take(file, index, place_of(work, job, file))
        del block
    if CLINICIAN_SUMS_NAME in totals:
        totals |= clinician_variables(totals.pop(CLINICIAN_SUMS_NAME))
    for name, values in totals.items():
        writer.put(name, index, values)


def _write_block(block: Arrays, index: int, totals: Arrays, writer: _Writer) -> None:
    for name, values in block.items():
        if name == LIST:
            continue
        if is_sum(name):
            totals[name] = totals[name] + values if name in totals else values
        else:
            writer.put(name, index, values)


class _Writer:
    """The arrays of the store, each made on first use.

    Scenarios of few draws share a chunk, so that the number of files follows the number of draws.
    What is not written yet is gathered in memory: no more than one chunk of every variable.
    """

    def __init__(self, store: Fresh, work: Work, sizes: dict[str, int]) -> None:
        self._store = store
        self._leading = ("scenario",) if work.is_sweep else ()
        self._sizes = {**sizes, "scenario": len(work)}
        self._draws = draws = sizes["draw"]
        blocks = max(1, _CHUNK_DRAWS // work.block_draws)
        large = bool(work.panel_draws or work.lens_draws) or work.frame(0).holds_population
        alone = not work.is_sweep or large or draws > blocks * work.block_draws
        self._together = 1 if alone else min(len(work), _CHUNK_SCENARIOS, -(-_CHUNK_DRAWS // draws))
        self._chunk = {
            "scenario": self._together,
            "draw": min(blocks * work.block_draws, draws),
            "draw_sample": panel_chunk(work.block_draws, sizes["draw_sample"]),
            "lens_draw": min(blocks * work.block_draws, sizes["lens_draw"]),
            OPEN_DRAW: min(blocks * work.block_draws, sizes.get(OPEN_DRAW, 0)),
        }
        self._arrays: dict[str, Array] = {}
        self._scenario: dict[str, list[NDArray[Any]]] = {}  # of one that shares its chunks

    def put(self, name: str, index: int, values: NDArray[Any]) -> None:
        """Take the next values of a scenario along the first dim of a variable."""
        if self._together > 1:
            self._scenario.setdefault(name, []).append(values)
        else:
            self._array(name).append(self._before(index), values)

    def take(self, file: PanelFile, index: int, place: str) -> None:
        """Have the file of the panel that is at a place in the folder for one of a scenario."""
        array = self._array(file.variable)
        if file.held is not None:
            array.take((*self._before(index), file.chunk), place, file.held)

    def end_scenario(self, index: int) -> None:
        """No more values of this scenario follow."""
        for name, parts in self._scenario.items():
            self._array(name).append((), np.concatenate(parts)[np.newaxis])
        self._scenario = {}
        if self._together == 1:
            for array in self._arrays.values():
                array.end(self._before(index))

    def end(self) -> None:
        """No more scenarios follow."""
        for array in self._arrays.values() if self._together > 1 else ():
            array.end(())

    def _before(self, index: int) -> tuple[int, ...]:
        return (index,) if self._leading else ()

    def _array(self, name: str) -> Array:
        if name not in self._arrays:
            self._arrays[name] = self._create(name)
        return self._arrays[name]

    def _create(self, name: str) -> Array:
        variable = VARIABLES[name]
        dims = (*self._leading, *variable.dims)
        shape = tuple(self._sizes[dim] for dim in dims)
        return Array(
            self._store,
            name,
            shape,
            chunks=tuple(self._chunk.get(dim, size) for dim, size in zip(dims, shape, strict=True)),
            dtype=np.dtype(variable.dtype),
            attributes={**attributes_of(variable, self._draws), "_ARRAY_DIMENSIONS": list(dims)},
            along=len(self._leading) if self._together == 1 else 0,
        )


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


def _attributes(work: Work, frame: Frame) -> dict[str, Any]:
    """What the results say of themselves; ``stamp`` tells whether they are those of some work."""
    about = attributes(frame)
    if isinstance(work.source, Sweep):
        source, draws = work.source, {"draws": work.draws}
        for layer in (PARAMETER_LAYER, OPEN_LAYER):  # of the first scenario
            about.pop(layer, None)
        listed = [
            {"name": m.name, "hash": m.hash, "set": m.changes, "scenario": m.resolved | draws}
            for m in work.members
        ]
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
    made_with = {name for name in about if name.endswith("_version")} - {"asm_sim_version"}
    lasting = {name: value for name, value in about.items() if name not in made_with}
    parts = [lasting, [member.fingerprint + member.open_fingerprint for member in work.members]]
    about["stamp"] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return about
