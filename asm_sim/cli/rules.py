"""``asm-sim rules``: every parameter of a rule set, and the book of all parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.options import AsJson, Overwrite, Settings, Statuses
from asm_sim.errors import InputError

if TYPE_CHECKING:
    from asm_sim.cli.listing import Listing
    from asm_sim.scenario.schema import Scenario

BOOK = "book"
SUFFIXES = {".md": "markdown", ".html": "html", ".htm": "html", ".json": "json"}


def rules(
    rule_set: Annotated[
        str,
        typer.Argument(
            help="A rule set's name, or a YAML file; `book`: every parameter of rule, population "
            "and comparator, by where it acts, with its effect on the share of penalties."
        ),
    ] = "asm-2026-final",
    status: Statuses = None,
    settings: Settings = None,
    scenario: Annotated[
        str | None, typer.Option("--scenario", help="Of the book: whose parameters; baseline.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Of the book: a file that ends in .html, .md or .json; else Markdown is printed.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """List every parameter of a rule set: values by year, unit, status, citation."""
    if rule_set == BOOK:
        _book(status, settings or [], scenario or "baseline", output, overwrite, as_json)
        return
    if scenario is not None or output is not None or overwrite:
        raise InputError("--scenario, --output and --overwrite are options of `asm-sim rules book`")
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


def _book(
    status: str | None,
    settings: list[str],
    named: str,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Print or write the parameter book of a scenario."""
    from asm_sim.book.book import book_of
    from asm_sim.cli.listing import Listing, effects_for, statuses_of
    from asm_sim.cli.terminal import say
    from asm_sim.durable import write_whole
    from asm_sim.scenario.load import load_scenario

    statuses = statuses_of(status)
    form = _form(output, overwrite, as_json)
    loaded = load_scenario(named, settings)
    effects = effects_for(
        {"rules_hash": loaded.rules_hash, "population_hash": loaded.population_hash}
    )
    if form == "json":
        chosen = [
            (path, leaf)
            for path, leaf in loaded.leaves().items()
            if not statuses or leaf.status in statuses
        ]
        written = _as_json(loaded, status, Listing(chosen, (), effects))
    elif form == "html":
        from asm_sim.book.html import html

        written = html(book_of(loaded, effects, statuses, settings))
    else:
        from asm_sim.book.markdown import markdown

        written = markdown(book_of(loaded, effects, statuses, settings))
    if output is None:
        typer.echo(written, nl=False)
        return
    write_whole(output, written)
    say(f"Wrote {output}", err=True)


def _form(output: Path | None, overwrite: bool, as_json: bool) -> str:
    """What is asked for, markdown, html or json; the output is checked."""
    from asm_sim.places import output_file

    if output is None:
        return "json" if as_json else "markdown"
    with output_file(output) as title:
        form = SUFFIXES.get(output.suffix.lower())
        if form is None:
            raise InputError(f"{title}: its name must end in {', '.join(SUFFIXES)}")
        if as_json and form != "json":
            raise InputError(f"{title}: with --json its name must end in .json")
        if output.is_file() and not overwrite:
            raise InputError(
                f"{title}: this exists; add --overwrite to replace it, or name another --output"
            )
    return form


def _as_json(loaded: Scenario, status: str | None, listing: Listing) -> str:
    """What ``asm-sim parameters --json`` prints, with where each parameter acts."""
    import json

    from asm_sim.book.chapters import chapter_of

    parameters: list[dict[str, Any]] = [
        {**entry, "acts_in": chapter_of(entry["path"]).name}
        for entry in listing.as_data(loaded.rules.years)
    ]
    book = {
        "scenario": loaded.name,
        "rules": loaded.rules.id,
        "rule_year": loaded.rules.rule_year,
        "population": loaded.population.id,
        "mips": loaded.mips.id,
        "status": status,
        "effects_of": None if listing.effects is None else dict(listing.effects.about),
        "parameters": parameters,
    }
    return json.dumps(book, indent=2, ensure_ascii=True) + "\n"
