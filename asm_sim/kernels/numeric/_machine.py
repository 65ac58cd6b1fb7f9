"""What numba takes from the environment, and Ctrl-C while LLVM is at work.

Nothing here changes what a kernel computes, so this file is no part of the hash of the sources.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from asm_sim.errors import InputError

_THREADS = "NUMBA_NUM_THREADS"
_MOST_THREADS = 4096
_CALLS_BACK = "llvmlite.binding.executionengine"


def threads_given() -> int | None:
    """NUMBA_NUM_THREADS, None where it is not set; :class:`InputError` where it is no number."""
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
def interrupts_between_callbacks() -> Iterator[None]:
    """Ctrl-C that comes while LLVM loads machine code is seen at the end of this, else at once.

    LLVM calls back into Python meanwhile; an exception there is lost and may end the process.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    put_off: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if _is_below(frame, _CALLS_BACK):
            put_off.append(number)
        else:
            before(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if put_off:
            before(put_off[-1], None)


def _is_below(frame: FrameType | None, module: str) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == module:
            return True
        frame = frame.f_back
    return False
