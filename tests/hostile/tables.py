"""Tables to score and rosters that cannot be read, or read but not used."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from asm_sim.score.example import example_rows
from tests.hostile.harness import Hostile

DIGITS = "9" * 6_000
LONG = "x" * 120_000
ESCAPE = "\x1b[31m"
Rows = list[dict[str, str]]

EXAMPLE: Rows = [{key: str(cell) for key, cell in row.items()} for row in example_rows()[:5]]
COLUMNS = list(EXAMPLE[0])
ROSTER: Rows = [
    {
        "clinician_id": f"c{i}",
        "cohort": "HF" if i % 2 else "LBP",
        "state": "OH",
        "practice_id": f"P{i}",
        "small_practice": "1",
    }
    for i in range(20)
]


def text_of(rows: Rows, change: tuple[str, str] | None = None, more: Sequence[str] = ()) -> str:
    """Rows as CSV; ``change`` gives the first row another cell, ``more`` are lines below."""
    rows = [dict(row) for row in rows]
    if change:
        rows[0][change[0]] = change[1]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue() + "".join(f"{line}\n" for line in more)


# Column, cell, and what is said of it.
CELLS: list[tuple[str, str, str]] = [
    ("clinician_id", "", "row 2, column clinician_id: is blank"),
    ("clinician_id", "\xa0", "row 2, column clinician_id: is blank"),
    ("clinician_id", DIGITS, "is longer than 200 characters"),
    ("clinician_id", LONG, "is longer than 200 characters"),
    ("clinician_id", ESCAPE, r"'\x1b[31m' has characters in it that cannot be shown"),
    ("clinician_id", "a\u202eb", r"'a\u202eb' has characters in it that cannot be shown"),
    ("clinician_id", "a\nb", r"'a\nb' has characters in it that cannot be shown"),
    ("clinician_id", "1.23E+09", "'1.23E+09' is a long number in scientific notation"),
    ("clinician_id", "\0", "a binary file"),
    ("cohort", "", "row 2, column cohort: is blank; one of: HF, LBP"),
    ("cohort", ESCAPE, r"'\x1b[31m' is no cohort; one of: HF, LBP"),
    ("cohort", LONG, "is no cohort; one of: HF, LBP"),
    ("performance_year", DIGITS, "row 2, column performance_year: '999"),
    ("performance_year", "²", "'²' is not a number"),
    ("performance_year", "2027.5", "row 2, column performance_year"),
    ("performance_year", "-1", "'-1' is out of range"),
    ("performance_year", ESCAPE, r"'\x1b[31m' is not a number"),
    ("part_b_payments", DIGITS, "row 2, column part_b_payments: '999"),
    ("part_b_payments", "0x1F", "'0x1F' is not a number"),
    ("part_b_payments", "1e400", "'1e400' is infinite"),
    ("part_b_payments", "inf", "'inf' is infinite"),
    ("part_b_payments", "1,00,0", "'1,00,0' is not a number"),
    ("part_b_payments", "<11", "'<11' stands for a suppressed number"),
    ("part_b_payments", "=1+1", "'=1+1' is not a number"),
]

HEADER = ",".join(COLUMNS)


def _zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


TABLES: dict[str, tuple[str | bytes, str]] = {
    "an empty table": ("", "t.csv: the file is empty"),
    "a table of blank lines": ("\n\n\n", "t.csv: the file is empty"),
    "a header alone": (f"{HEADER}\n", "there is a header but no row below it"),
    "a table without a header": (
        text_of(EXAMPLE).split("\n", 1)[1],
        "column clinician_id is missing",
    ),
    "a table of zero bytes": (b"a,b\n\0,1\n", "a binary file"),
    "a table in Latin-1": (text_of(EXAMPLE).encode() + b"caf\xe9\n", "row 7: 1 cell where"),
    "a table in no encoding": (text_of(EXAMPLE).encode() + b"\x81\n", "line 7: not text in UTF-8"),
    "a table in UTF-16": (text_of(EXAMPLE).encode("utf-16"), "this is text in UTF-16"),
    "a cut workbook": (b"PK\x03\x04xxxx", "not a readable Excel workbook"),
    "a zip archive": (_zipped(a=b"a,b\n1,2\n"), "a zip archive, not an Excel workbook"),
    "a bomb": (_zipped(**{"[Content_Types].xml": b"", "xl/x": bytes(500_000_000)}), "more than"),
    "a workbook of nothing": (_zipped(**{"[Content_Types].xml": b"", "xl/x": b""}), "not a read"),
    "an old workbook": (b"\xd0\xcf\x11\xe0xxxx", "an old Excel workbook"),
    "an archive": (b"\x1f\x8b\x08\0", "a gzip archive"),
    "a table cut by semicolons": (text_of(EXAMPLE, more=["x"]).replace(",", ";"), "row 7: 1 cell"),
    "a table cut by colons": (text_of(EXAMPLE).replace(",", ":"), "clinician_id is missing"),
    "a column twice": (text_of(EXAMPLE).replace("cohort", "clinician_id", 1), "is there twice"),
    "a column with escapes": (text_of(EXAMPLE).replace("cohort", ESCAPE, 1), "cohort is missing"),
    "a column of a long name": (text_of(EXAMPLE).replace("cohort", LONG, 1), "cohort is missing"),
    "16,384 columns": (",".join(f"c{i}" for i in range(16_384)) + "\n1\n", "more than 1,000"),
    "ragged rows": (text_of(EXAMPLE, more=["a,b"]), "row 7: 2 cells where the header has 48"),
    "20,000 ragged rows": (f"{HEADER}\n" + "a\n" * 20_000, "and so in 19,999 more rows"),
    "a quotation without end": (text_of(EXAMPLE, more=['"a']), "line 7: not valid CSV"),
    "a million quotations": ('"' * 1_000_000, "line 1: not valid CSV"),
    "a million commas": ("," * 1_000_000, "there is a header but no row below it"),
    "a clinician twice": (text_of([*EXAMPLE, EXAMPLE[0]]), "is already in row 2"),
    "a Parquet file of four bytes": (b"PAR1", "not a readable Parquet file"),
    "a Parquet file with a wrong foot": (
        b"PAR1" + b"\xff" * 100 + b"PAR1",
        "not a readable Parquet file",
    ),
}


def _parquet(**columns: pa.Array) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        pq.write_table(pa.table(columns), folder / "t.csv")

    return prepare


def _not_utf8(folder: Path) -> None:
    ids = pa.array([b"\xff\xfe"] * 3, pa.binary()).cast(pa.string(), safe=False)
    _parquet(clinician_id=ids, cohort=pa.array(["HF"] * 3))(folder)


def _cut(folder: Path) -> None:
    _parquet(clinician_id=pa.array(["a"] * 1_000))(folder)
    content = (folder / "t.csv").read_bytes()
    (folder / "t.csv").write_bytes(content[: len(content) // 2] + content[-8:])


PARQUET: dict[str, tuple[Callable[[Path], None], str]] = {
    "10 million rows": (_parquet(x=pa.nulls(10_000_000)), "t.csv"),
    "rows without an end": (_parquet(clinician_id=pa.array([], pa.string())), "has no rows"),
    "ids that are not UTF-8": (_not_utf8, "t.csv"),
    "lists in cells": (_parquet(clinician_id=pa.array([[1], [2]])), "t.csv"),
    "half of a Parquet file": (_cut, "t.csv"),
}

ROSTER_CELLS: list[tuple[str, str, str]] = [
    ("clinician_id", "", "line 2, clinician_id: blank"),
    ("clinician_id", LONG, "is longer than 200 characters"),
    ("clinician_id", ESCAPE, r"'\x1b[31m' has characters in it that cannot be shown"),
    ("clinician_id", "1.23E+09", "is a long number in scientific notation"),
    ("cohort", ESCAPE, r"line 2, cohort: '\x1b[31m' is not in the rule set"),
    ("cohort", LONG, "is not in the rule set"),
    ("state", "a\u202eb", "has characters in it that cannot be shown"),
    ("state", DIGITS, "is longer than 200 characters"),
    ("practice_id", "", "line 2, practice_id: blank"),
    ("practice_id", ESCAPE, "has characters in it that cannot be shown"),
    ("practice_id", "2E+11", "is a long number in scientific notation"),
    ("small_practice", "2", "'2' is not 0 or 1"),
    ("small_practice", "²", "'²' is not 0 or 1"),
    ("small_practice", LONG, "is not 0 or 1"),
]
ROSTERS: dict[str, tuple[str | bytes, str]] = {
    "an empty roster": ("", "mine.csv: the file is empty"),
    "a roster without rows": (",".join(ROSTER[0]) + "\n", "there is a header but no row below it"),
    "a roster without a header": (text_of(ROSTER).split("\n", 1)[1], "no column clinician_id"),
    "a roster of bytes": (bytes(range(256)), "a binary file"),
    "a roster in no encoding": (text_of(ROSTER).encode() + b"\x90", "line 22: not text in UTF-8"),
    "a roster that is ragged": (text_of(ROSTER, more=["a,b"]), "line 22: 2 cells where"),
    "a roster with a clinician twice": (text_of([*ROSTER, ROSTER[0]]), "stands in line 2 too"),
    "a roster of a large small practice": (
        text_of([row | {"practice_id": "P"} for row in ROSTER]),
        "20 are listed in practice 'P'",
    ),
    "a roster of 5,000 mistakes": (
        ",".join(ROSTER[0]) + "\n" + "x,x,x,x,x\n" * 5_000,
        "line 2, cohort: 'x' is not in the rule set",
    ),
    "a roster cut off": (b"PAR1xx", "not a readable Parquet file"),
}

SCORE = ["score", "t.csv", "-o", "o.csv"]
NAMES = {"mine.yaml": "title: x\nset: {population.roster: mine.csv}\n"}

CASES = [
    *(
        Hostile(f"{column} {cell[:20]!a}", SCORE, said, {"t.csv": text_of(EXAMPLE, (column, cell))})
        for column, cell, said in CELLS
    ),
    *(Hostile(name, SCORE, said, {"t.csv": table}) for name, (table, said) in TABLES.items()),
    *(Hostile(name, SCORE, said, prepare=prepare) for name, (prepare, said) in PARQUET.items()),
    *(
        Hostile(
            f"roster {column} {cell[:20]!a}",
            ["run", "mine.yaml"],
            said,
            {**NAMES, "mine.csv": text_of(ROSTER, (column, cell))},
        )
        for column, cell, said in ROSTER_CELLS
    ),
    *(
        Hostile(name, ["run", "mine.yaml"], said, {**NAMES, "mine.csv": roster})
        for name, (roster, said) in ROSTERS.items()
    ),
    *(
        Hostile(f"{name}, shown", ["roster", "mine.csv"], said, {"mine.csv": roster})
        for name, (roster, said) in ROSTERS.items()
    ),
]
