"""The steps of the quality category: measure by measure, why it earns what it earns."""

from __future__ import annotations

from collections import Counter

from asm_sim.errors import counted, listed
from asm_sim.explain.benchmarks import say_curve, say_shrinkage, whose
from asm_sim.explain.case import Case, Telling
from asm_sim.explain.peers import is_pooled
from asm_sim.explain.steps import Section, Step
from asm_sim.explain.written import given, number, points, share
from asm_sim.reference import quality
from asm_sim.reference.deviation import DeviationBenchmark
from asm_sim.reference.quality import DecileBenchmark
from asm_sim.reference.rows import Clinician, MeasureResult, is_excused
from asm_sim.reference.shrinkage import shrunk
from asm_sim.rules.schema import Measure, RuleSet

EXCLUDED = "excluded"
CURVE = "quality.standard_deviation_curve"


def quality_section(case: Case) -> Section:
    """Every measure of the cohort, and the quality score that they make."""
    measures = [_measure(case, name) for name in case.clinician.measures]
    return Section("Quality", (*measures, _score(case)))


def _measure(case: Case, name: str) -> Step:
    measure, result = case.rules.measures[name], case.clinician.measures[name]
    earned = case.achieved.measure_points[name] if case.achieved else None
    telling = Telling(case, f"quality.{name}", f"{name} {measure.title}")
    whose_rate = "of the practice: " if is_pooled(case, "quality") else ""
    telling.say(
        "Observed",
        whose_rate + _observed(result, measure),
        rate=result.rate,
        cases=result.cases,
        data_completeness=result.completeness,
        collection_type=result.collection_type,
        points=earned,
    )
    match quality.standing(case.clinician, name, case.rules, case.year):
        case "excluded":
            _say_excluded(telling, name, measure, result)
        case "not_reported":
            _say_not_reported(telling, name, result)
        case _:
            _say_benchmarked(telling, name, measure, result)
    if earned is None:
        return telling.ends(EXCLUDED)
    return telling.ends(f"{number(earned)} of {points(case.rules.quality.points_maximum.value)}")


def _observed(result: MeasureResult, measure: Measure) -> str:
    rate = "no rate" if result.rate is None else f"rate {given(result.rate)}"
    unit = "" if result.rate is None else f" {measure.rate_unit.value}"
    cases = "cases blank" if result.cases is None else f"{given(result.cases)} cases"
    parts = [f"{rate}{unit}", cases]
    if measure.reported:
        parts.append(f"data completeness {given(result.completeness)}")
        kind = result.collection_type
        parts.append("collection type blank" if kind is None else f"reported as {kind}")
    better = "lower" if measure.inverse.value else "higher"
    return f"{', '.join(parts)}; {better} is better"


def _say_excluded(telling: Telling, name: str, measure: Measure, result: MeasureResult) -> None:
    """The reasons of :func:`asm_sim.reference.quality.standing`, in its order."""
    case = telling.case
    minimum = case.rules.quality.case_minimum.at(case.year)
    if measure.is_suspended(case.year):
        why, path = f"the measure is suspended in {case.year}", f"measures.{name}.suspended"
    elif is_excused(case.clinician, case.rules):
        why = "extreme circumstances excuse the clinician from being scored"
        path = "final_score.extreme_circumstances"
    elif result.cases is not None and result.cases < minimum:
        why = f"{given(result.cases)} cases are fewer than {number(minimum)}"
        path = "quality.case_minimum"
    else:
        blank = "rate" if result.rate is None else "number of cases"
        why = f"CMS computes it from claims, and its {blank} is blank"
        path = f"measures.{name}.submission"
    telling.say("Excluded", f"{why}, so it does not count", path)


