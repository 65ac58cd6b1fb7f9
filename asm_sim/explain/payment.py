"""The steps from the final score to dollars."""

from __future__ import annotations

import math

from asm_sim.explain.case import Case, Telling
from asm_sim.explain.steps import Section, Step
from asm_sim.explain.written import number, percent, points, share, signed_usd, usd
from asm_sim.reference import payment
from asm_sim.reference.final_score import counts_as_zero

EXCHANGE = "payment.exchange"


def payment_section(case: Case) -> Section:
    """Where the peers were, the exchange function, the pool, the adjustment and the dollars."""
    score = case.scored["final_score"]
    steps = [_peers(case)]
    if score is not None and not counts_as_zero(score, case.rules):
        steps += [_exchange(case, score)]
    if case.rules.payment.exchange.form.value != "threshold":
        steps.append(_pool(case))
    return Section("Payment", (*steps, _adjustment(case), _dollars(case)))


def _peers(case: Case) -> Step:
    """The final scores above zero that the clinician's is compared with."""
    telling = Telling(case, "median", "Where the peers were")
    scores, score = case.group.fitted.positive_scores, case.scored["final_score"]
    median, among = scores.median, len(scores.scores)
    clinicians = len(case.group.clinicians)
    telling.rest_on(
        "peers.basis", clinicians=clinicians, above_zero=among, median_final_score=median,
        mean_final_score=scores.mean,
    )  # fmt: skip
    text = f"{among:,} of {clinicians:,} {'clinician' if clinicians == 1 else 'clinicians'}"
    text += f" of {case.group.called} in {case.year} have a final score above zero"
    if median is None:
        telling.say("Scores", text)
        return telling.ends("no median")
    telling.say("Scores", f"{text}, from {number(min(scores.scores))} to "
                f"{number(max(scores.scores))} points; the median is {number(median)}")  # fmt: skip
    if score is not None and not counts_as_zero(score, case.rules):
        below = sum(1 for other in scores.scores if other < score)
        apart = abs(score - median)
        at_it = apart <= case.rules.payment.exchange.counts_as_equal.value
        side = "above" if score > median else "below"
        place = "at it" if at_it else f"{number(apart)} {side} it"
        text = f"{number(score)} points, {place}; {below:,} of the {among:,} scored lower"
        telling.say("This one", text, scored_lower=below)
    return telling.ends(f"median {number(median)}")


def _exchange(case: Case, score: float) -> Step:
    telling = Telling(case, "exchange", "Exchange function")
    exchange, year = case.rules.payment.exchange, case.year
    scores, transformed = case.group.fitted.positive_scores, case.scored["transformed_score"]
    telling.rest_on(transformed_score=transformed)
    if payment.is_neutral(score, case.clinician.episodes, scores, case.rules, year):
        _say_neutral(telling, score)
        return telling.ends("neutral")
    if case.rules.payment.neutral_band.at(year) > 0:
        text = "the final score lies outside the neutral band around the median"
        telling.say("Band", text, "payment.neutral_band", "payment.neutral_band_form")
    if transformed is None:
        text = "there is no final score above zero to compare with"
        telling.say("No peers", text, f"{EXCHANGE}.form")
        return telling.ends("none")
    form, highest = exchange.form.value, number(case.rules.final_score.maximum.value)
    result = number(transformed, 4)
    if form == "linear":
        text = f"the score over the greatest one: {number(score)} / {highest} = {result}"
        telling.say("Linear", text, f"{EXCHANGE}.form", "final_score.maximum")
    elif form == "rank":
        text = f"the share of the final scores above zero that are lower, ties by half: {result}"
        telling.say("Rank", text, f"{EXCHANGE}.form", f"{EXCHANGE}.counts_as_equal")
    elif form == "threshold":
        _say_threshold(telling, score, result)
    else:
        _say_logistic(telling, score, result)
    return telling.ends(result)


def _say_neutral(telling: Telling, score: float) -> None:
    case = telling.case
    median = case.group.fitted.positive_scores.median or 0.0
    width = case.rules.payment.neutral_band.at(case.year)
    paths = ["payment.neutral_band", "payment.neutral_band_form"]
    by_volume = case.rules.payment.neutral_band_form.value == "by_volume"
    how = ""
    if by_volume:
        paths.append("cost.case_minimum")
        how = " for the least episodes, and narrower with the root of their number"
    telling.say(
        "Band",
        f"{number(score)} is {number(abs(score - median))} from the median of {number(median)}, "
        f"inside the neutral band of {points(width)} on either side{how}: nothing is exchanged",
        *paths,
    )


def _say_threshold(telling: Telling, score: float, result: str) -> None:
    case = telling.case
    threshold = case.rules.payment.exchange.threshold.at(case.year)
    highest = case.rules.final_score.maximum.value
    if score >= threshold:
        formula = (
            f"1 + ({number(score)} - {number(threshold)}) / "
            f"({number(highest)} - {number(threshold)})"
        )
    else:
        formula = f"1 - ({number(threshold)} - {number(score)}) / {number(threshold)}"
    telling.say(
        "Threshold",
        f"against {points(threshold)}, a standard set in advance: {formula} = {result}; no peers' "
        "scores and no pool count",
        f"{EXCHANGE}.form",
        f"{EXCHANGE}.threshold",
        threshold=threshold,
    )


