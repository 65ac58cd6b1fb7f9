"""How well clinicians do: true rates of measures and true costs, and who gets better.

The published SD of a measure across clinicians holds signal and noise. With reliability
n / (n + kappa) at n episodes and a published SD, the signal variance is
tau^2 = SD^2 / (1 + kappa E[1/n]), the expectation over the clinicians that are measured.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from asm_sim import same_bits
from asm_sim.errors import InputError
from asm_sim.kernels.world.performance import CostModel, ImprovementModel, QualityModel
from asm_sim.parameters import Count, Number, Numbers, Shifts, Strict
from asm_sim.population.volume import EXACT, Cases, Episodes
from asm_sim.rules.schema import Measure, RuleSet
from asm_sim.same import Same
from asm_sim.special_functions import betaincinv, gammaln, ndtr, ndtri

Floats = NDArray[np.float64]

_QUANTILES = 400
_SUMMED_UP_TO = 300.0
_STEP = 0.25  # between the roots of means about which sums are known
_TERMS = 16
_RARE = 1e-6
_NOBODY = "nobody has as many"


class Distribution(Strict):
    """True rates of one measure by one collection type: percentiles, or a beta distribution."""

    percentiles: Numbers | None = None
    mean: Number | None = None
    sd: Number | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        beta = self.mean is not None and self.sd is not None
        either = self.mean is not None or self.sd is not None
        if (self.percentiles is None) == (not either) or (either and not beta):
            raise ValueError("give either percentiles, or mean and sd of a beta distribution")
        if (
            self.percentiles is not None
            and sorted(self.percentiles.value) != self.percentiles.value
        ):
            raise ValueError("percentiles must not descend")
        if self.mean is not None and self.sd is not None:
            share = self.mean.value / 100
            if not 0 < (self.sd.value / 100) ** 2 < share * (1 - share):
                raise ValueError("no beta distribution has this mean and sd")
        return self


class Normal(Strict):
    """True rates that are normal across clinicians, with noise known by its reliability."""

    location: Number
    sd: Number
    reliability: Number
    reliability_cases: Number
    minimum_cases: Number


class MeasurePerformance(Strict):
    slot: Count
    cases_median: Number
    level_shift: dict[str, Shifts] | None = None  # by collection type
    distributions: dict[str, Distribution] | None = None
    normal: Normal | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.distributions is None) == (self.normal is None):
            raise ValueError("give either distributions (proportions) or normal (other rates)")
        known = self.distributions
        for kind in self.level_shift or {}:
            if kind not in (["administrative_claims"] if known is None else known):
                raise ValueError(f"level_shift.{kind}: the measure has no such collection type")
        return self


class Quality(Strict):
    percentile_probabilities: Numbers
    clinician_share: Number
    practice_share: Number
    permanent_share: Number
    persistence: Number
    drift: Number
    spread: Number
    measures: dict[str, MeasurePerformance]

    @model_validator(mode="after")
    def _as_many_percentiles(self) -> Self:
        probabilities = self.percentile_probabilities.value
        if len(probabilities) < 2 or sorted(set(probabilities)) != probabilities:
            raise ValueError("percentile_probabilities must ascend, two or more")
        for name, measure in self.measures.items():
            for kind, distribution in (measure.distributions or {}).items():
                given = distribution.percentiles
                if given is not None and len(given.value) != len(probabilities):
                    raise ValueError(
                        f"measures.{name}.distributions.{kind}.percentiles: "
                        f"expected {len(probabilities)} numbers, got {len(given.value)}"
                    )
        return self


class Cost(Strict):
    base_year: Count
    mean: dict[str, Number]
    sd: dict[str, Number]
    trend: dict[str, Number]
    reliability_at_20: dict[str, Number]
    reliability_episodes: Number
    minimum_cases: Number
    permanent_share: Number
    persistence: Number
    correlation_with_quality: Number


class Improvement(Strict):
    """A lever: some clinicians get better every year, in every measure and in cost."""

    share: Number
    per_year: Number


def compile_quality(quality: Quality, cases: Cases, rules: RuleSet, cohort: str) -> QualityModel:
    """True rates of one cohort's measures, of which clinicians have so many ``cases``."""
    names = rules.cohorts[cohort].quality_measures.value
    normals = np.zeros((3, len(names)))
    parts: list[Any] = []
    for m, name in enumerate(names):
        entry, rule = quality.measures[name], rules.measures[name]
        parts += (rule, entry.slot, entry.distributions, entry.level_shift)
        if entry.normal is not None:
            better = -1.0 if rule.inverse.value else 1.0
            normals[:, m] = _normal(name, entry.normal, entry.cases_median.value, cases, better)
    location, signal, noise = normals
    types, probabilities = rules.quality.collection_types, quality.percentile_probabilities
    return QualityModel(
        **_of_measures(Same(types, probabilities, rules.performance_years, *parts)),
        normal_location=location,
        normal_signal=signal,
        normal_noise=noise,
        clinician_share=quality.clinician_share.value,
        practice_share=quality.practice_share.value,
        permanent_share=quality.permanent_share.value,
        persistence=quality.persistence.value,
        spread=quality.spread.value,
        drift=quality.drift.value,
    )


