"""What a text means as a place: a path whatever letters it has, or a URL of a known scheme."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asm_sim.errors import InputError, printable, without_passwords
from asm_sim.places import SCHEMES, local_path, place_of


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        place_of(text)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    "text",
    [
        "precious::x",
        "a::b::c",
        "s3:/bucket",
        "s3:",
        "a b://c",
        "runs/s3://x",
        "C:\\x",
        "x?y#z",
        "*",
    ],
)
def test_a_path_is_a_path_whatever_letters_it_has(text: str) -> None:
    assert place_of(text) == Path(text)
    assert place_of(Path(text)) == Path(text)


def test_urls() -> None:
    for scheme in SCHEMES:
        assert place_of(f"{scheme}://bucket/run/") == f"{scheme}://bucket/run"
    assert place_of("file:///data/run") == place_of("local:///data/run") == Path("/data/run")


@pytest.mark.parametrize(
    "text",
    [
        "simplecache::s3://bucket/run",
        "s3://bucket/a::file:///etc",
        "zip://x.zip::memory://y",
        "file:///data/x::y",
    ],
)
def test_chained_urls_are_refused(text: str) -> None:
    assert "chained URLs" in refused(text)


def test_a_scheme_that_is_not_known_is_refused() -> None:
    for text in ("zip://a.zip", "S3://bucket", "simplecache://x", "reference://y", "s4://b"):
        assert "is no scheme that asm-sim reads and writes" in refused(text)
    for text in ("s3://", "memory:///", "file://"):
        assert "names no folder" in refused(text)


def test_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of-a-test")
    assert place_of("~") == Path("/home/of-a-test")
    assert place_of("~/runs") == local_path(Path("~/runs")) == Path("/home/of-a-test/runs")
    assert "the home ~nosuchuser is not known" in refused("~nosuchuser/x")
    assert place_of("./~nosuchuser/x") == Path("~nosuchuser/x")


def test_what_no_path_can_be(tmp_path: Path) -> None:
    assert "too long" in refused("n" * 300)
    assert "too long" in refused("a/" * 4000)
    assert "not UTF-8" in refused("runs/caf\udce9")
    assert "code 0" in refused("a\0b")
    assert "names no file or folder" in refused("")
    (tmp_path / "loop").symlink_to("loop")
    assert "circle" in refused(str(tmp_path / "loop"))
    assert "circle" in refused(str(tmp_path / "loop" / "below"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_place_or_one_message(before: str, after: str) -> None:
    for text in (before, f"{before}://{after}", f"{before}::{after}", f"~{before}"):
        with suppress(InputError):  # whose message is printable
            found = place_of(text)
            if isinstance(found, str):
                assert "::" not in text
                assert found.split("://")[0] in SCHEMES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:SECRET@host/x", "https://user:***@host/x"),
        ("no https://u:a@b@c@host/x:y@z", "no https://u:***@host/x:y@z"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
        ("https://user@host:80/x", "https://user@host:80/x"),
        (str(Path("sftp://u:SECRET@h/x")), "sftp:/u:***@h/x"),
        ("ftp://:SECRET@host then sftp://a:SECRET@b", "ftp://:***@host then sftp://a:***@b"),
    ],
)
def test_passwords_are_never_shown(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
    assert printable(text) == shown
    assert "SECRET" not in str(InputError(text, [text]))
