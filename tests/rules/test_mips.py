"""MIPS, the comparator: points, scores and adjustments computed by hand from the 2026 numbers."""

from __future__ import annotations

import csv
import dataclasses
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.parameters import Choice, Names, Parameter, Text, leaves
from asm_sim.reference import mips as reference
from asm_sim.reference.mips import MipsScore, adjustment, cost_points, quality_points
from asm_sim.rules import historical
from asm_sim.rules.load import load_any_rules, load_mips, load_rules
from asm_sim.rules.mips import MipsRules, benchmarks
from asm_sim.rules.schema import RuleSet

ALONE = {"levels.group_share": 0.0}  # nothing from a group's submission
RULES = load_mips("mips-2026", ALONE)
VALUE_PATHWAY = load_mips("mips-2026", ALONE | {"form": "value_pathway"})
SCALE = 0.1166667  # 1.05 % over 9 %
ASM = load_rules()


def score(
    row: dict[str, Any],
    rules: MipsRules,
    reporting_rank: float | None = None,
    asm_rules: RuleSet = ASM,
) -> MipsScore:
    """Scored in 2028, a year in which no measure is suspended as ASM stands."""
    return reference.score(row, rules, asm_rules, 2028, reporting_rank)


def heart_failure(**own: Any) -> dict[str, Any]:
    """A clinician of a large practice who does not report Q008."""
    row: dict[str, Any] = {
        "clinician_id": "A",
        "cohort": "HF",
        "practice_size": 16,
        "hcc_risk_score": 1.0,
        "dual_share": 0.1,
        "part_b_payments": 100_000,
        "improvement_activities": 2,
        "pi_score": 80,
        "episodes": 20,
        "episode_cost": 14_429.90,  # the median: 7.5 points
        "q492_rate": 66.84,  # the median: 7.5 points
        "q492_cases": 100,
        "q008_cases": 40,
    }
    for name, rate, kind in [("q005", 81.74, "ecqm"), ("q236", 65, "cqm"), ("q377", 1.09, "ecqm")]:
        row |= {f"{name}_rate": rate, f"{name}_cases": 20, f"{name}_completeness": 0.75}
        row[f"{name}_collection_type"] = kind
    return row | own


def low_back_pain(**own: Any) -> dict[str, Any]:
    """A clinician of a small practice; Q128 is incomplete, Q220 has no benchmark as an eCQM."""
    row: dict[str, Any] = {
        "clinician_id": "B",
        "cohort": "LBP",
        "practice_size": 15,
        "hcc_risk_score": 1.0,
        "dual_share": None,
        "part_b_payments": 100_000,
        "improvement_activities": 1,
        "pi_score": None,
        "episodes": 30,
        "episode_cost": 1_947.21,
    }
    for name, rate in [("q238", 0.4), ("q134", 42.685), ("q128", 90.0), ("q220", 80.0)]:
        row |= {f"{name}_rate": rate, f"{name}_cases": 50, f"{name}_completeness": 0.9}
        row[f"{name}_collection_type"] = "ecqm"
    return row | {"q128_completeness": 0.7} | own


NOTHING = {"cohort": "LBP", "practice_size": 20, "part_b_payments": 1}  # a final score of 0
NO_QUALITY = {f"{name}_cases": 19 for name in ("q492", "q008", "q005", "q236", "q377")}
NO_QUALITY_LBP = {f"{name}_cases": 19 for name in ("q238", "q134", "q128", "q220")}


