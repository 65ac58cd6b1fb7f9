"""A draw of one cohort in plain NumPy: what the compiled kernel is compared with.

The same model and the same output, without the truth lens: NumPy's own generator, one draw at a
time, every step over all clinicians at once. It is written to be fast as NumPy goes. Nothing is
computed twice, groups are indices made once a draw, percentiles come from one vectorised sort, and
sums by group are one matrix product.

Two halves: ``observe_year`` makes what CMS sees, ``fit_and_score`` applies the rule to it. The
second takes the kernels' own types, so that both can score the very same cohort.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from asm_sim.kernels.choices import MissingCategory
from asm_sim.kernels.draws.output import Grids, Output
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE
from asm_sim.kernels.rule.fit import PAYMENT, Fit
from asm_sim.kernels.rule.observed import Observed, Outcome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Practices(NamedTuple):
    """P practices over Y years."""

    size_class: Ints  # [P]
    size: Floats
    rural: NDArray[np.bool_]
    collection: Ints
    specialty: Ints
    quality: Floats  # [Y, P] shared by the clinicians of a practice
    silent: NDArray[np.bool_]  # [Y, P]
    activities: Floats  # [Y, P]
    interoperability: Floats  # [Y, P]


class Clinicians(NamedTuple):
    """What stays over the years of a draw, and the latent processes."""

    practices: Practices
    practice_size: Floats
    hcc: Floats
    dual: Floats
    group: NDArray[np.int16]  # [groupings, n]
    members: list[list[Ints]]  # [M][type] clinicians who report the measure by this type
    collection: NDArray[np.int8]  # [M, n]
    cases_mean: Floats  # [M, n]
    episodes_mean: Floats  # [Y, n]
    part_b: Floats  # [calendar years, n]
    leaves: NDArray[np.bool_]  # [calendar years, n]
    permanent: Floats  # [2 + M, n]
    changing: Floats  # [2 + M, n] advanced in place


class Memory:
    """What the years of one draw pass on."""

    def __init__(self, n: int) -> None:
        self.dollars = np.zeros(n)
        self.penalties = np.zeros(n, np.int64)
        self.transitions = np.zeros(25)
        self.count = 0  # with a final score, the year before
        self.rank: Any = None
        self.factor: Any = None
        self.negative: Any = None


def simulate(
    rules: Any, practice_model: Any, model: Any, grids: Grids, rng: Generator, output: Output
) -> None:
    """Fill every draw of ``output``, as ``simulate_cohort`` of the kernels does, without truth."""
    for d in range(len(output.yearly)):
        clinicians = draw_clinicians(practice_model, model, rng)
        years = (
            (
                observe_year(model, clinicians, y, rng),
                clinicians.part_b[y + model.payment_lag],
                _paid(model, clinicians, y),
            )
            for y in range(model.performance_years)
        )
        score_draw(rules, grids, clinicians.group, years, d, output)


def score_draw(
    rules: Any,
    grids: Grids,
    group: NDArray[np.int16],
    years: Iterable[tuple[Observed, Floats, Floats]],
    d: int,
    output: Output,
) -> None:
    """Score and summarise the years of one draw.

    Each year is the cohort, Part B of the payment year had nobody left, and what is paid then.
    """
    count, n = output.by_group.shape[2], group.shape[1]
    indicator = np.zeros((count, n))
    indicator[group, np.arange(n)] = 1.0
    memory = Memory(n)
    fit = None
    with np.errstate(divide="ignore", invalid="ignore"):
        for y, (observed, part_b_later, paid) in enumerate(years):
            before = fit if memory.count == n else None
            outcome, fit, scored = fit_and_score(observed, rules, y, before)
            factor = outcome.payment_adjustment_factor
            has_score = ~np.isnan(outcome.final_score)
            negative = has_score & (factor < -SIGN_TOLERANCE)
            row = output.yearly[d, y]
            _level(rules, y, observed, factor, fit, scored, part_b_later, paid, row)
            _quantiles_and_curve(rules, y, grids, factor, fit, scored, d, output)
            bottom = -rules.year["risk_level"][y] * (1.0 - 1e-9)
            rows = output.by_group[d, y]
            part_b = observed.part_b_payments
            _by_group(
                group, indicator, outcome, part_b, scored, has_score, negative, bottom, row, rows
            )
            rank = _midranks(scored, n)
            _year_over_year(factor, rank, len(scored.order), negative, memory, row)
            memory.dollars += factor * paid
            _histograms(grids, group, outcome, has_score, memory.dollars, y, output)
            memory.penalties += negative
            memory.count, memory.rank, memory.factor = len(scored.order), rank, factor
            memory.negative = negative
        transitions = memory.transitions.reshape(5, 5)
        output.transition[d] = transitions / transitions.sum(axis=1, keepdims=True)
        lengths = output.penalty_years.shape[2]
        shares = np.zeros((count, lengths))
        shares[0] = np.bincount(memory.penalties, minlength=lengths)
        for row in group:
            cells = row * np.int64(lengths) + memory.penalties
            shares += np.bincount(cells, minlength=shares.size).reshape(shares.shape)
        output.penalty_years[d] = shares / shares.sum(axis=1, keepdims=True)


# ---- the population and what is observed of it ----


def _draw_practices(model: Any, clinicians: Any, rng: Generator) -> Any:
    count, years = len(model.small), clinicians.performance_years
    size_u, rural_u, collection_u, specialty_u = rng.random((4, count))
    limits, listed = model.size_limits, model.listed
    solo = size_u < model.solo_probability
    medium = (size_u < model.medium_share) & (listed <= limits[2])
    size_class = np.where(model.small, np.where(solo, 0, 1), np.where(medium, 2, 3))
    small_size = np.minimum(np.maximum(limits[0] + 1.0, listed), limits[1])
    large_size = np.maximum(np.where(medium, limits[1], limits[2]) + 1.0, listed)
    size = np.where(model.small, np.where(solo, 1.0, small_size), large_size)

    permanent = rng.standard_normal(count)
    changing, latent = np.empty((years, count)), np.empty((years, count))
    shock = rng.standard_normal((years, 2, count))
    changing[0], latent[0] = shock[0]
    step = np.sqrt(1.0 - model.quality_persistence**2)
    renew = np.sqrt(1.0 - model.reporting.persistence**2)
    for y in range(1, years):
        changing[y] = model.quality_persistence * changing[y - 1] + step * shock[y, 0]
        latent[y] = model.reporting.persistence * latent[y - 1] + renew * shock[y, 1]

    activities, interoperability = _attested(model.attestation, size_class, years, rng)
    return Practices(
        size_class,
        size,
        rural_u < model.rural_share,
        np.where(collection_u < model.ecqm_share, 0, 1),
        np.searchsorted(clinicians.patients.specialty_cumulative[:-1], specialty_u, side="right"),
        np.sqrt(clinicians.quality.permanent_share) * permanent
        + np.sqrt(1.0 - clinicians.quality.permanent_share) * changing,
        latent < model.reporting.silent_below[size_class],
        activities,
        interoperability,
    )


def _attested(attestation: Any, size_class: Any, years: int, rng: Generator) -> tuple[Floats, ...]:
    """Activities and interoperability, [years, practices]."""
    count = len(size_class)
    full, done, kind, score = rng.random((4, years, count))
    credited = full < attestation.full_credit[size_class]
    width = attestation.interoperability_highest - attestation.interoperability_lowest
    some = attestation.interoperability_lowest + width * score
    partial = np.where(kind < attestation.interoperability_zero_share, 0.0, some)
    nearly = attestation.full_score_lowest + (100.0 - attestation.full_score_lowest) * score
    whole = np.where(kind < attestation.full_score_share, 100.0, nearly)
    two = attestation.all_activities_share
    one = np.where(done < two + attestation.one_activity_share, 1.0, 0.0)
    activities = np.where(credited | (done < two), 2.0, one)
    interoperability = np.where(credited, whole, partial)
    again = rng.random((years, count)) < attestation.persistence
    for y in range(1, years):
        for values in (activities, interoperability):
            values[y] = np.where(again[y], values[y - 1], values[y])
    return activities, interoperability


def draw_clinicians(practice_model: Any, model: Any, rng: Generator) -> Clinicians:
    """Practices and clinicians of one draw."""
    years = model.performance_years
    practices = _draw_practices(practice_model, model, rng)
    at, patients, amount, groups = model.practice, model.patients, model.volume, model.groups
    n, measures = len(at), len(model.quality.slot)
    volume, part_b, hcc, dual = rng.standard_normal((4, n))
    specialty = practices.specialty[at]
    hcc_score = np.maximum(
        patients.hcc_mean[specialty] + patients.hcc_sd[specialty] * hcc, patients.hcc_floor
    )
    r = patients.hcc_dual_correlation
    logit = patients.dual_logit_mean + patients.dual_logit_sd * (
        r * hcc + np.sqrt(1.0 - r * r) * dual
    )
    episodes = amount.episodes_minimum + np.exp(
        amount.episodes_log_mean + amount.episodes_sigma * volume
    )
    dual_share = 1.0 / (1.0 + np.exp(-logit))
    group = np.empty((5, n), np.int16)
    group[0] = (groups.first.size + practices.size_class)[at]
    group[1] = (groups.first.place + practices.rural)[at]
    group[2] = groups.first.specialty + specialty
    group[3] = groups.first.episodes + np.searchsorted(groups.episode_bands, episodes, side="right")
    group[4] = groups.first.dual_share + np.searchsorted(
        groups.dual_limits, dual_share, side="right"
    )
    collection = model.quality.collection_of[:, practices.collection[at]]
    by_type = [
        [np.flatnonzero(collection[m] == g) for g in range(model.quality.collection_of.shape[1])]
        for m in range(measures)
    ]
    shared = amount.cases_sigma * np.sqrt(amount.cases_volume_share)
    own = amount.cases_sigma * np.sqrt(1.0 - amount.cases_volume_share)
    cases_mean = np.exp(
        amount.cases_log_median[:, None]
        + shared * volume
        + own * rng.standard_normal((measures, n))
    )
    r = amount.part_b_correlation
    logs = np.empty((model.calendar_years, n))
    logs[0] = amount.part_b_log_mean + amount.part_b_sigma * (
        r * volume + np.sqrt(1.0 - r * r) * part_b
    )
    logs[1:] = amount.part_b_log_trend + amount.part_b_change_sd * rng.standard_normal(
        (model.calendar_years - 1, n)
    )
    drift = np.zeros((years, n))
    sd = amount.episodes_drift_sd
    drift[1:] = sd * rng.standard_normal((years - 1, n)) - 0.5 * sd * sd
    return Clinicians(
        practices,
        practices.size[at],
        hcc_score,
        dual_share,
        group,
        by_type,
        collection,
        cases_mean,
        episodes * np.exp(np.cumsum(drift, axis=0)),
        np.exp(np.cumsum(logs, axis=0)),
        rng.random((model.calendar_years, n)) < model.participation.exit_share,
        rng.standard_normal((2 + measures, n)),
        np.empty((2 + measures, n)),
    )


def _paid(model: Any, clinicians: Clinicians, y: int) -> Floats:
    """Part B of the payment year, 0 of whoever has left by then."""
    later = y + model.payment_lag
    left = clinicians.leaves[y + 1 : later + 1].any(axis=0)
    return np.where(left, 0.0, clinicians.part_b[later])


def observe_year(model: Any, clinicians: Clinicians, y: int, rng: Generator) -> Observed:
    """True performance of year y and what CMS observes of it."""
    at, practices, known = model.practice, clinicians.practices, model.quality
    n, measures = len(at), len(known.slot)
    changing = clinicians.changing
    shock = rng.standard_normal((2 + measures, n))
    if y == 0:
        changing[:] = shock
    else:
        phi = np.full(2 + measures, known.persistence)
        phi[1] = model.cost.persistence
        changing *= phi[:, None]
        changing += np.sqrt(1.0 - phi**2)[:, None] * shock
    permanent, moving = np.sqrt([known.permanent_share, 1 - known.permanent_share])
    processes = permanent * clinicians.permanent + moving * changing
    shared, own = np.sqrt([known.practice_share, 1.0 - known.practice_share])
    quality = shared * practices.quality[y][at] + own * processes[0]

    episodes = rng.poisson(clinicians.episodes_mean[y]).astype(np.float64)
    permanent, moving = np.sqrt([model.cost.permanent_share, 1.0 - model.cost.permanent_share])
    latent = permanent * clinicians.permanent[1] + moving * changing[1]
    rho = model.cost.quality_correlation
    log_cost = model.cost.sigma * (rho * quality + np.sqrt(1.0 - rho * rho) * latent)
    variance = np.log1p(model.cost.cv**2 / np.maximum(episodes, 1.0))
    noise = np.sqrt(variance) * rng.standard_normal(n) - 0.5 * variance
    cost = model.cost.median[y] * np.exp(log_cost + noise)

    silent = practices.silent[y][at]
    rate, cases = np.empty((measures, n)), np.empty((measures, n))
    common, specific = known.spread * np.sqrt([known.clinician_share, 1 - known.clinician_share])
    extent = model.completeness
    completeness = np.where(
        rng.random((measures, n)) < extent.low_share,
        extent.low,
        extent.lowest + (1.0 - extent.lowest) * rng.random((measures, n)),
    )
    completeness[known.reported] = np.where(silent, np.nan, completeness[known.reported])
    for m in range(measures):
        z = common * quality + specific * processes[2 + m] + known.spread * known.drift * y
        count = rng.poisson(clinicians.cases_mean[m])
        cases[m] = count
        if known.proportion[m]:
            true = np.empty(n)
            knots = known.knot_rate[m].reshape(len(clinicians.members[m]), -1)
            for g, members in enumerate(clinicians.members[m]):
                true[members] = np.interp(z[members], known.knot_z, knots[g])
            np.clip(true, 0.0, known.rate_maximum[m], out=true)
            successes = rng.binomial(count, 0.01 * true)
            rate[m] = 100.0 * successes / np.maximum(cases[m], 1.0)
        else:
            true = known.normal_location[m] + known.normal_signal[m] * z
            np.clip(true, 0.0, known.rate_maximum[m], out=true)
            noise = known.normal_noise[m] / np.sqrt(np.maximum(cases[m], 1.0))
            rate[m] = np.maximum(0.0, true + noise * rng.standard_normal(n))
        rate[m, (silent | (count < 1)) if known.reported[m] else count < 1] = np.nan
    return Observed(
        rate,
        cases,
        completeness,
        clinicians.collection,
        episodes,
        cost,
        practices.activities[y][at],
        practices.interoperability[y][at],
        clinicians.practice_size,
        clinicians.hcc,
        clinicians.dual,
        clinicians.part_b[y],
        np.zeros(n),  # the place plays no part in the rule as it stands
        np.zeros(n),  # nor circumstances
        np.zeros(n),  # nor a special status
    )


# ---- the rule ----


class Scored(NamedTuple):
    """Clinicians by final score."""

    order: Ints  # those with a final score, ascending
    ordered: Floats  # their scores
    zeros: int  # the first of them


def percentiles(ordered: Floats, percents: Any) -> Any:
    """Percentiles of sorted values by linear interpolation (Hyndman-Fan 7)."""
    last = len(ordered) - 1
    h = last * np.asarray(percents) / 100.0
    k = h.astype(np.int64)
    low = ordered[k]
    return low + (h - k) * (ordered[np.minimum(k + 1, last)] - low)


def _mean_and_sd(values: Floats) -> tuple[float, float]:
    if len(values) == 0:
        return np.nan, 0.0
    mean = values.mean()
    deviation = values - mean
    if len(values) < 2 or not (values != values[0]).any():
        return float(values[0]), 0.0
    return mean, np.sqrt(deviation @ deviation / (len(values) - 1))


def _deviation_points(
    values: Floats, median: float, sd: float, curve_z: Floats, curve: Floats, anchor: float
) -> Floats:
    if not sd > 0.0:
        return np.full(len(values), anchor)
    shift = anchor - np.interp(0.0, curve_z, curve)
    points = np.interp((values - median) / sd, curve_z, curve) + shift
    return np.clip(points, curve.min(), curve.max())


def fit_and_score(
    observed: Observed, rules: Any, y: int, before: Fit | None = None
) -> tuple[Outcome, Fit, Scored]:
    """A cohort-year against its own fit.

    ``before`` is a fit of the same clinicians in a year in which all of them had a score: while
    that stays so the complex-patient moments are taken over.
    """
    measures, n = observed.rate.shape
    fit = Fit(
        np.full((measures, rules.collection_types, len(rules.decile_percentiles)), np.nan),
        np.full((measures, rules.collection_types, 2), np.nan),
        np.zeros((measures, rules.collection_types), np.bool_),
        np.full(2, np.nan),
        np.zeros((2, 3)),
        np.array([(np.nan,) * len(PAYMENT)], PAYMENT),
        np.empty(0),
        np.zeros((measures, rules.collection_types, 2)),
        np.zeros(2),
        np.ones(1, np.bool_),
    )
    points, quality, unsubmitted = _quality(observed, rules, y, fit)
    cost_points = np.full(n, np.nan)
    at = np.flatnonzero(observed.episodes >= rules.year["cost_case_minimum"][y])
    if len(at):
        values = observed.episode_cost[at]
        fit.cost_location[:] = _median(values), _mean_and_sd(values)[1]
        cost_points[at] = _deviation_points(
            values, *fit.cost_location, rules.cost_curve_z, rules.cost_curve_points,
            rules.year["cost_anchor"][y],
        )  # fmt: skip
    cost = cost_points / rules.cost_points_maximum
    activities, interoperability, small, complexity, final = _final(
        observed, rules, y, fit, before, quality, cost, unsubmitted
    )
    transformed, factor, scored = _payment(observed.part_b_payments, rules, y, fit, final)
    outcome = Outcome(
        points, quality, cost_points, cost, activities, interoperability, small, complexity, final,
        transformed, factor,
    )  # fmt: skip
    return outcome, fit, scored


def _median(values: Floats) -> float:
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    middle = np.partition(values, (half - 1, half))
    return 0.5 * float(middle[half - 1] + middle[half])


def _quality(observed: Observed, rules: Any, y: int, fit: Fit) -> tuple[Floats, Floats, Any]:
    measures, n = observed.rate.shape
    minimum = rules.year["quality_case_minimum"][y]
    known = ~np.isnan(observed.rate)
    points = np.full((measures, n), np.nan)
    must_submit, submitted = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    steps = np.arange(1.0, len(rules.decile_percentiles) + 1.0)
    for m in range(measures):
        if rules.measure_reported[m]:
            enough = ~(observed.cases[m] < minimum)
            reported = known[m] & (
                observed.completeness[m] >= rules.year["completeness_minimum"][y]
            )
            must_submit |= ~(observed.cases[m] < 1.0)
            submitted |= reported
            points[m, enough & ~reported] = rules.year["points_not_reported"][y]
            valid = enough & reported
            groups = [
                np.flatnonzero(valid & (observed.collection[m] == g))
                for g in range(rules.collection_types)
            ]
        else:
            groups = [np.flatnonzero(known[m] & (observed.cases[m] >= minimum))]
        for g, at in enumerate(groups):
            fit.has_benchmark[m, g] = len(at) >= rules.year["benchmark_minimum_clinicians"][y]
            if not fit.has_benchmark[m, g] or len(at) == 0:
                continue
            values = observed.rate[m, at]
            if rules.measure_inverse[m] == rules.measure_by_deciles[m]:
                values = -values
            if rules.measure_by_deciles[m]:
                cuts = percentiles(np.sort(values), rules.decile_percentiles)
                fit.cut_points[m, g] = cuts
                points[m, at] = np.interp(values, cuts, steps)
            else:
                fit.quality_location[m, g] = _median(values), _mean_and_sd(values)[1]
                points[m, at] = _deviation_points(
                    values, *fit.quality_location[m, g], rules.quality_curve_z,
                    rules.quality_curve_points, rules.year["quality_anchor"][y],
                )  # fmt: skip
    present = ~np.isnan(points)
    total = np.where(present, points, 0.0).sum(axis=0)
    counted = np.count_nonzero(present, axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0: no counted measure
        score = total / (rules.quality_points_maximum * counted)
    return points, score, must_submit & ~submitted


def _final(
    observed: Observed,
    rules: Any,
    y: int,
    fit: Fit,
    before: Fit | None,
    quality: Floats,
    cost: Floats,
    unsubmitted: Any,
) -> tuple[Floats, ...]:
    done = observed.improvement_activities
    done = np.where(np.isnan(done), rules.activities_blank, done).astype(np.int64)
    activities = rules.activities_adjustment[done]
    pi = observed.pi_score
    pi = np.where(np.isnan(pi), rules.interoperability_blank, pi)
    is_small = observed.practice_size <= rules.small_maximum_clinicians
    scale = np.where(is_small, rules.year["interoperability_small_scale"][y], 1.0)
    interoperability = (
        rules.year["interoperability_at_zero"][y]
        * (1.0 - pi / rules.interoperability_maximum)
        * scale
    )
    small = np.where(is_small, rules.year["small_bonus"][y], 0.0)
    small[observed.practice_size == 1.0] = rules.year["solo_bonus"][y]

    performance = rules.year["weight_quality"][y] * quality + rules.year["weight_cost"][y] * cost
    no_quality, no_cost = np.isnan(quality), np.isnan(cost)
    if rules.missing_category == MissingCategory.REWEIGHT:
        performance = np.where(no_quality, cost, np.where(no_cost, quality, performance))
    elif rules.missing_category == MissingCategory.ZERO:
        quality_only = np.where(no_cost, rules.year["weight_quality"][y] * quality, performance)
        performance = np.where(no_quality, rules.year["weight_cost"][y] * cost, quality_only)
    has_score = ~np.isnan(performance)
    base = rules.score_scale * performance + activities + interoperability + small

    if before is not None and has_score.all():
        fit.complexity[:] = before.complexity
    else:
        for moments, trait in zip(
            fit.complexity, (observed.hcc_risk_score, observed.dual_share), strict=True
        ):
            values = trait[has_score & ~np.isnan(trait)]
            moments[1:] = _mean_and_sd(values)
            moments[0] = _median(values) if len(values) else 0.0
    complexity = np.zeros(len(base))
    for moments, trait in zip(
        fit.complexity, (observed.hcc_risk_score, observed.dual_share), strict=True
    ):
        median, mean, sd = moments
        if sd > 0.0:
            slope = rules.year["complex_slope"][y] / sd
            part = np.maximum(0.0, rules.year["complex_intercept"][y] + slope * (trait - mean))
            complexity += np.where(trait >= median, part, 0.0)
    np.clip(
        complexity,
        rules.year["complex_minimum"][y],
        rules.year["complex_maximum"][y],
        out=complexity,
    )
    final = np.clip(base + complexity, rules.score_minimum, rules.score_maximum)
    final[unsubmitted & has_score] = rules.score_without_submission
    complexity[~has_score] = np.nan
    return activities, interoperability, small, complexity, final


def _payment(
    part_b: Floats, rules: Any, y: int, fit: Fit, final: Floats
) -> tuple[Floats, Floats, Scored]:
    at = np.flatnonzero(~np.isnan(final))
    order = at[np.argsort(final[at])]
    ordered = final[order]
    zeros = int(np.searchsorted(ordered, rules.score_zero, side="right"))
    if zeros < len(ordered):
        fit.payment["median"][0] = percentiles(ordered[zeros:], 50.0)
    positive = final > rules.score_zero
    logit = rules.year["steepness"][y] * (final - fit.payment["median"][0])
    transformed = np.where(positive, 1.0 / (1.0 + np.exp(-logit)), np.nan)
    who = np.flatnonzero(positive)
    weighted = transformed[who] @ part_b[who]
    base = part_b[at if rules.zero_scorers_in_pool_base else who].sum()
    share, risk = rules.year["redistribution_share"][y], rules.year["risk_level"][y]
    fit.payment["scaling_factor"][0] = share * base / weighted if weighted > 0.0 else np.nan
    fit.payment["pool"][0] = share * risk * base

    factor = np.full(len(final), rules.year["unscored_adjustment"][y])
    factor[order[:zeros]] = rules.year["zero_score_adjustment"][y] * risk
    if weighted > 0.0:
        highest = rules.year["cap"][y] * risk if risk > 0.0 else 0.0
        factor[who] = np.minimum(
            risk * fit.payment["scaling_factor"][0] * transformed[who] - risk, highest
        )
    else:
        factor[who] = 0.0
    return transformed, factor, Scored(order, ordered, zeros)


# ---- what is kept ----


def _level(
    rules: Any,
    y: int,
    observed: Observed,
    factor: Floats,
    fit: Fit,
    scored: Scored,
    part_b_later: Floats,
    paid: Floats,
    row: Floats,
) -> None:
    n, count = len(paid), len(scored.order)
    risk = rules.year["risk_level"][y]
    f, a = scored.ordered, factor[scored.order]
    everyone = observed.part_b_payments
    part_b, paid = everyone[scored.order], paid[scored.order]
    bonus, penalty = np.maximum(a, 0.0), np.maximum(-a, 0.0)
    row["final_score_mean"], row["final_score_sd"] = _moments(f)
    row["adjustment_mean"], row["adjustment_sd"] = _moments(a)
    row["final_score_median"] = percentiles(f, 50.0) if count else np.nan
    row["share_negative"] = np.count_nonzero(a < -SIGN_TOLERANCE) / count
    maximum = (a <= -risk * (1.0 - 1e-9)) & (a < 0.0)
    row["share_maximum_penalty"] = np.count_nonzero(maximum) / count
    row["share_zero_score"] = scored.zeros / count
    row["share_unscored"] = (n - count) / n
    row["median_final_score"], row["scaling_factor"] = fit.median_final_score, fit.scaling_factor
    row["incentive_pool"] = fit.incentive_pool
    row["break_even_score"] = _break_even(rules, y, fit)
    row["amount_at_risk"] = risk * part_b.sum()
    row["bonuses"], row["penalties"] = bonus @ part_b, penalty @ part_b
    row["retained_by_medicare"] = row["penalties"] - row["bonuses"]
    row["bonuses_payment_year"], row["penalties_payment_year"] = bonus @ paid, penalty @ paid
    row["retained_by_medicare_payment_year"] = (
        row["penalties_payment_year"] - row["bonuses_payment_year"]
    )
    row["part_b_payments"] = everyone.sum()
    row["retained_by_medicare_before_exits"] = -(a @ part_b_later[scored.order])
    row["programme_spending"] = 0.0  # nobody takes part in one
    for name in ("aco_bonuses", "aco_penalties", "aco_savings", "aco_shared_savings"):
        row[name] = 0.0  # nobody is in an organization


def _quantiles_and_curve(
    rules: Any,
    y: int,
    grids: Grids,
    factor: Floats,
    fit: Fit,
    scored: Scored,
    d: int,
    output: Output,
) -> None:
    risk = rules.year["risk_level"][y]
    a = factor[scored.order]
    if np.any(a[1:] < a[:-1]):  # zero scorers are not the lowest
        a = np.sort(a)
    output.quantile[d, y] = percentiles(a, grids.percents) if len(a) else np.nan
    logit = rules.year["steepness"][y] * (grids.scores - fit.payment["median"][0])
    curve = risk * fit.payment["scaling_factor"][0] / (1.0 + np.exp(-logit)) - risk
    output.curve[d, y] = np.where(
        grids.scores > rules.score_zero,
        np.minimum(curve, rules.year["cap"][y] * risk if risk > 0.0 else 0.0),
        rules.year["zero_score_adjustment"][y] * risk,
    )


def _moments(values: Floats) -> tuple[float, float]:
    if len(values) == 0:
        return np.nan, np.nan
    mean = values.mean()
    deviation = values - mean
    return mean, np.sqrt(deviation @ deviation / (len(values) - 1)) if len(values) > 1 else np.nan


def _break_even(rules: Any, y: int, fit: Fit) -> float:
    if not (fit.payment["scaling_factor"][0] > 1.0 and rules.year["steepness"][y] > 0.0):
        return np.nan
    return float(
        fit.payment["median"][0]
        - np.log(fit.payment["scaling_factor"][0] - 1.0) / rules.year["steepness"][y]
    )


def _by_group(
    group: NDArray[np.int16],
    indicator: Floats,
    outcome: Outcome,
    part_b: Floats,
    scored: Scored,
    has_score: Any,
    negative: Any,
    bottom: float,
    overall: Floats,
    rows: Floats,
) -> None:
    n = len(has_score)
    f = np.where(has_score, outcome.final_score, 0.0)
    a = np.where(has_score, outcome.payment_adjustment_factor, 0.0)
    values = np.ones((11, n))
    values[1] = has_score
    values[2] = f
    values[3] = f * f
    values[4] = a
    values[5] = a * a
    values[6] = negative
    values[7] = (a <= bottom) & (a < 0.0)
    values[8] = np.maximum(a, 0.0) * part_b
    values[9] = np.maximum(-a, 0.0) * part_b
    values[10] = part_b
    sums = indicator @ values.T  # [groups, 11]
    everyone, known, f, ff, a, aa, below, maximum, bonuses, penalties, money = sums.T
    count = np.where(known > 0.0, known, np.nan)
    degrees = np.where(known > 1.0, known - 1.0, np.nan)
    rows["clinicians"] = everyone
    rows["final_score_mean"] = f / count
    rows["final_score_sd"] = np.sqrt(np.fmax(0.0, (ff - f * f / count) / degrees))
    rows["adjustment_mean"] = a / count
    rows["adjustment_sd"] = np.sqrt(np.fmax(0.0, (aa - a * a / count) / degrees))
    rows["share_negative"] = below / count
    rows["share_maximum_penalty"] = maximum / count
    rows["share_unscored"] = (everyone - known) / np.where(everyone > 0.0, everyone, np.nan)
    rows["bonuses"], rows["penalties"], rows["part_b_payments"] = bonuses, penalties, money
    rows["final_score_median"] = np.nan
    for row in group:
        at = row[scored.order]
        sizes = np.bincount(at)
        ordered = scored.ordered[np.argsort(at, kind="stable")]  # int16: a radix sort
        present = np.flatnonzero(sizes)
        sizes = sizes[present]
        begins = np.cumsum(sizes) - sizes
        middle = ordered[begins + (sizes - 1) // 2] + ordered[begins + sizes // 2]
        rows["final_score_median"][present] = 0.5 * middle
    rows[0] = (
        n, overall["final_score_mean"], overall["final_score_sd"], overall["final_score_median"],
        overall["adjustment_mean"], overall["adjustment_sd"], overall["share_negative"],
        overall["share_maximum_penalty"], overall["share_unscored"], overall["bonuses"],
        overall["penalties"], overall["part_b_payments"],
    )  # fmt: skip


def _midranks(scored: Scored, n: int) -> Floats:
    """Midranks of the final scores; nan without one."""
    begins = np.flatnonzero(np.diff(scored.ordered, prepend=-np.inf))
    sizes = np.diff(begins, append=len(scored.ordered))
    rank = np.full(n, np.nan)
    rank[scored.order] = np.repeat(begins + 0.5 * (sizes + 1.0), sizes)
    return rank


def _year_over_year(
    factor: Floats, rank: Floats, count: int, negative: Any, memory: Memory, row: Floats
) -> None:
    row["rank_correlation"] = row["sign_change_share"] = row["adjustment_change_sd"] = np.nan
    if memory.rank is None:
        return
    both = np.flatnonzero(~np.isnan(rank + memory.rank))
    now, before = rank[both], memory.rank[both]
    row["rank_correlation"] = _correlation(now, before)
    row["sign_change_share"] = np.count_nonzero((negative != memory.negative)[both]) / len(both)
    row["adjustment_change_sd"] = _moments((factor - memory.factor)[both])[1]
    was = np.minimum(4, (5 * (before - 0.5) / memory.count).astype(np.int64))
    is_now = np.minimum(4, (5 * (now - 0.5) / count).astype(np.int64))
    memory.transitions += np.bincount(5 * was + is_now, minlength=25)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def _histograms(
    grids: Grids,
    group: NDArray[np.int16],
    outcome: Outcome,
    has_score: Any,
    dollars: Floats,
    y: int,
    output: Output,
) -> None:
    final, factor, scored_group = outcome.final_score, outcome.payment_adjustment_factor, group
    if not has_score.all():
        final, factor, scored_group = final[has_score], factor[has_score], group[:, has_score]
    for values, who, lowest, width, target in (
        (dollars, group, grids.dollars_lowest, grids.dollars_width, output.dollars_histogram),
        (factor, scored_group, grids.adjustment_lowest, grids.adjustment_width,
         output.adjustment_histogram),
        (final, scored_group, grids.score_lowest, grids.score_width, output.score_histogram),
    ):  # fmt: skip
        groups, bins = target.shape[1:]
        at = np.floor((values - lowest) / width + 1e-9)  # as in the kernel: an edge rounds up
        bin_of = (np.clip(at, -1.0, bins - 2) + 1.0).astype(np.int64)
        top = (at >= bins - 2) & (values <= lowest + (bins - 2) * width)
        bin_of[top] = bins - 2
        cells = who * np.int64(bins) + bin_of
        target[y] += np.bincount(cells.ravel(), minlength=groups * bins).reshape(groups, bins)
