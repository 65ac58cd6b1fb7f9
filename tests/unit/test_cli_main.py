"""Whatever goes wrong is one message with the right exit code, and what is printed is only text."""

from __future__ import annotations

import errno
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text
from typer.main import get_command
from typer.testing import CliRunner

from asm_sim.cli import terminal
from asm_sim.cli.examples import EXAMPLES
from asm_sim.cli.main import app
from asm_sim.cli.terminal import Terminal, say
from asm_sim.cli.verbs import VERBS
from asm_sim.errors import InputError, RunError
from asm_sim.scenario import load
from asm_sim.store import progress

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
        (KeyboardInterrupt("Stopped: all is kept."), 130, "Stopped: all is kept.\n"),
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
    console = Terminal(file=page, width=100, force_terminal=True, color_system="truecolor")
    table = Table()
    table.add_column(Text(ESCAPE))
    table.add_row(Text(f"two lines and more, and then\n{ESCAPE}", style="bold"))
    console.print(table)
    console.print(ESCAPE, markup=False, highlight=False)
    printed = page.getvalue()
    assert printed.count(SHOWN.removesuffix(r"\x07")) == 3  # a bell is left out by rich itself
    assert "\x1b[31m" not in printed
    assert "\x1b]0" not in printed
    assert "\x1b[1m" in printed  # rich's own bold
    say(f"{ESCAPE}\nand more")
    assert capsys.readouterr().out == f"{SHOWN}\nand more\n"


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_ends_with_examples_that_it_takes(verb: str) -> None:
    """Each is read by the verb's own parser: options, numbers of arguments, choices."""
    told = " ".join(CliRunner(env={"COLUMNS": "200"}).invoke(app, [verb, "--help"]).stdout.split())
    assert EXAMPLES[verb]
    for command, words in EXAMPLES[verb]:
        assert f"{command} ({words})" in told
        program, called, *arguments = shlex.split(command.partition(" | ")[0].partition(" > ")[0])
        assert (program, called) == ("asm-sim", verb)
        get_command(app).commands[verb].make_context(verb, arguments)  # type: ignore[attr-defined]


def test_mistyped_verbs_and_options_get_the_nearest() -> None:
    assert "Did you mean 'run'" in CliRunner().invoke(app, ["rn"]).stderr
    assert "--draws" in CliRunner().invoke(app, ["run", "--drws", "5"]).stderr


def test_quiet_leaves_only_what_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_quiet", False)
    monkeypatch.setattr(progress, "is_quiet", False)
    loud = CliRunner().invoke(app, ["run", "basline"])
    quiet = CliRunner().invoke(app, ["run", "basline", "--quiet"])
    assert loud.stderr == f"asm-sim: reading basline\n{quiet.stderr}"
    assert quiet.stderr.startswith("Error: no scenario is called 'basline'")
    assert terminal.is_quiet
    assert progress.is_quiet


@pytest.mark.parametrize(
    ("words", "found"), [("asm-sim sc", "scenarios"), ("asm-sim run --op", "--open-draws")]
)
def test_a_shell_is_told_what_may_follow(words: str, found: str) -> None:
    environment = {
        "_ASM_SIM_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    told = CliRunner(env=environment).invoke(app, [], prog_name="asm-sim")
    assert found in told.stdout.split()
    shown = CliRunner().invoke(app, ["--show-completion", "bash"], prog_name="asm-sim")
    assert "_ASM_SIM_COMPLETE=complete_bash" in shown.stdout


def test_the_work_is_done_where_nobody_reads_the_answer() -> None:
    """As behind `head`: what is printed later on standard error is still there."""
    program = (
        "import sys; from asm_sim.cli.terminal import Terminal\n"
        "page = Terminal()\n"
        "for _ in range(20_000): page.print('a line of the answer')\n"
        "print('all is written', file=sys.stderr)\n"
    )
    asked = f'{sys.executable} -c "{program}" | head -1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", asked], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "a line of the answer\n")
    assert done.stderr == "all is written\n"


def test_a_closed_standard_output_is_one_message_and_a_closed_standard_error_none() -> None:
    asked = f"{sys.executable} -m asm_sim.cli.main scenarios baseline"
    closed = subprocess.run(["sh", "-c", f"{asked} >&-"], capture_output=True, text=True)
    assert (closed.returncode, closed.stdout) == (1, "")
    assert closed.stderr.startswith("Error: standard output is closed")
    assert closed.stderr.count("\n") == 1
    quiet = subprocess.run(["sh", "-c", f"{asked} 2>&-"], capture_output=True, text=True)
    assert quiet.returncode == 0
    assert "asm-sim run baseline" in quiet.stdout


def test_ctrl_c_while_the_program_is_imported_is_one_line(tmp_path: Path) -> None:
    """Played by a module of the program's that interrupts whoever imports it."""
    (tmp_path / "typer").mkdir()
    (tmp_path / "typer" / "__init__.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "asm_sim", "--version"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


ENDED = """
import atexit, sys, tempfile
from asm_sim.cli import main as program
folder = tempfile.TemporaryDirectory()
def say():
    print("x" * 300_000)
    print(folder.name, file=sys.stderr)
    atexit.register(print, "put away")
    raise SystemExit(int(sys.argv[1]))
program.app = say
program.program()
"""


@pytest.mark.parametrize("code", [0, 2])
def test_an_end_without_taking_all_apart_loses_nothing(code: int) -> None:
    """More than a pipe holds is written, what is to be done at the end is, the code is told."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDED, str(code)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == code
    assert ended.stdout == "x" * 300_000 + "\nput away\n"
    assert not Path(ended.stderr.strip()).exists()
