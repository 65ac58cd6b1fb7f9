"""Files and folders appear whole or not at all; what was there stays until then."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from asm_sim.durable import appearing, appearing_whole, is_temporary, temporary_beside, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_and_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_whole(path, "größer")
    assert path.read_bytes() == "größer".encode()
    path.chmod(0o600)
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["a.csv"]


def test_until_it_is_whole_the_old_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with appearing_whole(path) as file:
        file.write(b"half")
        file.flush()
        assert path.read_text() == "old"
        assert [is_temporary(other) for other in tmp_path.iterdir() if other != path] == [True]
    assert path.read_text() == "half"


def test_a_full_disk_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_whole(path, "new")
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "b.csv", "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_a_folder_and_its_successor(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with appearing(tmp_path / "tables") as partial:
            partial.mkdir()
            (partial / text).write_text(text)
        assert names(tmp_path / "tables") == [text]

    def fail(partial: Path) -> None:
        partial.mkdir()
        (partial / "third").write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"), appearing(tmp_path / "tables") as partial:
        fail(partial)
    with pytest.raises(FileNotFoundError), appearing(tmp_path / "tables"):
        pass  # nothing was written
    assert names(tmp_path / "tables") == ["second"]
    assert names(tmp_path) == ["tables"]


def test_a_folder_that_cannot_go_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("a file")
    with pytest.raises(NotADirectoryError), appearing(tmp_path / "tables") as partial:
        partial.mkdir()
    assert (tmp_path / "tables").read_text() == "a file"
    assert names(tmp_path) == ["tables"]


def test_the_longest_name_that_a_disk_takes(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), b"fits")
    with pytest.raises(OSError, match="too long"):
        write_whole(tmp_path / ("n" * 256), b"does not")
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "nowhere" / "a", b"x")
    assert caught.value.filename == str(tmp_path / "nowhere" / "a")
    assert names(tmp_path) == ["n" * 255]
    assert is_temporary(temporary_beside(tmp_path / ("n" * 255)))


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    for name in ("file", "folder", "new"):
        (tmp_path / name).symlink_to(tmp_path / "far" / name)
    (tmp_path / "far" / "file").write_text("old")
    (tmp_path / "far" / "folder").mkdir()
    write_whole(tmp_path / "file", "second")
    write_whole(tmp_path / "new", "third")
    with appearing(tmp_path / "folder") as partial:
        partial.mkdir()
        (partial / "a").write_text("a")
    assert all((tmp_path / name).is_symlink() for name in ("file", "folder", "new"))
    assert (tmp_path / "far" / "file").read_text() == "second"
    assert (tmp_path / "far" / "new").read_text() == "third"
    assert names(tmp_path / "far" / "folder") == ["a"]
    assert names(tmp_path / "far") == ["file", "folder", "new"]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(tmp_path / "loop", "x")
    assert (tmp_path / "loop").is_symlink()


def test_what_is_neither_file_nor_folder_is_written_to() -> None:
    write_whole(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()
