"""What ``asm-sim sweep --plan`` prints: scenarios and values, memory, disk and time."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from asm_sim.cli.terminal import Terminal, say
from asm_sim.documents import compact
from asm_sim.errors import counted, printable

if TYPE_CHECKING:
    from asm_sim.scenario.schema import Sweep
    from asm_sim.store.work import Work

_LISTED = 8
_VALUES = 12  # of an axis


def print_plan(folder: Any, source: Sweep, work: Work, as_json: bool, note: Terminal) -> None:
    """Scenarios, blocks, memory, disk and time; nothing is run but a short trial."""
    note.print("Timing a few draws (the first time, kernels are compiled: some minutes)")
    from asm_sim.store.forecast import forecast, in_bytes

    found = forecast(folder, work)
    if as_json:
        names = [member.name for member in work.members]
        plain = {**asdict(found), "draws": work.draws, "seconds": found.seconds}
        typer.echo(json.dumps({**plain, "scenario_names": names, "axes": _axes(source)}, indent=1))
        return
    say(f"Scenarios  {found.scenarios:,}{_how_many(source)}")
    for member in work.members[:_LISTED]:
        say(f"           {printable(member.name)}")
    if len(work) > _LISTED:
        say(f"           ... and {len(work) - _LISTED:,} more")
    for line in _values_in_words(source):
        say(line)
    there = found.blocks - found.blocks_missing
    say(
        f"Blocks     {found.blocks:,} of {work.block_draws} draws"
        + (f", {there:,} of them done" if there else "")
    )
    say(f"Memory     about {in_bytes(found.memory_bytes)}")
    say(
        f"Disk       {in_bytes(found.disk_bytes)} of blocks, and less than as much again for the "
        "results"
    )
    say(
        f"Time       about {_duration(found.seconds)} on the {found.threads} threads of this "
        f"machine ({1000 * found.seconds_a_draw:.1f} ms a draw)"
    )
    say("Nothing was run. Without --plan, the same command runs it.")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return counted(max(round(seconds), 1), "second")
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:,.1f} hours"


def _how_many(source: Sweep) -> str:
    """How the number of scenarios comes about."""
    if source.design is None:
        numbers = [len(values) for values in _axes(source).values()]
        is_grid = source.kind == "grid" and len(numbers) > 1
        return f" = {' x '.join(map(str, numbers))}" if is_grid else ""
    number, n = source.design["problem"]["num_vars"], source.design["n"]
    axes = f"{number} {'axis' if number == 1 else 'axes'}"
    how = {
        "sobol": f" = {n} x (2 x {axes} + 2)" if source.design.get("second_order")
        else f" = {n} x ({axes} + 2)",
        "morris": f" = {n} x ({axes} + 1)",
        "latin_hypercube": "",
    }  # fmt: skip
    method = source.design["method"]
    return f"{how[method]}, a design of the method {method}"


def _axes(source: Sweep) -> dict[str, list[Any]]:
    """The values of each axis, each once; of a design the ends between which they lie."""
    if source.design is not None:
        problem = source.design["problem"]
        return dict(zip(problem["names"], map(list, problem["bounds"]), strict=True))
    return {
        axis: list(
            {compact(value): value for k in range(len(source))
             if (value := source.value(k, axis)) is not None}.values()
        )
        for axis in source.axes
    }  # fmt: skip


def _values_in_words(source: Sweep) -> list[str]:
    lines = []
    for axis, values in _axes(source).items():
        if source.design is not None:
            shown = " to ".join(map(compact, values))
        else:
            shown = ", ".join(map(compact, values[:_VALUES]))
            shown += ", ..." if len(values) > _VALUES else ""
        lines.append(f"           {printable(axis)}: {shown}")
    return ["Values", *lines] if lines else []
