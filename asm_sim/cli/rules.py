"""``asm-sim rules``: every parameter of a rule set, what it is worth and where it comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from asm_sim.cli.options import AsJson, Settings, Statuses


def rules(
    rule_set: Annotated[
        str, typer.Argument(help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    status: Statuses = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """List every parameter of a rule set: values by year, unit, status, citation."""
    from asm_sim.cli.listing import Listing, effects_for, print_json, statuses_of
    from asm_sim.parameters import fingerprint, parse_assignment
    from asm_sim.rules.load import load_any_rules, parameters

    statuses = statuses_of(status)
    of = load_any_rules(rule_set, dict(parse_assignment(text) for text in settings or []))
    chosen = [entry for entry in parameters(of) if not statuses or entry[1].status in statuses]
    listing = Listing(chosen, statuses, effects_for({"rules_hash": fingerprint(of)}))
    if as_json:
        about = {
            "id": of.id,
            "title": of.title,
            "rule_year": of.rule_year,
            "performance_years": of.years,
            "status": status,
        }
        print_json(about | {"parameters": listing.as_data(of.years)})
        return
    listing.print(f"{of.title} ({of.id}, rule year {of.rule_year}): {listing.counted}")
