"""The files of a user's own that a run was made from, kept in its folder.

A run says of itself what its scenario names and sets. What is named is shipped with the package, or
lay beside the scenario's file: rule sets and populations with those that they extend, and the
roster. These are copied as they are, so that the draws can be made again wherever the folder goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asm_sim.documents import is_ordinary_file, read_document
from asm_sim.places import place_of
from asm_sim.population.load import DATA
from asm_sim.population.roster import find_roster
from asm_sim.results.open import INPUTS, RESULTS, folder_of
from asm_sim.scenario.schema import ROOTS, Scenario
from asm_sim.store.files import Folder, open_folder


def keep_inputs(folder: Folder, scenario: Scenario) -> None:
    """Copy what the scenario names of a user's own files; what lay there goes."""
    files = {path.name: path.read_bytes() for path in _own_files(scenario)}
    for name in folder.files_below(INPUTS) - set(files):
        folder.remove(f"{INPUTS}/{name}")
    for name, content in files.items():
        folder.write(f"{INPUTS}/{name}", content)


def copy_inputs(run: str | Path, into: Path) -> None:
    """Copy what is kept of a run, a folder or a URL, into a folder."""
    place = place_of(run)
    here = folder_of(run) if isinstance(place, Path) else place.removesuffix(f"/{RESULTS}")
    folder = open_folder(here)
    for name in folder.files_below(INPUTS):
        if Path(name).name == name:
            (into / name).write_bytes(folder.read(f"{INPUTS}/{name}"))


def _own_files(scenario: Scenario) -> Iterator[Path]:
    beside = scenario.folder
    if beside == DATA:
        return
    for root in ROOTS:
        path = _beside(beside, getattr(scenario.file, root))
        while is_ordinary_file(path):
            yield path
            path = _beside(beside, read_document(path).data.get("extends", ""))
    roster = find_roster(scenario.population.roster.value, beside)
    if roster.parent == beside:
        yield roster


def _beside(folder: Path, name: str) -> Path:
    return folder / f"{name.removesuffix('.yaml')}.yaml"
