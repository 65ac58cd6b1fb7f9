"""Compiled kernels on disk: whom they are taken from, what damage does, and who waits for whom."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numba
import pytest

from asm_sim import kept
from asm_sim.kernels import _cache
from asm_sim.kernels._jit import entry
from tests.unit.one_kernel import anew, doubled, loaded, tripled

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where kernels are kept in this test."""
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(_cache, "_said", set())
    return tmp_path / "kernels"


class Planted:
    """What runs somebody's code where it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.proof,)


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_compiled_is_loaded_by_the_next_process(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = os.umask(0)
    try:
        first = anew()
        assert first(21) == 42
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert the_file(folder).stat().st_mode & 0o022 == 0
    second = anew()
    assert second(4) == 8
    assert (loaded(first), loaded(second)) == (0, 1)
    third = anew()
    assert third(0.5) == 1.0  # another signature is another file
    assert loaded(third) == 0
    assert len(list(folder.iterdir())) == 2
    assert capfd.readouterr().err == ""


def test_another_kernel_can_call_what_was_loaded(folder: Path) -> None:
    """Which takes its bitcode, that Python's own calls do not."""
    anew()(21)
    entry_loaded = anew()

    @numba.njit  # type: ignore[untyped-decorator]
    def caller(value: int) -> int:
        return int(entry_loaded(value)) + 1

    assert entry_loaded(4) == 8
    assert caller(21) == 43
    assert loaded(entry_loaded) == 1
    assert len(list(folder.iterdir())) == 1


