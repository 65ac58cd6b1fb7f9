"""Whether a store of results is whole: every file of it is listed, with its size and SHA-256.

The list stands in the store's consolidated metadata, which Zarr reads from one file and which is
written last: a store without it is not finished, and one with it says what it must hold. Where a
chunk is not there, Zarr itself takes it for one of missing values, without a word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from asm_sim.errors import InputError

_FILES = "asm_sim_files"  # what Zarr does not know in its consolidated metadata, it leaves alone
_SEAL = b'{"asm_sim_sha256": "%s",\n'  # of all that follows
_SEAL_LENGTH = len(_SEAL % (b"0" * 64))

REPAIR = (
    "To make it again: `asm-sim sweep` with --resume --verify and the same --out puts the results "
    "of a sweep together from its blocks, `asm-sim run` with --overwrite computes a run; or "
    "restore the folder from a copy"
)


class Held(NamedTuple):
    """A file as it was written."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Held:
        return cls(len(content), hashlib.sha256(content).hexdigest())


Files = dict[str, Held]


def sealed(consolidated: bytes, files: Files) -> bytes:
    """Consolidated metadata of Zarr, with the list of the store's files and a checksum of all.

    All in order of names: Zarr before 3.1 leaves it to which file it happens to read first.
    """
    document = json.loads(consolidated)
    document["metadata"] = dict(sorted(document["metadata"].items()))
    document[_FILES] = {name: files[name] for name in sorted(files)}
    rest = json.dumps(document)[1:].encode()
    return _SEAL % hashlib.sha256(rest).hexdigest().encode() + rest


def files_of(consolidated: bytes) -> Files | None:
    """The files that a store must hold; None where its metadata do not say.

    Raises :class:`ValueError` for metadata that are not whole themselves.
    """
    document = json.loads(consolidated)
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise ValueError("no consolidated metadata of Zarr")
    if _FILES not in document:
        return None
    rest = consolidated[_SEAL_LENGTH:]
    if consolidated[:_SEAL_LENGTH] != _SEAL % hashlib.sha256(rest).hexdigest().encode():
        raise ValueError("the checksum does not match")
    return {name: Held(*held) for name, held in document[_FILES].items()}


def lost(files: Files, sizes: Mapping[str, int]) -> list[str]:
    """What is wrong with the files that are there, by their sizes; a line for each bad one."""
    return [
        f"{name}: {what_is_wrong(held, Held(sizes[name], '') if name in sizes else None)}"
        for name, held in files.items()
        if sizes.get(name) != held.size
    ]


def spoilt(files: Files, read: Callable[[str], bytes]) -> list[str]:
    """What is wrong with the files, each of them read; a line for each bad one."""
    problems = []
    for name, held in files.items():
        try:
            found = Held.of(read(name))
        except FileNotFoundError:
            found = None
        if found != held:
            problems.append(f"{name}: {what_is_wrong(held, found)}")
    return problems


def damaged(store: str, problems: Sequence[str]) -> InputError:
    """What to say of a store with such files, and how it is made again."""
    if len(problems) == 1:
        return InputError(f"{store} is damaged: {problems[0]}. {REPAIR}")
    return InputError(f"{store} is damaged. {REPAIR}. What is damaged:", problems)


def what_is_wrong(held: Held, found: Held | None) -> str:
    if found is None:
        return "is not there"
    if found.size != held.size:
        return f"has {found.size:,} bytes in place of {held.size:,}"
    return "holds something else than what was written"


def sizes_of(files: Iterable[str], folder: Path) -> dict[str, int]:
    """The sizes of those of the files that are there below a folder on a disk."""
    found: dict[str, int] = {}
    for name in files:
        with suppress(FileNotFoundError, NotADirectoryError):
            found[name] = (folder / name).stat().st_size
    return found
