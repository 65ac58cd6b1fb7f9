"""What numba takes from the machine and its environment, and Ctrl-C while LLVM is at work.

Nothing here changes what a kernel computes, so this file is no part of the hash of the sources.
"""

from __future__ import annotations

import _thread
import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from asm_sim.errors import InputError
from asm_sim.memory import refuse_little_memory

_THREADS = "NUMBA_NUM_THREADS"
_MOST_THREADS = 4096
_CALL_BACK = frozenset({"llvmlite", "weakref"})  # modules
# Functions, the last three of numba: what it leaves half registered it never registers.
_CALLED_BACK = frozenset({"__del__", "on_disposal", "_on_type_disposal", "refresh"})
_PAUSE = 0.05  # seconds
_GARBAGE = 50_000, 20, 1_000  # as gc.set_threshold takes it


def threads_given() -> int | None:
    """NUMBA_NUM_THREADS, None where it is not set; :class:`InputError` where it is no number.

    :class:`RunError` where numba would end without a message for want of memory.
    """
    refuse_little_memory()
    given = os.environ.get(_THREADS)
    if given is None:
        return None
    try:
        count = int(given)
    except ValueError:
        count = 0
    if not 1 <= count <= _MOST_THREADS:
        shown = given if len(given) <= 40 else given[:37] + "..."
        raise InputError(
            f"{_THREADS}={shown!r}: must be a whole number from 1 to {_MOST_THREADS:,}"
        )
    return count


@contextmanager
def interrupts_wait(all_along: bool) -> Iterator[None]:
    """Ctrl-C is seen at the end of this if ``all_along``, else as soon as it can be heard.

    In what LLVM or the collector of objects calls back, an exception is lost and written to
    standard error; in the middle of llvmlite it may free memory twice, which ends the process; and
    numba cannot be left in the middle of loading.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    put_off: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not (all_along or _is_called_back(frame)):
            put_off.clear()
            before(number, frame)
            return
        put_off.append(number)
        if not all_along:
            _thread.start_new_thread(try_again, ())

    def try_again() -> None:
        time.sleep(_PAUSE)
        if put_off:
            _thread.interrupt_main()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        waiting = put_off.copy()
        put_off.clear()
        if waiting:
            before(waiting[-1], None)


@contextmanager
def garbage_waits() -> Iterator[None]:
    """Objects are looked through for garbage less often: a compiler has millions, which live on."""
    before = gc.get_threshold()
    gc.set_threshold(*_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _is_called_back(frame: FrameType | None) -> bool:
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] in _CALL_BACK or frame.f_code.co_name in _CALLED_BACK:
            return True
        frame = frame.f_back
    return False
