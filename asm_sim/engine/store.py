"""Blocks on disk, and the Zarr store that they become.

A block is one file, written in one atomic step (temporary name, sync, rename) with its checksum and
the plan's fingerprint inside. A block that exists is done: the files are the ledger. Nothing is
changed in place, so doing a block twice is harmless and no locks are needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

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
from asm_sim.engine.plan import BLOCK_DRAWS, Block, Plan
from asm_sim.errors import InputError
from asm_sim.results.registry import VARIABLES

RESULTS = "results.zarr"
BLOCKS = "blocks"
MARK = "run.json"  # what makes a folder a run of ours

_CHUNK_BLOCKS = 10  # blocks to a chunk of the draw dimension


class CorruptBlockError(Exception):
    """A block file that does not hold what it should."""


def block_path(folder: Path, block: Block) -> Path:
    return folder / BLOCKS / f"{block.number:06d}-{block.draws}.npz"


@contextmanager
def appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name whole, or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_block(folder: Path, fingerprint: str, block: Block, arrays: Arrays) -> None:
    """Make a block durable."""
    head = {"plan": fingerprint, "number": block.number, "sha256": _checksum(arrays)}
    note = np.frombuffer(json.dumps(head).encode(), np.uint8)
    with appearing_whole(block_path(folder, block)) as file:
        np.savez(file, allow_pickle=False, _head=note, **arrays)


def read_block(folder: Path, fingerprint: str, block: Block) -> Arrays:
    """The arrays of a block; :class:`CorruptBlockError` unless it was written so for this plan."""
    path = block_path(folder, block)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        head = json.loads(arrays.pop("_head").tobytes())
    except Exception as error:  # a damaged archive fails in more ways than can be listed
        raise CorruptBlockError(f"{path.name}: not a readable block") from error
    if head.get("plan") != fingerprint or head.get("number") != block.number:
        raise CorruptBlockError(f"{path.name}: belongs to another run")
    if head.get("sha256") != _checksum(arrays):
        raise CorruptBlockError(f"{path.name}: the checksum does not match")
    return arrays


def _checksum(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def missing_blocks(folder: Path, plan: Plan) -> list[Block]:
    """The blocks that are still to be run; a file that is not what it should be is one of them."""
    fingerprint = plan.fingerprint()
    missing = []
    for block in plan.blocks():
        try:
            read_block(folder, fingerprint, block)
        except CorruptBlockError:
            block_path(folder, block).unlink(missing_ok=True)
            missing.append(block)
    return missing


def prepare(folder: Path, plan: Plan, overwrite: bool) -> None:
    """Make the folder of a run, or take up an unfinished one of the same plan.

    A folder that holds a run of another plan is replaced only with ``overwrite``; one that holds
    anything else is never touched.
    """
    mark = folder / MARK
    entry = {"plan": plan.fingerprint(), "draws": plan.scenario.draws, "format": "asm_sim run"}
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; choose another --out")
    if folder.is_dir() and any(folder.iterdir()):
        known = _read_mark(mark)
        if known is None:
            raise InputError(
                f"{folder}: this folder is not empty and holds no run of asm_sim; "
                "choose another --out"
            )
        if known != entry and not overwrite:
            raise InputError(
                f"{folder}: holds another run (draws, seed, parameters or version differ); "
                "choose another --out, or add --overwrite to replace it"
            )
        if known != entry:
            _remove_run(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RESULTS).is_dir():
        (folder / BLOCKS).mkdir(exist_ok=True)
    with appearing_whole(mark) as file:
        file.write(json.dumps(entry).encode())


def _read_mark(mark: Path) -> dict[str, Any] | None:
    try:
        entry = json.loads(mark.read_text())
    except (OSError, ValueError):
        return None
    ours = isinstance(entry, dict) and entry.get("format") == "asm_sim run"
    return entry if ours else None


def _remove_run(folder: Path) -> None:
    """Remove what a run has written into its folder, and nothing else."""
    for name in (BLOCKS, RESULTS, "figures"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("summary.csv", "scenario.yaml", MARK):
        (folder / name).unlink(missing_ok=True)


def consolidate(folder: Path, plan: Plan) -> Path:
    """Turn all blocks into one Zarr store that plain xarray opens, then drop the blocks.

    Memory holds a few blocks at a time, whatever the number of draws.
    """
    target, partial = folder / RESULTS, folder / f".{RESULTS}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    template = xr.Dataset(coords=coordinates(plan), attrs=attributes(plan))
    template.to_zarr(partial, mode="w", zarr_format=2, consolidated=False)
    group = zarr.open_group(partial, mode="r+", zarr_format=2)
    fingerprint = plan.fingerprint()
    totals: Arrays = {}
    waiting: dict[str, list[Any]] = {}
    first = 0
    blocks = plan.blocks()
    for block in blocks:
        arrays = read_block(folder, fingerprint, block)
        for name, values in arrays.items():
            if is_sum(name):
                totals[name] = totals[name] + values if name in totals else values
            elif is_panel(name):
                _array(group, plan, name)[block.first : block.first + len(values)] = values
            else:
                waiting.setdefault(name, []).append(values)
        last = block.number + 1 == len(blocks)
        if last or (block.number + 1) % _CHUNK_BLOCKS == 0:
            end = block.first + block.draws
            for name, parts in waiting.items():
                _array(group, plan, name)[first:end] = np.concatenate(parts)
            waiting, first = {}, end
    if CLINICIAN_SUMS_NAME in totals:
        totals |= clinician_variables(totals.pop(CLINICIAN_SUMS_NAME))
    for name, values in totals.items():
        _array(group, plan, name)[...] = values
    zarr.consolidate_metadata(partial, zarr_format=2)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    shutil.rmtree(folder / BLOCKS, ignore_errors=True)
    return target


def _array(group: Any, plan: Plan, name: str) -> Any:
    """The Zarr array of a variable, made on first use."""
    if name in group:
        return group[name]
    variable = VARIABLES[name]
    sizes = _sizes(plan)
    shape = tuple(sizes[dim] for dim in variable.dims)
    chunk = {"draw": min(_CHUNK_BLOCKS * BLOCK_DRAWS, sizes["draw"])}
    chunk["draw_sample"] = min(BLOCK_DRAWS // 4, sizes["draw_sample"])
    integer = variable.dtype.startswith("int")
    array = group.create_array(
        name,
        shape=shape,
        chunks=tuple(chunk.get(dim, size) for dim, size in zip(variable.dims, shape, strict=True)),
        dtype=variable.dtype,
        fill_value=None if integer else np.nan,
    )
    array.attrs.update({**variable.attrs, "_ARRAY_DIMENSIONS": list(variable.dims)})
    return array


def _sizes(plan: Plan) -> dict[str, int]:
    return {dim: len(value) for name, (dim, value, _) in coordinates(plan).items() if name == dim}
