"""Writing a figure: PNG and SVG, and the numbers in it as JSON beside them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import xarray as xr

from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.results.describe import provenance, source_line

# No date and no version of the drawing program: the same figure is the same file.
SVG_METADATA = {"Date": None, "Creator": "asm_sim"}
PNG_METADATA = {"Software": "asm_sim"}


def save(figure: RunFigure, folder: str | Path, name: str, ds: xr.Dataset) -> list[Path]:
    """Write ``name.png`` (200 dpi), ``name.svg`` and ``name.json`` into ``folder``, made if needed.

    The JSON holds the plotted numbers (null for what is not known) and the run that they are of.
    The SVG is the same byte for byte each time. Returns the three paths.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    png, svg, sidecar = (folder / f"{name}.{ending}" for ending in ("png", "svg", "json"))
    with house_style():
        figure.savefig(png, metadata=PNG_METADATA)
        figure.savefig(svg, metadata=SVG_METADATA)
    content = {
        "figure": name,
        "source": source_line(ds),
        "run": provenance(ds),
        "plotted": _for_json(figure.plotted),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    sidecar.write_text(text + "\n", encoding="utf-8")
    return [png, svg, sidecar]


def _for_json(value: Any) -> Any:
    """Plain Python values, arrays as lists, null where a number is not finite."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _for_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