def _say_logistic(telling: Telling, score: float, result: str) -> None:
    case = telling.case
    exchange, scores = case.rules.payment.exchange, case.group.fitted.positive_scores
    steepness = exchange.steepness.at(case.year)
    paths = [f"{EXCHANGE}.form", f"{EXCHANGE}.steepness", f"{EXCHANGE}.midpoint"]
    match exchange.midpoint.value:
        case "fixed":
            midpoint = exchange.fixed_midpoint.at(case.year)
            called = "fixed points"
            paths.append(f"{EXCHANGE}.fixed_midpoint")
        case "mean":
            midpoint, called = scores.mean or 0.0, "the peers' mean"
        case _:
            midpoint, called = scores.median or 0.0, "the peers' median"
    telling.say(
        "Logistic",
        f"1 / (1 + exp(-{number(steepness, 4)} x ({number(score)} - {number(midpoint)}))) = "
        f"{result}; one half is at {number(midpoint)}, {called}",
        *paths,
        midpoint=midpoint,
        steepness=steepness,
    )


def _pool(case: Case) -> Step:
    telling = Telling(case, "pool", "Incentive pool")
    rule, fitted = case.rules.payment, case.group.fitted
    redistributed, risk = rule.redistribution_share.at(case.year), rule.risk_level.at(case.year)
    pool, factor = fitted.incentive_pool, fitted.scaling_factor
    telling.rest_on(
        "payment.risk_level", "payment.redistribution_share", "payment.zero_scorers_in_pool_base",
        incentive_pool_usd=pool, scaling_factor=factor,
    )  # fmt: skip
    included = "with" if rule.zero_scorers_in_pool_base.value else "without"
    at_risk = redistributed * risk
    base = f"{usd((pool or 0.0) / at_risk)}, " if at_risk > 0 else ""
    telling.say(
        "Pool",
        f"{_share(redistributed)} of the {_share(risk)} at risk of {base}the Part B payments of "
        f"those whose score is exchanged, {included} those who scored zero: {usd(pool)}",
    )
    if factor is None:
        text = "there is nothing to pay the pool out by, so nobody is scaled"
    else:
        text = f"the factor by which the pool is paid out in full: {share(factor)}"
    telling.say("Scaling", text)
    return telling.ends(usd(pool))


def _adjustment(case: Case) -> Step:
    telling = Telling(case, "adjustment", "Payment adjustment")
    rule, score = case.rules.payment, case.scored["final_score"]
    factor, risk = case.scored["payment_adjustment_factor"], rule.risk_level.at(case.year)
    telling.rest_on(payment_adjustment_factor=factor, risk_level=risk)
    if score is None:
        unscored = percent(rule.unscored_adjustment.at(case.year))
        text = f"there is no final score, and that is {unscored}"
        telling.say("Unscored", text, "payment.unscored_adjustment")
    elif counts_as_zero(score, case.rules):
        of_zero = rule.zero_score_adjustment.at(case.year)
        formula = f"{number(of_zero, 4)} x {number(risk, 4)} = {share(of_zero * risk)}"
        telling.say(
            "Zero",
            f"a final score of zero: {formula}",
            "payment.zero_score_adjustment",
            "payment.risk_level",
        )
    else:
        _say_exchanged(telling, risk)
    if rule.rounding.value != "none":
        to = rule.rounding.value.replace("_", " of a ")
        text = f"to the nearest {to}, halves upward: {number(100 * factor, 4)}%"
        telling.say("Rounded", text, "payment.rounding")
    return telling.ends(percent(factor))


def _say_exchanged(telling: Telling, risk: float) -> None:
    case = telling.case
    transformed, scaling = case.scored["transformed_score"], case.group.fitted.scaling_factor
    if transformed is None:
        telling.say("Neutral", "nothing is exchanged, so the adjustment is 0")
        return
    if scaling is None:
        telling.say("Neutral", "nothing can be scaled, so the adjustment is 0")
        return
    exact = risk * transformed * scaling - risk
    scaled = "" if case.rules.payment.exchange.form.value == "threshold" else f" x {share(scaling)}"
    telling.say(
        "Exchanged",
        f"{number(risk, 4)} x {share(transformed)}{scaled} - {number(risk, 4)} = {share(exact)}",
        "payment.risk_level",
    )
    cap = case.rules.payment.cap.at(case.year)
    if not math.isinf(cap) and exact > cap * risk:
        text = f"no more than {number(cap, 4)} of the risk level: {share(cap * risk)}"
        telling.say("Cap", text, "payment.cap")


def _dollars(case: Case) -> Step:
    telling = Telling(case, "payment", "Dollars")
    clinician, factor = case.clinician, case.scored["payment_adjustment_factor"]
    change, payment_year = case.scored["payment_change_usd"], case.rules.payment_year(case.year)
    stated = clinician.payment_year_part_b
    base = clinician.part_b_payments if stated is None else stated
    year = case.year if stated is None else payment_year
    told = "" if stated is not None else ", as none are stated for the payment year"
    telling.say(
        "Paid",
        f"{share(factor)} x {usd(base)} of Part B payments (those of {year}{told}) = "
        f"{signed_usd(change)} in {payment_year}",
        "payment_year_lag",
        part_b_payments_usd=base,
        payment_change_usd=change,
        payment_multiplier=case.scored["payment_multiplier"],
    )
    return telling.ends(signed_usd(change))


def _share(value: float) -> str:
    return f"{number(100 * value, 4)}%"
