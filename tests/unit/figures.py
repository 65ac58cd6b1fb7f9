"""What a figure says: the words in it, and the numbers saved beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from asm_sim.plots.figure import RunFigure
from asm_sim.plots.save import save

Plot = Callable[[xr.Dataset], RunFigure]


def words(figure: RunFigure) -> str:
    """All that is written on the figure and in its panels, line by line."""
    texts = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        texts += [text.get_text() for text in ax.texts]
    return "\n".join(texts)


def sidecar(figure: RunFigure, folder: Path, ds: xr.Dataset) -> dict[str, Any]:
    """What is saved as JSON beside the figure."""
    _, _, path = save(figure, folder, "figure", ds)
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
