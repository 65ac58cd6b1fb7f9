"""The search for a lever's value on functions with known roots; targets and levers by name."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.solving.lever import bounds, find_lever, with_lever
from asm_sim.solving.search import Found, find
from asm_sim.solving.target import check_target, parse_target, read_target

SHARE = "rules.payment.redistribution_share"
RISK = "rules.payment.risk_level"
DRAWS = 40


@pytest.fixture(scope="module")
def baseline() -> Scenario:
    return load_scenario("baseline")


class Counted:
    """A function of a lever, of so many draws with noise, that counts its calls."""

    def __init__(self, function: Any, noise: Any = None) -> None:
        self.function = function
        self.noise = np.zeros(DRAWS) if noise is None else noise
        self.calls = 0

    def __call__(self, value: float) -> Any:
        self.calls += 1
        return self.function(value) + self.noise


def exact(function: Any, target: float, low: float, high: float, **more: Any) -> Found:
    return find(Counted(function), target, low, high, **more)


@pytest.mark.parametrize(
    ("function", "target", "low", "high", "root"),
    [
        (lambda x: 3 - 2 * x, 1.5, 0.0, 1.0, 0.75),
        (lambda x: math.exp(5 * x), 20.0, 0.0, 1.0, math.log(20) / 5),
        (lambda x: 1 / (1 + math.exp(-40 * (x - 0.9))), 0.5, -3.0, 1.0, 0.9),
        (lambda x: x**3, 8e-6, 0.0, 1.0, 0.02),
        (lambda x: x**2, 4.0, 2.0, 9.0, 2.0),
        (lambda x: -(x**2), -81.0, 2.0, 9.0, 9.0),
    ],
)
def test_a_function_without_noise_is_solved_to_a_millionth_of_the_width(
    function: Any, target: float, low: float, high: float, root: float
) -> None:
    found = exact(function, target, low, high)
    assert found.status == "met"
    assert found.value == pytest.approx(root, abs=1.1e-6 * (high - low))
    assert found.error <= 1.1e-6 * (high - low)
    apart = 1e-5 * (high - low)
    inside = [min(max(found.value + side * apart, low), high) for side in (-1, 1)]
    steep = (function(inside[1]) - function(inside[0])) / (inside[1] - inside[0])
    assert found.slope == pytest.approx(steep, rel=0.05)
    assert not found.turns
    assert [e.lever for e in found.evaluations] == sorted(e.lever for e in found.evaluations)


def test_the_error_is_what_the_answer_moves_by_with_other_draws() -> None:
    """f = exp(-x) (1 + a) + b has its root at log 2 where both noises are at their means."""
    generator = np.random.default_rng(3)
    repetitions, errors, values = 600, [], []
    for _ in range(repetitions):
        a, b = 0.1 * generator.standard_normal(DRAWS), 0.05 * generator.standard_normal(DRAWS)
        found = find(lambda x, a=a, b=b: math.exp(-x) * (1 + a) + b, 0.5, 0.0, 3.0)
        assert found.status == "met"
        errors.append(found.error)
        values.append(found.value)
    known = math.sqrt((0.5 * 0.1) ** 2 + 0.05**2) / math.sqrt(DRAWS) / 0.5
    assert np.mean(values) == pytest.approx(math.log(2), abs=4 * known / math.sqrt(repetitions))
    assert np.std(values) == pytest.approx(known, rel=4 / math.sqrt(2 * repetitions))
    assert np.mean(errors) == pytest.approx(known, rel=0.03)
    ratios = (np.array(values) - math.log(2)) / np.array(errors)
    assert np.mean(np.abs(ratios) < 1.96) == pytest.approx(0.94, abs=0.04)


def test_the_search_ends_when_the_rest_is_small_against_the_noise() -> None:
    noise = np.random.default_rng(1).standard_normal(DRAWS)
    noise = 0.1 * (noise - noise.mean()) / noise.std(ddof=1)
    rough, fine = Counted(np.exp, noise), Counted(np.exp)
    found = find(rough, 2.0, 0.0, 3.0)
    assert found.value == pytest.approx(math.log(2), abs=0.06 * found.error)
    assert found.error == pytest.approx(0.1 / math.sqrt(DRAWS) / 2, rel=0.01)
    find(fine, 2.0, 0.0, 3.0)
    assert rough.calls < fine.calls


def test_a_tolerance_ends_it_earlier_and_is_part_of_the_error() -> None:
    near, far = Counted(np.exp), Counted(np.exp)
    find(near, 2.0, 0.0, 3.0)
    found = find(far, 2.0, 0.0, 3.0, tolerance=0.3)
    assert far.calls < near.calls
    assert abs(found.value - math.log(2)) > 1e-3
    assert found.error == pytest.approx(abs(found.value - math.log(2)), rel=0.2)


def test_one_draw_has_a_root_but_no_noise_to_judge_by() -> None:
    found = find(lambda x: np.array([2 * x]), 1.0, 0.0, 2.0)
    assert found.value == pytest.approx(0.5, abs=1e-5)
    assert math.isnan(found.evaluations[0].mcse)


@pytest.mark.parametrize(
    ("function", "target", "status"),
    [
        (lambda x: x, 1.5, "not met"),
        (lambda x: x, -0.1, "not met"),
        (lambda _: 7.0, 7.0, "met everywhere"),
        (lambda _: 7.0, 8.0, "no effect"),
        (lambda x: math.sin(math.pi * x), 0.5, "met more than once"),
        (lambda x: math.sin(math.pi * x), 1.5, "not met"),
        (lambda x: float(x > 0.3), 0.5, "jumps over"),
    ],
)
@pytest.mark.parametrize("noisy", [False, True])
def test_where_there_is_no_one_value(
    function: Any, target: float, status: str, noisy: bool
) -> None:
    noise = np.random.default_rng(2).standard_normal(DRAWS) * 0.01
    noise -= noise.mean() + (0 if status != "met everywhere" else 0.001)
    found = find(Counted(function, noise if noisy else None), target, 0.0, 1.0)
    assert found.status == status
    assert math.isnan(found.value)
    assert math.isnan(found.error)
    assert {found.evaluations[0].lever, found.evaluations[-1].lever} == {0.0, 1.0}
    if status == "jumps over":
        ((low, high),) = found.between
        assert low <= 0.3 <= high <= low + 1e-5
    elif status == "met more than once":
        for (low, high), root in zip(found.between, (1 / 6, 5 / 6), strict=True):
            assert low <= root <= high
    else:
        assert not found.between


def test_fresh_noise_of_its_own_is_no_effect() -> None:
    generator = np.random.default_rng(5)
    found = find(lambda _: generator.standard_normal(DRAWS), 3.0, 0.0, 1.0)
    assert found.status == "no effect"


def test_the_one_crossing_inside_is_found_and_told_to_turn() -> None:
    """Up, then a long way down: the ends are on one side of nothing, the target met once."""
    found = exact(lambda x: 1.0 - abs(x - 0.4), 0.5, 0.0, 1.0)
    assert found.value == pytest.approx(0.9, abs=1e-5)
    assert not math.isnan(found.error)
    twice = exact(lambda x: (x - 0.2) ** 2, 0.16, 0.0, 1.0)
    assert twice.value == pytest.approx(0.6, abs=1e-5)
    assert twice.turns


def test_a_target_met_in_a_whole_span_has_no_one_value() -> None:
    found = exact(lambda x: min(x, 0.5), 0.5, 0.0, 1.0)
    assert found.status == "met more than once"
    assert found.between[0] == (0.5, 0.5)


def test_where_the_target_hardly_moves_the_error_is_not_known() -> None:
    """The slope at the root is lost in noise that differs between evaluations."""
    generator = np.random.default_rng(8)

    def function(x: float) -> Any:
        steep = np.sign(x - 0.5) * max(0.0, abs(x - 0.5) - 0.2)
        noise = generator.standard_normal(DRAWS)
        return steep + 1e-3 * (noise - noise.mean())

    found = find(function, 0.0, 0.0, 1.0)
    assert found.status == "met"
    assert 0.3 < found.value < 0.7
    assert math.isnan(found.error)


@pytest.mark.parametrize(
    ("text", "units", "value", "limit"),
    [
        ("share_negative=0.5", "fraction", 0.5, None),
        (" share_negative = 50 % ", "fraction", 0.5, None),
        ("retained_by_medicare=150_000_000", "USD", 150e6, None),
        ("retained_by_medicare=-1.5e8", "USD", -150e6, None),
        ("final_score_median=61", "points", 61.0, None),
        ("share_above(0.05)=0.1", "fraction", 0.1, 0.05),
        ("share_below( -5% )=10%", "fraction", 0.1, -0.05),
    ],
)
def test_a_target_as_it_is_written(text: str, units: str, value: float, limit: Any) -> None:
    target = parse_target(text)
    assert (target.units, target.limit) == (units, limit)
    assert target.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "group", "said"),
    [
        ("share_negative", None, "'=' and its value"),
        ("share_negative<0.5", None, "'=' and its value"),
        ("share_negatve=0.5", None, "did you mean 'share_negative'"),
        ("share_over(0.1)=0.5", None, "share_above(LIMIT)"),
        ("share_negative=half", None, "'half' is not a number"),
        ("share_negative=nan", None, "not a number"),
        ("retained_by_medicare=1e300", None, "1e+300 is larger than any statistic of a run"),
        (f"final_score_mean={'9' * 6_000}", None, "is not a number"),
        ("share_negative=" + " " * 100_000 + "x x", None, "is not a number"),
        ("share_negative" + " " * 100_000 + "x=1", None, "'=' and its value"),
        ("share_negative=", None, "'=' and its value"),
        ("\x1b[1m=1", None, r"target '\x1b[1m=1'"),
        ("share_negative=50", None, "0.5 or 50%"),
        ("share_negative(0.5)=0.5", None, "takes no limit"),
        ("share_above=0.5", None, "needs a limit"),
        ("share_above(5)=0.5", None, "write 5 % as 0.05 or 5%"),
        ("share_above(x)=0.5", None, "'x' is not a number"),
        ("retained_by_medicare=15%", None, "cannot be written in percent"),
        ("share_negative_by_group=0.5", None, "--group"),
        ("clinicians=100", None, "--group"),
        ("scaling_factor=1", "place: rural", "not known by group; by group there are: share_ab"),
    ],
)
def test_a_target_that_cannot_be_asked_for(text: str, group: str | None, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_target(text, group=group)
    assert said in str(caught.value)


GROUPS = ("all", "place: not rural", "place: rural")
PLAN: Any = SimpleNamespace(
    roster=SimpleNamespace(cohorts=["HF", "LBP"], cohort=np.array([0, 0, 0, 1, 1])),
    cohorts=("HF", "LBP"),
    years=[2027, 2028],
    groups=[SimpleNamespace(label=label) for label in GROUPS],
)


def tabulated() -> dict[str, Any]:
    """One draw, two cohorts, two years; 300 scored clinicians in HF and 100 in LBP."""
    shares = np.array([[[0.5, 0.7], [0.1, 0.3]]])
    by_group = np.stack([shares, shares + 0.1, shares - 0.1], axis=-1)
    counts = np.broadcast_to(np.array([[400.0], [100.0]])[..., None], (1, 2, 2, 3)).copy()
    unscored = np.broadcast_to(np.array([[0.25], [0.0]])[..., None], (1, 2, 2, 3)).copy()
    return {
        "share_negative": shares,
        "share_negative_by_group": by_group,
        "clinicians_by_group": counts,
        "share_unscored_by_group": unscored,
        "share_unscored": unscored[..., 0],
        "final_score_median": np.array([[[50.0, 60.0], [70.0, np.nan]]]),
        "retained_by_medicare": np.array([[[1e6, 2e6], [4e6, 8e6]]]),
    }


@pytest.mark.parametrize(
    ("text", "cohort", "year", "group", "value"),
    [
        ("share_negative=0", None, None, None, (300 * 1.2 + 100 * 0.4) / 800),
        ("share_negative=0", "HF", None, None, 0.6),
        ("share_negative=0", None, 2028, None, (300 * 0.7 + 100 * 0.3) / 400),
        ("share_negative=0", "LBP", 2028, "place: rural", 0.2),
        ("share_negative_by_group=0", None, None, "place: not rural", 0.6),
        ("share_unscored=0", None, None, None, 100 / 500),
        ("retained_by_medicare=0", None, None, None, 15e6),
        ("retained_by_medicare=0", None, 2028, None, 10e6),
        ("retained_by_medicare=0", "HF", None, None, 3e6),
        ("final_score_median=0", None, None, None, 60.0),
        ("final_score_median=0", "LBP", None, None, 70.0),
    ],
)
def test_cohorts_and_years_drawn_together(
    text: str, cohort: str | None, year: int | None, group: str | None, value: float
) -> None:
    target = parse_target(text, cohort, year, group)
    check_target(target, PLAN)
    assert read_target(target, PLAN, tabulated()).values == pytest.approx([value])


def test_years_without_a_value_are_told_apart() -> None:
    cells = read_target(parse_target("final_score_median=0"), PLAN, tabulated()).cells
    assert cells.tolist() == [[True, True], [True, False]]
    empty = read_target(parse_target("final_score_median=0", "LBP", 2028), PLAN, tabulated())
    assert np.isnan(empty.values).all()


def panel() -> dict[str, Any]:
    """Five clinicians, two years: HF 9 % down, 4 and 8 % up; LBP 6 % up and without a score."""
    adjustment = np.array([-0.09, 0.04, 0.08, 0.06, 0.0], np.float32)
    score = np.array([0.0, 60.0, 80.0, 70.0, np.nan], np.float32)
    both = {"panel_adjustment": adjustment, "panel_final_score": score}
    arrays = {name: np.stack([values, values], axis=1)[None] for name, values in both.items()}
    arrays["panel_adjustment"][:, 2, 1] = 0.01
    rural = np.array([2, 2, 1, 1, 1], np.int16)
    return arrays | {"panel_group": np.stack([np.zeros(5, np.int16) - 1, rural], axis=1)[None]}


@pytest.mark.parametrize(
    ("text", "cohort", "year", "group", "value"),
    [
        ("share_above(0.05)=0", None, None, None, 3 / 8),
        ("share_above(0.05)=0", None, 2027, None, 2 / 4),
        ("share_above(0.05)=0", "HF", None, None, 1 / 6),
        ("share_above(0.05)=0", None, None, "place: not rural", 3 / 4),
        ("share_above(-1%)=0", None, None, "place: rural", 1 / 2),
        ("share_below(-5%)=0", None, None, None, 2 / 8),
        ("share_below(-0.09)=0", None, None, None, 0.0),
        ("share_above(0.06)=0", None, 2027, None, 1 / 4),
    ],
)
def test_clinicians_beyond_a_limit_are_counted(
    text: str, cohort: str | None, year: int | None, group: str | None, value: float
) -> None:
    target = parse_target(text, cohort, year, group)
    assert read_target(target, PLAN, panel()).values == pytest.approx([value])


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"cohort": "HFF"}, "no cohort is called 'HFF' (did you mean 'HF'?); there are: HF; LBP"),
        ({"year": 2029}, "no performance year is called '2029'"),
        ({"group": "place: rual"}, "did you mean 'place: rural'"),
    ],
)
def test_a_target_of_nobody(where: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        check_target(parse_target("share_negative=0.5", **where), PLAN)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("redistribution_share", f"did you mean '{SHARE}'"),
        ("rules.payment.redistribution_shar", f"did you mean '{SHARE}'"),
        ("rules.payment.exchange", "is a group of parameters; name one: rules.payment.exchange.f"),
        ("rules.payment_year_lag", "takes whole numbers only"),
        ("rules.payment.zero_scorers_in_pool_base", "is on or off"),
        ("rules.complex_patient.form", "is one of: mips"),
        ("population.roster", "is a text or a list"),
        ("rules.quality.decile_percentiles", "is a text or a list"),
        ("mips.payment.risk_level", "MIPS is scored beside ASM"),
        (f"{RISK}.2040", "2040 is not a performance year; there are: 2027"),
        ("rules.final_score.minimum.2029", "has no values by year; leave 2029 out"),
    ],
)
def test_a_lever_that_cannot_be_moved(name: str, said: str, baseline: Scenario) -> None:
    with pytest.raises(InputError) as caught:
        find_lever(baseline, name)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        (SHARE, (SHARE, 0.9)),
        (RISK, (RISK, 0.9)),
        (f"{RISK}.2029", (RISK, {2029: 0.9})),
        ("population.cost.reliability_at_20", ("population.cost.reliability_at_20", 0.9)),
        ("population.cost.reliability_at_20.HF", ("population.cost.reliability_at_20.HF", 0.9)),
    ],
)
def test_a_lever_does_what_set_does(name: str, setting: Any, baseline: Scenario) -> None:
    moved = with_lever(baseline, find_lever(baseline, name), 0.9)
    asked = load_scenario("baseline", [setting])
    assert moved.hash("") == asked.hash("") != baseline.hash("")
    assert moved.resolved()["set"] == asked.resolved()["set"]


def test_bounds_are_the_levers_own_or_as_asked(baseline: Scenario) -> None:
    steepness = find_lever(baseline, "rules.payment.exchange.steepness")
    assert bounds(steepness, None, None)[:2] == (0.05, 0.20)
    assert bounds(steepness, None, 3.0)[:2] == (0.05, 3.0)
    assert bounds(find_lever(baseline, SHARE), None, None)[:2] == (0.0, 1.0)
    both = find_lever(baseline, "population.cost.reliability_at_20")
    assert bounds(both, None, None)[:2] == (0.35, 0.70)  # what HF and LBP have in common
    for low, high, said in ((0.9, 0.8, "is not below"), (0.5, 1.2, "1.2 is out of range: 0 to 1")):
        with pytest.raises(InputError, match=said):
            bounds(find_lever(baseline, SHARE), low, high)


def test_a_value_that_the_rule_cannot_have(baseline: Scenario) -> None:
    lever = find_lever(baseline, "rules.final_score.weight_cost")
    with pytest.raises(InputError, match=r"weight_cost=0\.7.*sum to 1\.2"):
        with_lever(baseline, lever, 0.7)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.inf, math.nan])
def test_a_tolerance_is_above_zero(tolerance: float) -> None:
    with pytest.raises(InputError, match="must be above 0"):
        asm.solve("baseline", SHARE, "share_negative=0.5", tolerance=tolerance)


def test_every_status_has_words() -> None:
    """Each shape of function told as an answer; the words name ends, spans and the statistic."""
    from asm_sim.solving.solve import Solution

    baseline = load_scenario("baseline", [])
    lever = find_lever(baseline, SHARE)
    shapes = {
        "This is not met with": (lambda x: x / 4, 0.5),
        "no effect": (lambda _: 0.25, 0.5),
        "met everywhere": (lambda _: 0.5, 0.5),
        "met more than once": (lambda x: math.sin(math.pi * x), 0.5),
        "there is a step at 0.": (lambda x: float(x > 0.3), 0.5),
        "With the redistribution share at 0.25 ±": (lambda x: 2 * x, 0.5),
    }
    for said, (function, value) in shapes.items():
        solution = Solution(
            lever, parse_target(f"share_negative={value}"), exact(function, value, 0.0, 1.0),
            0.0, 1.0, "as asked", ("HF", "LBP"), (2027, 2028, 2030), baseline, "a" * 64,
        )  # fmt: skip
        assert said in solution.answer
        basis = "clinicians of performance years 2027, 2028, 2030, HF and LBP pooled)"
        assert f"(share_negative, {basis}" in solution.answer
        assert solution.met == said.startswith("With")
        assert "scenario baseline (aaaaaaaa)" in str(solution)
        assert (solution.as_data()["value"] is None) != solution.met
        levers = [row["lever"] for row in solution.as_data()["evaluations"]]
        assert all(a < b for a, b in itertools.pairwise(levers))
        assert list(solution.table().columns) == ["lever", "mean", "mcse"]
