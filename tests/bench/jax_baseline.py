"""A draw of one cohort in JAX, on the processor: what a user could take in place of the kernel.

The arithmetic of :mod:`tests.bench.numpy_baseline` for the rule as it stands, draws mapped over and
compiled as one, with masks in place of lists of clinicians. Counts are exact (``random.binomial``,
``random.poisson``) or rounded normal approximations. It does less than the kernel: left out are the
curve, what is held against the year before, penalty years, and most of the payment year's dollars.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE
from tests.bench.model import GRIDS, Cohort

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

Array = Any
HISTOGRAMS = ("adjustment_histogram", "score_histogram", "dollars_histogram")


class Words:
    """The variates of a draw, one block of them after the other."""

    def __init__(self, key: Array, exact: bool) -> None:
        self.key, self.exact = key, exact

    def _make(self, kind: Callable[..., Array], *of: Any) -> Array:
        self.key, key = random.split(self.key)
        return kind(key, *of)

    def normals(self, *shape: int) -> Array:
        return self._make(random.normal, shape)

    def uniforms(self, *shape: int) -> Array:
        return self._make(random.uniform, shape)

    def poisson(self, mean: Array) -> Array:
        if self.exact:
            return self._make(random.poisson, mean).astype(float)
        return jnp.maximum(0.0, jnp.round(mean + jnp.sqrt(mean) * self.normals(*mean.shape)))

    def binomial(self, count: Array, p: Array) -> Array:
        if self.exact:
            return self._make(random.binomial, count, p)
        near = count * p + jnp.sqrt(count * p * (1.0 - p)) * self.normals(*p.shape)
        return jnp.clip(jnp.round(near), 0.0, count)


def simulator(cohort: Cohort, exact: bool) -> Callable[[Array], dict[str, Any]]:
    """Of keys [D]: what an ``Output`` holds, draws first, histograms added up over the draws."""
    year = cohort.rules.year
    by_year = {name: jnp.asarray(year[name]) for name in year.dtype.names}

    def one(key: Array) -> dict[str, Any]:
        who, seen = _live(cohort, Words(key, exact))
        scored = jax.vmap(partial(_score, cohort.rules, who))(by_year, seen)
        member = (who["group"] == jnp.arange(cohort.groups)[:, None, None]).any(axis=1)
        told = jax.vmap(partial(_tell, member.at[0].set(True)))(by_year, seen, scored)
        return told | _histograms(cohort.groups, who["group"], seen["paid"], scored)

    def several(keys: Array) -> dict[str, Any]:
        result = jax.vmap(one)(keys)
        return result | {name: result[name].sum(axis=0) for name in HISTOGRAMS}

    return jax.jit(several)


def _process(shock: Array, persistence: Any) -> Array:
    """A stationary AR(1) [Y, ...] from its shocks."""
    states = [shock[0]]
    for step in shock[1:]:
        states.append(persistence * states[-1] + jnp.sqrt(1.0 - persistence**2) * step)
    return jnp.stack(states)


def _attested(of: Any, size_class: Array, years: int, words: Words) -> Array:
    """Activities and interoperability, [2, years, practices]."""
    full, done, kind, score, again = words.uniforms(5, years, len(size_class))
    credited = full < jnp.asarray(of.full_credit)[size_class]
    width = of.interoperability_highest - of.interoperability_lowest
    some = of.interoperability_lowest + width * score
    partly = jnp.where(kind < of.interoperability_zero_share, 0.0, some)
    nearly = of.full_score_lowest + (100.0 - of.full_score_lowest) * score
    whole = jnp.where(kind < of.full_score_share, 100.0, nearly)
    one = jnp.where(done < of.all_activities_share + of.one_activity_share, 1.0, 0.0)
    activities = jnp.where(credited | (done < of.all_activities_share), 2.0, one)
    drawn = jnp.stack([activities, jnp.where(credited, whole, partly)], axis=1)  # [Y, 2, P]
    kept = [drawn[0]]
    for y in range(1, years):
        kept.append(jnp.where(again[y] < of.persistence, kept[-1], drawn[y]))
    return jnp.stack(kept, axis=1)


def _live(cohort: Cohort, words: Words) -> tuple[dict[str, Array], dict[str, Array]]:
    """What clinicians are in all years, and what CMS sees of them, years first."""
    model, of = cohort.model, cohort.practices
    years, lag, at = model.performance_years, model.payment_lag, model.practice
    amount, patients, known, groups = model.volume, model.patients, model.quality, model.groups
    n, measures, count = len(at), len(known.slot), len(of.small)

    size_u, rural_u, collection_u, specialty_u = words.uniforms(4, count)
    limits, listed = of.size_limits, of.listed
    solo = size_u < of.solo_probability
    medium = (size_u < of.medium_share) & (listed <= limits[2])
    size_class = jnp.where(of.small, jnp.where(solo, 0, 1), jnp.where(medium, 2, 3))
    small_size = np.minimum(np.maximum(limits[0] + 1.0, listed), limits[1])
    large_size = jnp.maximum(jnp.where(medium, limits[1], limits[2]) + 1.0, listed)
    size = jnp.where(of.small, jnp.where(solo, 1.0, small_size), large_size)
    stays, moves = np.sqrt([known.permanent_share, 1.0 - known.permanent_share])
    shock = words.normals(2, years, count)
    of_practice = stays * words.normals(count) + moves * _process(shock[0], of.quality_persistence)
    silent = _process(shock[1], of.reporting.persistence)
    silent = (silent < jnp.asarray(of.reporting.silent_below)[size_class])[:, None, at]
    attested = _attested(of.attestation, size_class, years, words)[:, :, at]
    specialty = jnp.searchsorted(patients.specialty_cumulative[:-1], specialty_u, side="right")[at]

    volume, part_b, hcc, dual = words.normals(4, n)
    hcc_mean, hcc_sd = (jnp.asarray(v)[specialty] for v in (patients.hcc_mean, patients.hcc_sd))
    hcc_score = jnp.maximum(hcc_mean + hcc_sd * hcc, patients.hcc_floor)
    r = patients.hcc_dual_correlation
    z = patients.dual_logit_sd * (r * hcc + np.sqrt(1.0 - r * r) * dual)
    dual_share = jax.nn.sigmoid(patients.dual_logit_mean + z)
    z = amount.episodes_log_mean + amount.episodes_sigma * volume
    episodes = amount.episodes_minimum + jnp.exp(z)
    band = jnp.searchsorted(groups.episode_bands, episodes, side="right")
    fifth = jnp.searchsorted(groups.dual_limits, dual_share, side="right")
    own = (size_class[at], (rural_u < of.rural_share)[at], specialty, band, fifth)
    group = jnp.stack([first + within for first, within in zip(groups.first, own, strict=True)])
    kind = jnp.where(collection_u < of.ecqm_share, 0, 1)[at]
    shared, alone = np.sqrt([amount.cases_volume_share, 1.0 - amount.cases_volume_share])
    z = amount.cases_sigma * (shared * volume + alone * words.normals(measures, n))
    mean = jnp.exp(amount.cases_log_median[:, None] + z)
    cases = words.poisson(jnp.broadcast_to(mean, (years, measures, n)))
    r = amount.part_b_correlation
    z = amount.part_b_sigma * (r * volume + np.sqrt(1.0 - r * r) * part_b)
    logs = words.normals(model.calendar_years, n) * amount.part_b_change_sd
    logs = (amount.part_b_log_trend + logs).at[0].set(amount.part_b_log_mean + z)
    dollars = jnp.exp(jnp.cumsum(logs, axis=0))
    sd = amount.episodes_drift_sd
    drift = (sd * words.normals(years, n) - 0.5 * sd * sd).at[0].set(0.0)
    episodes = words.poisson(episodes * jnp.exp(jnp.cumsum(drift, axis=0)))
    leaves = words.uniforms(model.calendar_years, n) < model.participation.exit_share
    left = jnp.stack([leaves[y + 1 : y + lag + 1].any(axis=0) for y in range(years)])

    phi, share = np.full((2, 2 + measures, 1), [[[known.persistence]], [[known.permanent_share]]])
    phi[1], share[1] = model.cost.persistence, model.cost.permanent_share
    changing = _process(words.normals(years, 2 + measures, n), phi)
    latent = np.sqrt(share) * words.normals(2 + measures, n) + np.sqrt(1.0 - share) * changing
    shared, alone = np.sqrt([known.practice_share, 1.0 - known.practice_share])
    quality = shared * of_practice[:, at] + alone * latent[:, 0]
    rho = model.cost.quality_correlation
    log_cost = model.cost.sigma * (rho * quality + np.sqrt(1.0 - rho * rho) * latent[:, 1])
    variance = jnp.log1p(model.cost.cv**2 / jnp.maximum(episodes, 1.0))
    noise = jnp.sqrt(variance) * words.normals(years, n) - 0.5 * variance

    common, specific = known.spread * np.sqrt([known.clinician_share, 1 - known.clinician_share])
    trend = known.spread * known.drift * np.arange(years)[:, None, None]
    z = common * quality[:, None] + specific * latent[:, 2:] + trend
    collection = jnp.asarray(known.collection_of)[:, kind]
    measured = zip(range(measures), collection, z.swapaxes(0, 1), cases.swapaxes(0, 1), strict=True)
    rate = jnp.stack([_rate(known, words, *of) for of in measured], axis=1)
    low, more = words.uniforms(2, years, measures, n)
    extent = model.completeness
    complete = extent.lowest + (1.0 - extent.lowest) * more
    complete = jnp.where(low < extent.low_share, extent.low, complete)
    unseen = known.reported[:, None] & silent
    traits = jnp.stack([hcc_score, dual_share])
    who = {"group": group, "size": size[at], "collection": collection, "traits": traits,
           "trait_order": jnp.argsort(traits, axis=1)}  # fmt: skip
    unseen_rate, paid = unseen | (cases < 1.0), jnp.where(left, 0.0, dollars[lag : lag + years])
    return who, {
        "rate": jnp.where(unseen_rate, jnp.nan, rate), "cases": cases, "episodes": episodes,
        "completeness": jnp.where(unseen, jnp.nan, complete), "activities": attested[0],
        "cost": model.cost.median[:, None] * jnp.exp(log_cost + noise),
        "interoperability": attested[1], "part_b": dollars[:years], "paid": paid,
    }  # fmt: skip


def _rate(known: Any, words: Words, m: int, kind: Array, z: Array, cases: Array) -> Array:
    """Observed rates [Y, n] of measure m, of latent quality z."""
    if not known.proportion[m]:
        true = known.normal_location[m] + known.normal_signal[m] * z
        noise = known.normal_noise[m] / jnp.sqrt(jnp.maximum(cases, 1.0))
        true = jnp.clip(true, 0.0, known.rate_maximum[m])
        return jnp.maximum(0.0, true + noise * words.normals(*z.shape))
    knots, table = jnp.asarray(known.knot_z), jnp.asarray(known.knot_rate[m])
    z = jnp.clip(z, knots[0], knots[-1])
    k = jnp.clip(jnp.searchsorted(knots, z, side="right") - 1, 0, len(knots) - 2)
    below, share = table[kind * len(knots) + k], (z - knots[k]) / (knots[k + 1] - knots[k])
    true = below + share * (table[kind * len(knots) + k + 1] - below)
    p = 0.01 * jnp.clip(true, 0.0, known.rate_maximum[m])
    return 100.0 * words.binomial(cases, p) / jnp.maximum(cases, 1.0)


def _percentiles(values: Array, order: Array, at: Array, percents: Any) -> Array:
    """Of values[at], picked from the one order of all values, for sorting is dear here."""
    among = jnp.cumsum(at[order])
    count = among[-1]
    h = (count - 1) * jnp.asarray(percents) / 100.0
    k = h.astype(int)
    ends = (k, jnp.minimum(k + 1, count - 1))
    low, high = (values[order[jnp.searchsorted(among, rank + 1)]] for rank in ends)
    return jnp.where(count > 0, low + (h - k) * (high - low), jnp.nan)


def _moments(values: Array, at: Array) -> tuple[Array, Array]:
    count = jnp.count_nonzero(at)
    mean = jnp.where(at, values, 0.0).sum() / count
    squares = jnp.where(at, (values - mean) ** 2, 0.0).sum()
    return mean, jnp.sqrt(squares / (count - 1))


def _deviation_points(values: Array, at: Array, z: Any, curve: Any, anchor: Array) -> Array:
    z, curve = jnp.asarray(z), jnp.asarray(curve)
    median = _percentiles(values, jnp.argsort(values), at, 50.0)
    points = jnp.interp((values - median) / _moments(values, at)[1], z, curve)
    return jnp.clip(points + anchor - jnp.interp(0.0, z, curve), curve.min(), curve.max())


def _quality(rules: Any, collection: Array, year: Any, seen: Any) -> tuple[Array, Array]:
    """Quality score, and who had something to submit and did not."""
    must_submit = submitted = False
    total = counted = 0.0
    for m in range(len(seen["rate"])):
        rate, cases = seen["rate"][m], seen["cases"][m]
        enough, known, points = cases >= year["quality_case_minimum"], ~jnp.isnan(rate), jnp.nan
        types = [known & enough]
        if rules.measure_reported[m]:
            reported = known & (seen["completeness"][m] >= year["completeness_minimum"])
            must_submit, submitted = must_submit | (cases >= 1.0), submitted | reported
            points = jnp.where(enough & ~reported, year["points_not_reported"], jnp.nan)
            of_type = (collection[m] == g for g in range(rules.collection_types))
            types = [enough & reported & at for at in of_type]
        values = -rate if rules.measure_inverse[m] == rules.measure_by_deciles[m] else rate
        order = jnp.argsort(values) if rules.measure_by_deciles[m] else None
        for at in types:
            if rules.measure_by_deciles[m]:
                cuts = _percentiles(values, order, at, rules.decile_percentiles)
                k = jnp.searchsorted(cuts, values, side="right")  # jnp.interp has ties otherwise
                low, high = cuts[jnp.maximum(k - 1, 0)], cuts[jnp.minimum(k, len(cuts) - 1)]
                share = jnp.where((k > 0) & (k < len(cuts)), (values - low) / (high - low), 0.0)
                given = jnp.maximum(k, 1) + share
            else:
                z, curve = rules.quality_curve_z, rules.quality_curve_points
                given = _deviation_points(values, at, z, curve, year["quality_anchor"])
            usable = jnp.count_nonzero(at) >= year["benchmark_minimum_clinicians"]
            points = jnp.where(at & usable, given, points)
        total, counted = total + jnp.nan_to_num(points), counted + ~jnp.isnan(points)
    return total / (rules.quality_points_maximum * counted), must_submit & ~submitted


def _score(rules: Any, who: Any, year: Any, seen: Any) -> dict[str, Array]:
    quality, unsubmitted = _quality(rules, who["collection"], year, seen)
    at = seen["episodes"] >= year["cost_case_minimum"]
    z, curve = rules.cost_curve_z, rules.cost_curve_points
    cost = _deviation_points(seen["cost"], at, z, curve, year["cost_anchor"])
    cost = jnp.where(at, cost / rules.cost_points_maximum, jnp.nan)
    base = jnp.asarray(rules.activities_adjustment)[seen["activities"].astype(int)]
    is_small = who["size"] <= rules.small_maximum_clinicians
    scale = jnp.where(is_small, year["interoperability_small_scale"], 1.0)
    lacking = 1.0 - seen["interoperability"] / rules.interoperability_maximum
    bonus = jnp.where(is_small, year["small_bonus"], 0.0)
    base += year["interoperability_at_zero"] * lacking * scale
    base += jnp.where(who["size"] == 1.0, year["solo_bonus"], bonus)
    both = year["weight_quality"] * quality + year["weight_cost"] * cost
    performance = jnp.where(jnp.isnan(both), jnp.where(jnp.isnan(quality), cost, quality), both)
    has_score, complexity = ~jnp.isnan(performance), 0.0
    for trait, order in zip(who["traits"], who["trait_order"], strict=True):
        mean, sd = _moments(trait, has_score)
        part = year["complex_intercept"] + year["complex_slope"] * (trait - mean) / sd
        least = _percentiles(trait, order, has_score, 50.0)
        complexity += jnp.where(trait >= least, jnp.maximum(0.0, part), 0.0)
    complexity = jnp.clip(complexity, year["complex_minimum"], year["complex_maximum"])
    final = rules.score_scale * performance + base + complexity
    final = jnp.clip(final, rules.score_minimum, rules.score_maximum)
    final = jnp.where(unsubmitted & has_score, rules.score_without_submission, final)
    order = jnp.argsort(final)  # those without a score last
    zero, positive = final <= rules.score_zero, final > rules.score_zero
    median = _percentiles(final, order, positive, 50.0)
    transformed = jax.nn.sigmoid(year["steepness"] * (final - median))
    pays, risk = has_score if rules.zero_scorers_in_pool_base else positive, year["risk_level"]
    shared = year["redistribution_share"] * jnp.where(pays, seen["part_b"], 0.0).sum()
    scaling = shared / (jnp.where(positive, transformed, 0.0) @ seen["part_b"])
    factor = jnp.minimum(risk * scaling * transformed - risk, year["cap"] * risk)
    factor = jnp.where(zero, year["zero_score_adjustment"] * risk, factor)
    factor = jnp.where(has_score, factor, year["unscored_adjustment"])
    return {"final": final, "factor": factor, "order": order, "median": median, "zero": zero,
            "scaling": scaling, "pool": shared * risk}  # fmt: skip


def _tell(member: Array, year: Any, seen: Any, scored: Any) -> dict[str, Any]:
    """Statistics of one year by group, of which group 0 is everyone, and the ranks."""
    final, factor, part_b = scored["final"], scored["factor"], seen["part_b"]
    has_score, risk = ~jnp.isnan(final), year["risk_level"]
    f, a = jnp.nan_to_num(final), jnp.where(has_score, factor, 0.0)
    lowest = (a <= -risk * (1.0 - 1e-9)) & (a < 0.0)
    paid, negative = (jnp.maximum(sign * a, 0.0) * part_b for sign in (1, -1)), a < -SIGN_TOLERANCE
    each = (has_score, f, f * f, a, a * a, negative, lowest, scored["zero"], *paid, part_b)
    everyone = jnp.count_nonzero(member, axis=1)
    sums = jnp.stack(each) @ member.astype(float).T
    scorers, f, ff, a, aa, negative, lowest, zero, bonuses, penalties, dollars = sums
    count = jnp.where(scorers > 0.0, scorers, jnp.nan)
    degrees = jnp.where(scorers > 1.0, scorers - 1.0, jnp.nan)
    median = jax.vmap(lambda at: _percentiles(final, scored["order"], at & has_score, 50.0))(member)
    by_group = {
        "clinicians": everyone, "final_score_mean": f / count,
        "final_score_sd": jnp.sqrt(jnp.maximum(0.0, (ff - f * f / count) / degrees)),
        "final_score_median": median, "adjustment_mean": a / count,
        "adjustment_sd": jnp.sqrt(jnp.maximum(0.0, (aa - a * a / count) / degrees)),
        "share_negative": negative / count, "share_maximum_penalty": lowest / count,
        "share_unscored": (everyone - scorers) / everyone, "bonuses": bonuses,
        "penalties": penalties, "part_b_payments": dollars,
    }  # fmt: skip
    yearly = {name: numbers[0] for name, numbers in by_group.items() if name != "clinicians"} | {
        "share_zero_score": zero[0] / count[0], "median_final_score": scored["median"],
        "scaling_factor": scored["scaling"], "incentive_pool": scored["pool"],
        "amount_at_risk": risk * jnp.where(has_score, part_b, 0.0).sum(),
        "retained_by_medicare": penalties[0] - bonuses[0],
    }  # fmt: skip
    quantile = _percentiles(factor, scored["order"], has_score, GRIDS.percents)  # as it ascends
    return {"yearly": yearly, "by_group": by_group, "quantile": quantile}


def _histograms(groups: int, group: Array, paid: Array, scored: Any) -> dict[str, Array]:
    """Counts [Y, groups, bins]."""
    final, factor, g = scored["final"], scored["factor"], GRIDS

    def counts(lowest: float, width: float, bins: int, values: Array, counted: Array) -> Array:
        at = jnp.floor((values - lowest) / width + 1e-9)
        top = (at >= bins - 2) & (values <= lowest + (bins - 2) * width)
        into = jnp.where(top, bins - 2, jnp.clip(at, -1.0, bins - 2.0) + 1.0).astype(int)
        cells, weights = group * bins + into, jnp.broadcast_to(counted, group.shape).astype(int)
        total = jnp.bincount(cells.ravel(), weights.ravel(), length=groups * bins)
        return total.reshape(groups, bins)

    has_score, dollars = ~jnp.isnan(final), jnp.cumsum(factor * paid, axis=0)
    values = (factor, jnp.nan_to_num(final), dollars)
    counted = (has_score, has_score, jnp.ones_like(has_score))
    of = zip(HISTOGRAMS, (g[2:5], g[5:8], g[8:]), values, counted, strict=True)
    return {name: jax.vmap(partial(counts, *grid))(v, c) for name, grid, v, c in of}
