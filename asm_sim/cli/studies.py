"""``asm-sim studies``: what each study asks and is run on, and what it finds in stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.compare import file_of
from asm_sim.cli.options import AsJson
from asm_sim.cli.terminal import Terminal, say
from asm_sim.durable import write_whole
from asm_sim.errors import InputError, printable

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from asm_sim.studies.catalogue import Part, Study

Answers = list[tuple["Part", "xr.Dataset"]]


def studies(
    name: Annotated[
        str | None,
        typer.Argument(help="One of them, such as volatility, or a part: volatility.dollars."),
    ] = None,
    results: Annotated[
        list[str] | None,
        typer.Argument(help="What it reads: the folders or URLs of one run, sweep, or two runs."),
    ] = None,
    group: Annotated[
        str,
        typer.Option("--group", help="Of these: practice_size, 'practice_size: solo'."),
    ] = "all",
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the numbers here too.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the studies and what each needs, or print what one finds in stored results.

    `asm-sim studies volatility` says how it is run, `asm-sim studies volatility RUN` what comes
    out, every number with its Monte Carlo standard error.
    """
    console = Terminal(highlight=False)
    if name is None:
        _list(console, as_json)
        return
    study, only = _named(name)
    if not results:
        _tell(study, console, as_json)
        return
    path = file_of(csv)
    from asm_sim.results.open import open_results

    opened = [open_results(place) for place in results]
    answers, left_out = _answers(study, only, opened)
    if as_json:
        typer.echo(json.dumps(_as_data(study, opened, answers, left_out), indent=1))
    else:
        _print(study, answers, left_out, group, console)
    if path is not None:
        write_whole(path, _numbers(answers).to_csv(index=False))
        say(f"Wrote {path}", err=True)


def _named(name: str) -> tuple[Study, Part | None]:
    """The study, and the part of it where one is named (``volatility.dollars``)."""
    from asm_sim.documents import did_you_mean
    from asm_sim.studies.catalogue import STUDIES

    known = {study.name: study for study in STUDIES}
    of, _, wanted = name.partition(".")
    if of not in known:
        hint = did_you_mean(of, list(known))
        raise InputError(f"no study is called {of!r}{hint}; `asm-sim studies` lists all")
    parts = {part.name: part for part in known[of].parts}
    if wanted and wanted not in parts:
        raise InputError(
            f"{of} has no part {wanted!r}{did_you_mean(wanted, list(parts))}; "
            f"`asm-sim studies {of}` lists them"
        )
    return known[of], parts.get(wanted)


