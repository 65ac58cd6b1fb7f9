"""Where the numbers of a report come from, how they are made again, and how they are cited."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asm_sim.documents import compact, read_document
from asm_sim.results.describe import provenance, settings_of, source_line
from asm_sim.results.scenarios import seeds_of

if TYPE_CHECKING:
    import xarray as xr

_PACKAGED = Path(__file__).with_name("CITATION.cff")  # in an installed wheel
_SOURCE = Path(__file__).parents[2] / "CITATION.cff"  # in a checkout
WORDS = {
    "scenario_hash": "Scenario, SHA-256",
    "rules": "Rule set",
    "rules_hash": "Rule set, SHA-256",
    "population": "Population",
    "population_hash": "Population, SHA-256",
    "mips": "MIPS rule set",
    "mips_hash": "MIPS rule set, SHA-256",
    "roster_hash": "Roster, SHA-256",
    "seed": "Seed",
    "draws": "Draws",
    "open_draws": "Open draws",
    "rng": "Random numbers",
    "asm_sim_version": "asm_sim",
    "numpy_version": "NumPy",
    "numba_version": "Numba",
}


def origin_facts(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Hashes, versions and seed: a name and what it is, as far as the results say it."""
    about = provenance(ds)
    return [(word, str(about[name])) for name, word in WORDS.items() if name in about]


def command(ds: xr.Dataset) -> str:
    """The command that makes the results again."""
    about = ds.attrs
    name = str(about.get("scenario", "?"))
    sweep = "scenarios" in about
    file = name if is_shipped(name) else f"{name}.yaml"
    words = ["asm-sim", "sweep" if sweep else "run", file]
    for path, value in settings_of(ds):
        words += ["--set", f"{path}={compact(value)}"]
    seeds = seeds_of(ds)
    words += ["--draws", str(about.get("draws", "?"))]
    words += ["--seed", seeds[0]] if len(seeds) == 1 else []
    if not sweep and "open_draws" in about:
        words += ["--open-draws", str(about["open_draws"])]
    return shlex.join(words)


def is_shipped(name: str) -> bool:
    """Whether a scenario of this name comes with the package."""
    from asm_sim.scenario.load import SHELF

    return name in SHELF.names()


def scenario_file(ds: xr.Dataset) -> list[str]:
    """The lines of the scenario as it was resolved; none where the results do not say it."""
    text = ds.attrs.get("scenario_yaml", "")
    return json.dumps(json.loads(text), indent=1, ensure_ascii=False).splitlines() if text else []


def citations(ds: xr.Dataset) -> list[str]:
    """How the package and the numbers are cited."""
    about = read_document(_PACKAGED if _PACKAGED.is_file() else _SOURCE, "CITATION.cff").data
    version = str(ds.attrs.get("asm_sim_version", about["version"]))
    released = str(about["date-released"])[:4] if version == str(about["version"]) else ""
    authors = ", ".join(_author(author) for author in about["authors"]).rstrip(".")
    year = f" ({released})" if released else ""
    return [
        f"{authors}{year}. {about['title']} (version {version}) [Computer software].",
        f"Numbers of this report: {source_line(ds)}.",
    ]


def _author(author: dict[str, Any]) -> str:
    if "name" in author:
        return str(author["name"])
    return f"{author.get('family-names', '')}, {author.get('given-names', '')}".strip(", ")
