"""YAML texts that are kept between runs: what comes out is what the text says, whatever is kept."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from asm_sim import kept, kept_yaml, yaml_reader
from asm_sim.documents import _parsed, parse_document
from asm_sim.errors import InputError

LONG = "\n".join(f"line{n}: [{n}, {n}.5, a text]" for n in range(300))
ODD = (
    '".5": 1\n-5: 2\n2027: 3\n"2028": 4\n"": {2029: [null, true, 1e300, 123456789012345678901]}\n'
    'text: "two\\nlines, é"\n'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where texts are kept in this test; nothing is in memory."""
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path / "kept"))
    _parsed.cache_clear()
    return tmp_path / "kept"


def read(text: str = LONG) -> Any:
    """A document as a process reads it that has just started."""
    _parsed.cache_clear()
    return parse_document(text, "mine.yaml")


def never(text: str, name: str) -> None:
    raise AssertionError(f"{name} is read again: {text[:20]}")


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("text", [LONG, ODD + LONG])
def test_what_was_read_is_not_read_again(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(text)
    assert the_file(folder).stat().st_mode & 0o022 == 0
    monkeypatch.setattr(yaml_reader, "read_yaml", never)
    second = read(text)
    assert repr(second.data) == repr(first.data), "also whether a number is whole"
    assert second.places == first.places
    assert second.place(("line299", 2)).line == text.count("\n") + 1


def test_short_texts_are_not_kept(folder: Path) -> None:
    assert read(ODD).data[2027] == 3
    assert not folder.exists()


def test_a_text_with_a_fault_is_told_each_time(folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(InputError, match=r"mine\.yaml, line 301: the key 'line0' is given tw"):
            read(f"{LONG}\nline0: 1")
    assert not folder.exists()


def test_another_reader_reads_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read()
    monkeypatch.setattr(kept_yaml, "_reader", lambda: b"another")
    read()
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"x" * 1_000])
def test_a_damaged_file_is_made_again(
    content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read().data
    whole = the_file(folder).read_bytes()
    the_file(folder).write_bytes(content)
    assert read().data == expected
    assert the_file(folder).read_bytes() == whole
    monkeypatch.setattr(yaml_reader, "read_yaml", never)
    assert read().data == expected


def test_what_others_may_write_is_not_read(folder: Path) -> None:
    read()
    path = the_file(folder)
    body = b'[{".title": "theirs"}, [1, 1]]'
    path.write_bytes(kept.checksum(path.name, body) + body)
    assert read().data == {"title": "theirs"}, "as it would be read"
    folder.chmod(0o777)
    assert read().data["line0"][0] == 0
    folder.chmod(0o700)
    path.chmod(0o666)
    assert read().data["line0"][0] == 0


def test_a_disk_that_is_full_is_no_reason_to_stop(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(kept, "write_whole", full)
    assert read().data["line0"][0] == 0
    assert capfd.readouterr().err == ""
    assert list(folder.iterdir()) == []


def test_the_oldest_go_where_there_are_too_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    first = the_file(folder)
    os.utime(first, (0, 0))
    (folder / "draw.simulate_cohort-0.nbc").write_bytes(b"a kernel")
    monkeypatch.setattr(kept, "MOST_KEPT", first.stat().st_size + 100)
    read(f"{LONG}\nlast: 1")
    assert not first.exists()
    assert len(list(folder.iterdir())) == 2, "the kernel is left alone"
