"""YAML documents: what is refused before it costs memory or time, and what is read as what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from asm_sim.documents import MAXIMUM_BYTES, Place, parse_document, plain_at, read_document
from asm_sim.errors import InputError

MANY = 100_000
DIGITS = "9" * 6_000

# The text; the line of the complaint; words in it.
REFUSED: dict[str, tuple[str, int, str]] = {
    "lists in lists": (f"title: x\nset: {'[' * MANY}", 2, "nested deeper than 30 levels"),
    "mappings in mappings": (f"title: x\nset: {'{a: ' * MANY}", 2, "nested deeper"),
    "a bracket on every line": ("set:\n" + " [\n" * MANY, 32, "nested deeper"),
    "blocks in blocks": (
        "".join(" " * i + "a:\n" for i in range(1_000)),
        32,
        "nested deeper than 30 levels",
    ),
    "items in items": (f"set:\n {'- ' * MANY}", 2, "nested deeper"),
    "keys of keys": (f"set:\n {'? ' * MANY}", 2, "a key must be a name or a year"),
    "6,000 decimal digits": (f"title: x\ndraws: {DIGITS}", 2, "too large a number"),
    "6,000 hexadecimal digits": (f"title: x\ndraws: 0x{'F' * 6_000}", 2, "too large a number"),
    "6,000 digits and a point": (f"title: x\ndraws: {DIGITS}.5", 2, "not a finite number"),
    "6,000 digits as a key": (f"set:\n  {DIGITS}: 1", 2, "too large a number"),
    "an escape": ('title: "\\e[31mred"', 1, r"a control character ('\x1b')"),
    "an escape in a key": ('set:\n  "a\\a": 1', 2, r"a control character ('\x07')"),
    "half a letter": ('title: "\\ud800"', 1, "a control character"),
    "a raw control character": ("title: x\nset: \x07\n", 2, "not valid YAML"),
    "YAML 1.1": ("%YAML 1.1\n---\nset: yes\n", 1, "this file says that it is YAML 1.1"),
    "more than one document": ("a: 1\n...\nb: 1\n", 3, "more than one document"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_its_line_in_a_short_message(case: str) -> None:
    text, line, words = REFUSED[case]
    with pytest.raises(InputError) as caught:
        parse_document(text, "mine.yaml")
    assert str(caught.value).startswith(f"mine.yaml, line {line}: ")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


def test_more_than_any_file_needs_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asm_sim.yaml_reader.MAXIMUM_NODES", 1_000)
    with pytest.raises(InputError, match=r"line 2: more than 1,000 keys and values"):
        parse_document(f"title: x\nset: [{'1,' * 2_000}]", "mine.yaml")


READ: dict[str, tuple[str, Any]] = {
    "yes is a word": ("a: [yes, no, on, off]", ["yes", "no", "on", "off"]),
    "flags": ("a: [true, False, TRUE]", [True, False, True]),
    "whole numbers": ("a: [1_000, 0x1F, 0o17, -5, 010]", [1000, 31, 15, -5, 10]),
    "a number of 39 digits": (f"a: {'9' * 39}", 10**39 - 1),
    "numbers": ("a: [1e3, .5, 1.0]", [1000.0, 0.5, 1.0]),
    "lines and tabs": ('a: "one\\n\\ttwo"', "one\n\ttwo"),
    "letters of all kinds": ("a: 5 %, é, 日本", "5 %, é, 日本"),
    "a stated version": ("%YAML 1.2\n---\na: yes\n", "yes"),
    "a byte order mark": ("\ufeffa: 1", 1),
    "nothing": ("a:", None),
}


@pytest.mark.parametrize("case", READ)
def test_read_as(case: str) -> None:
    text, value = READ[case]
    assert parse_document(text, "mine.yaml").data == {"a": value}


def test_every_key_and_item_has_its_line() -> None:
    document = parse_document("a:\n  b: 1\n  c: [2,\n    3]\n", "mine.yaml")
    lines = {key: place.line for key, place in document.places.items()}
    assert lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 3,
        ("a", "c", 1): 4,
    }


def test_only_ordinary_files_are_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for path, words in {
        pipe: "not an ordinary file",
        tmp_path / "zero.yaml": "not an ordinary file",
        loop: "cannot be read",
        tmp_path: "this is a folder",
        tmp_path / "none.yaml": "there is no such file",
        pipe / "below.yaml": "cannot be read",
        tmp_path / f"{'a' * 300}.yaml": "cannot be read",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            read_document(path)
        assert str(tmp_path) in str(caught.value)


def test_no_more_than_five_megabytes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.touch()
    os.truncate(path, MAXIMUM_BYTES + 1)
    with pytest.raises(InputError, match="larger than 5,000,000 bytes"):
        read_document(path)


def test_the_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"title: x\n# caf\xe9\n")
    with pytest.raises(InputError, match=r"latin\.yaml, line 2: not a text file in UTF-8"):
        read_document(path)


def test_what_python_sets_has_the_bounds_of_a_file() -> None:
    nested: list[Any] = []
    nested.append(nested)
    place = Place("--set x")
    with pytest.raises(InputError, match="--set x: too large a number"):
        plain_at(place, {"a": [10**5_000]})
    with pytest.raises(InputError, match="--set x: nested deeper than 30 levels"):
        plain_at(place, nested)
