"""``asm-sim variables``: what the results hold, a line each."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from asm_sim.cli.options import AsJson
from asm_sim.cli.terminal import Terminal
from asm_sim.errors import InputError


def variables(
    word: Annotated[
        str | None, typer.Argument(help="Only those in whose name or meaning it stands.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the variables and coordinates of results: name, dims, unit, meaning, citation."""
    from rich.text import Text

    from asm_sim.cli.listing import is_about
    from asm_sim.documents import did_you_mean, quoted

    known = entries()
    found = [
        entry
        for entry in known
        if word is None or is_about(word, (entry["name"], entry["meaning"]))
    ]
    if not found:
        names = [entry["name"] for entry in known]
        parts = sorted({*names, *(part for name in names for part in name.split("_"))})
        raise InputError(
            f"no variable is about {quoted(word or '')}{did_you_mean(word or '', parts)}"
        )
    if as_json:
        typer.echo(json.dumps({"word": word, "variables": found}, indent=1))
        return
    console = Terminal(markup=False, highlight=False, emoji=False)
    for entry in found:
        dims = f"({', '.join(entry['dims'])})" if entry["dims"] else "(coordinate)"
        about = f" {dims} [{entry['unit']}]: {entry['meaning']}"
        cited = f"; {entry['citation']}" if entry["citation"] else ""
        console.print(
            Text(entry["name"], style="bold").append(about + cited, "none"), soft_wrap=True
        )


def entries() -> list[dict[str, Any]]:
    """All that results may hold, as plain data; dims are those of variables."""
    from asm_sim.results.registry import COORDINATES, VARIABLES

    data = [
        {
            "name": variable.name,
            "kind": "variable",
            "dims": list(variable.dims),
            "unit": variable.units,
            "type": variable.dtype,
            "meaning": variable.long_name,
            "citation": variable.citation,
        }
        for variable in VARIABLES.values()
    ]
    return data + [
        {
            "name": name,
            "kind": "coordinate",
            "dims": [],
            "unit": about["units"],
            "type": "",
            "meaning": about["long_name"],
            "citation": "",
        }
        for name, about in COORDINATES.items()
    ]