@pytest.mark.parametrize(
    ("measure", "kind", "rate", "points"),
    [
        # cut points 50, 67.35, 74.19, 77.34, 79.77, 81.74, 83.82, 86.19, 89.54, 93.33
        ("Q005", "ecqm", 0, 1),
        ("Q005", "ecqm", 50, 1),
        ("Q005", "ecqm", 58.675, 1.5),  # half-way from 50 to 67.35
        ("Q005", "ecqm", 67.35, 2),
        ("Q005", "ecqm", 81.74, 6),
        ("Q005", "ecqm", 82.26, 6.25),  # 6 + 0.52 / 2.08
        ("Q005", "ecqm", 93.33, 10),
        ("Q005", "ecqm", 100, 10),
        # topped out and capped: 73.4, 87.69, 96.62, then seven times 100
        ("Q005", "cqm", 98.31, 3.5),  # 3 + 1.69 / 3.38
        ("Q005", "cqm", 100, 7),  # 10, capped
        # flat: 1, 10, 20, ... 90
        ("Q236", "cqm", 0.5, 1),
        ("Q236", "cqm", 5.5, 1.5),  # 1 + 4.5 / 9
        ("Q236", "cqm", 65, 7.5),
        ("Q236", "cqm", 95, 10),
        # inverse and capped: 30.71, 15.85, 10.16, 5.23, 2.02, 0.66, 0.14, 0, 0, 0
        ("Q238", "ecqm", 40, 1),
        ("Q238", "ecqm", 15.85, 2),
        ("Q238", "ecqm", 13.005, 2.5),  # half-way from 15.85 to 10.16
        ("Q238", "ecqm", 0.4, 6.5),  # 6 + 0.26 / 0.52
        ("Q238", "ecqm", 0.07, 7),  # 7.5, capped
        ("Q238", "ecqm", 0, 7),
        # median 66.84, SD 4.28
        ("Q492", "administrative_claims", 66.84, 7.5),
        ("Q492", "administrative_claims", 71.12, 6),  # z = 1
        ("Q492", "administrative_claims", 62.56, 9),  # z = -1
        # CMS publishes no benchmark
        ("Q377", "cqm", 50, None),
        ("Q220", "ecqm", 50, None),
    ],
)
def test_quality_points(measure: str, kind: str, rate: float, points: float | None) -> None:
    assert quality_points(measure, kind, rate, RULES) == pytest.approx(points)


def test_the_benchmarks_are_those_of_the_year() -> None:
    """In 2025 Q238 is topped out, but not long enough to be capped."""
    earlier = load_mips("mips-2026", {"performance_years": [2025]})
    assert quality_points("Q238", "ecqm", 0, earlier) == 10
    assert benchmarks(earlier)["Q238", "ecqm"].topped_out
    assert len(benchmarks(earlier)) == len(benchmarks(RULES)) == 14


# As published for 2025, the cost at which 10, 9, ... 1 points begin.
PUBLISHED = {
    "COST_HF_1": "8610.75 10550.47 12490.18 16369.62 18309.33 20249.05 22188.77 23158.63 24128.49 "
    "25098.35",
    "COST_LBP_1": "1019.5 1328.74 1637.98 2256.45 2565.69 2874.93 3184.17 3338.79 3493.41 3648.03",
}


@pytest.mark.parametrize("measure", PUBLISHED)
def test_cost_points_at_the_published_cut_points(measure: str) -> None:
    for points, cost in zip(range(10, 0, -1), PUBLISHED[measure].split(), strict=True):
        assert cost_points(measure, float(cost), RULES) == pytest.approx(points, abs=0.001)
    assert cost_points(measure, 0, RULES) == 10
    assert cost_points(measure, 1e6, RULES) == 1


@pytest.mark.parametrize(
    ("final_score", "factor"),
    [
        (0, -0.09),
        (18.75, -0.09),
        (18.76, -0.067488),  # -0.09 x 56.24 / 75: the jump of the statute
        (50, -0.03),  # -0.09 x 25 / 75
        (60, -0.018),  # -0.09 x 15 / 75
        (75, 0),
        (85, 0.0042),  # 0.09 x 10 / 25 x 0.0105 / 0.09
        (100, 0.0105),
    ],
)
def test_adjustment(final_score: float, factor: float) -> None:
    assert adjustment(final_score, RULES) == pytest.approx(factor, abs=1e-8)


