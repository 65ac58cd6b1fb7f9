"""Populations by name or file."""

from __future__ import annotations

from pathlib import Path

from asm_sim.documents import Document, Shelf, load_with_bases
from asm_sim.parameters import check
from asm_sim.population.schema import Population

DATA = Path(__file__).parent / "data"
SHELF = Shelf("population", DATA)
DEFAULT = "roster-2027-preliminary"


def load_population(name_or_path: str | Path = DEFAULT) -> tuple[Population, Path]:
    """A population by its name or from a YAML file, and the folder that its roster may lie in.

    Raises :class:`asm_sim.errors.InputError` naming file, line and key.
    """
    document, path = load_with_bases(name_or_path, SHELF)
    return check_population(document), path.parent


def check_population(document: Document) -> Population:
    """A document as a population."""
    return check(Population, document, "population")
