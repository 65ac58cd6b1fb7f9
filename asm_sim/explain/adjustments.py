"""The steps of the four adjustments of the final score."""

from __future__ import annotations

from asm_sim.errors import listed
from asm_sim.explain.case import Case, Telling
from asm_sim.explain.steps import Section, Step
from asm_sim.explain.written import given, number, points, signed
from asm_sim.reference.modifiers import (
    SOLO,
    Moments,
    complex_patient_component,
    is_small,
    proportion,
)

BY_COMPLETED = "improvement_activities.adjustment_by_completed"


def adjustments_section(case: Case) -> Section:
    """Improvement activities, interoperability, small practice, complex patients."""
    return Section(
        "Adjustments of the score",
        (_activities(case), _interoperability(case), _small_practice(case), _complex(case)),
    )


def _ends(telling: Telling, adjustment: float) -> Step:
    telling.rest_on(adjustment=adjustment)
    return telling.ends(f"{signed(adjustment)} points")


def _activities(case: Case) -> Step:
    telling = Telling(case, "improvement_activities", "Improvement activities")
    rule, completed = case.rules.improvement_activities, case.clinician.improvement_activities
    known = rule.adjustment_by_completed.value
    counts = rule.blank_counts_as.value if completed is None else completed
    if completed is None:
        text = f"not stated, which counts as {counts:g} completed"
        telling.say("Observed", text, "improvement_activities.blank_counts_as")
    else:
        telling.say("Observed", f"{completed:g} completed")
    numbers = [f"{k}: {signed(value)}" for k, value in enumerate(known)]
    text = f"points by the number completed: {', '.join(numbers)}"
    telling.say("Points", text, BY_COMPLETED, completed=completed)
    _say_proportion(telling, "improvement_activities")
    return _ends(telling, case.adjustments["improvement_activities_adjustment"])


def _interoperability(case: Case) -> Step:
    telling = Telling(case, "promoting_interoperability", "Promoting interoperability")
    rule, score = case.rules.promoting_interoperability, case.clinician.pi_score
    counts = rule.blank_counts_as.value if score is None else score
    most = number(rule.score_maximum.value)
    if score is None:
        text = f"no score stated, which counts as {number(counts)} of {most}"
        telling.say("Observed", text, "promoting_interoperability.blank_counts_as")
    else:
        telling.say("Observed", f"score {given(score)} of {most}")
    telling.rest_on(pi_score=score)
    exempt = case.clinician.special_status and rule.exempt.value == "special_status"
    if exempt:
        text = "a special status exempts the clinician: nothing is deducted"
        telling.say("Exempt", text, "promoting_interoperability.exempt")
    else:
        least = rule.adjustment_at_zero.at(case.year)
        value = least * (1 - counts / rule.score_maximum.value)
        telling.say(
            "Points",
            f"{signed(least)} x (1 - {number(counts)} / {most}) = {signed(value)}",
            "promoting_interoperability.adjustment_at_zero",
            "promoting_interoperability.score_maximum",
            "promoting_interoperability.form",
        )
        if case.clinician.special_status:
            text = "a special status is stated, and this rule set exempts nobody"
            telling.say("Exempt", text, "promoting_interoperability.exempt")
        _say_proportion(telling, "promoting_interoperability")
    return _ends(telling, case.adjustments["promoting_interoperability_adjustment"])


def _say_proportion(telling: Telling, name: str) -> None:
    """What part of an adjustment applies to a small or rural practice, where it is one."""
    case = telling.case
    clinician = case.clinician
    rule = (
        case.rules.improvement_activities
        if name == "improvement_activities"
        else case.rules.promoting_interoperability
    )
    small = is_small(clinician, case.rules)
    kinds = [word for word, holds in (("small", small), ("rural", clinician.rural)) if holds]
    applies = proportion(clinician, rule, case.rules, case.year)
    if applies == 1:
        return  # all of it applies, as to any other practice
    paths = {"small": f"{name}.small_practice_scale", "rural": f"{name}.rural_scale"}
    text = f"the practice is {listed(kinds)}, so {number(applies, 4)} of the adjustment applies"
    telling.say("Share", text, *(paths[kind] for kind in kinds), share=applies)


def _small_practice(case: Case) -> Step:
    telling = Telling(case, "small_practice", "Small practice")
    size = case.clinician.practice_size
    largest = number(case.rules.small_practice.small_maximum_clinicians.value)
    paths = ["small_practice.small_maximum_clinicians"]
    if size == SOLO:
        kind, path = "the clinician practises alone", "small_practice.solo_bonus"
        paths = [path]
    elif is_small(case.clinician, case.rules):
        kind = f"{given(size)} clinicians, small (up to {largest})"
        paths.append("small_practice.small_bonus")
    else:
        kind = f"{given(size)} clinicians, not small (up to {largest} would be)"
    telling.say("Observed", kind, *paths, practice_size=size)
    return _ends(telling, case.adjustments["small_practice_adjustment"])


def _complex(case: Case) -> Step:
    telling = Telling(case, "complex_patients", "Complex patients")
    clinician, fitted, rule = case.clinician, case.group.fitted, case.rules.complex_patient
    telling.rest_on(
        "complex_patient.form", hcc_risk_score=clinician.hcc_risk_score,
        dual_share=clinician.dual_share,
    )  # fmt: skip
    if case.own is None:
        telling.say("No score", "without a final score there is nothing to add to")
        telling.rest_on("complex_patient.reference_population", adjustment=None)
        return telling.ends("none")
    first = _say_component(telling, "Risk score", clinician.hcc_risk_score, fitted.hcc_risk_score)
    second = _say_component(telling, "Dual share", clinician.dual_share, fitted.dual_share)
    lowest, highest = rule.minimum.at(case.year), rule.maximum.at(case.year)
    adjustment = case.adjustments["complex_patient_adjustment"]
    text = f"{number(first)} + {number(second)} = {points(first + second)}"
    if adjustment != first + second:
        text += f", kept between {number(lowest)} and {number(highest)}: {number(adjustment)}"
    telling.say("Points", text, "complex_patient.minimum", "complex_patient.maximum")
    return _ends(telling, adjustment)


def _say_component(
    telling: Telling, label: str, value: float | None, moments: Moments | None
) -> float:
    """One of the two components, and how it comes about."""
    case = telling.case
    rule = case.rules.complex_patient
    component = complex_patient_component(value, moments, case.rules, case.year)
    if value is None:
        telling.say(label, "blank, which adds nothing")
        return component
    telling.rest_on("complex_patient.reference_population")
    if moments is None:
        telling.say(label, f"{given(value)}; the cohort's values have no spread, so 0 points")
        return component
    median = number(moments.median, 4)
    if rule.form.value == "mips" and value < moments.median:
        telling.say(label, f"{given(value)} is below the median of {median}: 0 points")
        return component
    intercept, slope = rule.intercept.at(case.year), rule.slope.at(case.year)
    cap = rule.component_maximum.at(case.year)
    z = (value - moments.mean) / moments.standard_deviation
    exact = intercept + slope * z
    text = (
        f"{given(value)} (median {median}): {number(intercept)} + {number(slope)} x "
        f"({given(value)} - {number(moments.mean, 4)}) / "
        f"{number(moments.standard_deviation, 4)} = {number(exact)}"
    )
    if component != exact:
        limit = "never below 0" if exact < 0 else f"never above {number(cap)}"
        text += f", {limit}: {number(component)}"
    telling.say(label, text, "complex_patient.intercept", "complex_patient.slope")
    if component != exact and exact > 0:
        telling.rest_on("complex_patient.component_maximum")
    return component
