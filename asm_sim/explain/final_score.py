"""The steps from categories and adjustments to the final score that is exchanged."""

from __future__ import annotations

from asm_sim.errors import listed
from asm_sim.explain.case import Case, Telling
from asm_sim.explain.steps import Section, Step
from asm_sim.explain.written import number, points, signed
from asm_sim.reference.cohort import own_scores_before
from asm_sim.reference.final_score import lacks_minimum_submission

WEIGHTS = ("final_score.weight_quality", "final_score.weight_cost")


def final_score_section(case: Case) -> Section:
    """How the final score comes about; what is given is told as given."""
    made = _given(case) if case.achieved is None else _made(case)
    return Section("Final score", (made, *_later(case)))


def _given(case: Case) -> Step:
    telling = Telling(case, "own_score", "Final score of the year")
    text = "none: the cell is blank" if case.own is None else points(case.own)
    telling.say(
        "Given", f"the table gives it, and nothing of what it is made of: {text}", own=case.own
    )
    return telling.ends("none" if case.own is None else points(case.own))


def _made(case: Case) -> Step:
    telling = Telling(case, "own_score", "Final score of the year")
    assert case.achieved is not None
    quality, cost = case.achieved.quality_score, case.achieved.cost_score
    combined = case.achieved.combined
    telling.rest_on(
        quality_score=quality, cost_score=cost, combined=combined, own=case.own,
        adjustments=sum(case.adjustments.values()),
    )  # fmt: skip
    if quality is None or cost is None:
        _say_missing(telling, quality, cost)
    else:
        weights = [
            weight.at(case.year)
            for weight in (
                case.rules.final_score.weight_quality,
                case.rules.final_score.weight_cost,
            )
        ]
        telling.say(
            "Weighted",
            f"{number(weights[0], 4)} x {number(quality, 4)} (quality) + {number(weights[1], 4)} x "
            f"{number(cost, 4)} (cost) = {number(combined or 0.0, 4)}",
            *WEIGHTS,
        )
    if combined is None:
        return telling.ends("none")
    if lacks_minimum_submission(case.clinician, case.rules, case.year):
        _say_lacking(telling)
    else:
        _say_sum(telling, combined)
    return telling.ends(points(case.own))


def _say_missing(telling: Telling, quality: float | None, cost: float | None) -> None:
    path = "final_score.missing_category"
    if quality is None and cost is None:
        text = "neither quality nor cost could be scored, so there is no final score"
        telling.say("No score", text, path)
        return
    missing, other = ("quality", "cost") if quality is None else ("cost", "quality")
    score = number((cost if quality is None else quality) or 0.0, 4)
    match telling.case.rules.final_score.missing_category.value:
        case "neutral":
            text = f"{missing} could not be scored, and then there is no final score"
            telling.say("No score", text, path)
        case "reweight":
            text = f"{missing} could not be scored, so {other} carries all of the weight: {score}"
            telling.say("Weighted", text, path)
        case _:
            text = f"{missing} could not be scored and counts as 0, {other} is {score}"
            telling.say("Weighted", text, path, *WEIGHTS)


def _say_lacking(telling: Telling) -> None:
    zero = points(telling.case.rules.final_score.without_minimum_submission.value)
    telling.say(
        "Submission",
        "there was a measure to report, and none was reported with enough data completeness: "
        f"whatever quality and cost are, the final score is {zero}",
        "final_score.without_minimum_submission",
        "quality.completeness_minimum",
    )


def _say_sum(telling: Telling, combined: float) -> None:
    case = telling.case
    rule = case.rules.final_score
    scale, lowest, highest = rule.scale.value, rule.minimum.value, rule.maximum.value
    total = scale * combined + sum(case.adjustments.values())
    parts = "".join(f" {_plus(value)}" for value in case.adjustments.values())
    text = f"{number(scale)} x {number(combined, 4)}{parts} = {points(total)}"
    telling.say("Sum", text, "final_score.scale", sum=total)
    if case.own != total:
        text = f"kept between {number(lowest)} and {number(highest)}: {points(case.own)}"
        telling.say("Limits", text, "final_score.minimum", "final_score.maximum")


def _plus(value: float) -> str:
    text = signed(value)
    return f"- {text[1:]}" if text.startswith("-") else f"+ {text.removeprefix('+')}"


def _later(case: Case) -> tuple[Step, ...]:
    """Averaging over years and rounding, where the rule has them."""
    rule, score = case.rules.final_score, case.scored["final_score"]
    if case.own is None or (rule.averaging_years.value == 1 and rule.rounding.value == "none"):
        return ()
    telling = Telling(case, "exchanged_score", "Final score that is exchanged")
    if rule.averaging_years.value > 1:
        past = [year for year in case.rules.years if year < case.year][::-1]
        years = past[: rule.averaging_years.value - 1]
        before = dict(
            zip(years, own_scores_before(case.clinician, case.group.earlier), strict=False)
        )
        found = {case.year: case.own} | {
            year: value for year, value in before.items() if value is not None
        }
        scores = listed(f"{number(value)} ({year})" for year, value in found.items())
        text = f"the mean over {rule.averaging_years.value} performance years of those with one"
        text += f": {scores}"
        telling.say(
            "Averaged", text, "final_score.averaging_years",
            own_scores={str(year): value for year, value in found.items()},
        )  # fmt: skip
    if rule.rounding.value != "none":
        text = f"to the nearest {rule.rounding.value}, halves upward: {points(score)}"
        telling.say("Rounded", text, "final_score.rounding")
    telling.rest_on(final_score=score)
    return (telling.ends(points(score)),)
