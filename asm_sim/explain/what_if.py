"""What one change would have paid a clinician, the peers held still.

A changed clinician is scored against the fit that the table made, and weighs nothing in it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asm_sim.errors import listed
from asm_sim.explain.case import Case
from asm_sim.explain.peers import is_pooled
from asm_sim.explain.steps import WhatIf
from asm_sim.explain.written import given, number, points
from asm_sim.reference import quality
from asm_sim.reference.cohort import pay_clinician, score_clinician
from asm_sim.reference.cost import cost_points, scored_cost
from asm_sim.reference.deviation import DeviationBenchmark, points_at
from asm_sim.reference.quality import Benchmark, DecileBenchmark
from asm_sim.reference.rows import Clinician, MeasureResult, is_excused
from asm_sim.reference.shrinkage import Shrinkage, shrunk
from asm_sim.rules.schema import PERCENT, Curve, Measure

MORE_POINTS = 1
MORE_EPISODES = 5


@dataclass(frozen=True)
class Change:
    """A clinician as one change would have made him or her, and the columns that are other."""

    name: str
    title: str
    clinician: Clinician
    changed: dict[str, Any]


Found = Change | str  # or why there is none to make


def what_if(case: Case) -> tuple[tuple[WhatIf, ...], tuple[str, ...]]:
    """Every change with what it would have paid, and sentences on those that there are none of."""
    if case.achieved is not None and is_excused(case.clinician, case.rules):
        excused = "Extreme circumstances excuse the clinician, so nothing would have paid another."
        return (), (excused,)
    made: list[WhatIf] = []
    left_out = _excluded(case)
    for found in (_one_more_point(case), *_changes(case)):
        if isinstance(found, str):
            left_out.append(found)
        elif isinstance(found, WhatIf):
            made.append(found)
        else:
            scored = _scored(case, found.clinician)
            made.append(_paid(case, found.name, found.title, found.changed, scored))
    return tuple(made), tuple(left_out)


def _scored(case: Case, clinician: Clinician) -> dict[str, Any]:
    group, rules = case.group, case.rules
    if case.achieved is None:
        return dict(
            pay_clinician(clinician, case.own, group.fitted, rules, case.year, group.earlier)
        )
    return score_clinician(clinician, group.fitted, rules, case.year, group.earlier)


def _paid(
    case: Case, name: str, title: str, changed: dict[str, Any], scored: dict[str, Any]
) -> WhatIf:
    paid = scored["payment_change_usd"]
    return WhatIf(
        name=name,
        title=title,
        changed=changed,
        final_score=scored["final_score"],
        payment_adjustment_factor=scored["payment_adjustment_factor"],
        payment_change_usd=paid,
        gain_usd=paid - case.scored["payment_change_usd"],
    )


def _one_more_point(case: Case) -> WhatIf | str:
    """A point more of the final score of the year by itself."""
    own, highest = case.own, case.rules.final_score.maximum.value
    if own is None:
        return "There is no final score to which a point could be added."
    if own >= highest:
        return f"The final score is at its greatest, {points(highest)}."
    group, more = case.group, min(own + MORE_POINTS, highest)
    scored = dict(
        pay_clinician(case.clinician, more, group.fitted, case.rules, case.year, group.earlier)
    )
    title = f"{points(more - own)} more of final score ({number(more)} in place of {number(own)})"
    return _paid(case, "one_more_point", title, {"final_score": more}, scored)


def _changes(case: Case) -> Iterator[Found]:
    if case.achieved is not None:
        for name in case.clinician.measures:
            yield from _better_measure(case, name)
        yield from _cheaper_episodes(case)
        yield _more_episodes(case)
        yield _one_more_activity(case)
        yield _full_interoperability(case)
    elif _band_by_volume(case):
        yield _more_episodes(case)


def _band_by_volume(case: Case) -> bool:
    rule = case.rules.payment
    return rule.neutral_band_form.value == "by_volume" and rule.neutral_band.at(case.year) > 0


# Quality


def _excluded(case: Case) -> list[str]:
    """That no better rate counts of the measures that are excluded."""
    earned = case.achieved.measure_points if case.achieved else {}
    names = [name for name, value in earned.items() if value is None]
    if not names:
        return []
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return [f"{listed(names)} {are} excluded, so no better rate of {them} would have counted."]


def _better_measure(case: Case, name: str) -> Iterator[Found]:
    standing = quality.standing(case.clinician, name, case.rules, case.year)
    if standing == "not_reported":
        yield _reported(case, name)
        return
    assert case.achieved is not None
    if case.achieved.measure_points[name] is None:
        return
    measure, result = case.rules.measures[name], case.clinician.measures[name]
    benchmark = _benchmark(case, name, result)
    rate = result.rate if result.rate is None else better_rate(case, name, result, benchmark)
    change = None if rate is None else _with_measure(case, name, rate=rate)
    if rate is None or change is None or not _earns_more(case, name, change.clinician):
        yield f"{name}: no better rate earns more."
        return
    unit = measure.rate_unit.value
    title = f"{name} at {number(rate)} in place of {number(result.rate or 0.0)} {unit}"
    yield dataclasses.replace(change, title=_of_practice(case, "quality", title))


def _benchmark(case: Case, name: str, result: MeasureResult) -> Benchmark | None:
    kind = quality.benchmark_group(result, case.rules.measures[name], case.rules)
    return case.group.fitted.quality_benchmarks.get((name, kind))


def _earns_more(case: Case, name: str, clinician: Clinician) -> bool:
    assert case.achieved is not None
    benchmarks = case.group.fitted.quality_benchmarks
    earned = quality.measure_points(clinician, name, benchmarks, case.rules, case.year)
    return (earned or 0.0) > (case.achieved.measure_points[name] or 0.0)


def better_rate(
    case: Case, name: str, result: MeasureResult, benchmark: Benchmark | None
) -> float | None:
    """The rate at the next step of the benchmark that earns more; ``None`` where there is none.

    That is the next cut point, or the next knot of the curve; a percentage stays one.
    """
    measure = case.rules.measures[name]
    if benchmark is None or result.rate is None:
        return None
    rate = shrunk(result.rate, result.cases, benchmark.shrinkage)
    if isinstance(benchmark, DecileBenchmark):
        target = _next_cut_point(rate, benchmark, measure)
    else:
        curve, lower = case.rules.quality.standard_deviation_curve, measure.inverse.value
        target = next_knot(rate, benchmark, curve, case.year, lower_is_better=lower)
    if target is None:
        return None
    rate = _before_shrinkage(target, result.cases, benchmark.shrinkage)
    return min(max(rate, 0.0), PERCENT if measure.is_percentage else math.inf)


def _next_cut_point(rate: float, benchmark: DecileBenchmark, measure: Measure) -> float | None:
    if benchmark.without_spread:
        return None
    earned = quality.decile_points(rate, benchmark, measure)
    sign = -1 if measure.inverse.value else 1
    cuts = (sign * cut for cut in benchmark.cut_points)
    return next((c for c in cuts if quality.decile_points(c, benchmark, measure) > earned), None)


def next_knot(
    value: float,
    benchmark: DeviationBenchmark,
    curve: Curve,
    year: int,
    *,
    lower_is_better: bool = True,
) -> float | None:
    """The value at the nearest knot of the curve that earns more than this one."""
    if benchmark.standard_deviation == 0:
        return None
    sign = 1 if lower_is_better else -1
    z = sign * (value - benchmark.median) / benchmark.standard_deviation
    earned = points_at(z, curve, year)
    better = [knot for knot in curve.z.value if points_at(knot, curve, year) > earned]
    if not better:
        return None
    nearest = min(better, key=lambda knot: abs(knot - z))
    return benchmark.median + sign * nearest * benchmark.standard_deviation


def _before_shrinkage(value: float, cases: float | None, shrinkage: Shrinkage | None) -> float:
    """The result that is this value after shrinkage."""
    if shrinkage is None or shrinkage.kappa == 0 or not cases or math.isinf(shrinkage.kappa):
        return value
    return shrinkage.mean + (value - shrinkage.mean) * (cases + shrinkage.kappa) / cases


def _reported(case: Case, name: str) -> Found:
    """A measure that was not reported, as one that was: at its rate, or at the peers' median."""
    rules, result = case.rules, case.clinician.measures[name]
    benchmarks = case.group.fitted.quality_benchmarks
    known = {kind: one for (measure, kind), one in benchmarks.items() if measure == name}
    kind = result.collection_type
    if kind is None and known:
        kind = max(known, key=lambda kind: known[kind].clinicians or 0)
        kind = kind if kind in rules.quality.collection_types.value else None
    if kind is None:
        kind = rules.measures[name].collection_types.value[0]
    benchmark = _benchmark(case, name, dataclasses.replace(result, collection_type=kind))
    rate = result.rate
    how = "at the rate as it is" if rate is not None else "at any rate, without a benchmark for it"
    if rate is None and benchmark is None:
        rate = 0.0
    elif rate is None and benchmark is not None:
        rate = _middle(benchmark, rules.measures[name])
        how = f"at the benchmark's median, {number(rate)}"
    minimum = rules.quality.completeness_minimum.at(case.year)
    complete = max(result.completeness or 0.0, minimum)
    cases = result.cases if result.cases is not None else rules.quality.case_minimum.at(case.year)
    change = _with_measure(
        case, name, rate=rate, cases=cases, completeness=complete, collection_type=kind
    )
    title = f"{name} reported as {kind} {how}, with enough data completeness"
    return dataclasses.replace(change, title=_of_practice(case, "quality", title))