@pytest.mark.parametrize(
    ("rules", "row", "quality", "final_score"),
    [
        # Q492 7.5, Q005 6, Q236 7.5, Q377 6; Q008 was not chosen: 27 / 40 = 0.675
        # 30 x 0.675 + 30 x 0.75 + 15 x 2/2 + 25 x 0.8 = 20.25 + 22.5 + 15 + 20
        (RULES, heart_failure(), 0.675, 77.75),
        # one activity of two: 7.5 points less
        (RULES, heart_failure(improvement_activities=1), 0.675, 70.25),
        # a blank interoperability score counts as 0: 20 points less
        (RULES, heart_failure(pi_score=None), 0.675, 57.75),
        # the set is fixed, Q008 earns 0: 27 / 50 = 0.54; 16.2 + 22.5 + 15 (one activity) + 20
        (VALUE_PATHWAY, heart_failure(improvement_activities=1), 0.54, 73.7),
        # no cost: 55 x 0.675 + 15 + 30 x 0.8 = 37.125 + 15 + 24
        (RULES, heart_failure(episodes=19), 0.675, 76.125),
        # no quality: 30 x 0.75 + 15 + 55 x 0.8 = 22.5 + 15 + 44
        (RULES, heart_failure(**NO_QUALITY), None, 81.5),
        # neither: the threshold
        (RULES, heart_failure(episodes=None, **NO_QUALITY), None, 75),
        # Q238 6.5, Q134 6, Q128 incomplete 3, Q220 without a benchmark 3: 18.5 / 40 = 0.4625;
        # the bonus 6 / 60 = 0.1; 40 x 0.5625 + 30 x 0.75 + 30 x 1/1 = 22.5 + 22.5 + 30
        (RULES, low_back_pain(), 0.5625, 75),
        # the bonus of four measures is 6 / 40: 0.6125; 24.5 + 22.5 + 30
        (VALUE_PATHWAY, low_back_pain(), 0.6125, 77),
        # interoperability does not count in a small practice
        (RULES, low_back_pain(pi_score=100), 0.5625, 75),
        # in a large one: 0 for Q128 and Q220: 12.5 / 40 = 0.3125; 9.375 + 22.5 + 7.5 + 0
        (RULES, low_back_pain(practice_size=16), 0.3125, 39.375),
        # small, no cost: 50 x 0.5625 + 50; no quality: 50 x 0.75 + 50; neither: the threshold
        (RULES, low_back_pain(episodes=5), 0.5625, 78.125),
        (RULES, low_back_pain(**NO_QUALITY_LBP), None, 87.5),
        (RULES, low_back_pain(episodes=5, **NO_QUALITY_LBP), None, 75),
        # complex patients: 1.5 + 4 x 0 at the mean, 1.5 + 4 x 1 one SD above it
        (RULES, heart_failure(hcc_risk_score=1.62), 0.675, 79.25),
        (RULES, heart_failure(hcc_risk_score=1.62, dual_share=0.418), 0.675, 84.75),
        (RULES, heart_failure(hcc_risk_score=9, dual_share=0.9), 0.675, 87.75),
        # all full, and no more than 100
        (RULES, heart_failure(episode_cost=1, q492_rate=1, pi_score=100, dual_share=1), None, None),
    ],
)
def test_score(
    rules: MipsRules, row: dict[str, Any], quality: float | None, final_score: float | None
) -> None:
    result = score(row, rules)
    if final_score is None:
        # (10 + 6 + 7.5 + 6) / 40 = 0.7375; 22.125 + 30 + 15 + 25 + 10, limited
        assert result.final_score == 100
        return
    assert result.quality_score == pytest.approx(quality)
    assert result.final_score == pytest.approx(final_score)
    assert result.adjustment_factor == pytest.approx(adjustment(final_score, rules), abs=1e-12)


@pytest.mark.parametrize(("maximum", "final_score"), [(90.0, 75.0), (76.0, 75.0), (74.5, 74.5)])
def test_the_greatest_final_score_is_where_scores_are_cut_off(
    maximum: float, final_score: float
) -> None:
    """It scales nothing."""
    settings = {"final_score.maximum": maximum, "payment.performance_threshold": 60.0}
    rules = load_mips("mips-2026", settings)
    assert score(low_back_pain(pi_score=100), rules).own_score == pytest.approx(final_score)
    half = load_mips("mips-2026", {"final_score.scale": 50.0})
    assert score(low_back_pain(pi_score=100), half).own_score == pytest.approx(75.0 / 2)