def _say_not_reported(telling: Telling, name: str, result: MeasureResult) -> None:
    case = telling.case
    earned = points(case.rules.quality.points_not_reported.at(case.year))
    paths = [f"measures.{name}.submission", "quality.points_not_reported"]
    if result.rate is None:
        why = "the clinician has to report it, and its rate is blank"
    else:
        minimum = case.rules.quality.completeness_minimum.at(case.year)
        why = f"data completeness is {share(result.completeness)}, {share(minimum)} is needed"
        paths.insert(1, "quality.completeness_minimum")
    telling.say("Not reported", f"{why}: {earned}, and it counts", *paths)


def _say_benchmarked(telling: Telling, name: str, measure: Measure, result: MeasureResult) -> None:
    case = telling.case
    rules = case.rules
    kind = quality.benchmark_group(result, measure, rules)
    benchmark = case.group.fitted.quality_benchmarks.get((name, kind))
    telling.rest_on(f"measures.{name}.inverse", f"measures.{name}.scoring")
    telling.rest_on("quality.benchmark_reference")
    if rules.quality.pool_collection_types.value:
        telling.rest_on("quality.pool_collection_types")
    if benchmark is None or result.rate is None:
        _say_without_benchmark(telling, name, measure, kind)
        return
    rate = shrunk(result.rate, result.cases, benchmark.shrinkage)
    if benchmark.shrinkage is not None:
        of = f"{given(result.cases)} cases"
        say_shrinkage(telling, "quality", result.rate, rate, result.cases, of, benchmark.shrinkage)
    if isinstance(benchmark, DecileBenchmark):
        _say_deciles(telling, name, kind, rate, benchmark)
    else:
        made_by = _made_by(telling, name, kind, benchmark)
        say_curve(telling, CURVE, rate, benchmark, made_by, lower_is_better=measure.inverse.value)


def _made_by(
    telling: Telling, name: str, kind: str, benchmark: DecileBenchmark | DeviationBenchmark
) -> str:
    """Whose results made a benchmark, and how many clinicians' they are."""
    case = telling.case
    measure, of_quality = case.rules.measures[name], case.rules.quality
    if benchmark.clinicians is None:
        paths = [f"quality.national.{path}" for path in ("benchmarks", "benchmark_year")]
        if isinstance(benchmark, DeviationBenchmark):
            inside = f"quality.national.measures.{name}"
            telling.rest_on(f"{inside}.median", f"{inside}.standard_deviation")
            return "the national one of MIPS"
        telling.rest_on(*paths)
        return f"the national one of MIPS for {of_quality.national.benchmark_year.value}"
    telling.rest_on("quality.benchmark_minimum_clinicians", clinicians=benchmark.clinicians)
    who = f"made by {counted(benchmark.clinicians, 'clinician')} {whose(case, 'quality')}"
    if not measure.reported:
        return who
    pooled = of_quality.pool_collection_types.value
    return f"{who} who reported it {'in any way' if pooled else f'as {kind}'}"


def _say_without_benchmark(telling: Telling, name: str, measure: Measure, kind: str) -> None:
    case = telling.case
    if case.rules.quality.benchmark_reference.value == "national":
        year = case.rules.quality.national.benchmark_year.value
        why = f"MIPS has no benchmark of {name} reported as {kind} for {year}"
        path = "quality.national.benchmark_year"
    else:
        path = "quality.benchmark_minimum_clinicians"
        minimum = number(case.rules.quality.benchmark_minimum_clinicians.at(case.year))
        valid = valid_results(case, name).get(kind, 0)
        how = f" reported as {kind}" if measure.reported else ""
        clinicians = "clinician has" if valid == 1 else "clinicians have"
        why = (
            f"{valid:,} {clinicians} a valid result{how} {whose(case, 'quality', 'in')}, and "
            f"{minimum} make a benchmark"
        )
        telling.rest_on(clinicians=valid)
    telling.say("Excluded", f"{why}; without one the measure does not count", path)


def valid_results(case: Case, name: str) -> Counter[str]:
    """How many clinicians have a valid result that makes the benchmark, by collection type."""
    year = case.group.reference_year(case.rules.quality.benchmark_reference.value)
    same_year = year == case.year
    clinicians = case.group.clinicians if same_year else case.group.cohort_years[year]
    return _valid(clinicians, name, case.rules, year)


