"""``asm-sim parameters``: everything that can be set, what it is worth and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from asm_sim.cli.options import AsJson, Settings, Statuses
from asm_sim.errors import InputError

if TYPE_CHECKING:
    from asm_sim.parameters import Parameter


def parameters(
    word: Annotated[
        str | None, typer.Argument(help="Only those in whose path or description it stands.")
    ] = None,
    status: Statuses = None,
    scenario: Annotated[
        str, typer.Option("--scenario", help="Whose rules, population and comparator they are.")
    ] = "baseline",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """List everything that can be set, of the rule, the population and the comparator."""
    from asm_sim.cli.listing import Listing, effects_for, print_json, statuses_of
    from asm_sim.documents import did_you_mean, quoted
    from asm_sim.scenario.load import load_scenario

    statuses = statuses_of(status)
    loaded = load_scenario(scenario, settings or [])
    known = loaded.leaves()
    chosen = [
        (path, leaf)
        for path, leaf in known.items()
        if (not statuses or leaf.status in statuses) and (word is None or _has(path, leaf, word))
    ]
    if word is not None and not any(_has(path, leaf, word) for path, leaf in known.items()):
        parts = sorted({part for path in known for part in path.split(".")})
        raise InputError(f"no parameter is about {quoted(word)}{did_you_mean(word, parts)}")
    effects = effects_for(
        {"rules_hash": loaded.rules_hash, "population_hash": loaded.population_hash}
    )
    listing = Listing(chosen, statuses, effects)
    if as_json:
        about = {
            "scenario": loaded.name,
            "rules": loaded.rules.id,
            "rule_year": loaded.rules.rule_year,
            "population": loaded.population.id,
            "mips": loaded.mips.id,
            "word": word,
            "status": status,
        }
        print_json(about | {"parameters": listing.as_data(loaded.rules.years)})
        return
    rules = f"{loaded.rules.id} (rule year {loaded.rules.rule_year})"
    of = f"{rules}, {loaded.population.id} and {loaded.mips.id}"
    listing.print(f"{of}: {listing.counted}{f' about {quoted(word)}' if word else ''}")


def _has(path: str, leaf: Parameter, word: str) -> bool:
    """Whether a word stands in a parameter's path, its description or its alternatives."""
    texts = (path, path.replace("_", " "), leaf.description, *getattr(leaf, "choices", ()))
    return any(word.lower() in text.lower() for text in texts)
