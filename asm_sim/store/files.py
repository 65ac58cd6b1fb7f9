"""A folder of results, on a disk or in an object store: a file appears whole or not at all.

A path is a local folder; a URL (``s3://bucket/run``, ``gs://...``, ``memory://...``) is opened
through fsspec. On a disk a file is written under a temporary name, synced and renamed; in an object
store it is one PUT. Names are relative, with ``/`` between their parts.
"""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from asm_sim.durable import appearing, appearing_whole, is_temporary, remove, write_whole
from asm_sim.errors import InputError, RunError, printable, without_passwords
from asm_sim.places import place_of
from asm_sim.results.open import CONSOLIDATED, file_system
from asm_sim.store.fresh import Fresh

_LEFT_BEHIND = 7 * 24 * 3600.0  # seconds after which nobody can still be writing one


class Folder(Protocol):
    """A place for the files of a run or a sweep."""

    @property
    def place(self) -> Path | str: ...
    def __str__(self) -> str: ...
    def exists(self, name: str) -> bool: ...
    def is_empty(self) -> bool: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, content: bytes) -> None: ...
    def reading(self, name: str) -> AbstractContextManager[BinaryIO]: ...
    def writing(self, name: str) -> AbstractContextManager[BinaryIO]: ...
    def remove(self, name: str) -> None: ...
    def files_below(self, name: str) -> set[str]: ...
    def free_bytes(self) -> int | None: ...
    def replacing(self, name: str, stamp: str) -> AbstractContextManager[Fresh]: ...
    def tidy(self) -> None: ...


def open_folder(place: str | Path) -> Folder:
    """The folder that a path or a URL means; :class:`InputError` where it cannot be one."""
    found = place_of(place)
    if isinstance(found, str):
        return ObjectFolder(found)
    if found.exists() and not found.is_dir():
        raise InputError(f"{place}: this is a file; choose another --out")
    return LocalFolder(found.absolute(), str(place))


