"""The answer in words, on a terminal of 80 columns or more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asm_sim import __version__
from asm_sim.against.cohort_draws import MIDDLE, PARTS
from asm_sim.against.standing import Standing, Standings
from asm_sim.against.tables import table_of, together
from asm_sim.errors import counted, printable
from asm_sim.results.clinician_table import CLINICIANS_TOLD, Line, clinician_table, shown_id
from asm_sim.results.describe import HASH_DIGITS
from asm_sim.results.spread import RANGE, in_range
from asm_sim.results.terminal import say
from asm_sim.score.columns import column_name

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from asm_sim.rules.schema import RuleSet

PARTS_TOLD = 4
SMALLEST_PART = 0.5  # points that are worth a word

Record = dict[str, Any]


def print_on(console: Console, found: Standings) -> None:
    """Print the answer; what a user called something is only text."""
    for part in _parts(found):
        say(console, part)


def _parts(found: Standings) -> Iterator[RenderableType]:
    from rich.text import Text

    table = table_of(found)
    most_points = found.plan.scenario.rules.quality.points_maximum.value
    for standing in found.cohorts:
        frame = table[table["cohort"] == standing.cohort]
        yield Text(
            f"{found.title}: {counted(len(standing.known.ids), 'clinician')} of {standing.cohort} "
            f"among {standing.simulated:,} simulated ones, in whose benchmarks and median they "
            "weigh nothing",
            style="bold",
        )
        yield Text(_drawn(standing))
        for sentence in _compared(standing, found.plan.scenario.rules):
            yield Text(sentence)
        own = sorted({int(year) for year in standing.known.of_year[:, 0].ravel()} - {0})
        told = [year for year in standing.years if year in own] or standing.years[:1]
        of_years = {record["performance_year"]: record for record in together(standing)}
        for year in told:
            records = _records(frame[frame["performance_year"] == year])
            yield Text()
            yield from _year(standing, records, of_years[year], most_points)
        yield Text()
        yield from _all_years(standing, of_years.values())
        yield Text()
    yield Text(_how_to_read(found, table))
    yield Text(_source(found))


def _records(frame: pd.DataFrame) -> list[Record]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _drawn(standing: Standing) -> str:
    if not standing.drawn:
        return "Everything that the rule asks for is in the table."
    n = len(standing.known.ids)
    named = [
        name if number == n else f"{name} (of {number} of them)"
        for name, number in standing.drawn.items()
    ]
    return (
        f"Not in the table, and in each draw taken from a simulated clinician: {', '.join(named)}."
    )


def _compared(standing: Standing, rules: RuleSet) -> Iterator[str]:
    """What is other than the rule's own way to compare clinicians, a sentence each."""
    if rules.peers.basis.value != "condition":
        yield (
            f"Everyone is compared within the same {rules.peers.basis.value.replace('_', ' ')}; "
            "medians are those of the peers."
        )
    years = rules.final_score.averaging_years.value
    if years > 1:
        yield f"A final score is the mean of those of up to {years} performance years."
    if rules.scoring_level.pools:
        number = counted(len(np.unique(standing.known.practice[0])), "practice")
        yield (
            f"What a practice is scored on together is that of its rows in the table ({number}): "
            "all of its clinicians in the cohort should be there."
        )


def _year(
    standing: Standing, records: list[Record], in_all: Record, most_points: float
) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    year, paid = in_all["performance_year"], in_all["payment_year"]
    yield Text(f"Performance year {year}, paid in {paid}; {_medians(records)}")
    yield clinician_table(
        Line(
            record["clinician_id"],
            _with_range(record, "final_score"),
            _with_range(record, "payment_adjustment_factor", 100, sign=True),
            _with_range(record, "payment_change_usd", sign=True),
            _share(record),
        )
        for record in records
    )
    more = len(records) - CLINICIANS_TOLD
    if more > 0:
        yield Text(f"and {more:,} more (-o FILE writes all)")
    if len(records) > 1:
        yield Text(f"Together {_with_range(in_all, 'payment_change_usd', sign=True)} USD")
    yield Text()
    yield Text("What drives it, in points of the final score against the median clinician")
    for record in records[:CLINICIANS_TOLD]:
        yield Padding(Text(_drives(standing, record, most_points)), (0, 0, 0, 2))


def _medians(records: list[Record]) -> str:
    """The median final score, or between which those of the peers lie."""
    lowest, highest = (f(record["median_final_score"] for record in records) for f in (min, max))
    if lowest == highest:
        return f"median final score {lowest:.1f}"
    return f"median final scores of their peers {lowest:.1f} to {highest:.1f}"


def _with_range(record: Record, name: str, scale: float = 1, sign: bool = False) -> str:
    """A mean with the middle 90 % of the open draws, or of the draws where there are none."""
    of_open = record[f"{name}_open_p5"]
    which = "_open" if of_open is not None and math.isfinite(of_open) else ""
    low, high = (record[f"{name}{which}_p{percentile}"] for percentile in RANGE)
    known = [math.nan if number is None else number for number in (record[name], low, high)]
    return in_range(known[0], known[1], known[2], scale, sign)