def test_what_machine_code_needs_is_there_before_it_is_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LLVM ends the process where a name is missing."""
    anew()(21)
    asked: list[str] = []
    monkeypatch.setattr(_cache.llvm, "address_of_symbol", asked.append)
    refreshed: list[object] = []
    again = anew()
    monkeypatch.setattr(again.targetctx, "refresh", lambda: refreshed.append(again))
    assert again(4) == 8
    assert loaded(again) == 1
    assert refreshed == [again]
    assert asked == ["PyArg_UnpackTuple"], "it need not look further"
    assert the_file(folder)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "ten bytes": lambda content: content[:10],
    "a checksum alone": lambda content: content[:32],
    "cut": lambda content: content[: len(content) // 2],
    "longer": lambda content: content + b"\0",
    **{
        f"a bit at {place}": lambda content, place=place: (  # type: ignore[misc]
            content[: int(place * len(content))]
            + bytes([content[int(place * len(content))] ^ 1])
            + content[int(place * len(content)) + 1 :]
        )
        for place in (0.0, 0.3, 0.6, 0.999)
    },
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_compiled_anew_and_replaced(
    damage: Callable[[bytes], bytes], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    anew()(1)
    path = the_file(folder)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    again = anew()
    assert again(21) == 42
    assert loaded(again) == 0
    error = capfd.readouterr().err
    assert error == f"asm-sim: {path} is damaged; its kernels are compiled anew\n"
    assert loaded_after(folder) == 1


def loaded_after(folder: Path) -> int:
    kernel = anew()
    assert kernel(21) == 42
    assert the_file(folder)
    return loaded(kernel)


def test_a_foreign_pickle_is_never_opened(folder: Path, tmp_path: Path) -> None:
    anew()(1)
    proof = tmp_path / "their code ran"
    path = the_file(folder)
    path.write_bytes(pickle.dumps(numba.__version__) + pickle.dumps(Planted(proof)))
    assert loaded_after(folder) == 0
    assert not proof.exists()
    assert loaded_after(folder) == 1


def test_a_file_under_the_name_of_another_is_damaged(folder: Path) -> None:
    anew(tripled)(1)
    other = the_file(folder).read_bytes()
    the_file(folder).unlink()
    anew()(1)
    the_file(folder).write_bytes(other)
    assert loaded_after(folder) == 0


def test_what_cannot_be_unpickled_is_compiled_anew(folder: Path) -> None:
    """As when another version of a library has written it."""
    anew()(1)
    path = the_file(folder)
    body = b"cno_such_module\nname\n."
    path.write_bytes(kept.checksum(path.name, body) + body)
    assert loaded_after(folder) == 0
    assert loaded_after(folder) == 1


def plant(folder: Path, proof: Path) -> bytes:
    """A file as asm_sim writes them, with somebody's code in it."""
    anew()(1)
    path = the_file(folder)
    body = pickle.dumps(Planted(proof))
    content = kept.checksum(path.name, body) + body
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_to_is_left_alone(
    mode: int, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    planted = plant(folder, tmp_path / "their code ran")
    folder.chmod(mode)
    assert loaded_after(folder) == 0
    assert anew(tripled)(2) == 6
    assert not (tmp_path / "their code ran").exists()
    assert the_file(folder).read_bytes() == planted
    error = capfd.readouterr().err
    assert error.count("\n") == 1, "said once"
    assert f"others may write to {folder}" in error
    assert "ASM_SIM_CACHE_DIR" in error


def test_a_folder_of_somebody_else_is_left_alone(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    planted = plant(folder, tmp_path / "their code ran")
    if os.geteuid() == 0:
        os.chown(folder, 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert loaded_after(folder) == 0
    assert not (tmp_path / "their code ran").exists()
    assert the_file(folder).read_bytes() == planted
    assert f"{folder} belongs to another user" in capfd.readouterr().err


def test_a_file_that_others_may_write_is_not_read(folder: Path, tmp_path: Path) -> None:
    plant(folder, tmp_path / "their code ran")
    the_file(folder).chmod(0o666)
    assert loaded_after(folder) == 0
    assert not (tmp_path / "their code ran").exists()
    assert the_file(folder).stat().st_mode & 0o022 == 0
    assert loaded_after(folder) == 1


def test_a_folder_that_may_only_be_read_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    anew()(1)
    folder.chmod(0o500)

    def refuse(path: Path, *_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(kept, "write_whole", refuse)  # root may write whatever the mode says
    assert loaded_after(folder) == 1
    assert capfd.readouterr().err == ""
    folder.chmod(0o700)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_cannot_be_kept_is_compiled_in_memory(
    number: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def full(path: Path, *_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(kept, "write_whole", full)
    assert anew()(21) == 42
    assert anew(tripled)(2) == 6
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert f"cannot be kept in {folder} ({os.strerror(number)})" in error
    assert list(folder.iterdir()) == []


def test_a_user_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import pwd

    def nobody(_: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_CACHE_HOME", "ASM_SIM_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(_cache, "_said", set())
    assert kept.cache_folder() is None
    assert anew()(21) == 42
    assert "there is no home folder" in capfd.readouterr().err
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path / "kernels"))
    assert anew()(21) == 42
    assert the_file(tmp_path / "kernels")


@pytest.mark.parametrize("place", ["file", "file/below", "x" * 300])
def test_a_place_that_cannot_be_a_folder(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("a file")
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path / place))
    monkeypatch.setattr(_cache, "_said", set())
    assert anew()(21) == 42
    error = capfd.readouterr().err
    assert error.startswith("asm-sim: kernels are compiled in memory: ")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_home_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", "~/kernels")
    assert kept.cache_folder() == tmp_path / "kernels"


def test_doctor_says_where_kernels_are(folder: Path) -> None:
    from asm_sim.cli.doctor import _compiled

    anew()(1)
    assert _compiled() == f"{folder} (1 file, 0.0 MiB)"
    folder.chmod(0o777)
    assert _compiled().startswith("in memory: others may write to")


def test_what_takes_long_to_compile_is_said_the_first_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_cache, "TYPICAL_SECONDS", {"one_kernel.doubled": 7})
    anew(tripled)(1)
    assert capfd.readouterr().err == ""
    anew()(1)
    said = "asm-sim: compiling kernels, first run only: doubled, about 7 s\n"
    assert capfd.readouterr().err == said
    monkeypatch.setattr(_cache, "_said", set())
    anew()(1)
    assert capfd.readouterr().err == ""
    folder.chmod(0o777)
    anew()(1)
    assert said in capfd.readouterr().err, "also where nothing can be kept"
    monkeypatch.setattr(_cache, "_said", set())
    monkeypatch.setattr(_cache, "_quiet", False)
    _cache.say_nothing()
    anew()(1)
    assert capfd.readouterr().err == "", "another process speaks"


@pytest.mark.parametrize("title", _cache.TYPICAL_SECONDS)
def test_what_takes_long_is_a_kernel(title: str) -> None:
    module, _, name = title.partition(".")
    files = (ROOT / "asm_sim" / "kernels").rglob(f"{module}.py")
    assert any(f"\ndef {name}(" in path.read_text() for path in files)


def test_settings_of_numba_are_neither_used_nor_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "NoSuchLocator", raising=False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder / "of the user"))
    assert anew()(21) == 42
    assert the_file(folder).suffix == ".nbc"
    own = numba.njit(doubled)
    assert own(21) == 42
    assert own.stats.cache_path is None


WAITS = """
from tests.unit.one_kernel import anew, loaded
kernel = anew()
print(kernel(21), loaded(kernel))
"""
HOLDS = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_of_two_first_starts_one_waits_and_says_so(folder: Path, tmp_path: Path) -> None:
    """The one that compiles is killed when its file is there: the lock goes with it."""
    anew()(1)
    compiled = the_file(folder)
    shutil.move(compiled, tmp_path / compiled.name)
    first = start(HOLDS, f"{compiled}.lock")
    second = None
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        second = start(WAITS)
        assert second.stderr is not None
        assert "waiting for it" in second.stderr.readline()
        shutil.move(tmp_path / compiled.name, compiled)
        first.kill()
        output, error = second.communicate()
        assert output == "42 1\n", error
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.communicate()
    assert the_file(folder) == compiled, "no lock is left behind"


def test_no_lock_where_the_disk_has_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    assert anew()(21) == 42
    assert the_file(folder)
    assert capfd.readouterr().err == ""


def test_a_kernel_within_a_kernel_takes_its_own_lock(folder: Path) -> None:
    inner = anew()

    def outer(value):  # type: ignore[no-untyped-def]
        return inner(value) + 1

    kernel = entry(outer)
    assert kernel(20) == 41
    assert {path.suffix for path in folder.iterdir()} == {".nbc"}