@lru_cache(maxsize=16)
def _of_measures(of: Same) -> dict[str, NDArray[Any]]:
    """What the measures have that a draw mostly leaves as it is, so that it is made once."""
    types, probabilities, years, *parts = of.objects
    rules, slots, distributions, level_shifts = (parts[k::4] for k in range(4))
    wanted = np.array(probabilities.value) / 100
    by_type = [
        _by_type(rule, known, types.value, wanted)
        for rule, known in zip(rules, distributions, strict=True)
    ]
    shift = np.array(
        [
            _level_shift(rule, given or {}, types.value, years.value)
            for rule, given in zip(rules, level_shifts, strict=True)
        ]
    )
    proportion = np.array([known is not None for known in distributions])
    return {
        "slot": np.array([slot.value for slot in slots], dtype=np.int64),
        "reported": np.array([rule.reported for rule in rules]),
        "collection_of": np.array([collection for collection, _ in by_type]),
        "proportion": proportion,
        "knot_z": ndtri(wanted),
        "knot_rate": np.array([rates.ravel() for _, rates in by_type]),
        "shifts_level": (shift != 0).any(axis=(1, 2)),
        "level_shift": shift,
        "rate_maximum": np.where(proportion, 100.0, np.inf),  # percent
    }


def _by_type(
    rule: Measure, known: dict[str, Distribution] | None, types: list[str], probabilities: Floats
) -> tuple[NDArray[np.int8], Floats]:
    """By collection type, as which a measure counts [G], and its rates at the knots [G, K].

    Rates that are not proportions have none.
    """
    offered = [kind for kind in types if kind in rule.collection_types.value]
    collection_of = np.zeros(len(types), dtype=np.int8)
    rates = np.zeros((len(types), len(probabilities)))
    for g, kind in enumerate(types):
        used = kind if kind in offered or not offered else offered[0]
        collection_of[g] = types.index(used) if rule.reported else 0
        if known is not None:
            distribution = known[used] if used in known else next(iter(known.values()))
            rates[collection_of[g]] = rates_by_quality(
                percentiles(distribution, probabilities), rule.inverse.value
            )
    return collection_of, rates


def _normal(
    name: str, normal: Normal, cases_median: float, cases: Cases, better: float
) -> tuple[float, float, float]:
    """Location, change of the rate per SD of quality, and SD of the noise of one case."""
    ratio = kappa(normal.reliability.value, normal.reliability_cases.value)
    minimum, exact = normal.minimum_cases.value, cases.counts.value == EXACT
    try:
        inverse = mean_inverse_count(0.0, math.log(cases_median), cases.sigma.value, minimum, exact)
    except ValueError:
        path = f"population.quality.measures.{name}"
        raise InputError(
            f"{path}.normal.minimum_cases: nobody has {minimum:g} cases, so that the spread of "
            f"the rates would be that of nobody; give fewer, or more in {path}.cases_median"
        ) from None
    tau = signal_sd(normal.sd.value, ratio, inverse)
    return normal.location.value, better * tau, math.sqrt(ratio) * tau