def test_who_submits_nothing() -> None:
    """Claims remain: 7.5 / 50 for Q492 and four zeros; 30 x 0.15 + 30 x 0.75 = 27; no bonus."""
    rules = load_mips("mips-2026", ALONE | {"levels.non_reporting": 0.2})
    row = heart_failure(hcc_risk_score=3)
    silent = score(row, rules, reporting_rank=0.19)
    assert silent.quality_score == pytest.approx(0.15)
    assert silent.complex_patient_bonus == 0
    assert silent.final_score == pytest.approx(27)
    assert silent.adjustment_factor == pytest.approx(-0.0576)  # -0.09 x 48 / 75
    assert score(row, rules, reporting_rank=0.2) == score(row, rules) == score(row, RULES)
    # A small practice that reports nothing has no bonus on quality either.
    assert score(low_back_pain(), rules, reporting_rank=0).quality_score == 0


def test_a_group_lifts_who_is_below_its_score() -> None:
    """77.75 alone; a quarter of the 12.25 up to 90 is 3.0625. A practice of one has no group."""
    levels = {"levels.group_share": 0.25, "levels.group_score": 90.0}
    rules = load_mips("mips-2026", levels)
    result = score(heart_failure(), rules)
    assert result.own_score == pytest.approx(77.75)
    assert result.final_score == pytest.approx(80.8125)
    assert result.adjustment_factor == pytest.approx(adjustment(80.8125, rules))
    higher = heart_failure(episode_cost=1, q492_rate=1, pi_score=100, dual_share=1)
    assert score(higher, rules).final_score == 100
    # 75 alone, in a practice of 2 and of 1: 75 + 15 / 4
    assert score(low_back_pain(practice_size=2), rules).final_score == pytest.approx(78.75)
    assert score(low_back_pain(practice_size=1), rules).final_score == pytest.approx(75)


def test_nothing_is_submitted_for_who_does_not_report() -> None:
    """Neither by the group: 27 as without the level."""
    rules = load_mips("mips-2026", {"levels.non_reporting": 0.2})
    silent = score(heart_failure(), rules, reporting_rank=0.1)
    assert silent.final_score == silent.own_score == pytest.approx(27)
    # A blank row is lifted: 27 + 0.51 x (91 - 27)
    blank = {"improvement_activities": None, "pi_score": None}
    blank |= {f"{name}_rate": None for name in ("q005", "q236", "q377")}
    assert score(heart_failure(**blank), rules).final_score == pytest.approx(59.64)


def suspended(*measures: str, year: int = 2028) -> RuleSet:
    return load_rules(settings={f"measures.{name}.suspended": {year: 1} for name in measures})


ONLY_Q005 = {f"{name}_rate": None for name in ("q236", "q377")}


@pytest.mark.parametrize(
    ("rules", "row", "names", "quality", "final_score"),
    [
        # 27 / 40 as it stands. Without Q377, of 6 points: 21 / 30 = 0.7; 21 + 22.5 + 15 + 20
        (RULES, heart_failure(), ["Q377"], 0.7, 78.5),
        # without Q492, which CMS computes from claims: 19.5 / 30 = 0.65; 19.5 + 57.5
        (RULES, heart_failure(), ["Q492"], 0.65, 77),
        # Q008 was not reported, which does not count here, and would be a zero in a pathway
        (RULES, heart_failure(), ["Q008"], 0.675, 77.75),
        (VALUE_PATHWAY, heart_failure(), [], 0.54, 73.7),  # 27 / 50; 16.2 + 57.5
        (VALUE_PATHWAY, heart_failure(), ["Q008"], 0.675, 77.75),
        # all: as with too few cases
        (RULES, heart_failure(), ["Q492", "Q008", "Q005", "Q236", "Q377"], None, 81.5),
        # Q005 alone is reported, and is none when suspended: Q492 and three zeros, 7.5 / 40 =
        # 0.1875; 5.625 + 57.5
        (RULES, heart_failure(**ONLY_Q005), ["Q005"], 0.1875, 63.125),
        # Small practice, without Q128: 15.5 / 30, and a bonus of 6 over five measures, 0.12, or of
        # the pathway's three, 0.2; 40 x 0.6366667 + 52.5 and 40 x 0.7166667 + 52.5
        (RULES, low_back_pain(), ["Q128"], 15.5 / 30 + 0.12, 77.966667),
        (VALUE_PATHWAY, low_back_pain(), ["Q128"], 15.5 / 30 + 0.2, 81.166667),
    ],
)
def test_suspended_measures(
    rules: MipsRules,
    row: dict[str, Any],
    names: list[str],
    quality: float | None,
    final_score: float,
) -> None:
    result = score(row, rules, asm_rules=suspended(*names))
    assert result.quality_score == pytest.approx(quality)
    assert result.final_score == pytest.approx(final_score)
    assert list(result.measure_points) == list(score(row, rules).measure_points)
    assert all(result.measure_points[name] is None for name in names)
    assert score(row, rules, asm_rules=suspended(*names, year=2029)) == score(row, rules)


