"""Practices scored as a whole: an alternative to 42 CFR 512.725 and 512.730.

Cases, numerators, episodes and costs of the cohort's clinicians in a practice (TIN) are added up
before anything is scored, but for those of clinicians whom extreme circumstances excuse; each
clinician then has the practice's results. What is attested, the practice size and the patients'
traits stay the clinician's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

from asm_sim.reference.rows import Clinician, MeasureResult, input_error, is_excused
from asm_sim.rules.schema import RuleSet


def pool_practices(clinicians: list[Clinician], rules: RuleSet, cohort: str) -> list[Clinician]:
    """The clinicians as they are scored, in the same order.

    Raises ``ValueError`` where a practice is needed and blank, and where one practice has two sizes
    or reports a measure in two ways.
    """
    level = rules.scoring_level
    pooled = clinicians
    for name in rules.cohorts[cohort].quality_measures.value:
        reported = rules.measures[name].reported

        def of_measure(
            members: list[Clinician], name: str = name, reported: bool = reported
        ) -> dict[str, Any]:
            result = _pooled_measure([one.measures[name] for one in members], members, reported)
            return {"measures": {name: result}}

        pooled = _pool(pooled, level.quality.value, rules, of_measure)
    return _pool(pooled, level.cost.value, rules, _pooled_cost)


def _pool(
    clinicians: list[Clinician],
    level: str,
    rules: RuleSet,
    together: Callable[[list[Clinician]], dict[str, Any]],
) -> list[Clinician]:
    """Everyone who is pooled at this level with what the whole practice has."""
    if level == "clinician":
        return clinicians
    practices: dict[Hashable, list[Clinician]] = {}
    for one in clinicians:
        if one.practice_id is None:
            raise input_error(one.clinician_id, "practices are scored, but practice_id is blank")
        practices.setdefault(one.practice_id, []).append(one)
    for practice, members in practices.items():
        if len({one.practice_size for one in members}) > 1:
            raise ValueError(f"practice {practice} has clinicians with different practice sizes")
    largest = rules.small_practice.small_maximum_clinicians.value
    results = []
    for one in clinicians:
        if level == "small_practices" and one.practice_size > largest:
            results.append(one)
            continue
        members = [other for other in practices[one.practice_id] if not is_excused(other, rules)]
        change = together(members)
        if "measures" in change:
            change["measures"] = {**one.measures, **change["measures"]}
        results.append(dataclasses.replace(one, **change))
    return results


def _pooled_measure(
    results: list[MeasureResult], members: list[Clinician], reported: bool
) -> MeasureResult:
    """The rate over all reported cases, and the completeness over all eligible ones.

    Reported are the eligible cases times their completeness, none where that is blank. Of a measure
    that CMS computes from claims all cases with a rate count, and others are left out.
    """
    kinds = {one.collection_type for one in results if one.collection_type is not None}
    if reported and len(kinds) > 1:
        practice = members[0].practice_id
        raise ValueError(f"practice {practice} reports one measure by {' and by '.join(kinds)}")
    eligible = [
        one for one in results if one.cases is not None and (reported or one.rate is not None)
    ]
    cases = sum(one.cases or 0 for one in eligible) if eligible else None
    reported_cases = [
        (one.rate, (one.cases or 0) * ((one.completeness or 0) if reported else 1))
        for one in eligible
        if one.rate is not None
    ]
    counted = [(rate, number) for rate, number in reported_cases if number > 0]
    rate = _mean(counted) if counted else None
    completeness = None
    if cases and any(one.completeness is not None for one in eligible):
        completeness = _mean([(one.completeness or 0, one.cases or 0) for one in eligible])
    return MeasureResult(rate, cases, completeness, next(iter(kinds), None))


def _pooled_cost(members: list[Clinician]) -> dict[str, Any]:
    """Cost by episodes; episodes whose cost is blank are left out."""
    stated = [one for one in members if one.episodes is not None and one.episode_cost is not None]
    episodes = sum(one.episodes or 0 for one in stated) if stated else None
    cost = None
    if episodes:
        cost = _mean([(one.episode_cost or 0, one.episodes or 0) for one in stated])
    return {"episodes": episodes, "episode_cost": cost}


def _mean(weighted: list[tuple[float, float]]) -> float:
    """Mean of (value, weight), exact where all values are equal."""
    first = weighted[0][0]
    excess = total = 0.0
    for value, weight in weighted:
        excess += (value - first) * weight
        total += weight
    return first + excess / total
