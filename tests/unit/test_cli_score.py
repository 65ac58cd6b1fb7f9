"""``asm-sim score`` as a user meets it: exit codes, one message, nothing lost or left over."""

from __future__ import annotations

import errno
import io
import os
import resource
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import asm_sim.score.write
from asm_sim.cli.main import app
from asm_sim.score.example import example_rows, write_example


def asm_sim_score(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def in_a_process(
    *arguments: str, cwd: Path, largest_file: int | None = None
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    command = [sys.executable, "-m", "asm_sim.cli.main", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, preexec_fn=limit, check=False
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_example(tmp_path)


def test_csv_in_csv_out_with_a_summary_on_standard_error(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "adjustments.csv"
    result = asm_sim_score(table, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "HF 2027 (paid in 2029): 32 clinicians, 31 with a final score" in result.stderr
    scored = pd.read_csv(out, dtype={"clinician_id": str})
    assert scored["clinician_id"].iloc[0] == "00101"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adjustments.csv", "clinicians.csv"]


def test_standard_output_csv_and_parquet_hold_the_same_bits_and_excel_16_digits(
    table: Path, tmp_path: Path
) -> None:
    printed = asm_sim_score(table)
    assert printed.exit_code == 0
    asm_sim_score(table, "-o", tmp_path / "out.csv")
    asm_sim_score(table, "-o", tmp_path / "out.PARQUET")
    asm_sim_score(table, "-o", tmp_path / "out.xlsx")
    assert printed.stdout == (tmp_path / "out.csv").read_text()
    text = pd.read_csv(io.StringIO(printed.stdout), dtype=str)
    parquet = pd.read_parquet(tmp_path / "out.PARQUET")
    sheet = pd.read_excel(tmp_path / "out.xlsx", dtype={"clinician_id": str})
    for name in text.columns.drop(["clinician_id", "cohort"]):
        from_text = text[name].astype(np.float64).to_numpy()
        np.testing.assert_array_equal(from_text, parquet[name].to_numpy(dtype=np.float64))
        of_excel = sheet[name].to_numpy(dtype=np.float64)  # which holds 16 digits
        np.testing.assert_allclose(from_text, of_excel, rtol=1e-15)
    assert list(parquet["clinician_id"]) == list(text["clinician_id"])
    assert list(sheet["clinician_id"]) == list(text["clinician_id"])


def test_a_parquet_table_gives_what_the_csv_gives(table: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(table, dtype={"clinician_id": str})
    frame.to_parquet(tmp_path / "clinicians.parquet")
    assert asm_sim_score(tmp_path / "clinicians.parquet").stdout == asm_sim_score(table).stdout


def test_rules_and_settings(table: Path, tmp_path: Path) -> None:
    own = tmp_path / "steep.yaml"
    own.write_text("extends: asm-2026-final\npayment: {exchange: {steepness: {value: 0.2}}}\n")
    plain = asm_sim_score(table).stdout
    by_setting = asm_sim_score(table, "--set", "rules.payment.exchange.steepness=0.2")
    by_file = asm_sim_score(table, "--rules", own)
    assert by_setting.exit_code == by_file.exit_code == 0, by_file.stderr
    assert by_setting.stdout == by_file.stdout != plain


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--rules", "asm-2026-finall"], "did you mean 'asm-2026-final'"),
        (["--rules", "none.yaml"], "none.yaml: there is no such file"),
        (["--set", "rules.payment.exchange.steepnes=1"], "did you mean 'steepness'?"),
        (["--set", "rules.payment.exchange.steepness=steep"], "valid number"),
        (["--set", "rules.payment.exchange.steepness"], "write it as path=value"),
        (["-o", "out.txt"], "must end in .csv, .xlsx or .parquet"),
        (["-o", "out"], "must end in .csv, .xlsx or .parquet"),
        (["-o", "nowhere/out.csv"], "the folder nowhere does not exist"),
        (["-o", "."], "the output is a folder"),
        (["-o", "pipe.csv"], "not an ordinary file"),
        (["-o", "clinicians.csv"], "would replace the input"),
        (["-o", "./link.csv"], "would replace the input"),
        (["-o", "hard.csv"], "would replace the input"),
    ],
)
def test_bad_arguments_are_bad_input_and_touch_nothing(
    table: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.chdir(table.parent)
    Path("link.csv").symlink_to("clinicians.csv")
    Path("hard.csv").hardlink_to("clinicians.csv")
    os.mkfifo("pipe.csv")
    before = table.read_bytes()
    names = sorted(Path().iterdir())
    result = asm_sim_score("clinicians.csv", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "Traceback" not in result.output
    assert table.read_bytes() == before
    assert sorted(Path().iterdir()) == names


def test_no_table_a_missing_one_and_markup_in_its_name(tmp_path: Path) -> None:
    assert asm_sim_score().exit_code == 2
    assert "name a clinician table" in asm_sim_score().stderr
    for name in ("none.csv", "[red]x", "[/red]"):
        result = asm_sim_score(tmp_path / name)
        assert result.exit_code == 2
        assert f"{name}: there is no such file" in result.stderr
    assert "this is a folder" in asm_sim_score(tmp_path).stderr


def test_a_bad_table_leaves_no_output_and_keeps_an_old_one(table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    lines[4] = lines[4].replace(",2027,", ",2026,")
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(lines))
    out = tmp_path / "out.csv"
    result = asm_sim_score(bad, "-o", out)
    assert result.exit_code == 2
    assert "row 5, column performance_year: '2026' is out of range" in result.stderr
    assert not out.exists()
    out.write_text("precious")
    assert asm_sim_score(bad, "-o", out).exit_code == 2
    assert out.read_text() == "precious"
    assert asm_sim_score(table, "-o", out).exit_code == 0
    assert out.read_text().startswith("clinician_id,")


def test_an_output_that_is_a_link_stays_one(table: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert asm_sim_score(table, "-o", tmp_path / "link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("clinician_id,")


def test_warnings_and_ignored_columns_are_told(table: Path) -> None:
    frame = pd.read_csv(table, dtype=str)
    frame["[bold]pi_scor"] = "1"
    frame.to_csv(table, index=False)
    result = asm_sim_score(table)
    assert result.exit_code == 0
    assert "Warning: column '[bold]pi_scor' is not known and is ignored" in result.stderr
    assert "ignored columns: '[bold]pi_scor'" in result.stderr


def test_example_is_written_once_and_can_be_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert asm_sim_score("--example").exit_code == 0
    before = Path("clinicians.csv").read_bytes()
    again = asm_sim_score("--example")
    assert again.exit_code == 2
    assert "there already" in again.stderr
    assert Path("clinicians.csv").read_bytes() == before
    assert asm_sim_score("clinicians.csv", "-o", "out.csv").exit_code == 0
    assert asm_sim_score("--example", "clinicians.csv").exit_code == 2


def test_a_failing_disk_is_one_message_and_leaves_the_old_file(table: Path) -> None:
    out = table.parent / "out.csv"
    out.write_text("precious")
    for name in ("out.csv", "out.parquet"):
        run = in_a_process("score", table.name, "-o", name, cwd=table.parent, largest_file=2000)
        assert run.returncode == 1
        assert "Error: " in run.stderr
        assert "Traceback" not in run.stderr
    assert out.read_text() == "precious"
    assert sorted(path.name for path in table.parent.iterdir()) == ["clinicians.csv", "out.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output(table: Path) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "asm_sim.cli.main", "score", str(table)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr == "Error: No space left on device\n"


def test_an_interrupt_is_a_short_word(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asm_sim.score.write, "write_table", interrupted)
    result = asm_sim_score(table, "-o", table.parent / "out.csv")
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"


def test_an_interrupt_from_the_keyboard(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow.csv")
    process = subprocess.Popen(
        [sys.executable, "-m", "asm_sim.cli.main", "score", "slow.csv"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # Also where these tests run in the background of a script, which ignores interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process, ExitStack() as afterwards:
        afterwards.callback(process.kill)
        writer = os.open(tmp_path / "slow.csv", os.O_WRONLY)  # returns once the reader is there
        afterwards.callback(os.close, writer)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors == "Interrupted.\n"


def test_write_table_reports_what_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "out.csv")

    monkeypatch.setattr(asm_sim.score.write, "write_table", read_only)
    result = asm_sim_score(write_example(tmp_path), "-o", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert result.stderr == "Error: out.csv: Read-only file system\n"


ODD_CELLS = (
    *("", "NA", "nan", "inf", "-inf", "1e400", "-1", "0", "45.0", "0.5", "1,234", "x", "True"),
    *(
        "2027",
        "HF",
        "LBP",
        "ecqm",
        '"',
        "''",
        "9" * 400,
        "1e-320",
        "[red]",
        "é",
        "1e15",
        "\x1b[31m",
    ),
)
CELLS = st.one_of(st.sampled_from(ODD_CELLS), st.text(max_size=6))
GOOD_ROWS = [list(example_rows()[0]), *([str(v) for v in r.values()] for r in example_rows())]


def joined(cells: list[list[str]]) -> bytes:
    return "\n".join(",".join(line) for line in cells).encode("utf-8", errors="surrogatepass")


def scored_or_refused(folder: Path, content: bytes) -> None:
    table, out = folder / "fuzz.csv", folder / "out.csv"
    table.write_bytes(content)
    out.unlink(missing_ok=True)
    result = asm_sim_score(table, "-o", out)
    assert result.exit_code in {0, 2}, result.exception
    assert out.exists() == (result.exit_code == 0)
    assert "Traceback" not in result.output
    assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []
    if result.exit_code == 0:
        numbers = pd.read_csv(out).drop(columns="clinician_id").select_dtypes("number")
        assert np.isfinite(numbers.to_numpy(dtype=np.float64)[~numbers.isna().to_numpy()]).all()
        assert numbers["payment_adjustment_factor"].notna().all()
    else:
        assert result.stderr.startswith("Error: ")
        assert len(result.stderr.splitlines()) <= 22


FUZZ = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(changes=st.lists(st.tuples(st.integers(0, 128), st.integers(0, 47), CELLS), max_size=4))
def test_fuzzed_cells_are_scored_or_refused(
    tmp_path: Path, changes: list[tuple[int, int, str]]
) -> None:
    cells = [list(line) for line in GOOD_ROWS]
    for row, column, cell in changes:
        cells[row][column] = cell
    scored_or_refused(tmp_path, joined(cells))


@FUZZ
@given(
    column=st.integers(0, 47),
    values=st.lists(CELLS.map(lambda cell: '"' + cell.replace('"', '""') + '"'), min_size=1),
    kept=st.integers(1, 128),
)
def test_fuzzed_columns_are_scored_or_refused(
    tmp_path: Path, column: int, values: list[str], kept: int
) -> None:
    cells = [list(line) for line in GOOD_ROWS[: kept + 1]]
    for i, line in enumerate(cells[1:]):
        line[column] = values[i % len(values)]
    scored_or_refused(tmp_path, joined(cells))


@FUZZ
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@example(content=b"PAR1\x00\x00PAR1")
@example(content=b"clinician_id")
@example(content=b"cohort\nHF\n")
@example(content=b",,,\n1,2,3,4\n")
@example(content=b"clinician_id,cohort\n1\n")
def test_fuzzed_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    scored_or_refused(tmp_path, content)
    assert not (tmp_path / "out.csv").exists()


@FUZZ
@given(start=st.integers(0, 20_000), length=st.integers(0, 400), put=st.binary(max_size=40))
def test_fuzzed_slices_of_a_good_table(tmp_path: Path, start: int, length: int, put: bytes) -> None:
    whole = joined(GOOD_ROWS)
    scored_or_refused(tmp_path, whole[:start] + put + whole[start + length :])