def _valid(
    clinicians: tuple[Clinician, ...] | list[Clinician], name: str, rules: RuleSet, year: int
) -> Counter[str]:
    return Counter(
        quality.benchmark_group(one.measures[name], rules.measures[name], rules)
        for one in clinicians
        if quality.standing(one, name, rules, year) == "valid"
    )


def _say_deciles(
    telling: Telling, name: str, kind: str, rate: float, benchmark: DecileBenchmark
) -> None:
    case = telling.case
    measure = case.rules.measures[name]
    sign = -1 if measure.inverse.value else 1
    cuts = [sign * cut for cut in benchmark.cut_points]
    text = f"{_made_by(telling, name, kind, benchmark)}; cut points for 1 to {len(cuts)} points: "
    telling.say(
        "Benchmark",
        text + ", ".join(number(cut) for cut in cuts),
        "quality.decile_percentiles",
        cut_points=cuts,
        median_rate=benchmark.median_rate,
    )
    if benchmark.without_spread:
        middle = "shrinkage leaves no difference between the clinicians"
        telling.say("Points", f"{middle}: those of the middle of the curve", f"{CURVE}.anchor")
    else:
        telling.say("Points", _between(rate, cuts, benchmark, measure))
    _say_topped_out(telling, name, benchmark)


def _between(rate: float, cuts: list[float], benchmark: DecileBenchmark, measure: Measure) -> str:
    """Between which cut points a rate lies, and the points in between."""
    reached = sum(cut <= quality.merit(rate, measure) for cut in benchmark.cut_points)
    at, earned = number(rate), quality.decile_points(rate, benchmark, measure)
    if reached == 0:
        return f"{at} does not reach the first cut point: {points(earned)}, the least"
    if reached == len(cuts):
        return f"{at} reaches the last cut point: {points(earned)}"
    before, after = cuts[reached - 1], cuts[reached]
    formula = f"{reached} + ({at} - {number(before)}) / ({number(after)} - {number(before)})"
    return (
        f"{at} lies between {number(before)} ({points(reached)}) and {number(after)} "
        f"({reached + 1}): {formula} = {number(earned)}"
    )


def _say_topped_out(telling: Telling, name: str, benchmark: DecileBenchmark) -> None:
    case = telling.case
    rule, measure = case.rules.quality.topped_out, case.rules.measures[name]
    if not quality.is_topped_out(benchmark, measure, case.rules, case.year):
        return
    paths = ["quality.topped_out.treatment", "quality.topped_out.median_at_least"]
    median = number(benchmark.median_rate or 0.0)
    match rule.treatment.value:
        case "dropped":
            what = "does not count"
        case "capped":
            what = f"earns {points(rule.cap.at(case.year))} at most"
            paths.append("quality.topped_out.cap")
        case _:
            what = "counts as any other"
    telling.say("Topped out", f"the median rate is {median}, so the measure {what}", *paths)


def _score(case: Case) -> Step:
    telling = Telling(case, "quality.score", "Quality score")
    earned = case.achieved.measure_points if case.achieved else {}
    score = case.achieved.quality_score if case.achieved else None
    counted = {name: value for name, value in earned.items() if value is not None}
    left_out = [name for name in earned if name not in counted]
    excluded = f"; excluded: {listed(left_out)}" if left_out else ""
    telling.rest_on(
        f"cohorts.{case.group.cohort}.quality_measures",
        quality_score=score,
        measures_counted=len(counted),
    )
    if score is None:
        telling.say(
            "Score", "no measure counts, so quality is not scored", "quality.points_maximum"
        )
        return telling.ends("not scored")
    most = case.rules.quality.points_maximum.value
    total = " + ".join(number(value) for value in counted.values())
    telling.say(
        "Score",
        f"points earned over points possible: ({total}) / ({len(counted)} x {number(most)}) = "
        f"{number(score, 4)}{excluded}",
        "quality.points_maximum",
    )
    return telling.ends(number(score, 4))
