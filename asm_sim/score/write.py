"""Writing a scored table so that a failure leaves nothing half done behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asm_sim.durable import appearing, write_whole
from asm_sim.errors import InputError, printable, reason_of
from asm_sim.tables.read import PARQUET_SUFFIXES
from asm_sim.tables.workbook import workbook_bytes

if TYPE_CHECKING:
    import pandas as pd

CSV_SUFFIX = ".csv"
WORKBOOK_SUFFIX = ".xlsx"
SUFFIXES = {CSV_SUFFIX, WORKBOOK_SUFFIX, *PARQUET_SUFFIXES}


def check_output(output: Path, source: Path | None) -> None:
    """Refuse an output that could not be written, or that would replace the input, if any."""
    title = printable(str(output))
    try:
        is_folder = output.is_dir()
    except OSError as error:  # a name that is too long
        raise InputError(f"{title}: this cannot be written ({reason_of(error)})") from error
    if is_folder:
        raise InputError(f"{title}: the output is a folder; name a .csv, .xlsx or .parquet file")
    if output.suffix.lower() not in SUFFIXES:
        raise InputError(f"{title}: the output must end in .csv, .xlsx or .parquet")
    if not output.parent.is_dir():
        raise InputError(f"{title}: the folder {printable(str(output.parent))} does not exist")
    if output.exists():
        if source is not None and source.exists() and output.samefile(source):
            raise InputError(f"{title}: the output would replace the input; choose another name")
        if not output.is_file():
            raise InputError(f"{title}: this exists and is not an ordinary file")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The table as CSV in UTF-8; floats in the shortest form that reads back as the same number."""
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8")


def write_table(table: pd.DataFrame, output: Path) -> None:
    """Write a table in the format of the suffix, whole or not at all. Raises ``OSError``."""
    if output.suffix.lower() in PARQUET_SUFFIXES:
        with appearing(output) as partial:
            table.to_parquet(partial, index=False)
    elif output.suffix.lower() == WORKBOOK_SUFFIX:
        rows = [list(table.columns), *table.itertuples(index=False)]
        write_whole(output, workbook_bytes({"results": rows}))
    else:
        write_whole(output, csv_bytes(table))
