"""The same clinicians under ASM and under MIPS: what the panel of a run says of each program."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario
from asm_sim.studies.estimates import Floats, Names, chosen
from asm_sim.studies.panel import Panel, View, read

__all__ = [
    "ASM",
    "FORMS",
    "PROGRAMS",
    "adjustment_of",
    "adjustments",
    "final_scores",
    "forms_of",
    "open_panel",
    "score_of",
]

ASM = "asm"
FORMS = {"traditional": "traditional MIPS", "value_pathway": "MIPS Value Pathway"}
PROGRAMS = {ASM: "ASM"} | {f"mips_{form}": title for form, title in FORMS.items()}
_PREFIX = dict(zip(PROGRAMS, ("", "mips_", "mips_pathway_"), strict=True))


def open_panel(
    ds: xr.Dataset,
    groups: Names = None,
    form: Names = None,
    scores: bool = False,
    pooled: bool = False,
) -> tuple[Panel, list[str]]:
    """The panel of a run with what a study needs, and the programs: ASM, then forms of MIPS.

    ``groups`` and ``pooled`` as :func:`asm_sim.studies.panel.read`; ``form`` one or more of
    :data:`FORMS` (by default both). Raises :class:`InputError` for several scenarios, for results
    without a panel or without MIPS, and for an unknown group or form.
    """
    run = one_scenario(ds)
    programs = [ASM, *(f"mips_{one}" for one in chosen("form of MIPS", form, list(FORMS)))]
    names = [adjustment_of(program) for program in programs] + ["part_b"]
    names += [score_of(program) for program in programs] if scores else []
    panel = read(run, names, groups, pooled)
    unscored = json.loads(run.attrs.get("mips_unscored", "{}"))
    if unscored:
        raise InputError(
            f"MIPS cannot score what was simulated ({'; '.join(unscored.values())}); name a rule "
            "set of MIPS that can, as 'mips' in the scenario file"
        )
    return panel, programs


def forms_of(programs: list[str]) -> list[str]:
    """The forms of MIPS among programs."""
    return [program.removeprefix("mips_") for program in programs if program != ASM]


def adjustment_of(program: str) -> str:
    """The variable with the adjustments of a program: fraction, 0 without a final score."""
    return f"{_PREFIX[program]}adjustment"


def score_of(program: str) -> str:
    """The variable with the final scores of a program: points, nan without one."""
    return f"{_PREFIX[program]}final_score"


def adjustments(view: View, programs: list[str]) -> Floats:
    """The adjustments of programs, fractions: [program, clinician, year]."""
    return np.stack([view[adjustment_of(program)] for program in programs])


def final_scores(view: View, programs: list[str]) -> Floats:
    """The final scores of programs, points: [program, clinician, year]."""
    return np.stack([view[score_of(program)] for program in programs])
