"""What a run says in the end: its answer in words and tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from asm_sim.cli.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

SUMMARY = "summary.csv"
OWN_CLINICIANS = "own_clinicians"


class Asked(NamedTuple):
    """What is wanted of the results in the folder of a run."""

    folder: str
    scenario: str  # as it was named in the command
    errors: bool
    full: bool
    as_json: bool
    width: int  # columns of the terminal


class Answer(NamedTuple):
    """A text to print, and files to put beside the results."""

    said: str
    files: dict[str, str]  # their content by name


def answer(asked: Asked) -> Answer:
    """The answer for a terminal like that of this process."""
    from asm_sim.results.open import open_results
    from asm_sim.results.own import own_clinicians
    from asm_sim.results.summary import summary_table

    ds = open_results(Path(asked.folder))
    own, table = own_clinicians(ds), summary_table(ds)
    files = {SUMMARY: table.to_csv(index=False)}
    if own is not None:
        files[f"{OWN_CLINICIANS}.csv"] = own.to_csv(index=False)
    return Answer(_said(ds, own, table, asked), files)


def _said(ds: xr.Dataset, own: pd.DataFrame | None, table: pd.DataFrame, asked: Asked) -> str:
    from asm_sim.results.own import print_own
    from asm_sim.results.registry import CALLED
    from asm_sim.results.summary import print_summary, summary_json

    told = ds.assign_attrs({CALLED: asked.scenario})  # commands that are printed can be run
    if asked.as_json:
        document = summary_json(told)
        if own is not None:
            document[OWN_CLINICIANS] = json.loads(own.to_json(orient="records"))
        return f"{json.dumps(document, indent=1)}\n"
    terminal = Terminal(highlight=False, width=asked.width)
    with terminal.capture() as captured:
        if own is not None:
            print_own(own, terminal)
        print_summary(told, terminal, asked.errors, asked.full, table)
    return captured.get()
