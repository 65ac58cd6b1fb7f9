"""A population and its roster as flat arrays: what the draw kernel needs."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from asm_sim.kernels.world.groups import FirstGroups
from asm_sim.kernels.world.model import CohortModel, PracticeModel
from asm_sim.population import performance, shocks
from asm_sim.population.behaviour import PERCENTAGE_POINT, compile_behaviour
from asm_sim.population.geography import compile_areas
from asm_sim.population.roster import Roster, words
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet

Floats = NDArray[np.float64]


class Group(NamedTuple):
    grouping: str
    label: str


def groups(population: Population, roster: Roster) -> list[Group]:
    """By what results are told apart: everyone, size, place, specialty, episodes, dual share."""
    limits = [int(limit) for limit in population.practice.size_classes.value]
    sizes = ["solo", f"2-{limits[1]}", f"{limits[1] + 1}-{limits[2]}", f"{limits[2] + 1}+"]
    bands = [population.episodes.minimum.value, *population.groups.episode_bands.value]
    episodes = [f"{a:g}-{b - 1:g}" for a, b in pairwise(bands)]
    return [
        Group("all", "all"),
        *(Group("practice_size", f"practice_size: {size}") for size in sizes),
        Group("place", "place: not rural"),
        Group("place", "place: rural"),
        *(Group("specialty", f"specialty: {name}") for name in _specialties(population, roster)),
        *(Group("episodes", f"episodes: {band}") for band in [*episodes, f"{bands[-1]:g}+"]),
        *(Group("dual_share", f"dual_share: {fifth} fifth") for fifth in FIFTHS),
    ]


FIFTHS = ("lowest", "second", "middle", "fourth", "highest")


def _specialties(population: Population, roster: Roster) -> list[str]:
    """Specialties in the order of their groups: cohort by cohort."""
    return [name for cohort in roster.cohorts for name in population.specialty_mix[cohort]]


def _first_groups(population: Population, roster: Roster, cohort: str) -> FirstGroups:
    """Where each grouping begins; the specialties of a cohort come after those of earlier ones."""
    groupings = [group.grouping for group in groups(population, roster)]
    earlier = roster.cohorts[: roster.cohorts.index(cohort)]
    before = sum(len(population.specialty_mix[name]) for name in earlier)
    return FirstGroups(
        size=groupings.index("practice_size"),
        place=groupings.index("place"),
        specialty=groupings.index("specialty") + before,
        episodes=groupings.index("episodes"),
        dual_share=groupings.index("dual_share"),
    )


def compile_practices(
    population: Population, rules: RuleSet, roster: Roster, cohort: str
) -> PracticeModel:
    """The practices with clinicians of a cohort; one that has two cohorts is the same in both."""
    practice, report, attest = population.practice, population.reporting, population.attestation
    at = np.unique(roster.practice[roster.slice_of(cohort)])
    return PracticeModel(
        address=words(roster.practice_address[at]),
        small=roster.practice_small[at],
        listed=roster.practice_listed[at].astype(np.float64),
        solo_probability=_solo_probability(population, roster)[at],
        size_limits=np.array(practice.size_classes.value, dtype=np.float64),
        medium_share=practice.medium_share.value,
        rural_share=practice.rural_share.value,
        ecqm_share=practice.ecqm_share.value,
        persistence=population.quality.persistence.value,
        silent_below=np.clip(ndtri(report.non_reporting_share.values()), -40.0, 40.0),
        reporting_persistence=report.persistence.value,
        full_credit=np.array(attest.full_credit_share.values()),
        all_activities=len(rules.improvement_activities.adjustment_by_completed.value) - 1.0,
        full_interoperability=rules.promoting_interoperability.score_maximum.value,
        attestation_persistence=attest.persistence.value,
        one_activity_share=attest.one_activity_share.value,
        interoperability_zero_share=attest.interoperability_zero_share.value,
        interoperability_lowest=attest.interoperability_lowest.value,
        interoperability_highest=attest.interoperability_highest.value,
        stated=_of(roster.practice_stated, at),
        aco_share=population.aco.practice_share.value,
        consolidation_share=practice.consolidation.yearly_share.value,
        consolidation_after_loss=practice.consolidation.response_to_loss.value / PERCENTAGE_POINT,
    )


def _solo_probability(population: Population, roster: Roster) -> Floats:
    """Chance that a flagged practice with one listed clinician is solo, so that shares come out."""
    result = np.zeros(len(roster.practice_id))
    single = roster.practice_small & (roster.practice_listed == 1)
    for c, cohort in enumerate(roster.cohorts):
        members = roster.practice[roster.cohort == c]
        eligible = members[single[members]]
        wanted = population.practice.solo_share[cohort].value * len(members)
        if len(eligible):
            result[eligible] = min(1.0, wanted / len(eligible))
    return result


def compile_cohort_model(
    population: Population, rules: RuleSet, roster: Roster, cohort: str
) -> CohortModel:
    """One cohort of the roster."""
    where = roster.slice_of(cohort)
    practices, of_clinician = np.unique(roster.practice[where], return_inverse=True)
    practice = of_clinician.astype(np.int64)
    moves, consolidation = population.churn.move_share.value, population.practice.consolidation
    minimum = rules.participation.episode_minimum
    episodes, part_b, patients = population.episodes, population.part_b, population.patients
    mix = population.specialty_mix[cohort]
    sigma = episodes.sigma.value
    drift = part_b.yearly_change_sd.value
    rank = part_b.rank_correlation_with_episodes.value
    cost = _cost(population, rules, cohort)
    states = roster.state[where]
    return CohortModel(
        address=words(roster.clinician_address[where]),
        practice=practice,
        performance_years=len(rules.years),
        redetermined=population.eligibility.redetermined.value,
        absences=population.eligibility.redetermined.value or roster.areas is not None,
        areas=compile_areas(population, roster, practices),
        episode_minimum=np.array([minimum.at(year) for year in rules.years], dtype=np.float64),
        entry=roster.entry[where],
        places_change=moves > 0 or consolidation.happens,
        move_share=moves,
        seats=np.sort(practice[roster.entry[where] == 0]),
        large_size=population.practice.size_classes.value[-1] + 1.0,
        calendar_years=len(rules.years) + rules.payment_year_lag.value,
        payment_lag=rules.payment_year_lag.value,
        specialty_cumulative=np.cumsum([share.value for share in mix.values()]),
        hcc_mean=np.array([patients.hcc_mean[name].value for name in mix]),
        hcc_sd=np.array([patients.hcc_sd[name].value for name in mix]),
        hcc_floor=patients.hcc_floor.value,
        dual_logit_mean=patients.dual_logit_mean.value,
        dual_logit_sd=patients.dual_logit_sd.value,
        hcc_dual_correlation=patients.hcc_dual_correlation.value,
        dual_limits=_dual_limits(population),
        episodes_minimum=episodes.minimum.value,
        episodes_log_mean=_episodes_log_mean(population, cohort),
        episodes_sigma=sigma,
        episodes_drift_sd=episodes.yearly_drift_sd.value,
        part_b_log_mean=math.log(max(part_b.mean[cohort].value, 1e-6))
        - part_b.sigma[cohort].value ** 2 / 2,
        part_b_sigma=part_b.sigma[cohort].value,
        part_b_correlation=2 * math.sin(math.pi / 6 * rank),  # rank to normal correlation
        part_b_change_sd=drift,
        part_b_log_trend=math.log1p(part_b.trend.value) - drift**2 / 2,
        exit_share=population.departure.exit_share.value,
        retires=population.departure.retirement.value,
        retirement_mean=population.departure.retirement_age.value,
        retirement_sd=population.departure.retirement_age_sd.value,
        career_start=population.departure.career_start_age.value,
        improving_share=population.improvement.share.value,
        improvement=population.improvement.per_year.value,
        cases_sigma=population.cases.sigma.value,
        cases_volume_share=population.cases.volume_share.value,
        low_completeness_share=population.reporting.low_completeness_share.value,
        low_completeness=population.reporting.low_completeness.value,
        completeness_lowest=population.reporting.completeness_lowest.value,
        **_quality(population, rules, cohort),
        **cost,
        **shocks.compile_shocks(population, rules, cohort, states, cost["cost_sigma"]),
        state_address=words(shocks.state_addresses(states)),
        episode_bands=np.array(population.groups.episode_bands.value, dtype=np.float64),
        first_group=_first_groups(population, roster, cohort),
        stated=_of(roster.stated, where),
        group_effects=_group_effects(population, cohort, cost["cost_sigma"]),
        trait_limit=population.group_effects.trait_limit.value,
        selection_share=population.patient_selection.share.value,
        selection_change=population.patient_selection.yearly_change.value,
        behaviour=compile_behaviour(
            population.behaviour, rules, cost["cost_sigma"], consolidation.remembers
        ),
    )


def _of(stated: Floats, at: slice | NDArray[np.int64]) -> Floats:
    """What is stated of some columns; nothing where nothing is."""
    return np.ascontiguousarray(stated[:, at]) if stated.shape[1] else stated


def _group_effects(population: Population, cohort: str, cost_sigma: float) -> Floats:
    """SDs of latent quality and cost by size class, rural, dual share, HCC score and specialty.

    In the order of the columns in kernels/world/effects.py; without any effect no columns.
    """
    effects = population.group_effects
    if not any(effects.quality.values() + effects.cost.values()):
        return np.zeros((2, 0))
    table = []
    for effect, unit in ((effects.quality, 1.0), (effects.cost, cost_sigma)):
        of_specialty = [effect.specialty.get(name) for name in population.specialty_mix[cohort]]
        row = [effect.solo.value, effect.small.value, 0.0, 0.0, effect.rural.value]
        row += [effect.dual_share.value, effect.hcc.value]
        row += [0.0 if leaf is None else leaf.value for leaf in of_specialty]
        table.append([value / unit if value else 0.0 for value in row])
    return np.array(table)


def _dual_limits(population: Population) -> Floats:
    """Where the fifths of the dual share meet, by its distribution over all clinicians."""
    patients = population.patients
    fifths = ndtri(np.arange(1, len(FIFTHS)) / len(FIFTHS))
    logit = patients.dual_logit_mean.value + patients.dual_logit_sd.value * fifths
    limits: Floats = expit(logit)
    return limits


def _episodes_log_mean(population: Population, cohort: str) -> float:
    above = population.episodes.mean[cohort].value - population.episodes.minimum.value
    return math.log(above) - population.episodes.sigma.value**2 / 2


def _quality(population: Population, rules: RuleSet, cohort: str) -> dict[str, Any]:
    quality = population.quality
    types = rules.quality.collection_types.value
    names = rules.cohorts[cohort].quality_measures.value
    probabilities = np.array(quality.percentile_probabilities.value) / 100
    count = len(names)
    location, signal, noise = np.zeros(count), np.zeros(count), np.zeros(count)
    collection_of = np.zeros((count, len(types)), dtype=np.int8)
    knot_rate = np.zeros((count, len(types), len(probabilities)))
    change, maximum = np.zeros(count), np.full(count, np.inf)
    for m, name in enumerate(names):
        entry, rule = quality.measures[name], rules.measures[name]
        better = -1.0 if rule.inverse.value else 1.0
        change[m] = better * quality.drift.value
        offered = [kind for kind in types if kind in rule.collection_types.value]
        for g, kind in enumerate(types):
            used = kind if kind in offered or not offered else offered[0]
            collection_of[m, g] = types.index(used) if rule.reported else 0
            if entry.distributions is not None:
                known = entry.distributions
                distribution = known[used] if used in known else next(iter(known.values()))
                knot_rate[m, collection_of[m, g]] = performance.rates_by_quality(
                    performance.percentiles(distribution, probabilities), rule.inverse.value
                )
        if entry.normal is None:
            maximum[m] = 100.0  # percent
        else:
            normal = entry.normal
            ratio = performance.kappa(normal.reliability.value, normal.reliability_cases.value)
            inverse = performance.mean_inverse_count(
                0.0,
                math.log(entry.cases_median.value),
                population.cases.sigma.value,
                normal.minimum_cases.value,
            )
            tau = performance.signal_sd(normal.sd.value, ratio, inverse)
            location[m], signal[m], noise[m] = (
                normal.location.value,
                better * tau,
                math.sqrt(ratio) * tau,
            )
    return {
        "slot": np.array([quality.measures[name].slot.value for name in names], dtype=np.int64),
        "reported": np.array([rules.measures[name].reported for name in names]),
        "collection_of": collection_of,
        "proportion": np.array([quality.measures[name].normal is None for name in names]),
        "knot_z": ndtri(probabilities),
        "knot_rate": np.ascontiguousarray(knot_rate.reshape(count, -1)),
        "normal_location": location,
        "normal_signal": signal,
        "normal_noise": noise,
        "yearly_change": change,
        "rate_maximum": maximum,
        "cases_log_median": np.log([quality.measures[name].cases_median.value for name in names]),
        "clinician_share": quality.clinician_share.value,
        "practice_share": quality.practice_share.value,
        "quality_permanent_share": quality.permanent_share.value,
        "quality_persistence": quality.persistence.value,
        "spread": quality.spread.value,
    }


def _cost(population: Population, rules: RuleSet, cohort: str) -> dict[str, Any]:
    cost = population.cost
    mean, sd = cost.mean[cohort].value, cost.sd[cohort].value
    ratio = performance.kappa(cost.reliability_at_20[cohort].value, cost.reliability_episodes.value)
    inverse = performance.mean_inverse_count(
        population.episodes.minimum.value,
        _episodes_log_mean(population, cohort),
        population.episodes.sigma.value,
        cost.reliability_episodes.value,
    )
    tau = performance.signal_sd(sd, ratio, inverse)
    years = np.array(rules.years) - cost.base_year.value
    return {
        "cost_median": mean
        / math.sqrt(1 + (tau / mean) ** 2)
        * (1 + cost.trend[cohort].value) ** years,
        "cost_sigma": math.sqrt(math.log1p((tau / mean) ** 2)),
        "cost_cv": math.sqrt(ratio) * tau / mean,
        "cost_permanent_share": cost.permanent_share.value,
        "cost_persistence": cost.persistence.value,
        "cost_quality_correlation": cost.correlation_with_quality.value,
    }
