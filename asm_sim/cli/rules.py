"""``asm-sim rules``: every parameter of a rule set, what it is worth and where it comes from."""

from __future__ import annotations

import itertools
import json
from typing import Any, get_args

import typer

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.parameters import Parameter, Status, parse_assignment
from asm_sim.rules.load import load_any_rules, parameters
from asm_sim.rules.mips import MipsRules
from asm_sim.rules.schema import RuleSet

STATUSES: tuple[str, ...] = get_args(Status)
# What every entry of the table needs; narrower terminals fold the text in the middle.
NARROWEST = 72


def rules_command(rule_set: str, status: str | None, settings: list[str], as_json: bool) -> None:
    """Print the parameters of a rule set, all of them or those of one status."""
    if status is not None and status not in STATUSES:
        raise InputError(
            f"no status is called {status!r}{did_you_mean(status, list(STATUSES))}; "
            f"one of: {', '.join(STATUSES)}"
        )
    rules = load_any_rules(rule_set, dict(parse_assignment(text) for text in settings))
    chosen = [
        (path, parameter)
        for path, parameter in parameters(rules)
        if status is None or parameter.status == status
    ]
    if as_json:
        typer.echo(json.dumps(_as_data(rules, status, chosen), indent=2, ensure_ascii=True))
    else:
        _print_tables(rules, status, chosen)


def _as_data(
    rules: RuleSet | MipsRules, status: str | None, chosen: list[tuple[str, Parameter]]
) -> dict[str, Any]:
    return {
        "id": rules.id,
        "title": rules.title,
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
    rules: RuleSet | MipsRules, status: str | None, chosen: list[tuple[str, Parameter]]
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from asm_sim.cli.terminal import Terminal

    console = Terminal(markup=False, highlight=False, emoji=False)
    if console.width < NARROWEST:
        console.width = NARROWEST
    which = "parameters" if status is None else f"parameters of status {status}"
    console.print(Text(f"{rules.title} ({rules.id}): {len(chosen)} {which}", style="bold"))
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
    choices = getattr(parameter, "choices", None)
    if choices and len(choices) > 1:
        extent.append(f"one of {', '.join(choices)}")
    if extent:
        text.append(f"\n{'; '.join(extent)}")
    text.append(f"\n{parameter.source}", style="italic")
    return text


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
