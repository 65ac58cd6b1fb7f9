"""A folder of results, on a disk or in an object store: a file appears whole or not at all.

A path is a local folder; a URL (``s3://bucket/run``, ``gs://...``, ``memory://...``) is opened
through fsspec. On a disk a file is written under a temporary name, synced and renamed; in an object
store it is one PUT. Names are relative, with ``/`` between their parts.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from asm_sim.durable import appearing, is_temporary, remove, write_whole
from asm_sim.errors import InputError, RunError
from asm_sim.results.open import file_system

_LEFT_BEHIND = 7 * 24 * 3600.0  # seconds after which nobody can still be writing one


class Folder(Protocol):
    """A place for the files of a run or a sweep."""

    def __str__(self) -> str: ...
    def exists(self, name: str) -> bool: ...
    def is_empty(self) -> bool: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, content: bytes) -> None: ...
    def remove(self, name: str) -> None: ...
    def files_below(self, name: str) -> set[str]: ...
    def free_bytes(self) -> int | None: ...
    def replacing(self, name: str) -> Any: ...
    def tidy(self) -> None: ...


def open_folder(place: str | Path) -> Folder:
    """The folder that a path or a URL means; :class:`InputError` where it cannot be one."""
    text = str(place)
    protocol, sign, rest = text.partition("://")
    if sign and not rest.strip("/"):
        raise InputError(f"{place}: names no folder")
    if sign and protocol not in {"file", "local"}:
        return ObjectFolder(text)
    path = Path(rest if sign else place).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise InputError(f"{place}: this is a file; choose another --out")
    return LocalFolder(path, text)


class LocalFolder:
    """A folder on a disk that this process sees."""

    def __init__(self, path: Path, shown_as: str | None = None) -> None:
        self.path = path
        self._shown = shown_as or str(path)

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
    def replacing(self, name: str) -> Iterator[Any]:
        """A Zarr store to write; it takes the place of the folder ``name`` when it is complete.

        Its metadata are consolidated last.
        """
        import zarr
        from zarr.storage import LocalStore

        self.path.mkdir(parents=True, exist_ok=True)
        with appearing(self.path / name) as partial:
            yield LocalStore(partial)
            zarr.consolidate_metadata(LocalStore(partial), zarr_format=2)


class ObjectFolder:
    """A prefix of an object store, through fsspec."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._fs, self._root = file_system(self._url)

    def __str__(self) -> str:
        return self._url

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
            raise OSError(f"{self._url}: {' '.join(str(error).split())[:300]}") from error

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

    def write(self, name: str, content: bytes) -> None:
        with self._asking():
            self._fs.pipe_file(self._at(name), bytes(content))

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
    def replacing(self, name: str) -> Iterator[Any]:
        """The same as on a disk, but for the time of writing the results are not complete.

        An object store cannot rename: what is there is complete when its consolidated metadata
        are, which go first and come last. :class:`RunError` where another process has begun to
        write the same in the meantime.
        """
        import zarr
        from zarr.storage import FsspecStore

        turn, owner = f"{name}.writer", uuid.uuid4().hex.encode()
        self.write(turn, owner)
        self.remove(f"{name}/.zmetadata")
        self.remove(name)
        with self._asking():
            target = FsspecStore.from_url(f"{self._url}/{name}")
            yield target
            if self.read(turn) != owner:
                raise RunError(
                    f"{self._url}: another process is putting the same results together; nothing "
                    "is lost, that one goes on"
                )
            zarr.consolidate_metadata(target, zarr_format=2)
        self.remove(turn)

    def tidy(self) -> None:
        """Nothing is left half written here."""