def _level_shift(
    rule: Measure, given: dict[str, Shifts], types: list[str], years: list[int]
) -> Floats:
    """What is added to the true rates, [Y, G]; a claims measure has the first type alone."""
    result = np.zeros((len(years), len(types)))
    for kind, shift in given.items():
        if not shift.value or (rule.reported and kind not in types):
            continue  # nobody reports by it
        g = types.index(kind) if rule.reported else 0
        result[:, g] = [shift.at(year) for year in years]
    return result


def compile_cost(cost: Cost, episodes: Episodes, years: list[int], cohort: str) -> CostModel:
    """True cost of an episode in one cohort and these performance years."""
    mean, sd = cost.mean[cohort].value, cost.sd[cohort].value
    ratio = kappa(cost.reliability_at_20[cohort].value, cost.reliability_episodes.value)
    minimum, exact = cost.minimum_cases.value, episodes.counts.value == EXACT
    try:
        inverse = mean_inverse_count(
            episodes.minimum.value,
            episodes.log_mean(cohort),
            episodes.sigma.value,
            minimum,
            exact,
        )
    except ValueError:
        raise InputError(
            f"population.cost.minimum_cases: nobody in cohort {cohort!r} has {minimum:g} "
            "episodes, so that the spread of cost would be that of nobody; give fewer, or more "
            f"in population.episodes.mean.{cohort}"
        ) from None
    tau = signal_sd(sd, ratio, inverse)
    median = mean / math.sqrt(1 + (tau / mean) ** 2)
    growth = 1 + cost.trend[cohort].value
    return CostModel(
        median=np.array([median * growth ** (year - cost.base_year.value) for year in years]),
        sigma=math.sqrt(math.log1p((tau / mean) ** 2)),
        cv=math.sqrt(ratio) * tau / mean,
        permanent_share=cost.permanent_share.value,
        persistence=cost.persistence.value,
        quality_correlation=cost.correlation_with_quality.value,
    )


def compile_improvement(improvement: Improvement) -> ImprovementModel:
    """Who gets better every year."""
    return ImprovementModel(share=improvement.share.value, per_year=improvement.per_year.value)


def kappa(reliability: float, at: float) -> float:
    """Episodes (cases) at which signal and noise are equally large."""
    return at * (1 - reliability) / reliability


def mean_inverse_count(
    lowest_mean: float, log_mean: float, sigma: float, minimum: float, exact: bool = False
) -> float:
    """E[1/n | n >= minimum] for n Poisson about lowest_mean + lognormal(log_mean, sigma).

    With ``exact``, n is that mean rounded. Raises ``ValueError`` where nobody has as many.
    """
    means = lowest_mean + math.exp(log_mean) * _spread(sigma)
    if exact:
        known = np.floor(means + 0.5)
        known = known[known >= max(1.0, minimum)]
        if len(known) == 0:
            raise ValueError(_NOBODY)
        return float((1 / known).mean())
    few = means[means <= _SUMMED_UP_TO]
    first = max(1, math.ceil(minimum))
    total, inverse = _poisson_sums(few, first)
    if total < _RARE:
        total, inverse = _rare_sums(few, first)
    many = means[means > _SUMMED_UP_TO]
    enough = ndtr((many + 0.5 - minimum) / np.sqrt(many))  # all but surely, for usual minimums
    inverse = float(inverse + (enough * (1 / many + 1 / many**2 + 2 / many**3)).sum())
    total += float(enough.sum())
    if not total > 0.0:
        raise ValueError(_NOBODY)
    return inverse / total


@lru_cache(maxsize=8)  # of a draw: cohorts share it
def _spread(sigma: float) -> Floats:
    """A lognormal's quantiles over its median; those below are what those above are to one."""
    above = same_bits.exp(sigma * _upper_normal_quantiles())
    return np.concatenate([1.0 / above[::-1], above])