def _list(console: Terminal, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from asm_sim.studies.catalogue import STUDIES

    if as_json:
        typer.echo(json.dumps([_described(study) for study in STUDIES], indent=1))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for study in STUDIES:
        table.add_row(Text(study.name, style="bold"), Text(study.question))
        table.add_row("", Text(_needs(study)))
    console.print(table)
    say(
        "\nasm-sim studies NAME says how to run one; asm-sim studies NAME RUN prints it of stored "
        "results."
    )


def _needs(study: Study) -> str:
    """What a study reads, shortly: the commands that make it, and what these must keep."""
    if study.how:
        return study.how
    makers = list(dict.fromkeys(" and ".join(part.reads.values()) for part in study.parts))
    keeps = list(dict.fromkeys(kept for part in study.parts for kept in part.keeps))
    return "; or ".join(makers) + (f" ({', '.join(keeps)})" if keeps else "")


def _tell(study: Study, console: Terminal, as_json: bool) -> None:
    from rich.text import Text

    if as_json:
        typer.echo(json.dumps(_described(study), indent=1))
        return
    console.print(Text(study.question, style="bold"))
    if study.how:
        console.print(Text(f"Run it with {study.how}."))
    for part in study.parts:
        console.print(Text(f"\n{part.title}", style="bold"))
        for command in part.reads.values():
            console.print(Text(f"  {command}"), soft_wrap=True)
        folders = " ".join(f"RESULTS{k}" for k in range(1, len(part.reads) + 1))
        folders = folders if len(part.reads) > 1 else "RESULTS"
        console.print(Text(f"  asm-sim studies {study.name}.{part.name} {folders}"), soft_wrap=True)
        if part.keeps:
            console.print(Text(f"  needs {' and '.join(part.keeps)}"))
    if study.parts:
        console.print(Text(f"\nIn Python: asm.studies.{study.name}.{study.parts[0].name}(ds)"))


def _described(study: Study) -> dict[str, Any]:
    """A study as plain data."""
    return {
        "name": study.name,
        "question": study.question,
        "how": study.how or None,
        "parts": [
            {
                "name": part.name,
                "title": part.title,
                "reads": dict(part.reads),
                "keeps": list(part.keeps),
                "given": dict(part.given),
            }
            for part in study.parts
        ],
    }


def _answers(
    study: Study, only: Part | None, opened: list[xr.Dataset]
) -> tuple[Answers, dict[str, str]]:
    """What the parts of a study find in these results, and why the others find nothing."""
    from importlib import import_module

    parts = [only] if only else [part for part in study.parts if _fits(part, opened)]
    if study.how:
        raise InputError(f"{study.name} reads no stored results; run it with {study.how}")
    if not parts or len(parts[0].reads) != len(opened):
        raise InputError(
            f"{study.name} reads the results of {_needs(study)}, and what is given is not that "
            f"({', '.join(map(_kind, opened))}); `asm-sim studies {study.name}` says more"
        )
    module = import_module(f"asm_sim.studies.{study.name}")
    answers: Answers = []
    left_out = {}
    for part in parts:
        reads = dict(zip(part.reads, opened, strict=True))
        try:
            answers.append((part, getattr(module, part.name)(**reads, **part.given).load()))
        except InputError as error:
            if len(parts) == 1:
                raise
            left_out[part.name] = str(error)
    if not answers:
        lines = [f"{part}: {reason}" for part, reason in left_out.items()]
        raise InputError(f"{study.name} finds nothing in these results:", lines)
    return answers, left_out


def _kind(ds: xr.Dataset) -> str:
    return "a sweep" if "scenario" in ds.dims else "a run"


def _fits(part: Part, opened: list[xr.Dataset]) -> bool:
    """Whether a part reads as many results, of a run or of a sweep as these are."""
    sweeps = [command.startswith("asm-sim sweep") for command in part.reads.values()]
    return sweeps == ["scenario" in ds.dims for ds in opened]


def _print(
    study: Study, answers: Answers, left_out: dict[str, str], group: str, console: Terminal
) -> None:
    from rich.text import Text

    from asm_sim.results.describe import source_line
    from asm_sim.studies.table import Shown, print_study

    console.print(Text(study.question, style="bold"))
    for part, result in answers:
        console.print(Text(f"\n{part.title} ({study.name}.{part.name})", style="bold"))
        for name, value in part.given.items():
            console.print(Text(f"{name.replace('_', ' ')}: {value}"))
        if part.table:
            _print_frame(_laid_out(study, part, result), console)
        else:
            print_study(result, Shown(part.shown, group), console)
    for name, reason in left_out.items():
        console.print(Text(f"\n{name} is left out: {printable(reason)}", style="dim"))
    console.print(
        Text(f"\n± is the Monte Carlo standard error. {source_line(answers[0][1])}", style="dim")
    )


def _laid_out(study: Study, part: Part, result: xr.Dataset) -> pd.DataFrame:
    from importlib import import_module

    table: pd.DataFrame = getattr(import_module(f"asm_sim.studies.{study.name}"), part.table)(
        result
    )
    return table


def _print_frame(frame: pd.DataFrame, console: Terminal) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    flat = frame.reset_index()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in flat.columns:
        words = column if isinstance(column, tuple) else (column,)
        table.add_column(Text(", ".join(filter(None, map(str, words)))), overflow="fold")
    for row in flat.itertuples(index=False):
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)


def _numbers(answers: Answers) -> pd.DataFrame:
    """The numbers of all parts, one below the other; ``part`` says of which."""
    import pandas as pd

    from asm_sim.studies.table import study_table

    tables = [study_table(result).assign(part=part.name) for part, result in answers]
    together = pd.concat(tables, ignore_index=True)
    return together[["part", *(name for name in together if name != "part")]]


def _as_data(
    study: Study, opened: list[xr.Dataset], answers: Answers, left_out: dict[str, str]
) -> dict[str, Any]:
    import pandas as pd

    from asm_sim.results.describe import provenance
    from asm_sim.results.summary import json_value
    from asm_sim.studies.table import study_table

    def rows(result: xr.Dataset) -> list[dict[str, Any]]:
        found = study_table(result).astype(object)
        return [
            {str(k): None if v is pd.NA else json_value(v) for k, v in row.items()}
            for row in found.to_dict(orient="records")
        ]

    return {
        "study": study.name,
        "question": study.question,
        "runs": [provenance(ds) for ds in opened],
        "parts": [
            {"name": part.name, "given": dict(part.given), "numbers": rows(result)}
            for part, result in answers
        ],
        "left_out": left_out,
    }
