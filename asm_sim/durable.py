"""Files and folders that appear under their names whole, or not at all.

What is written stands under a hidden name of ours beside its place until it is complete and on the
disk; then it takes the place of what was there. A failure on the way leaves the old as it was and
nothing else; of a process that is killed, the hidden name is left (see :func:`is_temporary`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_TEMPORARY = re.compile(r"\.asm-sim\.[0-9a-f]{32}")  # no longer for a longer name: it always fits


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A name to write a file or a folder under; what is there in the end then stands at ``path``.

    A link stays a link: what it points to is replaced. A file keeps the permissions of the one that
    it replaces. Raises :class:`OSError`.
    """
    target = _target(path)
    partial = temporary_beside(target)
    try:
        yield partial
        if partial.is_file():
            _keep(partial)
            with suppress(FileNotFoundError):
                partial.chmod(target.stat().st_mode & 0o777)
        _exchange(partial, target)
    except OSError as error:
        unnamed = error.filename is None and error.errno in _NO_ROOM
        if unnamed or error.filename == str(partial):
            error.filename = str(path)
        raise
    finally:
        remove(partial)


@contextmanager
def appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write bytes to that appears at ``path`` whole, or not at all.

    What is there and is neither file nor folder (``/dev/stdout``, a pipe) is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    with appearing(path) as partial, partial.open("wb") as file:
        yield file


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file in one step; a text in UTF-8, names of files in it byte for byte."""
    if isinstance(content, str):
        content = content.encode(errors="surrogateescape")
    with appearing_whole(path) as file:
        file.write(content)


def temporary_beside(path: Path) -> Path:
    """A hidden name of ours in the folder of ``path``, which nobody else has."""
    return path.with_name(f".asm-sim.{uuid.uuid4().hex}")


def is_temporary(path: Path) -> bool:
    """Whether a name is one under which something of ours is written."""
    return _TEMPORARY.fullmatch(path.name) is not None


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, as far as it can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _target(path: Path) -> Path:
    """What a link points to, in the end."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(
        (Path(place) / name).lstat().st_size for place, _, names in os.walk(path) for name in names
    )


def _keep(path: Path) -> None:
    """Return once a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _exchange(new: Path, target: Path) -> None:
    """Put a file or a folder in the place of another; there is never half of one at the name."""
    while True:
        old = temporary_beside(target)
        if target.is_dir():  # no system call puts a folder in the place of one that is not empty
            with suppress(FileNotFoundError):
                target.rename(old)
        try:
            new.replace(target)
        except OSError as error:
            # Somebody else may have put a folder there in the meantime.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if old.exists():
                    old.rename(target)
                raise
        else:
            return
        finally:
            remove(old)
