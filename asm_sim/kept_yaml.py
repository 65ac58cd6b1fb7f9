"""YAML texts that were read before: what came out is kept, so that the next run need not read them.

Only what was read without a problem is kept (as JSON, see asm_sim/kept.py for where and from whom),
so that a text with a fault is read anew each time and the message names its line. A file is named
after text and reader; one that is damaged, or no longer there, is made again.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asm_sim import kept, yaml_reader

WORTH_KEEPING = 4_000  # characters; less is read in a few milliseconds
MOST_KEPT = 20_000_000  # bytes of all that is kept
_NAMES = "text-*.json"


def kept_yaml(text: str, name: str) -> tuple[dict[Any, Any], list[int]]:
    """As :func:`asm_sim.yaml_reader.read_yaml`, from the cache folder where it is there."""
    folder = kept.cache_folder()
    key = hashlib.sha256(_reader() + text.encode()).hexdigest()
    path = None if folder is None else folder / _NAMES.replace("*", key[:32])
    if path is not None and not kept.reason_not_used(folder):
        with suppress(kept.DamagedError):
            body = kept.read(path)
            if body is not None:
                data, lines = json.loads(body, object_pairs_hook=_mapping)
                return data, lines
    data, lines = yaml_reader.read_yaml(text, name)
    if path is not None and kept.made(folder) is None:
        with suppress(OSError):
            kept.write(path, json.dumps([_writable(data), lines]).encode())
            _remove_oldest(path.parent)
    return data, lines


@cache
def _reader() -> bytes:
    """What reads: another reader may read something else, or refuse it."""
    source = Path(yaml_reader.__file__).read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(source + version("ruamel.yaml").encode()).digest()


def _writable(value: Any) -> Any:
    """With keys as JSON has them: texts, those that are texts themselves with a point before."""
    if isinstance(value, dict):
        return {
            f".{key}" if isinstance(key, str) else str(key): _writable(item)
            for key, item in value.items()
        }
    return [_writable(item) for item in value] if isinstance(value, list) else value


def _mapping(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
    return {key[1:] if key[0] == "." else int(key): value for key, value in pairs}


def _remove_oldest(folder: Path) -> None:
    """Keep the texts of a folder within their bound."""
    found = [(path.stat(), path) for path in folder.glob(_NAMES)]
    total = sum(about.st_size for about, _ in found)
    for about, path in sorted(found, key=lambda one: one[0].st_mtime):
        if total <= MOST_KEPT:
            return
        path.unlink(missing_ok=True)
        total -= about.st_size
