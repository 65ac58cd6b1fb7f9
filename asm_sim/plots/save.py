"""Writing a figure: PNG and SVG, and the numbers in it as JSON beside them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import xarray as xr

from asm_sim.durable import appearing_whole, write_whole
from asm_sim.places import local_path
from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.results.describe import provenance, source_line

# No date and no version of the drawing program: the same figure is the same file.
SVG_METADATA = {"Date": None, "Creator": "asm_sim"}
RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-9, 1e-9  # between machines
PNG_METADATA = {"Software": "asm_sim"}
PNG_COMPRESSION = 3  # of 9: two percent larger than by the usual 6, and written in half the time


def save(figure: RunFigure, folder: str | Path, name: str, ds: xr.Dataset) -> list[Path]:
    """Write ``name.png`` (200 dpi), ``name.svg`` and ``name.json`` into ``folder``, made if needed.

    The JSON holds the plotted numbers (null for what is not known) and the run that they are of.
    The SVG is the same byte for byte each time. Returns the three paths.
    """
    folder = local_path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    png, svg, sidecar = (folder / f"{name}.{ending}" for ending in ("png", "svg", "json"))
    with house_style(), figure.laid_out():
        with appearing_whole(png) as file:
            compression = {"compress_level": PNG_COMPRESSION}
            figure.savefig(file, format="png", metadata=PNG_METADATA, pil_kwargs=compression)
        with appearing_whole(svg) as file:
            figure.savefig(file, format="svg", metadata=SVG_METADATA)
    text = json.dumps(numbers(figure, name, ds), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(sidecar, text + "\n")
    return [png, svg, sidecar]


def numbers(figure: RunFigure, name: str, ds: xr.Dataset) -> dict[str, Any]:
    """What the JSON beside a figure holds."""
    return {
        "figure": name,
        "source": source_line(ds),
        "run": provenance(ds),
        "plotted": _for_json(figure.plotted),
    }


def differing(there: Any, here: Any, path: str = "") -> list[str]:
    """Where two such contents differ by more than the last digits of sums, each a dotted path."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = [*there, *(key for key in here if key not in there)]
        parts = [(f"{path}.{key}", there.get(key), here.get(key)) for key in keys]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        parts = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(there, here, strict=True))]
    elif isinstance(there, float) and isinstance(here, float):
        close = math.isclose(there, here, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        return [] if close else [path.lstrip(".")]
    else:
        return [] if there == here else [path.lstrip(".")]
    return [found for where, a, b in parts for found in differing(a, b, where)]


def _for_json(value: Any) -> Any:
    """Plain Python values, arrays as lists, null where a number is not finite."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _for_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
