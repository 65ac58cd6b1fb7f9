"""What numba takes from the environment, and Ctrl-C while machine code is loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.engine.threads import thread_count
from asm_sim.errors import InputError, RunError
from asm_sim.kernels._machine import interrupts_wait

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("given", "threads"), [("1", 1), (" 3 ", 3), ("4096", 4096)])
def test_threads_that_are_asked_for(
    given: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", given)
    assert thread_count() == threads


@pytest.mark.parametrize(
    "given", ["0", "-1", "two", "", "1.5", "²", "1000000000", "9" * 6000, "0x2", "\x1b[2J"]
)
def test_what_is_no_number_of_threads(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", given)
    with pytest.raises(InputError, match=r"NUMBA_NUM_THREADS=.*from 1 to 4,096") as refused:
        thread_count()
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("NUMBA_DISABLE_JIT", "1", "only with compiled kernels"),
        ("NUMBA_NUM_THREADS", "0", "from 1"),
    ],
)
def test_one_message_before_numba_is_asked(
    name: str, given: str, said: str, tmp_path: Path
) -> None:
    """`score` is the verb that asks for nothing but kernels."""
    command = [sys.executable, "-m", "asm_sim.cli.main", "score"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "--example"], cwd=tmp_path, env=environment, check=True)
    done = subprocess.run(
        [*command, "clinicians.csv", "-o", "scores.csv"],
        cwd=tmp_path,
        env={**environment, name: given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clinicians.csv"]


@pytest.mark.parametrize(("limit", "refused"), [(849_999_999, True), (850_000_000, False)])
def test_little_memory_is_told_before_llvm_lacks_it(
    limit: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, resource.RLIM_INFINITY))
    if not refused:
        thread_count()
        return
    with pytest.raises(RunError, match=r"may have 850 MB \(ulimit -v\), and about 1,000 MB"):
        thread_count()


@contextmanager
def interrupts_counted() -> Iterator[list[int]]:
    """A handler that raises, as Python's own, and counts."""
    seen: list[int] = []

    def interrupt(number: int, _: Any) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def called_by_llvm() -> None:
    """Ctrl-C while LLVM calls back."""
    names: dict[str, Any] = {"__name__": "llvmlite.binding.executionengine", "signal": signal}
    exec("def callback():\n    signal.raise_signal(signal.SIGINT)", names)
    names["callback"]()


def called_by_the_collector() -> None:
    class Gone:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    Gone()


def called_by_numba() -> None:
    """Ctrl-C anywhere else."""
    signal.raise_signal(signal.SIGINT)


def protected(call: Callable[[], None], steps: list[str], all_along: bool = False) -> None:
    with interrupts_wait(all_along):
        call()
        steps.append("went on")


@pytest.mark.parametrize("call", [called_by_llvm, called_by_the_collector])
def test_an_interrupt_within_a_callback_is_seen_afterwards(call: Callable[[], None]) -> None:
    steps: list[str] = []
    with interrupts_counted() as seen:
        with pytest.raises(KeyboardInterrupt):
            protected(call, steps)
        assert (seen, steps) == ([signal.SIGINT], ["went on"])
        with pytest.raises(KeyboardInterrupt):
            called_by_numba()  # the handler is the one that was there


def test_an_interrupt_of_a_callback_does_not_wait_until_the_end() -> None:
    """It comes as soon as the callback is over, however long the rest takes."""

    def call_and_go_on() -> None:
        called_by_llvm()
        while True:
            time.sleep(0.01)

    steps: list[str] = []
    with interrupts_counted() as seen, pytest.raises(KeyboardInterrupt):
        protected(call_and_go_on, steps)
    assert (seen, steps) == ([signal.SIGINT], [])


def test_an_interrupt_anywhere_else_is_seen_at_once() -> None:
    steps: list[str] = []
    with interrupts_counted() as seen, pytest.raises(KeyboardInterrupt):
        protected(called_by_numba, steps)
    assert (seen, steps) == ([signal.SIGINT], [])


def test_while_kernels_load_an_interrupt_waits_wherever_it_comes() -> None:
    steps: list[str] = []
    with interrupts_counted() as seen, pytest.raises(KeyboardInterrupt):
        protected(called_by_numba, steps, all_along=True)
    assert (seen, steps) == ([signal.SIGINT], ["went on"])


def test_one_within_another() -> None:
    steps: list[str] = []
    with interrupts_counted() as seen, pytest.raises(KeyboardInterrupt):
        protected(lambda: protected(called_by_llvm, steps), steps)
    assert (seen, steps) == ([signal.SIGINT], ["went on"])


def test_other_threads_have_no_part_in_it() -> None:
    handlers: list[Any] = []

    def look() -> None:
        with interrupts_wait(all_along=True):
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [before]


def test_an_interrupt_after_the_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is that of what was done, not of a signal that comes while Python ends."""
    from asm_sim.cli import main

    monkeypatch.setattr(sys, "argv", ["asm-sim", "--version"])
    with interrupts_counted() as seen:
        with pytest.raises(SystemExit) as ended:
            main.main()
        signal.raise_signal(signal.SIGINT)
        assert (ended.value.code, seen) == (0, [])


def test_little_memory_is_told_by_every_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a store loads no kernels, and what SciPy loads would try for memory for ever."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (700_000_000, resource.RLIM_INFINITY))
    result = CliRunner().invoke(app, ["compare", "nowhere", "0", "1"])
    assert result.exit_code == 1
    assert "this process may have 700 MB" in result.stderr