def test_a_suspended_measure_is_no_submission() -> None:
    """No complex-patient bonus and none for a small practice, as without its rate."""
    own = {"improvement_activities": 0, "pi_score": 0, "hcc_risk_score": 9}
    own |= {f"{name}_rate": None for name in ("q238", "q134", "q220")}
    row = low_back_pain(**own)
    # Q128 incomplete: 3 / 10 + 6 / 60 = 0.4; 16 + 22.5 + a bonus of 10
    assert score(row, RULES).final_score == pytest.approx(48.5)
    result = score(row, RULES, asm_rules=suspended("Q128"))
    assert (result.quality_score, result.complex_patient_bonus) == (0, 0)
    assert result.final_score == pytest.approx(22.5)
    assert result.final_score == score(row | {"q128_rate": None}, RULES).final_score


@pytest.mark.parametrize("row", [heart_failure(), low_back_pain(practice_size=2), NOTHING])
def test_extreme_circumstances(row: dict[str, Any]) -> None:
    """The threshold and no adjustment, above it and below, and nothing from a group either."""
    as_it_stands = load_mips("mips-2026")
    nothing_done = load_mips("mips-2026", {"final_score.extreme_circumstances": "none"})
    met = row | {"extreme_circumstances": 1}
    for rank in (None, 0.0):
        excused = score(met, as_it_stands, reporting_rank=rank)
        assert (excused.final_score, excused.adjustment_factor) == (75, 0)
        assert (excused.quality_score, excused.cost_score) == (None, None)
        assert set(excused.measure_points.values()) == {None}
    assert score(met, nothing_done) == score(row, as_it_stands)
    assert score(row, as_it_stands).final_score != 75


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"cohort": "DM"}, "cohort is 'DM', not one of HF, LBP"),
        ({"q005_cases": None}, "Q005 has a rate but its cases are blank"),
        ({"q005_collection_type": None}, "its collection type is blank"),
        ({"episode_cost": None}, "20 episodes, but episode_cost is blank"),
        ({"pi_score": 101}, "pi_score is 101; it must be 0 to 100"),
        ({"improvement_activities": -1}, "improvement_activities is negative"),
        ({"practice_size": None}, "practice_size is blank"),
    ],
)
def test_rows_that_cannot_be_scored(own: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="clinician A: ") as caught:
        score(heart_failure(**own), RULES)
    assert words in str(caught.value)


SCORES = st.floats(0, 100)
RATES = st.floats(0, 100)
KINDS = st.sampled_from(sorted(benchmarks(RULES)))


@given(SCORES, SCORES)
def test_a_higher_final_score_is_never_paid_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert adjustment(low, RULES) <= adjustment(high, RULES)
    assert -0.09 <= adjustment(low, RULES) <= 0.09 * SCALE


@given(st.floats(18.76, 100), st.floats(0, 0.009))
def test_the_adjustment_is_continuous_above_the_lowest_quarter(start: float, step: float) -> None:
    """Its slope is at most 0.09 / 75 a point below the threshold and less above."""
    change = adjustment(min(start + step, 100), RULES) - adjustment(start, RULES)
    assert 0 <= change <= 0.09 / 75 * step + 1e-12


