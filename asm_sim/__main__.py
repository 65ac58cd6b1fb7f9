"""``python -m asm_sim`` is ``asm-sim``: what is imported before anything can be stopped."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

# Objects are looked through for garbage less often than Python does it: what is imported stays.
_GARBAGE = 20_000, 20, 100


def main() -> None:
    """Run the command line; Ctrl-C while it is being imported ends in a line, too."""
    before = signal.signal(signal.SIGINT, _end)
    gc.set_threshold(*_GARBAGE)
    from asm_sim.cli.main import program as run

    signal.signal(signal.SIGINT, before)
    run()


def _end(*_signal: Any) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
