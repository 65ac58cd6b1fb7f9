"""Writing a scored table so that a failure leaves nothing half done behind."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from asm_sim.errors import InputError, printable
from asm_sim.score.read import PARQUET_SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

CSV_SUFFIX = ".csv"


def check_output(output: Path, source: Path) -> None:
    """Refuse an output that could not be written, or that would replace the input."""
    title = printable(str(output))
    if output.is_dir():
        raise InputError(f"{title}: the output is a folder; name a .csv or .parquet file")
    if output.suffix.lower() not in {CSV_SUFFIX, *PARQUET_SUFFIXES}:
        raise InputError(f"{title}: the output must end in .csv or .parquet")
    if not output.parent.is_dir():
        raise InputError(f"{title}: the folder {printable(str(output.parent))} does not exist")
    if output.exists():
        if source.exists() and output.samefile(source):
            raise InputError(f"{title}: the output would replace the input; choose another name")
        if not output.is_file():
            raise InputError(f"{title}: this exists and is not an ordinary file")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The table as CSV in UTF-8; floats in the shortest form that reads back as the same number."""
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8")


def write_table(table: pd.DataFrame, output: Path) -> None:
    """Write a table as CSV or Parquet by the suffix, in one atomic step.

    An existing file is replaced only once the new one is complete on disk. Raises ``OSError``.
    """
    if output.suffix.lower() in PARQUET_SUFFIXES:
        replace_atomically(output, lambda path: table.to_parquet(path, index=False))
    else:
        data = csv_bytes(table)
        replace_atomically(output, lambda path: _write_bytes(path, data))


def replace_atomically(output: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a new file beside ``output``, then move it there; clean up on failure."""
    target = Path(os.path.realpath(output))  # what a link points to; never fails on a loop
    temporary = target.with_name(f".{uuid.uuid4().hex}.asm-sim.tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