def _share(record: Record) -> str:
    which = "_open" if record["open_draws"] else ""
    draws = record["open_draws"] or record["draws"]
    return f"{round(record[f'share_penalty{which}'] * draws)} of {draws}"


def _drives(standing: Standing, record: Record, most_points: float) -> str:
    """The parts in which a clinician is furthest from the median clinician."""
    who = shown_id(record["clinician_id"])
    if record["share_without_score"] == 1:
        return f"{who}: no final score, neither bonus nor penalty"
    differences = {part: record[f"{part}_difference"] for part in PARTS}
    total = sum(differences.values())
    largest = sorted(differences, key=lambda part: -abs(differences[part]))
    told = [part for part in largest if abs(differences[part]) >= SMALLEST_PART][:PARTS_TOLD]
    words = [
        f"{part.replace('_', ' ')} {differences[part]:+.1f}"
        + (_measure(standing, record, most_points) if part == "quality" else "")
        for part in told
    ]
    rest = total - sum(differences[part] for part in told)
    if words and abs(rest) >= SMALLEST_PART / 10:
        words.append(f"the rest {rest:+.1f}")
    return f"{who} {total:+.1f}: {', '.join(words) or 'nothing stands out'}"


def _measure(standing: Standing, record: Record, most_points: float) -> str:
    """The measure whose points are furthest from those of the median clinician."""
    gaps = {}
    for measure in standing.known.measures:
        name = column_name(measure, "points")
        gap = record[name] - record[f"{name}_of_median"]
        if math.isfinite(gap):
            gaps[measure] = gap
    same_way = record["quality_difference"]
    gaps = {measure: gap for measure, gap in gaps.items() if gap * same_way > 0}
    if not gaps:
        return ""
    measure = max(gaps, key=lambda name: abs(gaps[name]))
    points = record[column_name(measure, "points")]
    median = points - gaps[measure]
    return f" ({measure} {points:.1f} of {most_points:g}, median clinician {median:.1f})"


def _all_years(standing: Standing, records: Iterable[Record]) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    n = len(standing.known.ids)
    of_another = [
        str(year)
        for year, of in zip(standing.years, standing.known.of_year, strict=True)
        if not np.isin(of, (year, 0)).all()
    ]
    title = "All years" if n == 1 else f"All years, the {n:,} together"
    if of_another:
        title += f" ({', '.join(of_another)}: as in the nearest year that the table has)"
    yield Text(title)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    of_peers = np.ptp(standing.averages.median.mean, axis=1).any()
    median = "mean of medians" if of_peers else "median score"
    for name in ("year", "paid in", median, "mean adjustment, %", "USD"):
        table.add_column(name, justify="right")
    for record in records:
        table.add_row(
            str(record["performance_year"]),
            str(record["payment_year"]),
            f"{record['median_final_score']:.1f}",
            _with_range(record, "mean_payment_adjustment_factor", 100, sign=True),
            _with_range(record, "payment_change_usd", sign=True),
        )
    yield table


def _how_to_read(found: Standings, table: pd.DataFrame) -> str:
    plan = found.plan
    draws, opened = plan.scenario.draws, plan.open_draws
    ranged = (
        f"the middle 90 % of {counted(opened, 'open draw')}, in which the cohort, its luck and all "
        "that nobody knows of rule and population are drawn"
        if opened
        else f"the middle 90 % of {counted(draws, 'draw')} of the cohort and its luck; what nobody "
        "knows of rule and population is at its central value"
    )
    errors = [_largest(table, name) for name in ("final_score", "payment_change_usd")]
    low, high = MIDDLE
    return (
        "What the table says of a clinician is taken as it is, with the luck that is in it. A "
        f"number is the mean of {counted(draws, 'draw')}; in brackets {ranged}. Penalty: in how "
        f"many of these the adjustment is below zero. Monte Carlo errors of the means are at most "
        f"{errors[0]:.2g} points and {errors[1]:,.0f} USD a clinician. The median clinician is the "
        f"mean of those between the {low:g}th and {high:g}th percentile of final scores."
    )


def _largest(table: pd.DataFrame, name: str) -> float:
    errors = table[f"{name}_mcse"].to_numpy(np.float64)
    known = errors[np.isfinite(errors)]
    return float(known.max()) if known.size else math.nan


def _source(found: Standings) -> str:
    scenario = found.plan.scenario
    return (
        f"asm_sim {__version__}, scenario {printable(scenario.name)} "
        f"({found.plan.scenario_hash()[:HASH_DIGITS]}), {counted(scenario.draws, 'draw')}, "
        f"{counted(found.plan.open_draws, 'open draw')}, seed {scenario.seed}"
    )
