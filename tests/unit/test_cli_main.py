"""Whatever goes wrong is one message with the right exit code, and what is printed is only text."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.cli.terminal import Terminal, say
from asm_sim.errors import InputError, RunError
from asm_sim.scenario import load

ESCAPE = "\x1b[31mred\x1b]0;title\a"
SHOWN = r"\x1b[31mred\x1b]0;title\x07"


def raising(error: BaseException) -> Callable[..., None]:
    def verb(*_: object) -> None:
        raise error

    return verb


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError(f"{ESCAPE}: wrong"), 2, f"Error: {SHOWN}: wrong\n"),
        (RunError(f"{ESCAPE}\nis lost"), 1, f"Error: {SHOWN}\nis lost\n"),
        (OSError(errno.ENOSPC, "No space left", ESCAPE), 1, f"Error: {SHOWN}: No space left\n"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300), 2, "File name too long\n"),
        (OSError(errno.ELOOP, "Too many levels of symbolic links", "x"), 2, "symbolic links\n"),
        (MemoryError(), 1, "Error: there is not enough memory for this"),
        (MemoryError("Unable to allocate 8 PiB"), 1, "Error: there is not enough memory"),
        (RuntimeError("can't start new thread"), 1, "or too many processes run\n"),
        (ImportError("x.so: failed to map segment"), 1, "Error: there is not enough memory"),
        (RecursionError("maximum depth"), 1, "a fault of asm-sim itself (RecursionError: maximum"),
        (
            KeyError(ESCAPE),
            1,
            f"a fault of asm-sim itself (KeyError: '{SHOWN}'; cli/scenarios",
        ),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_one_message(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "shipped", raising(error))
    result = CliRunner().invoke(app, ["scenarios"])
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.count("\n") <= 2
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("given", ["-1", "1.5", "many"])
def test_a_number_of_open_draws_that_is_none_is_one_message(given: str) -> None:
    result = CliRunner().invoke(app, ["run", "baseline", "--open-draws", given])
    assert result.exit_code == 2
    assert "--open-draws" in result.output
    assert "Traceback" not in result.output


def test_a_message_has_at_most_60_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "shipped", raising(RunError("x\n" * 5_000)))
    result = CliRunner().invoke(app, ["scenarios"])
    assert len(result.stderr.splitlines()) == 60


def test_a_text_cannot_move_the_cursor_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    page = io.StringIO()
    terminal = Terminal(file=page, width=100, force_terminal=True, color_system="truecolor")
    table = Table()
    table.add_column(Text(ESCAPE))
    table.add_row(Text(f"two lines and more, and then\n{ESCAPE}", style="bold"))
    terminal.print(table)
    terminal.print(ESCAPE, markup=False, highlight=False)
    printed = page.getvalue()
    assert printed.count(SHOWN.removesuffix(r"\x07")) == 3  # a bell is left out by rich itself
    assert "\x1b[31m" not in printed
    assert "\x1b]0" not in printed
    assert "\x1b[1m" in printed  # rich's own bold
    say(f"{ESCAPE}\nand more")
    assert capsys.readouterr().out == f"{SHOWN}\nand more\n"


def test_a_closed_standard_output_is_one_message_and_a_closed_standard_error_none() -> None:
    asked = f"{sys.executable} -m asm_sim.cli.main scenarios baseline"
    closed = subprocess.run(["sh", "-c", f"{asked} >&-"], capture_output=True, text=True)
    assert (closed.returncode, closed.stdout) == (1, "")
    assert closed.stderr.startswith("Error: standard output is closed")
    assert closed.stderr.count("\n") == 1
    quiet = subprocess.run(["sh", "-c", f"{asked} 2>&-"], capture_output=True, text=True)
    assert quiet.returncode == 0
    assert "asm-sim run baseline" in quiet.stdout
