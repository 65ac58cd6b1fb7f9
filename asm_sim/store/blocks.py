"""The store of a run or a sweep: blocks, their ledger, and the mark that says whose they are.

A block is one file with a checksum of every array and its scenario's fingerprint inside; it appears
whole or not at all, after the files of its panel, which it lists (see panel_files.py). A block that
exists is done: the files are the ledger. Nothing is changed in place, so doing a block twice is
harmless and no locks are needed.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import zipfile
from collections.abc import Callable, Collection, Iterable
from typing import Any, BinaryIO

import numpy as np

from asm_sim.engine.execute import Arrays
from asm_sim.errors import InputError, RunError
from asm_sim.results.open import BLOCKS, MARK, RESULTS, WRITTEN
from asm_sim.store.files import Folder, writer_of
from asm_sim.store.panel_files import remove_panel, what_is_wrong_with
from asm_sim.store.work import Job, Work

_BLOCK = re.compile(r"(?P<start>[0-9a-f]+/[0-9]{6,9})-(?P<draws>[0-9]{1,9})\.npz")

_LOOKS, _PAUSE = 5, 0.2  # for a mark that is being written: times, and seconds between
_LONGEST = 60  # characters of a value in a message
_FORMATS = {"asm_sim run": "run", "asm_sim sweep": "sweep"}
# What a mark is read for; the rest is only compared.
_MARKED: dict[str, Callable[[Any], bool]] = {
    "draws": lambda value: _is_count(value),
    "open_draws": lambda value: value is None or _is_count(value),
    "parameters": lambda value: isinstance(value, dict),
    "scenarios": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
}
_WORDS = {
    "format": "kind",
    "version": "version of asm_sim",
    "kernels": "compiled model (sources of the kernels)",
    "rules": "rule set",
    "population": "population",
    "roster": "roster (SHA-256)",
    "layers": "layers",
    "seed": "seed",
    "block_draws": "draws to a block",
    "panel": "draws kept clinician by clinician",
    "lens": "draws looked at closely",
}
_ADDED = {"draws": "draws", "open_draws": "open draws"}  # what a sweep may have more of


class CorruptBlockError(RunError):
    """A block file that does not hold what it should."""

    def __init__(self, job: Job, reason: str) -> None:
        self.job = job
        super().__init__(reason)


def write_block(folder: Folder, work: Work, job: Job, arrays: Arrays) -> str:
    """Make a block durable; returns its name."""
    head = {
        "plan": work.fingerprint(job),
        "number": job.block.number,
        "sha256": {name: _checksum(name, values) for name, values in arrays.items()},
    }
    note = np.frombuffer(json.dumps(head).encode(), np.uint8)
    name = work.block_name(job)
    with folder.writing(f"{BLOCKS}/{name}") as file:
        _archive(file, {"_head": note, **arrays})
    return name


def _archive(file: BinaryIO, arrays: Arrays) -> None:
    """Write arrays as :func:`numpy.savez` does, which can refuse pickles only from numpy 2.2."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, values, allow_pickle=False)


def read_block(
    folder: Folder, work: Work, job: Job, names: Collection[str] | None = None
) -> Arrays:
    """The arrays of a block, or those named; :class:`CorruptBlockError` unless written so.

    With all of them the files of its panel are read, too.
    """
    shown = work.block_name(job)
    try:
        with (
            folder.reading(f"{BLOCKS}/{shown}") as file,
            np.load(file, allow_pickle=False) as stored,
        ):
            head = json.loads(stored["_head"].tobytes())
            wanted = [n for n in stored.files if n != "_head" and (names is None or n in names)]
            arrays = {name: stored[name] for name in wanted}
        sums = dict(head["sha256"])
        owner = head["plan"], head["number"]
    except Exception as error:  # a damaged archive fails in more ways than can be listed
        raise CorruptBlockError(job, f"{shown}: not a readable block") from error
    if owner != (work.fingerprint(job), job.block.number):
        raise CorruptBlockError(job, f"{shown}: belongs to another run")
    complete = set(arrays) == (set(sums) if names is None else set(names))
    if not complete or any(sums.get(n) != _checksum(n, v) for n, v in arrays.items()):
        raise CorruptBlockError(job, f"{shown}: the checksum does not match")
    if wrong := what_is_wrong_with(folder, work, job, arrays):
        raise CorruptBlockError(job, f"{shown}: {wrong}")
    return arrays


