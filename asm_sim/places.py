"""Where something lies: a path on this machine, or the URL of an object store.

A path is a path whatever letters it has. Only a text that begins with a known scheme and ``://`` is
a URL, and no other is ever handed to a library that might read it as one.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asm_sim.errors import InputError, printable, reason_of

SCHEMES = (
    *("abfs", "abfss", "adl", "az", "ftp", "gcs", "gs", "hdfs", "http", "https", "memory"),
    *("oss", "s3", "s3a", "sftp", "webhdfs"),
)
_OF_A_DISK = ("file", "local")
_URL = re.compile(r"([A-Za-z0-9+.-]+)((?:::[A-Za-z0-9+.-]+)*)://(.*)", re.DOTALL)


def place_of(text: str | os.PathLike[str]) -> Path | str:
    """The path that a text or path means, or the URL as it is.

    ``~`` is the home of a user. Raises :class:`InputError` for a scheme that is not known, chained
    URLs (``a::b``), a URL of nothing, and a path that cannot be one: see :func:`local_path`.
    """
    url = _URL.fullmatch(text) if isinstance(text, str) else None
    if url is None:
        return local_path(text)
    scheme, chained, rest = url.groups()
    if chained or "::" in rest:
        raise InputError(f"{text}: chained URLs are not taken; name the folder itself")
    if scheme not in SCHEMES + _OF_A_DISK:
        raise InputError(
            f"{text}: {scheme}:// is no scheme that asm-sim reads and writes; "
            f"one of {', '.join(SCHEMES)}, or the path of a folder"
        )
    if not rest.strip("/"):
        raise InputError(f"{text}: names no folder")
    return local_path(rest) if scheme in _OF_A_DISK else str(text).rstrip("/")


def local_path(text: str | os.PathLike[str]) -> Path:
    """A path on this machine, ``~`` expanded.

    Raises :class:`InputError` where it can be none: no text, a name that is too long or not UTF-8,
    links that lead in a circle, the home of nobody.
    """
    given = os.fspath(text)
    if not given:
        raise InputError("an empty text names no file or folder")
    if "\0" in given:
        raise InputError(f"{given}: no path holds a character of code 0")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{given}: this name is not UTF-8; give it another one") from error
    expanded = os.path.expanduser(given)  # noqa: PTH111  # of a Path, ./~x is the same as ~x
    if given.startswith("~") and expanded.startswith("~"):
        user = given.partition("/")[0]
        raise InputError(
            f"{given}: the home {user} is not known; write the path in full, or ./{user}... for a "
            "name that begins so"
        )
    path = Path(expanded)
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(f"{given}: this name is too long for a disk") from error
        if error.errno == errno.ELOOP:
            raise InputError(f"{given}: symbolic links that lead in a circle") from error
    return path


@contextmanager
def output_file(path: Path) -> Iterator[str]:
    """What a file to be written is called in messages; the block refuses what else it may not be.

    Raises :class:`InputError` for a folder, a file in a folder that is not there, and whatever the
    disk says while it is looked at.
    """
    title = printable(str(path))
    try:
        if path.is_dir():
            raise InputError(f"{title}: the output is a folder; name a file")
        if not path.parent.is_dir():
            raise InputError(f"{title}: the folder {printable(str(path.parent))} does not exist")
        yield title
    except OSError as error:
        raise InputError(f"{title}: this cannot be written ({reason_of(error)})") from error