@given(KINDS, RATES, RATES)
def test_a_better_rate_never_earns_less(key: tuple[str, str], one: float, other: float) -> None:
    worse, better = sorted((one, other), reverse=benchmarks(RULES)[key].inverse)
    low, high = quality_points(*key, worse, RULES), quality_points(*key, better, RULES)
    assert low is not None
    assert high is not None
    assert 1 <= low <= high <= (7 if benchmarks(RULES)[key].capped else 10)


@pytest.mark.parametrize("key", sorted(benchmarks(RULES)))
def test_points_are_continuous_where_cut_points_differ(key: tuple[str, str]) -> None:
    """Just short of a cut point, nearly its points; where several coincide, they jump."""
    benchmark = benchmarks(RULES)[key]
    for k, (below, above) in enumerate(pairwise(benchmark.cut_points), start=1):
        if above != below:
            almost = quality_points(*key, above + (below - above) * 1e-9, RULES)
            assert almost == pytest.approx(min(k + 1, 7 if benchmark.capped else 10), abs=1e-6)


@given(st.floats(0, 40_000), st.floats(0, 1))
def test_cost_points_are_monotone_and_continuous(cost: float, step: float) -> None:
    """The curve is steepest, 4 points per SD, from 2 to 2.75 SD above the median."""
    here, dearer = (cost_points("COST_HF_1", c, RULES) for c in (cost, cost + step))
    assert 0 <= here - dearer <= 4 * step / 3879.43 + 1e-9