def _checksum(name: str, array: np.ndarray[Any, Any]) -> str:
    digest = hashlib.sha256(f"{name}{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def missing_jobs(folder: Folder, work: Work) -> list[Job]:
    """The blocks that are not there, by the names of those that are."""
    present = folder.files_below(BLOCKS)
    return [job for job in work.jobs() if work.block_name(job) not in present]


def damaged_jobs(folder: Folder, work: Work, jobs: Iterable[Job]) -> dict[Job, str]:
    """The blocks among ``jobs`` that do not hold what they should, and why; every one is read."""
    damaged = {}
    for job in jobs:
        try:
            read_block(folder, work, job)
        except CorruptBlockError as error:
            damaged[job] = str(error)
    return damaged


def remove_block(folder: Folder, work: Work, job: Job) -> None:
    _remove(folder, work.block_name(job))


def _remove(folder: Folder, name: str) -> None:
    folder.remove(f"{BLOCKS}/{name}")
    remove_panel(folder, name)


def retire_short_blocks(folder: Folder) -> None:
    """Remove blocks whose longer successors are there (the last ones, before draws were added)."""
    versions: dict[str, list[tuple[int, str]]] = {}
    for name in folder.files_below(BLOCKS):
        if match := _BLOCK.fullmatch(name):
            versions.setdefault(match["start"], []).append((int(match["draws"]), name))
    for found in versions.values():
        for _, name in sorted(found)[:-1]:
            _remove(folder, name)


def check(folder: Folder, work: Work, overwrite: bool = False) -> dict[str, Any] | None:
    """The mark of the folder, if this work may be done in it; nothing is written.

    A folder with anything else in it is never touched; one with other work of ours is refused, with
    what differs, unless it may be overwritten.
    """
    for _ in range(_LOOKS):
        known = read_mark(folder)
        if known is not None or folder.is_empty():
            break
        time.sleep(_PAUSE)  # another process may be the first to write it, right now
    else:
        raise InputError(
            f"{folder}: this folder is not empty and holds no run of asm_sim; choose another --out"
        )
    differences = [] if known is None else differing(known, work.mark())
    if known is not None and differences and not overwrite:
        raise InputError(
            f"{folder}: holds another {_FORMATS[known['format']]}; choose another --out, or "
            "add --overwrite to replace it. What differs:",
            differences,
        )
    return known


def claim(
    folder: Folder, work: Work, known: dict[str, Any] | None = None, promised: int | None = None
) -> None:
    """Mark the folder as that of this work; ``known`` is the mark of the same work that it has.

    The mark promises the draws that the folder is to hold in the end: ``promised``, by default
    those of the work, or more if more were promised before.
    """
    mark = work.mark() | ({} if promised is None else {"draws": promised})
    if known is not None:
        mark["draws"] = max(mark["draws"], known["draws"])
        mark["open_draws"] = max(mark["open_draws"], known.get("open_draws") or 0)
    if known != mark:
        folder.write(MARK, json.dumps(mark, indent=1).encode())


def remove_work(folder: Folder) -> None:
    """Remove what a run or a sweep has written into its folder, and nothing else."""
    for name in (writer_of(RESULTS), *WRITTEN):  # the mark last
        folder.remove(name)


def read_mark(folder: Folder) -> dict[str, Any] | None:
    """The mark of a folder of ours; None where there is none.

    :class:`InputError` for one that says it is ours and is not as it was written.
    """
    try:
        entry = json.loads(folder.read(MARK))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("format") not in list(_FORMATS):
        return None
    wrong = [
        f"{key}: {_brief(json.dumps(entry.get(key)))}"  # a text in quotes: "4" is not 4
        for key, is_right in _MARKED.items()
        if not is_right(entry.get(key))
    ]
    if wrong:
        raise InputError(
            f"{folder}: its {MARK} is not what asm-sim writes; choose another --out, or restore "
            "the file from a copy:",
            wrong,
        )
    return entry


def differing(known: dict[str, Any], mark: dict[str, Any]) -> list[str]:
    """How the work of a folder differs from another's, a line each; to add to it is no difference.

    More draws are added to a sweep, not to a single run, of which no blocks are kept. The
    fingerprints of the scenarios decide; names and parameters say it in words.
    """
    keys = _WORDS if _FORMATS[mark["format"]] == "sweep" else {**_WORDS, **_ADDED}
    found = [
        f"{words}: {_brief(known.get(key))} there, {_brief(mark[key])} here"
        for key, words in keys.items()
        if known.get(key) != mark[key]
    ]
    here = mark["scenarios"]
    absent = [name for owner, name in known["scenarios"].items() if owner not in here]
    if not absent:
        return found
    before, now = known["parameters"], mark["parameters"]
    changed = [path for path in {**before, **now} if before.get(path) != now.get(path)]
    others = len(found)
    found += [
        f"{path}: {_brief(before.get(path))} there, {_brief(now.get(path))} here"
        for path in changed
    ]
    if not others:
        names = ", ".join(repr(name) for name in absent[:3])
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        found.append(f"scenarios that are there and not here: {names}{more}")
    return found


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 53


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
