"""Notebooks run from top to bottom, and each .ipynb is its .py without outputs."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
DRAWS = "6"
SECONDS_PER_CELL = 300

every_notebook = pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)


def cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_there_are_notebooks_and_each_has_its_pair() -> None:
    assert NOTEBOOKS
    assert {path.stem for path in NOTEBOOKS} == {path.stem for path in FOLDER.glob("*.ipynb")}


@every_notebook
def test_pair_is_in_sync(source: Path) -> None:
    pair = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert cells(pair) == cells(jupytext.read(source)), (
        f"out of sync: jupytext --to ipynb {source.name}"
    )
    nbformat.validate(pair)


@every_notebook
def test_pair_has_no_outputs(source: Path) -> None:
    pair = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    for cell in pair.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@every_notebook
def test_asm_sim_is_imported_by_one_name(source: Path) -> None:
    imports = re.findall(r"^[ \t]*(?:from|import) asm_sim.*", source.read_text(), re.MULTILINE)
    assert imports == ["import asm_sim as asm"]


def test_what_is_saved_in_the_lab_is_as_it_is_kept(tmp_path: Path) -> None:
    """With the server's own contents, set as `make lab` sets them: outputs are shown, not kept."""
    set_by_make = re.search(
        r"--ContentsManager.pre_save_hook=(\S+)", (FOLDER.parent / "Makefile").read_text()
    )
    assert set_by_make is not None
    source = NOTEBOOKS[0]
    for path in (source, source.with_suffix(".ipynb")):
        shutil.copy(path, tmp_path)
    contents = jupytext.TextFileContentsManager(
        root_dir=str(tmp_path), pre_save_hook=set_by_make[1]
    )
    model = contents.get(f"{source.stem}.ipynb")
    code = next(cell for cell in model["content"].cells if cell.cell_type == "code")
    code.execution_count = 3
    code.outputs = [nbformat.v4.new_output("stream", text="a run")]
    contents.save(model, f"{source.stem}.ipynb")
    test_pair_is_in_sync(tmp_path / source.name)
    test_pair_has_no_outputs(tmp_path / source.name)


@every_notebook
def test_runs_and_shows_something(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASM_SIM_NOTEBOOK_DRAWS", DRAWS)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    folder = tmp_path / "notebooks"  # no run of the user's beside it
    folder.mkdir()
    notebook = jupytext.read(source)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, "PYTHONWARNINGS": "error::DeprecationWarning:asm_sim"})
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"], "warnings"
    assert any("image/png" in output.get("data", {}) for output in outputs)