class LocalFolder:
    """A folder on a disk that this process sees."""

    def __init__(self, path: Path, shown_as: str | None = None) -> None:
        self.path = path
        self._shown = shown_as or str(path)

    @property
    def place(self) -> Path:
        return self.path

    def __str__(self) -> str:
        return self._shown

    def exists(self, name: str) -> bool:
        return (self.path / name).exists()

    def is_empty(self) -> bool:
        """Whether nothing is there; what a killed process has left half written does not count."""
        there = self.path.iterdir() if self.path.is_dir() else iter(())
        return all(map(is_temporary, there))

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """A file to be read piece by piece, where it is too large to be read at once."""
        with (self.path / name).open("rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A file to be written piece by piece; it appears when this is left."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing_whole(path) as file:
            yield file

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        remove(self.path / name)

    def files_below(self, name: str) -> set[str]:
        """The names of all files in the folder ``name``, relative to it; hidden ones left out."""
        found = set()
        for folder, _, names in os.walk(self.path / name):
            inside = Path(folder).relative_to(self.path / name)
            found |= {(inside / file).as_posix() for file in names if not file.startswith(".")}
        return found

    def free_bytes(self) -> int | None:
        """Room on the disk."""
        there = next(path for path in (self.path, *self.path.parents) if path.exists())
        return shutil.disk_usage(there).free

    def tidy(self) -> None:
        """Remove what killed processes have left half written long ago."""
        for path in self.path.rglob(".*"):
            with suppress(FileNotFoundError):
                old = time.time() - path.stat().st_mtime > _LEFT_BEHIND
                if old and is_temporary(path):
                    remove(path)

    @contextmanager
    def replacing(self, name: str, stamp: str) -> Iterator[Fresh]:
        """A Zarr store to write; it takes the place of the folder ``name`` when it is complete.

        Its metadata are consolidated last, with the list of its files. ``stamp`` says what it will
        hold: the same in two processes means the same bytes.
        """
        del stamp  # a folder takes the place of another at once
        self.path.mkdir(parents=True, exist_ok=True)
        with appearing(self.path / name) as partial:
            partial.mkdir()
            store = Fresh(_writer_into(partial), self._taker_into(partial))
            yield store
            (partial / CONSOLIDATED).write_bytes(store.consolidate())

    def _taker_into(self, folder: Path) -> Callable[[str, str], None]:
        """Gives a file another name below a folder; a copy, where a disk has no two names for one.

        Either name may go: no file of ours is changed in its place.
        """

        def take(key: str, name: str) -> None:
            try:
                os.link(self.path / name, folder / key)
            except OSError:
                shutil.copyfile(self.path / name, folder / key)

        return take


class ObjectFolder:
    """A prefix of an object store, through fsspec."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._fs, self._root = file_system(self._url)

    @property
    def place(self) -> str:
        return self._url

    def __str__(self) -> str:
        return without_passwords(self._url)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Errors of a library of some vendor as an :class:`OSError` that names the store."""
        try:
            yield
        except (OSError, InputError, RunError):
            raise
        except Exception as error:
            reason = printable(" ".join(str(error).split()))
            raise OSError(f"{self}: {reason}") from error

    def exists(self, name: str) -> bool:
        with self._asking():
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self._at(name)))

    def is_empty(self) -> bool:
        with self._asking():
            self._fs.invalidate_cache()
            try:
                return not self._fs.ls(self._root, detail=False)
            except FileNotFoundError:
                return True

    def read(self, name: str) -> bytes:
        with self._asking():
            return bytes(self._fs.cat_file(self._at(name)))

    def write(self, name: str, content: bytes | memoryview) -> None:
        with self._asking():
            self._fs.pipe_file(self._at(name), bytes(content))

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        yield io.BytesIO(self.read(name))

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        content = io.BytesIO()
        yield content
        self.write(name, content.getbuffer())

    def remove(self, name: str) -> None:
        with self._asking():
            self._fs.invalidate_cache()
            if self._fs.exists(self._at(name)):
                self._fs.rm(self._at(name), recursive=True)

    def files_below(self, name: str) -> set[str]:
        with self._asking():
            self._fs.invalidate_cache()
            root = f"{self._at(name)}/"
            return {path[path.index(root) + len(root) :] for path in self._fs.find(self._at(name))}

    def free_bytes(self) -> int | None:
        return None

    @contextmanager
    def replacing(self, name: str, stamp: str) -> Iterator[Fresh]:
        """A Zarr store to write in place of ``name``; until this is left it is not complete.

        An object store cannot rename: what is there is complete when its consolidated metadata
        are, which go first and come last. What was there besides goes in the end: so two processes
        may write the same at once, and neither undoes what the other has done.
        :class:`RunError` where another process has begun to write something else in the meantime.
        """
        complete = f"{name}/{CONSOLIDATED}"
        turn = writer_of(name)
        if not self._holds(turn, stamp):
            self.remove(complete)
            self.write(turn, stamp.encode())
        with self._asking():
            store = Fresh(
                lambda key, content: self.write(f"{name}/{key}", content),
                lambda key, there: self.write(f"{name}/{key}", self.read(there)),
            )
            yield store
            content = store.consolidate()
        if not self._holds(turn, stamp):
            raise RunError(
                f"{self}: another process is putting other results together in the same place; "
                "nothing is lost, that one goes on"
            )
        for left in self.files_below(name) - {*store.written, CONSOLIDATED}:
            self.remove(f"{name}/{left}")
        self.write(complete, content)

    def _holds(self, name: str, content: str) -> bool:
        try:
            return self.read(name) == content.encode()
        except FileNotFoundError:
            return False

    def tidy(self) -> None:
        """Nothing is left half written here."""


def _writer_into(folder: Path) -> Callable[[str, bytes], None]:
    """Writes files below a folder that nobody reads yet."""

    def write(name: str, content: bytes) -> None:
        path = folder / name
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True)
            path.write_bytes(content)

    return write


def writer_of(name: str) -> str:
    """The file of an object store that says what is being, or was last, written to ``name``."""
    return f"{name}.writer"
