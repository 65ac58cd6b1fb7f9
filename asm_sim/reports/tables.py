"""The tables of a report: the headline of a run, the scenarios of a sweep side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from asm_sim.results import summary, sweep_summary
from asm_sim.results.describe import cohort_title
from asm_sim.results.ranges import PERCENT_OF_RANGE, open_part
from asm_sim.results.scenarios import scenario_names
from asm_sim.results.terminal import Layout

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

LAYOUT = Layout("\n", "\n(", " to ", ")")  # an error or a range on a line of its own


class Row(NamedTuple):
    """What a line is about, and its cells; lines of a cell are apart by a line end."""

    label: str
    cells: tuple[str, ...]
    is_reference: bool = False


class Group(NamedTuple):
    """Rows under a heading; under none where it is empty."""

    title: str
    rows: tuple[Row, ...]


class Table(NamedTuple):
    """A table with a caption, a name for each column, and what to know below it."""

    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()
    of_numbers: bool = False  # whether the cells are numbers, or else texts


def plain_table(caption: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table of texts."""
    return Table(caption, columns, (Group("", tuple(Row(row[0], row[1:]) for row in rows)),))


def headline_tables(run: xr.Dataset) -> list[Table]:
    """A table per cohort of a run: statistics down, performance years across."""
    rows = summary.summary_table(run)
    beside = _beside(run)
    tables = []
    for cohort in dict.fromkeys(rows["cohort"]):
        of_cohort = list(rows[rows["cohort"] == cohort].itertuples(index=False))
        years = dict.fromkeys((row.performance_year, row.payment_year) for row in of_cohort)
        sections: dict[str, list[Row]] = {}
        for statistic in summary.STATISTICS:
            own = [row for row in of_cohort if row.statistic == statistic.name]
            heading = f"{statistic.section} ({summary.PRINTED[own[0].unit][1]})"
            cells = tuple(summary.cell_of(row, LAYOUT) for row in own)
            sections.setdefault(heading, []).append(Row(statistic.label, cells))
        tables.append(
            Table(
                f"{cohort_title(run, cohort)} ({cohort}): by performance year, {beside}",
                ("Performance year", *(f"{year}\npaid in {paid}" for year, paid in years)),
                tuple(Group(title, tuple(lines)) for title, lines in sections.items()),
                tuple(summary.notes(run, cohort, of_cohort)),
                of_numbers=True,
            )
        )
    return tables


def scenario_tables(ds: xr.Dataset, found: pd.DataFrame) -> list[Table]:
    """The scenarios of a sweep down, a table per cohort; then their differences, where known.

    ``found`` is the :func:`~asm_sim.results.sweep_summary.sweep_table` of the same results.
    """
    reference = sweep_summary.reference_of(ds)
    tables = []
    for cohort in map(str, ds["cohort"].values):
        title = f"{cohort_title(ds, cohort)} ({cohort})"
        tables.append(_of_scenarios(ds, found, cohort, "mean", f"{title}: {_beside(ds)}"))
        if reference is not None and len(scenario_names(ds)) > 1:
            caption = f"{title}: differences from {reference}, paired within draws, {_beside(ds)}"
            tables.append(_of_scenarios(ds, found, cohort, "difference", caption))
    return tables


def _of_scenarios(
    ds: xr.Dataset, found: pd.DataFrame, cohort: str, column: str, caption: str
) -> Table:
    reference = sweep_summary.reference_of(ds)
    here = found[found["cohort"] == cohort].set_index(["scenario", "outcome"])
    ranged = "range_low" in found
    rows = [
        Row(
            name,
            tuple(
                sweep_summary.cell_of(here.loc[(name, of.name)], of, column, ranged, LAYOUT)
                for of in sweep_summary.OUTCOMES
            ),
            name == reference,
        )
        for name in scenario_names(ds)
        if column == "mean" or name != reference
    ]
    titles = (sweep_summary.on_one_line(of.title) for of in sweep_summary.OUTCOMES)
    years = [int(ds["payment_year"].values[i]) for i in (0, -1)]
    notes = (
        "Means over the performance years; money is added up over payment years "
        f"{years[0]} to {years[1]}.",
    )
    columns = ("Scenario", *titles)
    return Table(caption, columns, (Group("", tuple(rows)),), notes, of_numbers=True)


def _beside(ds: xr.Dataset) -> str:
    """What stands below each value."""
    if open_part(ds) is None:
        return "each value with its Monte Carlo standard error"
    return f"each value with its {PERCENT_OF_RANGE} % range"
