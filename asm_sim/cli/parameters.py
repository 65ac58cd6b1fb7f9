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
    from asm_sim.cli.listing import Listing, effects_for, is_about, print_json, statuses_of
    from asm_sim.documents import did_you_mean, quoted
    from asm_sim.scenario.load import load_scenario

    statuses = statuses_of(status)
    loaded = load_scenario(scenario, settings or [])
    known = loaded.leaves()
    about = [
        (path, leaf)
        for path, leaf in known.items()
        if word is None or is_about(word, _texts(path, leaf))
    ]
    if word is not None and not about:
        parts = sorted({part for path in known for part in path.split(".")})
        raise InputError(f"no parameter is about {quoted(word)}{did_you_mean(word, parts)}")
    chosen = [entry for entry in about if not statuses or entry[1].status in statuses]
    effects = effects_for(
        {"rules_hash": loaded.rules_hash, "population_hash": loaded.population_hash}
    )
    listing = Listing(chosen, statuses, effects)
    if as_json:
        asked = {
            "scenario": loaded.name,
            "rules": loaded.rules.id,
            "rule_year": loaded.rules.rule_year,
            "population": loaded.population.id,
            "mips": loaded.mips.id,
            "word": word,
            "status": status,
        }
        print_json(asked | {"parameters": listing.as_data(loaded.rules.years)})
        return
    rules = f"{loaded.rules.id} (rule year {loaded.rules.rule_year})"
    of = f"{rules}, {loaded.population.id} and {loaded.mips.id}"
    listing.print(f"{of}: {listing.counted}{f' about {quoted(word)}' if word else ''}")


def _texts(path: str, leaf: Parameter) -> tuple[str, ...]:
    """Where a word may stand: a parameter's path, its description, its alternatives."""
    return path, leaf.description, *getattr(leaf, "choices", ())
