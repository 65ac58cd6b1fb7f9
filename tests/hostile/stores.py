"""Stores that are damaged or not what they say, and marks that asm-sim did not write."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from asm_sim.results.open import RESULTS
from tests.hostile.arguments import GRID
from tests.hostile.harness import Hostile
from tests.unit.synthetic_run import synthetic_dataset, write_listed_run

CHUNK = "adjustment_histogram/0.0.0.0"
METADATA = ".zmetadata"
DIGITS = "9" * 6_000
Damage = Callable[[Path], Any]


@functools.cache
def _dataset() -> xr.Dataset:
    return synthetic_dataset(draws=2)


@functools.cache
def _written() -> tempfile.TemporaryDirectory[str]:
    """A run as the engine writes it, with the list of its files; removed when the tests end."""
    folder = tempfile.TemporaryDirectory()
    write_listed_run(_dataset(), folder.name)
    return folder


def _damaged(damage: Damage) -> Damage:
    def prepare(folder: Path) -> None:
        shutil.copytree(_written().name, folder / "store")
        damage(folder / "store" / RESULTS)

    return prepare


def _saved(name: str, value: object) -> Damage:
    """A store that a user saved, which has no checksums, with another attribute."""

    def prepare(folder: Path) -> None:
        ds = _dataset()[["final_score_mean"]].assign_attrs({name: value})
        ds.to_zarr(folder / "store" / RESULTS, zarr_format=2, consolidated=True)

    return prepare


def _text(name: str, content: str) -> Damage:
    return lambda store: (store / name).write_text(content)


def _cut(name: str) -> Damage:
    return lambda store: (store / name).write_bytes((store / name).read_bytes()[:200])


def _change(store: Path) -> None:
    about = json.loads((store / METADATA).read_text())
    about["metadata"]["adjustment_histogram/.zarray"]["shape"] = [10**12] * 4
    (store / METADATA).write_text(json.dumps(about))


def _zero(store: Path) -> None:
    (store / CHUNK).unlink()
    (store / CHUNK).symlink_to("/dev/zero")


def _loop(store: Path) -> None:
    shutil.rmtree(store)
    store.symlink_to(RESULTS)


DAMAGED: dict[str, tuple[Damage, str]] = {
    "a chunk is gone": (lambda store: (store / CHUNK).unlink(), f"{CHUNK}: is not there"),
    "a chunk is cut": (_cut(CHUNK), "has 200 bytes in place of"),
    "a chunk is empty": (_text(CHUNK, ""), "has 0 bytes in place of"),
    "a chunk is a device": (_zero, f"is damaged: {CHUNK}"),
    "no metadata": (lambda store: (store / METADATA).unlink(), "it has no .zmetadata"),
    "empty metadata": (_text(METADATA, ""), "is damaged: it cannot be opened"),
    "cut metadata": (_cut(METADATA), "is damaged: it cannot be opened"),
    "metadata that are a list": (_text(METADATA, "[]"), "is damaged: it cannot be opened"),
    "metadata without any": (_text(METADATA, '{"metadata": []}'), "is damaged"),
    "nested metadata": (_text(METADATA, "[" * 100_000), "is damaged: it cannot be opened"),
    "metadata of digits": (_text(METADATA, f'{{"metadata": {DIGITS}}}'), "is damaged"),
    "metadata of other shapes": (_change, "the checksum does not match"),
    "a loop of links": (_loop, "there is no results.zarr in it"),
    "nothing": (lambda store: shutil.rmtree(store), "there is no results.zarr in it"),
}

NOT_OURS = "these attributes are not what asm-sim writes"
ATTRIBUTES: dict[str, tuple[str, object]] = {
    "a title that is a number": ("title", 5),
    "a title that is a list": ("title", ["x"]),
    "a scenario of brackets": ("scenario_yaml", "[" * 100_000),
    "a scenario that is a list": ("scenario_yaml", "[]"),
    "a scenario of digits": ("scenario_yaml", f'{{"draws": {DIGITS}}}'),
    "assumptions as a list": ("assumptions", '["x"]'),
    "parameters as a number": ("parameters", "5"),
    "an open layer that is a list": ("open_layer", '["x"]'),
    "statuses that are a number": ("statuses", "5"),
    "no open draws for a number": ("no_open_draws", 5),
    "a hash that is a number": ("scenario_hash", 5),
    "a seed that is a mapping": ("seed", {"a": 1}),
}


def _mark(**changes: object) -> str:
    whole = {"format": "asm_sim sweep", "draws": 4, "parameters": {}, "scenarios": {}}
    return json.dumps(whole | changes)


OTHER, WRONG = "holds no run of asm_sim", "its run.json is not what asm-sim writes"
MARKS: dict[str, tuple[str | bytes, str]] = {
    "an empty mark": ("", OTHER),
    "a mark that is a list": ("[]", OTHER),
    "a mark that is nested": ("[" * 100_000, OTHER),
    "a mark of another tool": ('{"format": "other"}', OTHER),
    "a mark of bytes": (b"\xff\xfe\0", OTHER),
    "a mark with a list of formats": (_mark(format=["asm_sim sweep"]), OTHER),
    "a mark without draws": ('{"format": "asm_sim sweep"}', WRONG),
    "draws as a text": (_mark(draws="4"), f"{WRONG}; choose another --out"),
    "draws below zero": (_mark(draws=-1), WRONG),
    "draws as a fraction": (_mark(draws=1.5), WRONG),
    "draws without end": (_mark(draws=2**60), WRONG),
    "draws that are none": (_mark(draws=float("nan")), WRONG),
    "open draws as a text": (_mark(open_draws="4"), WRONG),
    "parameters as a list": (_mark(parameters=[]), WRONG),
    "scenarios as a list": (_mark(scenarios=[]), WRONG),
    "scenarios that are null": (_mark(scenarios={"a": None}), WRONG),
    "escapes in a mark": (_mark(layers="\x1b[31m", scenarios={"a": "\x1b"}), "holds another sweep"),
}

CASES = [
    *(
        Hostile(name, ["compare", "store", "store"], said, prepare=_damaged(damage))
        for name, (damage, said) in DAMAGED.items()
    ),
    *(
        Hostile(name, ["export", "store", "--to", "csv"], NOT_OURS, prepare=_saved(*attribute))
        for name, attribute in ATTRIBUTES.items()
    ),
    *(
        Hostile(
            name,
            ["sweep", "mine.yaml", "--out", "store", "--resume"],
            said,
            {"mine.yaml": GRID, "store/run.json": mark, "store/precious": "precious"},
        )
        for name, (mark, said) in MARKS.items()
    ),
]
