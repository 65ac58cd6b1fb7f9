"""YAML texts that were read before: what came out is kept, so that the next run need not read them.

Only what was read without a problem is kept (as JSON, see asm_sim/kept.py for where and from whom),
so that a text with a fault is read anew each time and the message names its line. A file is named
after text and reader; one that is damaged, or no longer there, is made again.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asm_sim import kept, yaml_reader

WORTH_KEEPING = 4_000  # characters; less is read in a few milliseconds


def kept_yaml(text: str, name: str) -> tuple[dict[Any, Any], list[int]]:
    """As :func:`asm_sim.yaml_reader.read_yaml`, from the cache folder where it is there."""

    def read() -> list[Any]:
        data, lines = yaml_reader.read_yaml(text, name)
        return [_writable(data), lines]

    data, lines = kept.kept_json("text", _reader() + text.encode(), read, _mapping)
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
