"""What ``asm-sim doctor`` prints of published results and of closed forms, in 80 columns."""

from __future__ import annotations

import json
import math
import textwrap
from typing import TYPE_CHECKING, Any

import typer

from asm_sim.cli.terminal import Terminal
from asm_sim.cli.terminal import say as say_text
from asm_sim.errors import counted

if TYPE_CHECKING:
    import xarray as xr

    from asm_sim.reproductions.table import Row

WIDTH = 80
LABEL = 27
INDENT = "    "
CERTAINTY = {
    "seen": "Numbers seen in the source.",
    "part": "Not all of the condition was seen.",
    "derived": "No number published.",
}
THEORY_DRAWS = 20
_HEADER = f"{INDENT}{'':{LABEL}}{'published':>12}{'closed form':>13}{'simulated':>17}{'agrees':>7}"
_FORM = 34  # width of what a closed form is of
_UNITS = {"fraction": ", %", "points": ", points", "fraction per point": ", % of Part B"}


def say(text: str) -> None:
    """Print lines, with a sign for plus and minus that the terminal can write."""
    from asm_sim.results.terminal import writable

    say_text(writable(text, Terminal()))


def published_command(draws: int | None, as_json: bool) -> None:
    """Print the table of published results; exit code 1 where one is not as it should be."""
    from asm_sim.reproductions.bench import FULL, Size
    from asm_sim.reproductions.table import rows

    size = FULL if draws is None else Size(FULL.clinicians, draws)
    note = Terminal(stderr=True)
    note.print("Computing published results under their own conditions ...")
    found: list[Row] = []
    for row in rows(size):
        if not as_json:
            _print_row(row, None if not found else found[-1])
        found.append(row)
    wrong = [row for row in found if not row.as_it_should]
    if as_json:
        plain = [{key: _finite(value) for key, value in row.as_dict().items()} for row in found]
        typer.echo(json.dumps(plain, indent=1))
    else:
        say("")
        for sentence in _in_sum(found, size.clinicians, size.draws):
            say(textwrap.fill(sentence, WIDTH))
    if wrong:
        raise typer.Exit(1)


def _print_row(row: Row, before: Row | None) -> None:
    result = row.result
    if before is None or before.result is not result:
        if before is not None:
            say("")
        say(_hanging(f"{result.row:<{len(INDENT)}}{result.title}"))
        say(_indented(f"Source: {result.citation}. {CERTAINTY[result.certainty]}"))
        say(_indented(f"Condition: {result.condition}."))
        if result.note:
            say(_indented(f"{result.note}."))
        say(_HEADER)
    digits = result.decimals
    simulated = f"{row.simulated:.{digits}f}"
    if row.error > 0:
        from asm_sim.results.statistics import round_to_error

        simulated = round_to_error(row.simulated, row.error)
    cells = f"{_published(row):>12}{row.closed_form:>13.{digits}f}{simulated:>17}"
    say(f"{INDENT}{row.value.of:<{LABEL}}{cells}{'yes' if row.agrees else 'no':>7}")
    if row.value.note:
        say(_indented(f"{row.value.note}."))


def _published(row: Row) -> str:
    value = row.value
    if value.published is not None:
        return f"{value.published:.{row.result.decimals}f}".rstrip("0").rstrip(".") or "0"
    low, high = value.at_least, value.at_most
    if high is None:
        return "none" if low is None else f">{low:g}"
    return f"<{high:g}" if low is None else f"{low:g}-{high:g}"


def _in_sum(found: list[Row], clinicians: int, draws: int) -> list[str]:
    """What the table comes to, the fitted number and what fails among it."""
    agree = sum(row.agrees for row in found)
    known = [row for row in found if not row.value.reproduced]
    unseen = list(dict.fromkeys(r.result.row for r in found if r.result.certainty == "part"))
    sentences = [
        f"{agree} of {counted(len(found), 'number')} agree with what was published, or with the "
        f"closed form where nothing was ({clinicians:,} clinicians, {counted(draws, 'draw')}; ± is "
        "the Monte Carlo standard error).",
        "One number is fitted to what it reproduces: the share paid out of row 1, which stands for "
        "the scaling factor of the nursing facilities. The reliabilities of row 11 are those that "
        "its shares imply.",
        f"Not all of the condition was seen in rows {', '.join(unseen)}.",
    ]
    if known:
        told = ", ".join(f"{row.result.row} ({row.value.of})" for row in known)
        sentences.append(f"Known not to be reproduced: {told}.")
    wrong = [row for row in found if not row.as_it_should]
    if wrong:
        told = ", ".join(f"{row.result.row} ({row.value.of})" for row in wrong)
        sentences.append(f"NOT AS IT SHOULD BE: {told}.")
    return sentences


def theory_command(store: str | None, draws: int | None, as_json: bool) -> None:
    """Print closed forms beside a run, or beside a small one that is made for it."""
    from asm_sim.studies.theory import beside

    ds = _run(store, draws)
    found = beside(ds)
    years = found["performance_year"].values
    found = found.sel(performance_year=years[min(1, len(years) - 1)])
    if as_json:
        typer.echo(json.dumps(_as_records(found), indent=1))
        return
    from asm_sim.results.describe import cohort_title, source_line

    say(f"{source_line(ds)}\n")
    for cohort in found["cohort"].values:
        say(f"{cohort_title(ds, str(cohort))}, performance year {int(found['performance_year'])}")
        say(f"{'':{_FORM}}{'simulated':>16}{'closed form':>13}{'difference':>17}")
        for form in found["form"].values:
            say(_form_line(found.sel(cohort=cohort, form=form)))
        say("")
    say(
        textwrap.fill(
            "Closed forms are of normal scores with the run's own spread, zero scorers and "
            "reliability. What differs by more than its error comes from what they leave out: "
            "scores that are not normal, and payments that go with scores.",
            WIDTH,
        )
    )


def _run(store: str | None, draws: int | None) -> xr.Dataset:
    if store is not None:
        from asm_sim.results.open import open_results

        return open_results(store)
    from asm_sim.engine.simulate import simulate

    made = THEORY_DRAWS if draws is None else draws
    Terminal(stderr=True).print(f"Simulating {counted(made, 'draw')} of the baseline ...")
    return simulate(draws=made)


def _form_line(one: xr.Dataset) -> str:
    from asm_sim.results.statistics import round_to_error

    units = str(one["form_units"].values)
    factor = 100.0 if units.startswith("fraction") else 1.0

    def told(name: str) -> str:
        value, error = (factor * float(one[part]) for part in (name, f"{name}_mcse"))
        return round_to_error(value, error) if math.isfinite(value) else "none"

    closed = told("closed_form").split(" ")[0]
    words = textwrap.wrap(f"{one['form_words'].values!s}{_UNITS.get(units, '')}", _FORM - 1)
    last = f"{words[-1]:<{_FORM}}{told('simulated'):>16}{closed:>13}{told('difference'):>17}"
    return "\n".join([*words[:-1], last])


def _as_records(found: xr.Dataset) -> list[dict[str, Any]]:
    names = [str(name) for name in found.data_vars]
    return [
        {
            "form": str(form),
            "words": str(found["form_words"].sel(form=form).values),
            "units": str(found["form_units"].sel(form=form).values),
            "cohort": str(cohort),
            "performance_year": int(found["performance_year"]),
            **{n: _finite(float(found[n].sel(form=form, cohort=cohort))) for n in names},
        }
        for cohort in found["cohort"].values
        for form in found["form"].values
    ]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _indented(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _hanging(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=INDENT)
