"""What is kept between runs in the user's cache folder, and whom it is taken from.

A file is named after all that its content depends on, begins with a checksum of content and name,
and is read only from a folder of one's own (or of root) that nobody else may write to. Everything
in that folder may be deleted at any time: it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from asm_sim.durable import write_whole
from asm_sim.errors import printable, reason_of

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_CHECKSUM_BYTES = hashlib.sha256().digest_size
MOST_KEPT = 20_000_000  # bytes of all texts of a kind
# What reads rules, populations and rosters, and checks them, below the package.
_READERS = ("*.py", "tables/**/*.py", "rules/**/*.py", "population/**/*.py", "kernels/**/*.py")


class DamagedError(ValueError):
    """A file of the cache folder that does not hold what was written."""


def cache_folder() -> Path | None:
    """Where things are kept between runs: ``ASM_SIM_CACHE_DIR``, or the user's cache folder.

    None for a user without a home folder.
    """
    try:
        named = os.environ.get("ASM_SIM_CACHE_DIR")
        if named:
            return Path(named).expanduser()
        base = os.environ.get("XDG_CACHE_HOME", "")
        home = Path(base) if os.path.isabs(base) else Path.home() / ".cache"  # noqa: PTH117
    except RuntimeError:
        return None
    return home / "asm_sim" / "kernels"


def reason_not_used(folder: Path | None) -> str | None:
    """Why nothing is read from a folder nor written to it; None where it can be used or made."""
    if folder is None:
        return "there is no home folder"
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{shown(folder)}: {reason_of(error)}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{shown(folder)} is not a folder"
    if not _is_own(found):
        return f"{shown(folder)} belongs to another user"
    if _others_may_write(found):
        return f"others may write to {shown(folder)} (chmod go-w takes that away)"
    return None


def _is_own(found: os.stat_result) -> bool:
    """Whether it is this user's, or that of root, who may run code as this user anyway."""
    return not hasattr(os, "geteuid") or found.st_uid in (0, os.geteuid())


def _others_may_write(found: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and bool(found.st_mode & _OTHERS_MAY_WRITE)


def made(folder: Path | None) -> str | None:
    """Make the folder where it is not there; why it cannot be used, None where it can."""
    reason = reason_not_used(folder)
    if folder is None or reason is not None:
        return reason
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"{shown(folder)}: {reason_of(error)}"
    return reason_not_used(folder)


def checksum(name: str, body: bytes) -> bytes:
    """Of a file's content and its name, so that a file under the name of another is damaged."""
    return hashlib.sha256(name.encode() + b"\n" + body).digest()


def read(path: Path) -> bytes | None:
    """What was written there; None where it is not there or not one's own.

    :class:`DamagedError` where it is something else.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not _is_own(found) or _others_may_write(found):
                return None
            content = file.read()
    except OSError:
        return None
    stated, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if stated != checksum(path.name, body):
        raise DamagedError(shown(path))
    return body


def write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; :class:`OSError` where that fails."""
    write_whole(path, checksum(path.name, body) + body)
    path.chmod(0o644)  # others may not write to it, whatever the user's mask lets through


def shown(path: Path) -> str:
    return printable(str(path))


def kept_json(
    kind: str, key: bytes, make: Callable[[], Any], pairs: Callable[[Any], Any] | None = None
) -> Any:
    """What ``make`` gives, as JSON has it; from the folder where it was kept under ``key``.

    What fails is not kept. ``pairs`` makes objects of JSON something else than ``dict``.
    """
    folder = cache_folder()
    name = f"{kind}-{hashlib.sha256(key).hexdigest()[:32]}.json"
    body = None
    if folder is not None and not reason_not_used(folder):
        with suppress(DamagedError):
            body = read(folder / name)
    if body is None:
        body = json.dumps(make()).encode()
        if folder is not None and made(folder) is None:
            with suppress(OSError):
                write(folder / name, body)
                _remove_oldest(folder, kind)
    return json.loads(body, object_pairs_hook=pairs)


@cache
def readers() -> bytes:
    """A digest of what reads and checks: another reader may read something else, or refuse it."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted({path for names in _READERS for path in package.glob(names)}):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.digest()


def _remove_oldest(folder: Path, kind: str) -> None:
    """Keep the texts of a kind within their bound."""
    found = [(path.stat(), path) for path in folder.glob(f"{kind}-*.json")]
    total = sum(about.st_size for about, _ in found)
    for about, path in sorted(found, key=lambda one: one[0].st_mtime):
        if total <= MOST_KEPT:
            return
        path.unlink(missing_ok=True)
        total -= about.st_size
