"""The step of the cost category."""

from __future__ import annotations

from asm_sim.errors import counted
from asm_sim.explain.benchmarks import say_curve, say_shrinkage, whose
from asm_sim.explain.case import Case, Telling
from asm_sim.explain.peers import is_pooled
from asm_sim.explain.steps import Section, Step
from asm_sim.explain.written import given, number, points
from asm_sim.reference.cost import scored_cost
from asm_sim.reference.deviation import DeviationBenchmark
from asm_sim.reference.rows import is_excused
from asm_sim.reference.shrinkage import shrunk

CURVE = "cost.standard_deviation_curve"


def cost_section(case: Case) -> Section:
    """The one cost measure of the cohort."""
    return Section("Cost", (_cost(case),))


def _cost(case: Case) -> Step:
    clinician, rules = case.clinician, case.rules
    measure = rules.cohorts[case.group.cohort].cost_measure.value
    earned = case.achieved.cost_points if case.achieved else None
    score = case.achieved.cost_score if case.achieved else None
    telling = Telling(case, "cost", f"Cost per episode ({measure})")
    cost = "blank" if clinician.episode_cost is None else f"{clinician.episode_cost:,.2f} USD"
    whose_cost = "of the practice: " if is_pooled(case, "cost") else ""
    telling.say(
        "Observed",
        f"{whose_cost}{given(clinician.episodes)} episodes, cost per episode {cost}; lower is "
        "better",
        f"cohorts.{case.group.cohort}.cost_measure",
        episodes=clinician.episodes,
        episode_cost=clinician.episode_cost,
        points=earned,
        cost_score=score,
    )
    value = scored_cost(clinician, rules, case.year)
    benchmark = case.group.fitted.cost_benchmark
    if value is None:
        _say_not_scored(telling)
    elif benchmark is None:
        text = f"nobody's cost was scored {whose(case, 'cost', 'in')}, so there is no benchmark"
        telling.say("Not scored", text, "cost.benchmark_reference")
    else:
        _say_benchmarked(telling, value, benchmark)
    if earned is None or score is None:
        return telling.ends("not scored")
    most = rules.cost.points_maximum.value
    telling.say("Score", f"{number(earned)} / {number(most)} = {number(score, 4)}")
    telling.rest_on("cost.points_maximum")
    return telling.ends(f"{number(earned)} of {points(most)}")


def _say_not_scored(telling: Telling) -> None:
    case = telling.case
    if is_excused(case.clinician, case.rules):
        text = "extreme circumstances excuse the clinician from being scored"
        telling.say("Not scored", text, "final_score.extreme_circumstances")
        return
    minimum = number(case.rules.cost.case_minimum.at(case.year))
    episodes = case.clinician.episodes
    if episodes is None:
        text = f"the number of episodes is blank, and {minimum} are needed"
    else:
        text = f"{given(episodes)} episodes are fewer than {minimum}"
    telling.say("Not scored", f"{text}, so cost is not scored", "cost.case_minimum")


def _say_benchmarked(telling: Telling, value: float, benchmark: DeviationBenchmark) -> None:
    case = telling.case
    telling.rest_on("cost.case_minimum", "cost.benchmark_reference")
    cost = shrunk(value, case.clinician.episodes, benchmark.shrinkage)
    if benchmark.shrinkage is not None:
        episodes = case.clinician.episodes
        of = f"{given(episodes)} episodes"
        say_shrinkage(telling, "cost", value, cost, episodes, of, benchmark.shrinkage)
    if benchmark.clinicians is None:
        inside = f"cost.national.{case.rules.cohorts[case.group.cohort].cost_measure.value}"
        parts = ("median", "standard_deviation", "base_year", "trend")
        telling.rest_on(*(f"{inside}.{part}" for part in parts))
        national = case.rules.cost.national[inside.rpartition(".")[2]]
        made_by = (
            f"the national one of MIPS for {national.base_year.value}, grown to {case.year} by "
            f"{number(national.trend.value, 4)} a year"
        )
    else:
        telling.rest_on(clinicians=benchmark.clinicians)
        made_by = f"made by {counted(benchmark.clinicians, 'clinician')} {whose(case, 'cost')}"
    say_curve(telling, CURVE, cost, benchmark, made_by, lower_is_better=True)
