"""What every malformed input must do: be refused by one readable message that changes nothing."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.errors import escaped

MOST_LINES = 60
MOST_CHARACTERS = 70_000
TRACES = ("Traceback", "a fault of asm-sim itself", 'File "')


@dataclass(frozen=True)
class Hostile:
    """One malformed input: the files of a folder, what is asked there, and what must be said.

    ``said`` is a part of the message, with single blanks where it has lines or frames; ``code`` the
    exit code: 2 for bad input, 1 for a fault of the machine. ``prepare`` makes in the folder what
    is no text, such as links and stores.
    """

    name: str
    arguments: list[str]
    said: str
    files: dict[str, str | bytes] = field(default_factory=dict)
    code: int = 2
    prepare: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Told:
    """What a verb said."""

    code: int
    out: str
    err: str


def told(arguments: list[str]) -> Told:
    """Run a verb in this process, in the present folder."""
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Told(result.exit_code, result.stdout, result.stderr)


def check(case: Hostile, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask, and assert that the answer is as it must be and the folder as it was."""
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    if case.prepare:
        case.prepare(folder)
    monkeypatch.chdir(folder)
    before = contents(folder)
    answer = told(case.arguments)
    said = " ".join(answer.err.replace("│", " ").split())
    assert case.said in said
    assert answer.code == case.code, answer.err
    check_readable(answer)
    assert contents(folder) == before


def check_readable(answer: Told) -> None:
    """One message, which a person can read and no terminal acts on."""
    assert escaped(answer.err, keep="\n") == answer.err
    assert escaped(answer.out, keep="\n") == answer.out
    assert len(answer.err.splitlines()) <= MOST_LINES
    assert len(answer.err) <= MOST_CHARACTERS
    assert not any(trace in answer.err for trace in TRACES), answer.err


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """Every path below a folder with its kind, its permissions and what it holds."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(root, name)
            mode = path.lstat().st_mode
            held = ""
            if stat.S_ISLNK(mode):
                held = str(path.readlink())
            elif stat.S_ISREG(mode):
                held = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = (mode, held)
    return found