def _middle(benchmark: Benchmark, measure: Measure) -> float:
    if isinstance(benchmark, DeviationBenchmark):
        return benchmark.median
    if benchmark.median_rate is not None:
        return benchmark.median_rate
    middle = benchmark.cut_points[len(benchmark.cut_points) // 2]
    return -middle if measure.inverse.value else middle


def _with_measure(case: Case, name: str, **values: Any) -> Change:
    result = dataclasses.replace(case.clinician.measures[name], **values)
    measures = {**case.clinician.measures, name: result}
    before = dataclasses.asdict(case.clinician.measures[name])
    changed = {
        f"{name.lower()}_{part}": value for part, value in values.items() if value != before[part]
    }
    clinician = dataclasses.replace(case.clinician, measures=measures)
    return Change(f"better_{name.lower()}", "", clinician, changed)


def _of_practice(case: Case, category: str, title: str) -> str:
    return f"{title}, for the practice as a whole" if is_pooled(case, category) else title


# Cost


def _cheaper_episodes(case: Case) -> Iterator[Found]:
    benchmark, clinician = case.group.fitted.cost_benchmark, case.clinician
    cost = scored_cost(clinician, case.rules, case.year)
    if cost is None or benchmark is None:
        yield "Cost is not scored, so no lower cost would have counted."
        return
    value = shrunk(cost, clinician.episodes, benchmark.shrinkage)
    target = next_knot(value, benchmark, case.rules.cost.standard_deviation_curve, case.year)
    if target is not None:
        target = max(_before_shrinkage(target, clinician.episodes, benchmark.shrinkage), 0.0)
        changed = dataclasses.replace(clinician, episode_cost=target)
        earned = cost_points(changed, benchmark, case.rules, case.year)
        before = cost_points(clinician, benchmark, case.rules, case.year)
        if (earned or 0.0) > (before or 0.0):
            title = f"Cost per episode {target:,.2f} in place of {cost:,.2f} USD"
            title = _of_practice(case, "cost", title)
            yield Change("lower_cost", title, changed, {"episode_cost": target})
            return
    yield "No lower cost per episode earns more."


def _more_episodes(case: Case) -> Found:
    """So many more episodes at the cost that they have, or at the peers' median."""
    clinician, benchmark = case.clinician, case.group.fitted.cost_benchmark
    before = clinician.episodes
    episodes = (before or 0) + MORE_EPISODES
    title = f"{MORE_EPISODES} more episodes ({number(episodes)} in place of {given(before)})"
    changed: dict[str, Any] = {"episodes": episodes}
    enough = episodes >= case.rules.cost.case_minimum.at(case.year)
    if case.achieved is not None and enough and clinician.episode_cost is None:
        if benchmark is None:
            return "The cost per episode is blank, so more episodes could not have been scored."
        changed["episode_cost"] = benchmark.median
        title += f", at the peers' median cost of {benchmark.median:,.2f} USD"
    title = _of_practice(case, "cost", title)
    return Change("more_episodes", title, dataclasses.replace(clinician, **changed), changed)


# What is attested


def _one_more_activity(case: Case) -> Found:
    rule, completed = case.rules.improvement_activities, case.clinician.improvement_activities
    counts = rule.blank_counts_as.value if completed is None else completed
    more = counts + 1
    if more >= len(rule.adjustment_by_completed.value):
        return f"All {number(counts)} improvement activities are completed."
    title = f"One more improvement activity ({number(more)} completed in place of "
    title += f"{'a blank' if completed is None else number(counts)})"
    clinician = dataclasses.replace(case.clinician, improvement_activities=float(more))
    return Change("one_more_activity", title, clinician, {"improvement_activities": more})


def _full_interoperability(case: Case) -> Found:
    rule, score = case.rules.promoting_interoperability, case.clinician.pi_score
    best = rule.score_maximum.value
    if rule.exempt.value == "special_status" and case.clinician.special_status:
        return "Interoperability is not asked of the clinician."
    if score == best:
        return "The interoperability score is the greatest there is."
    title = f"Full interoperability ({number(best)} in place of {given(score)})"
    clinician = dataclasses.replace(case.clinician, pi_score=best)
    return Change("full_interoperability", title, clinician, {"pi_score": best})
