"""Rows of CMS's participant file, all of one invented person."""

from __future__ import annotations

import itertools

NPIS = itertools.cycle(map(str, range(1992799900, 1992800000)))
HEADER = [
    "NPI",
    "First Name",
    "Last Name",
    "Practice State",
    "ASM_Cohort",
    "Organization_Legal_Name",
    *(f"ASM_CY{y}_{what}" for y in range(27, 32) for what in ("Participant", "SmallPractice")),
]


def listed(
    cohort: str = "Heart Failure",
    organisation: str = "Quockerwodger, Zephyrine MD",
    participant: str = "Y",
    small: str = "Y",
    later: str = "N",
    state: str = "OH",
    npi: str | None = None,
) -> list[str]:
    """The cells of one row, in the order of ``HEADER``."""
    who = [npi or next(NPIS), "Zephyrine", "Quockerwodger", state, cohort, organisation]
    return [*who, participant, small, *[later] * 8]