@given(
    st.sampled_from(["improvement_activities", "pi_score", "hcc_risk_score", "dual_share"]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([1, 15, 16, 300]),
    st.sampled_from([RULES, VALUE_PATHWAY, load_mips("mips-2026")]),
)
def test_more_of_what_counts_never_lowers_the_score(
    column: str, one: float, other: float, size: int, rules: MipsRules
) -> None:
    most = {"improvement_activities": 2, "pi_score": 100, "hcc_risk_score": 5, "dual_share": 1}
    less, more = (
        score(heart_failure(practice_size=size, **{column: most[column] * part}), rules)
        for part in sorted((one, other))
    )
    assert 0 <= less.final_score <= more.final_score <= 100


# Every leaf of the rule set is used: another value changes some result.

ROWS = [
    heart_failure(),
    heart_failure(improvement_activities=None, pi_score=None),
    heart_failure(improvement_activities=1, hcc_risk_score=1.47),
    heart_failure(dual_share=0.218, q005_completeness=0.5, q377_collection_type="cqm"),
    heart_failure(hcc_risk_score=9, dual_share=0.9),
    heart_failure(hcc_risk_score=1.62, dual_share=0.3),
    heart_failure(episodes=19, q492_rate=70),
    heart_failure(**NO_QUALITY),
    heart_failure(episode_cost=1, q492_rate=1, pi_score=100, dual_share=1),
    low_back_pain(pi_score=50),
    low_back_pain(pi_score=50, improvement_activities=None, episodes=5),
    low_back_pain(pi_score=50, **NO_QUALITY_LBP),
    low_back_pain(practice_size=16),
    low_back_pain(practice_size=2),
    low_back_pain(episode_cost=2_500, q238_rate=0, q238_cases=20),
    low_back_pain(episode_cost=2_500, extreme_circumstances=1),
    NOTHING,
]


def everything(rules: MipsRules) -> list[Any]:
    results: list[Any] = [dataclasses.asdict(score(row, rules)) for row in ROWS]
    results += [score(row, rules, reporting_rank=0.005).final_score for row in ROWS]
    results += [cost_points("COST_HF_1", cost, rules) for cost in range(5_000, 30_000, 500)]
    results += [quality_points(*key, 50, rules) for key in sorted(benchmarks(RULES))]
    return results + [adjustment(tenth / 10, rules) for tenth in range(1001)]


@cache
def as_shipped(form: str) -> list[Any]:
    return everything(load_mips("mips-2026", {"form": form}))


def altered(path: str, leaf: Parameter) -> list[dict[str, Any]]:
    """Settings that give the leaf another value: each of a list's in turn, in a way that loads."""
    value: Any = leaf.value  # type: ignore[attr-defined]
    if path.startswith("category_weights."):
        # Moved to or from another weight of the same group, so that the sum stays 1.
        group = path.rpartition(".")[0]
        other = "quality" if path.endswith("improvement_activities") else "improvement_activities"
        if group.endswith("without_quality") and other == "quality":
            other = "cost"
        start = dict(leaves(RULES))[f"{group}.{other}"].value  # type: ignore[attr-defined]
        return [{path: value + 0.01, f"{group}.{other}": start - 0.01}]
    match leaf:
        case Choice():
            return [{path: other} for other in leaf.choices if other != value]
        case Names():
            return [{path: [name for name in value if name != left_out]} for left_out in value]
        case Text() if path.endswith("cost_measure"):
            return [{path: "COST_LBP_1" if value == "COST_HF_1" else "COST_HF_1"}]
    if path == "performance_years":
        return [{path: [2025]}]
    if isinstance(value, list):
        lists = [[*value[:i], value[i] - 0.01, *value[i + 1 :]] for i in range(len(value))]
        return [{path: one} for one in lists]
    if isinstance(value, int):
        return [{path: value + 1}]
    upward = leaf.range is None or value < leaf.range[1]
    step = 0.01 * (abs(value) or 1)
    return [{path: value + step if upward else value - step}]


LEAVES = {path: leaf for path, leaf in leaves(RULES) if path != "quality.benchmarks"}


@pytest.mark.parametrize("path", LEAVES)
def test_every_number_of_the_rule_is_used(path: str) -> None:
    for settings in altered(path, LEAVES[path]):
        if LEAVES[path].range == (0, 0):  # the weight of a category that cannot be scored
            with pytest.raises(InputError, match="out of range"):
                load_mips("mips-2026", settings)
            continue
        changed = (
            everything(load_mips("mips-2026", {"form": form} | settings)) != as_shipped(form)
            for form in ("traditional", "value_pathway")
        )
        assert any(changed), settings


def test_every_parameter_says_where_it_comes_from() -> None:
    for path, leaf in leaves(RULES):
        assert leaf.unit, path
        assert leaf.source, path
        assert leaf.description, path
    assert all(row.source.startswith("CMSgov/") for row in benchmarks(RULES).values())


# Loading

REFUSED = {
    "unknown parameter": ("quality: {case_minimun: {value: 3}}", "did you mean 'case_minimum'?"),
    "word for a number": ("payment: {scale: {value: full}}", "input should be a valid number"),
    "out of range": ("payment: {scale: {value: 3.1}}", "payment.scale: 3.1 is out of range"),
    "weights": (
        "category_weights: {large: {all_categories: {cost: {value: 0.2}}}}",
        "category_weights.large.all_categories: the weights sum to 0.9, not 1",
    ),
    "form": ("form: {value: mvp}", "'mvp' is not one of: traditional, value_pathway"),
    "circumstances": (
        "final_score: {extreme_circumstances: {value: reweight}}",
        "'reweight' is not one of: none, neutral",
    ),
    "form of one's own": (
        "form: {value: group, choices: [group]}",
        "form.choices: 'group' is not programmed",
    ),
    "two years": ("performance_years: {value: [2025, 2026]}", "is that of one year"),
    "year without benchmarks": ("performance_years: {value: [2024]}", "no benchmarks for 2024"),
    "table": ("quality: {benchmarks: {value: other}}", "no table of benchmarks is called 'other'"),
    "path": ("quality: {benchmarks: {value: ../x}}", "no table of benchmarks is called '../x'"),
    "measure": (
        "cohorts: {HF: {quality_measures: {value: [Q999]}}}",
        "cohorts.HF.quality_measures: no benchmark for 'Q999'",
    ),
    "cost measure": (
        "cohorts: {HF: {cost_measure: {value: COST_DM}}}",
        "cohorts.HF.cost_measure: no entry in cost.measures for 'COST_DM'",
    ),
    "no spread": (
        "cost: {measures: {COST_HF_1: {standard_deviation: {value: 0}}}}",
        "standard_deviation must be above 0",
    ),
    "threshold": ("payment: {lowest_quarter: {value: 80}}", "must ascend"),
    "anchor": (
        "standard_deviation_curve: {anchor: {value: {2027: 5}}}",
        "only 2026 is a performance year",
    ),
    "no cohort": ("cohorts: none", "'cohorts': input should be a valid dictionary"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: mips-2026\nid: mine\n{text}\n")
    with pytest.raises(InputError) as caught:
        load_any_rules(path)
    assert f"{path}, line 3: " in str(caught.value)
    assert words in str(caught.value)


def test_a_rule_set_belongs_to_one_program(tmp_path: Path) -> None:
    assert isinstance(asm.rules("mips-2026"), MipsRules)
    assert not isinstance(asm.rules(), MipsRules)
    path = tmp_path / "mine.yaml"
    path.write_text("extends: mips-2026\nid: mine\npayment: {scale: {value: 0.2388889}}\n")
    # 2023 performance: 0.09 x 0.2388889 = 2.15 %
    assert adjustment(100, load_mips(path)) == pytest.approx(0.0215)
    with pytest.raises(InputError, match="this is a rule set of MIPS, not of ASM"):
        load_rules("mips-2026")
    with pytest.raises(InputError, match="this is not a rule set of MIPS"):
        load_mips("asm-2026-final")


def test_the_table_is_a_cut_of_the_calibration_data() -> None:
    kinds = {"cqm": "MIPS CQM", "ecqm": "eCQM"}
    path = historical.FOLDER.parent / "population" / "data" / "mips_benchmarks_asm_measures.csv"
    with path.open() as file:
        published = {
            (row["measure_id"], row["collection_type"], row["year"]): row
            for row in csv.DictReader(file)
            if row["year"] in {"2025", "2026"} and row["collection_type"] in kinds.values()
        }
    table = historical.read_benchmarks(historical.FOLDER / "mips-benchmarks.csv")
    assert len(table) == len(published)
    for (measure, kind, year), row in table.items():
        source = published[measure.removeprefix("Q"), kinds[kind], str(year)]
        assert row.cut_points == tuple(float(source[f"decile_{k}"]) for k in range(1, 11))
        assert row.capped == (source["topped_out_7pt_cap"] == "1")
        assert (row.basis, row.source) == (source["cutpoint_basis"], source["source"])


TABLE = (historical.FOLDER / "mips-benchmarks.csv").read_text().splitlines()
ROW = "Q1,ecqm,2026,2024,percentile,1,2,3,4,5,6,7,8,9,10,0,0,0,here"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["measure,rate", "Q1,2"], "line 1: the columns must be: measure, collection_type"),
        ([TABLE[0], ROW.replace(",5,", ",3.5,")], "line 2: the cut points must go from worst"),
        ([TABLE[0], ROW.replace(",0,0,0,", ",1,0,0,")], "line 2: the cut points must go from"),
        ([TABLE[0], ROW.replace(",0,0,0,", ",no,0,0,")], "line 2: inverse must be 0 or 1"),
        ([TABLE[0], ROW.replace(",5,", ",five,")], "line 2: could not convert"),
        ([TABLE[0], ROW.replace(",10,", ",inf,")], "line 2: a cut point is not a finite number"),
        ([TABLE[0], ROW.replace("percentile", "curve")], "line 2: basis must be"),
        ([TABLE[0], ROW + ",more"], "line 2: a value too many or too few"),
        ([TABLE[0], "Q1,ecqm"], "line 2: a value too many or too few"),
        ([TABLE[0], ROW, ROW], "line 3: a second benchmark for Q1, ecqm, 2026"),
    ],
)
def test_a_table_of_benchmarks_is_read_strictly(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as caught:
        historical.read_benchmarks(path)
    assert f"table.csv, {words}" in str(caught.value)


def test_a_score_is_frozen() -> None:
    result = score(heart_failure(), RULES)
    assert isinstance(result, MipsScore)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.final_score = 0  # type: ignore[misc]