@cache
def _upper_normal_quantiles() -> Floats:
    return np.asarray(ndtri((np.arange(_QUANTILES // 2, _QUANTILES) + 0.5) / _QUANTILES))


def _poisson_sums(means: Floats, first: int) -> tuple[float, float]:
    """Sums over means and the counts from ``first`` on: of Poisson masses, and of mass over count.

    ``means`` ascend. This is done in every open draw; by Taylor series it takes a twentieth of the
    time of adding all up.
    """
    if len(means) == 0:
        return 0.0, 0.0
    nearest = np.rint(np.sqrt(means) / _STEP).astype(np.int64)
    begins = np.flatnonzero(np.concatenate([[True], nearest[1:] != nearest[:-1]]))
    powers = np.empty((_TERMS, len(means)))
    powers[0] = 1.0
    powers[1] = means - (_STEP * nearest) ** 2
    for k in range(2, _TERMS):
        np.multiply(powers[k - 1], powers[1], out=powers[k])
    powers = np.add.reduceat(powers, begins, axis=1)
    total, inverse = (_poisson_series(first)[:, :, nearest[begins]] * powers).sum(axis=(1, 2))
    return float(total), float(inverse)


@cache
def _poisson_series(first: int) -> Floats:
    """Taylor coefficients [2, terms, means] of both sums about means with evenly spaced roots.

    A derivative by the mean of what is expected of f(count) is what is expected of its difference,
    f(count + 1) - f(count).
    """
    roots = np.arange(round(math.sqrt(_SUMMED_UP_TO) / _STEP) + 1, dtype=np.float64)
    means = np.square(_STEP * roots)
    counts = np.arange(2 * _SUMMED_UP_TO + _TERMS)
    values = np.stack([counts >= first, (counts >= first) / np.maximum(counts, 1.0)])
    mass = _masses(means[1:], counts[:-_TERMS])
    result = np.empty((2, _TERMS, len(means)))
    for k in range(_TERMS):
        known = np.diff(values, k)[:, : len(counts) - _TERMS] / math.factorial(k)
        result[:, k, 1:] = same_bits.products(known, mass)
        result[:, k, 0] = known[:, 0]  # nothing but zeros about a mean of 0
    return result


def _masses(means: Floats, counts: Floats) -> Floats:
    """Poisson masses, [means, counts]."""
    log_factorials = np.asarray(gammaln(counts + 1.0))
    return same_bits.exp(
        counts * same_bits.log(means)[:, np.newaxis] - means[:, np.newaxis] - log_factorials
    )


def _rare_sums(means: Floats, first: int) -> tuple[float, float]:
    """The same sums where hardly anybody has so many, so that a series would lose digits."""
    counts = np.arange(first, 2 * int(_SUMMED_UP_TO) + 1, dtype=np.float64)
    mass = _masses(means, counts)
    return float(mass.sum()), float((mass / counts).sum())


def signal_sd(sd: float, noise_ratio: float, inverse_count: float) -> float:
    """SD of true performance: tau from the published SD, kappa and E[1/n]."""
    return sd / math.sqrt(1 + noise_ratio * inverse_count)


def percentiles(distribution: Distribution, probabilities: Floats) -> Floats:
    """Rates in percent at the given probabilities (fractions, ascending)."""
    if distribution.percentiles is not None:
        return np.array(distribution.percentiles.value, dtype=np.float64)
    assert distribution.mean is not None
    assert distribution.sd is not None
    mean, sd = distribution.mean.value / 100, distribution.sd.value / 100
    size = mean * (1 - mean) / sd**2 - 1
    return np.asarray(100 * betaincinv(mean * size, (1 - mean) * size, probabilities))


def rates_by_quality(rates: Floats, inverse: bool) -> Floats:
    """Rates at ascending latent quality: better is higher, or lower for an inverse measure."""
    return rates[::-1].copy() if inverse else rates
