"""``asm-sim rules``: every parameter of a rule set, what it is worth and where it comes from."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from asm_sim.cli.options import AsJson, Settings
from asm_sim.errors import InputError, counted

if TYPE_CHECKING:
    from asm_sim.parameters import Parameter
    from asm_sim.rules.mips import MipsRules
    from asm_sim.rules.schema import RuleSet

# What every entry of the table needs; narrower terminals fold the text in the middle.
NARROWEST = 72


def rules(
    rule_set: Annotated[
        str, typer.Argument(help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    status: Annotated[
        str | None, typer.Option("--status", help="Only parameters of these: assumption,precedent")
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """List every parameter of a rule set: values by year, unit, status, citation."""
    from asm_sim.parameters import parse_assignment
    from asm_sim.rules.load import load_any_rules, parameters

    statuses = statuses_of(status)
    chosen_rules = load_any_rules(rule_set, dict(parse_assignment(text) for text in settings or []))
    chosen = [
        (path, parameter)
        for path, parameter in parameters(chosen_rules)
        if not statuses or parameter.status in statuses
    ]
    if as_json:
        typer.echo(json.dumps(_as_data(chosen_rules, status, chosen), indent=2, ensure_ascii=True))
    else:
        _print_tables(chosen_rules, statuses, chosen)


def statuses_of(text: str | None) -> list[str]:
    """The statuses in ``assumption,precedent``; none of None."""
    from asm_sim.documents import did_you_mean, quoted
    from asm_sim.parameters import Status

    known = get_args(Status)
    statuses = [] if text is None else [part.strip() for part in text.split(",")]
    for status in statuses:
        if status not in known:
            raise InputError(
                f"no status is called {quoted(status)}{did_you_mean(status, list(known))}; "
                f"one or several of: {','.join(known)}"
            )
    return statuses


def _as_data(
    rules: RuleSet | MipsRules, status: str | None, chosen: list[tuple[str, Parameter]]
) -> dict[str, Any]:
    return {
        "id": rules.id,
        "title": rules.title,
        "rule_year": rules.rule_year,
        "performance_years": rules.years,
        "status": status,
        "parameters": [
            {
                "path": path,
                **parameter.model_dump(mode="json"),
                "value_by_year": _by_year(parameter, rules.years),
            }
            for path, parameter in chosen
        ],
    }


def _by_year(parameter: Parameter, years: list[int]) -> dict[int, Any]:
    value = _value(parameter)
    return {year: value[year] if isinstance(value, dict) else value for year in years}


def _value(parameter: Parameter) -> Any:
    return parameter.model_dump()["value"]


def _print_tables(
    rules: RuleSet | MipsRules, statuses: list[str], chosen: list[tuple[str, Parameter]]
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from asm_sim.cli.terminal import Terminal

    console = Terminal(markup=False, highlight=False, emoji=False)
    if console.width < NARROWEST:
        console.width = NARROWEST
    of = f" of status {' or '.join(statuses)}" if statuses else ""
    which = f"{rules.id}, rule year {rules.rule_year}"
    title = f"{rules.title} ({which}): {counted(len(chosen), 'parameter')}{of}"
    console.print(Text(title, style="bold"))
    for section, entries in itertools.groupby(
        chosen, key=lambda entry: entry[0].rpartition(".")[0]
    ):
        table = Table(box=box.SIMPLE_HEAD, title=Text(section, style="bold"), title_justify="left")
        table.add_column("parameter", no_wrap=True)
        table.add_column("value, meaning and citation", overflow="fold", ratio=1)
        table.add_column("status", no_wrap=True)
        for path, parameter in entries:
            table.add_row(
                Text(path.rpartition(".")[2]), _described(parameter), Text(parameter.status)
            )
        console.print(table)


def _described(parameter: Parameter) -> Any:
    from rich.text import Text

    text = Text()
    text.append(_written(_value(parameter)), style="bold")
    text.append(f" ({parameter.unit})")
    if parameter.description:
        text.append(f"\n{parameter.description}")
    extent = []
    if parameter.low is not None and parameter.high is not None:
        extent.append(f"plausible {parameter.low:g} to {parameter.high:g}")
    if parameter.readings is not None:
        extent.append(f"plausible {_weighted(parameter.readings)}")
    choices = getattr(parameter, "choices", None)
    if choices and len(choices) > 1:
        extent.append(f"one of {', '.join(choices)}")
    if parameter.held:
        extent.append(f"not drawn: {parameter.held}")
    if extent:
        text.append(f"\n{'; '.join(extent)}")
    text.append(f"\n{parameter.source}", style="italic")
    return text


def _weighted(readings: dict[str, float]) -> str:
    """``reweight (0.6), neutral (0.2), zero (0.2)``: each with its share of the weights."""
    total = sum(readings.values())
    return ", ".join(f"{name} ({weight / total:.3g})" for name, weight in readings.items())


def _written(value: Any) -> str:
    """A value as a person writes it; years with the same value are drawn together."""
    if isinstance(value, dict):
        spans = [
            ([year for year, _ in group], number)
            for number, group in itertools.groupby(sorted(value.items()), key=lambda item: item[1])
        ]
        return ", ".join(f"{_years(years)}: {_written(number)}" for years, number in spans)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_written(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _years(years: list[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]}-{years[-1]}"
