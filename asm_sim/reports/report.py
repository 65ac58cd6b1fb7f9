"""``asm.report``: the report of a run or a sweep as one page of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asm_sim.errors import InputError, escaped
from asm_sim.pages.render import rendered
from asm_sim.reports import asked, known, origin
from asm_sim.reports.figures import drawn
from asm_sim.reports.tables import headline_tables, scenario_tables
from asm_sim.results.in_words import held_lines, sentences
from asm_sim.results.open import open_results
from asm_sim.results.ranges import how_to_open
from asm_sim.results.scenarios import SCENARIO, position_of, scenario_of, told
from asm_sim.results.sweep_summary import reference_of, sweep_sentences, sweep_table

if TYPE_CHECKING:
    import xarray as xr

TEMPLATE = Path(__file__).with_name("page.html.jinja")
ANSWER = 2  # the sentences of a run that say what came out; those after say how to read it


def report(results: xr.Dataset | str | Path, figures: Iterable[str] | None = None) -> str:
    """The report of a run or a sweep: a page of HTML that needs nothing beside it, as text.

    ``results`` are a Dataset of :func:`asm_sim.open_results`, or the folder or URL of a store. The
    page says what was asked and what differs from the baseline, the answer with its ranges, what is
    known and open, and where the numbers come from. ``figures`` names which to draw: by default all
    that these results have, and none where it is empty. The same store is the same page byte for
    byte. Raises :class:`~asm_sim.InputError` where there is no finished store, and for a figure
    that there is not.
    """
    ds = open_results(results) if isinstance(results, str | Path) else results
    if not hasattr(ds, "data_vars"):
        raise InputError(
            f"a {type(ds).__name__} holds no results: give the folder of a run, or its Dataset"
        )
    if SCENARIO in ds.dims and ds.sizes[SCENARIO] == 1:
        ds = scenario_of(ds, 0)
    about = _of_sweep(ds) if SCENARIO in ds.dims else _of_run(told(ds))
    run = about.pop("run")
    shown, missing = drawn(ds, figures)
    title = ds.attrs.get("title") or ds.attrs.get("scenario") or "Results"
    effects, effects_note = known.effects(run, about["is_sweep"])
    return rendered(
        TEMPLATE,
        {"parts": _parts, "lines": str.splitlines},
        title=str(title),
        description=asked.description_of(ds),
        facts=asked.facts(ds),
        differences=asked.differences(ds),
        figures=shown,
        missing=missing,
        statuses=known.statuses_table(run),
        held=held_lines(run),
        open_of_rule=known.open_table(run, "rules"),
        open_of_population=known.open_table(run, "population"),
        effects=effects,
        effects_note=effects_note,
        origin=origin.origin_facts(ds),
        command=origin.command(ds),
        is_shipped=origin.is_shipped(str(ds.attrs.get("scenario", ""))),
        scenario_file=[escaped(line) for line in origin.scenario_file(ds)],
        citations=origin.citations(ds),
        **about,
    )


def _of_run(run: xr.Dataset) -> dict[str, Any]:
    *first, settled, comes_from = sentences(run)
    return {
        "run": run,
        "is_sweep": False,
        "answer": [first[:ANSWER]],
        "reading": first[ANSWER:],
        "settled": [settled, comes_from],
        "tables": headline_tables(run),
    }


def _of_sweep(ds: xr.Dataset) -> dict[str, Any]:
    reference = reference_of(ds)
    run = scenario_of(ds, 0 if reference is None else position_of(ds, reference))
    *first, settled, _ = sentences(run)
    found = sweep_table(ds)
    own = [] if reference is None else [[f"In {reference}:", *first[:ANSWER]]]
    return {
        "run": run,
        "is_sweep": True,
        "answer": [sweep_sentences(ds, found), *own],
        "reading": [one.replace(how_to_open(run), how_to_open(ds)) for one in first[ANSWER:]],
        "settled": [settled],
        "tables": scenario_tables(ds, found),
    }


def _parts(text: str) -> list[tuple[bool, str]]:
    """A sentence in pieces: whether each is a command, which stands between backquotes."""
    pieces = re.split(r"`([^`]+)`", text)
    return [(bool(place % 2), piece) for place, piece in enumerate(pieces) if piece]
