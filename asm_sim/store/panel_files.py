"""The panel of a block in files of its own, which results have as they are.

It is most of what a run holds. So each of its chunks is packed as results hold it as soon as it is
computed, and is never read, packed or written again: results have the same files. The block lists
them, each with its SHA-256, and is written last: without it, what there is of them counts for
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.engine.execute import Arrays
from asm_sim.engine.frame import panel_chunk
from asm_sim.results.open import BLOCKS
from asm_sim.results.registry import VARIABLES
from asm_sim.results.whole import Held, what_is_wrong
from asm_sim.store.arrays import packed
from asm_sim.store.files import Folder
from asm_sim.store.work import Job, Work

LIST = "panel_files"  # what the list is called among the arrays of a block
_ENTRY = np.dtype([("variable", "U40"), ("chunk", "i8"), ("size", "i8"), ("sha256", "U64")])


class PanelFile(NamedTuple):
    """A chunk of a variable of the panel; nothing is kept of one in which nothing is known."""

    variable: str
    chunk: int  # its number along the draws
    held: Held | None


class PanelFiles:
    """The panel of a block that is being computed."""

    def __init__(self, folder: Folder, work: Work, job: Job) -> None:
        self._folder, self._below = folder, _below(work, job)
        self._draws = panel_chunk(work.block_draws, work.panel_draws)
        self._entries: list[tuple[str, int, int, str]] = []

    def keep(self, variable: str, first: int, values: NDArray[Any]) -> None:
        """Write the next chunk of a variable, which has the draws from ``first`` on."""
        shape = self._draws, *values.shape[1:]
        content = packed(values, shape, np.dtype(VARIABLES[variable].dtype))
        chunk, size, sha256 = first // self._draws, 0, ""
        if content is not None:
            self._folder.write(f"{self._below}/{variable}.{chunk}", content)
            size, sha256 = Held.of(content)
        self._entries.append((variable, chunk, size, sha256))

    def listed(self) -> Arrays:
        """What the block says of them, where there are any."""
        return {LIST: np.array(self._entries, _ENTRY)} if self._entries else {}


def panel_files(arrays: Arrays) -> Iterator[PanelFile]:
    """What a block says of its panel."""
    for variable, chunk, size, sha256 in arrays[LIST].tolist() if LIST in arrays else ():
        yield PanelFile(variable, chunk, Held(size, sha256) if size else None)


def place_of(work: Work, job: Job, file: PanelFile) -> str:
    """Where a file of a block's panel is, in the folder of the run or sweep."""
    return f"{_below(work, job)}/{file.variable}.{file.chunk}"


def what_is_wrong_with(folder: Folder, work: Work, job: Job, arrays: Arrays) -> str | None:
    """What a file of the panel has that it should not have; every one is read."""
    for file in panel_files(arrays):
        if file.held is None:
            continue
        place = place_of(work, job, file)
        try:
            found = Held.of(folder.read(place))
        except (FileNotFoundError, NotADirectoryError):
            found = None
        if found != file.held:
            return f"{place.removeprefix(f'{BLOCKS}/')} {what_is_wrong(file.held, found)}"
    return None


def remove_panel(folder: Folder, block_name: str) -> None:
    """Remove the panel of a block of this name."""
    folder.remove(f"{BLOCKS}/{_panel_of(block_name)}")


def _below(work: Work, job: Job) -> str:
    return f"{BLOCKS}/{_panel_of(work.block_name(job))}"


def _panel_of(block_name: str) -> str:
    return block_name.removesuffix(".npz")
