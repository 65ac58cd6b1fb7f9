"""One cohort in one performance year: fit, then score.

``fit`` yields what the rule takes from the cohort as a whole: benchmarks, complex-patient moments,
final scores above zero and scaling factor. ``score`` applies it to clinicians: those that were
fitted (the ordinary rule) or others, which then weigh nothing in what they are compared with.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from asm_sim.reference import cost, final_score, modifiers, payment, quality
from asm_sim.reference.benchmarks import Standard, own_standard, standard_in_use
from asm_sim.reference.deviation import DeviationBenchmark
from asm_sim.reference.modifiers import Moments
from asm_sim.reference.peers import peer_group
from asm_sim.reference.pooling import pool_practices
from asm_sim.reference.rows import Clinician, Row, read_row
from asm_sim.rules.schema import RuleSet


@dataclass(frozen=True)
class Fit:
    """What one cohort in one performance year is compared with; ``None`` where it has none.

    quality_benchmarks  by (measure, collection type); a group that is too small is not there
    cost_benchmark      median and SD of the cost per episode, USD
    hcc_risk_score, dual_share  complex-patient moments
    positive_scores     final scores above zero, and their median and mean
    incentive_pool      USD of the performance year
    scaling_factor      S of 512.750(c)(1)(iv)
    """

    quality_benchmarks: quality.Benchmarks
    cost_benchmark: DeviationBenchmark | None
    hcc_risk_score: Moments | None
    dual_share: Moments | None
    positive_scores: payment.PositiveScores
    incentive_pool: float | None
    scaling_factor: float | None

    @property
    def median_final_score(self) -> float | None:
        """Over final scores above zero, points."""
        return self.positive_scores.median


@dataclass(frozen=True)
class Earlier:
    """What earlier performance years of a cohort leave to a year.

    standards   the benchmarks that the cohort made, by performance year
    own_scores  final scores by themselves, by clinician: of one year before, of two years before,
                and so on
    """

    standards: Mapping[int, Standard] = field(default_factory=dict)
    own_scores: tuple[Mapping[Any, float | None], ...] = ()


@dataclass(frozen=True)
class Performance:
    """What a clinician achieved in the two categories; ``None`` where it is not scored."""

    clinician: Clinician
    measure_points: dict[str, float | None]
    quality_score: float | None
    cost_points: float | None
    cost_score: float | None
    combined: float | None


def fit(
    rows: Iterable[Row],
    rules: RuleSet,
    cohort: str,
    performance_year: int,
    earlier: Earlier | None = None,
) -> Fit:
    """The fit of a group of peers, which by the rule is the cohort (42 CFR 512.725 to 512.750).

    ``rows`` have the input columns of the wide table. ``earlier`` is what the years before leave to
    this one; without it this is the first. Raises ``ValueError`` for an unknown cohort
    or performance year and for a row that the rule cannot be applied to.
    """
    clinicians = read_cohort(rows, rules, cohort, performance_year)
    standard = standard_in_use(
        own_standard(clinicians, rules, cohort, performance_year),
        rules,
        cohort,
        performance_year,
        (earlier or Earlier()).standards,
    )
    quality_benchmarks, cost_benchmark = standard.quality, standard.cost
    performances = [
        performance_of(clinician, quality_benchmarks, cost_benchmark, rules, performance_year)
        for clinician in clinicians
    ]
    with_final_score = [one.clinician for one in performances if one.combined is not None]
    hcc_risk_score = modifiers.fit_moments(one.hcc_risk_score for one in with_final_score)
    dual_share = modifiers.fit_moments(one.dual_share for one in with_final_score)
    own = []
    for one in performances:
        adjustments = adjustments_of(
            one.clinician, hcc_risk_score, dual_share, rules, performance_year
        )
        score = final_score.final_score(
            one.clinician, one.combined, sum(adjustments.values()), rules, performance_year
        )
        own.append((one.clinician, score))
    paid = fit_paid(own, rules, performance_year, earlier)
    return Fit(
        quality_benchmarks=quality_benchmarks,
        cost_benchmark=cost_benchmark,
        hcc_risk_score=hcc_risk_score,
        dual_share=dual_share,
        positive_scores=paid.positive_scores,
        incentive_pool=paid.incentive_pool,
        scaling_factor=paid.scaling_factor,
    )


def fit_paid(
    own: Iterable[tuple[Clinician, float | None]],
    rules: RuleSet,
    performance_year: int,
    earlier: Earlier | None = None,
) -> payment.PaymentFit:
    """The part of a fit that final scores by themselves make: what is exchanged, and for what."""
    scored = []
    for clinician, own_score in own:
        score = final_score.exchanged_score(own_score, own_scores_before(clinician, earlier), rules)
        if score is not None:
            scored.append(
                payment.ScoredPayment(score, clinician.part_b_payments, clinician.episodes)
            )
    return payment.fit_payment(scored, rules, performance_year)


def score(
    rows: Iterable[Row],
    fitted: Fit,
    rules: RuleSet,
    cohort: str,
    performance_year: int,
    earlier: Earlier | None = None,
) -> list[dict[str, Any]]:
    """The output columns of the wide table for each row, in input order; ``None`` is blank.

    Points are 0-10 per measure, adjustments and scores in points, category scores in [0, 1], the
    adjustment factor a fraction of Part B payments, its change in USD. The rows need not be those
    that were fitted: a measure (quality or cost) for which the fit has no benchmark is excluded,
    and where the fit has no scaling factor a final score above zero gets an adjustment of 0 (its
    transformed score is blank where the exchange function needs scores and the fit has none).
    Raises ``ValueError`` as :func:`fit`.
    """
    return [
        score_clinician(clinician, fitted, rules, performance_year, earlier)
        for clinician in read_cohort(rows, rules, cohort, performance_year)
    ]


def own_scores(
    rows: Iterable[Row], fitted: Fit, rules: RuleSet, cohort: str, performance_year: int
) -> dict[Any, float | None]:
    """Final scores of a performance year by themselves, by clinician: what averages are made of."""
    scores = {}
    for clinician in read_cohort(rows, rules, cohort, performance_year):
        achieved = performance_of(
            clinician, fitted.quality_benchmarks, fitted.cost_benchmark, rules, performance_year
        )
        adjustments = adjustments_of(
            clinician, fitted.hcc_risk_score, fitted.dual_share, rules, performance_year
        )
        scores[clinician.clinician_id] = final_score.final_score(
            clinician, achieved.combined, sum(adjustments.values()), rules, performance_year
        )
    return scores


def score_cohort(
    rows: Iterable[Row],
    rules: RuleSet,
    cohort: str,
    performance_year: int,
    earlier: Earlier | None = None,
) -> list[dict[str, Any]]:
    """The ordinary rule: every group of peers scored against its own fit.

    Returns and raises as both.
    """
    rows = list(rows)
    results: list[dict[str, Any]] = [{} for _ in rows]
    for places in groups_of_peers(rows, rules, cohort, performance_year):
        peers = [rows[place] for place in places]
        fitted = fit(peers, rules, cohort, performance_year, earlier)
        scored = score(peers, fitted, rules, cohort, performance_year, earlier)
        for place, result in zip(places, scored, strict=True):
            results[place] = result
    return results


def groups_of_peers(
    rows: list[Row], rules: RuleSet, cohort: str, performance_year: int
) -> Iterable[list[int]]:
    """The places of the rows of each group of peers."""
    groups: dict[Hashable, list[int]] = {}
    for place, clinician in enumerate(read_cohort(rows, rules, cohort, performance_year)):
        groups.setdefault(peer_group(clinician, rules), []).append(place)
    return groups.values()


def score_years(
    tables: Mapping[int, list[Row]], rules: RuleSet, cohort: str
) -> dict[int, list[dict[str, Any]]]:
    """A cohort through its performance years, each with what the years before leave to it.

    A performance year without a table is one in which nobody has a final score.
    """
    results: dict[int, list[dict[str, Any]]] = {}
    earlier = Earlier()
    for year in sorted({*rules.years, *tables}):
        own: dict[Any, float | None] = {}
        if year in tables:
            results[year] = score_cohort(tables[year], rules, cohort, year, earlier)
            for places in groups_of_peers(tables[year], rules, cohort, year):
                peers = [tables[year][place] for place in places]
                fitted = fit(peers, rules, cohort, year, earlier)
                own |= own_scores(peers, fitted, rules, cohort, year)
            clinicians = read_cohort(tables[year], rules, cohort, year)
            made = own_standard(clinicians, rules, cohort, year)
            earlier = replace(earlier, standards={**earlier.standards, year: made})
        earlier = replace(earlier, own_scores=(own, *earlier.own_scores))
    return results


def own_scores_before(clinician: Clinician, earlier: Earlier | None) -> list[float | None]:
    """The clinician's own final scores of the years before, the latest first."""
    years = () if earlier is None else earlier.own_scores
    return [scores.get(clinician.clinician_id) for scores in years]


def read_cohort(
    rows: Iterable[Row], rules: RuleSet, cohort: str, performance_year: int
) -> list[Clinician]:
    """The clinicians of some rows as they are scored: pooled where practices are.

    Raises ``ValueError`` as :func:`fit`.
    """
    if cohort not in rules.cohorts:
        raise ValueError(f"no cohort {cohort!r}; the rule set has {', '.join(rules.cohorts)}")
    if performance_year not in rules.years:
        raise ValueError(f"{performance_year} is not a performance year of the rule set")
    return pool_practices([read_row(row, rules, cohort) for row in rows], rules, cohort)


def performance_of(
    clinician: Clinician,
    quality_benchmarks: quality.Benchmarks,
    cost_benchmark: DeviationBenchmark | None,
    rules: RuleSet,
    performance_year: int,
) -> Performance:
    """What a clinician achieves against these benchmarks."""
    measure_points = {
        name: quality.measure_points(clinician, name, quality_benchmarks, rules, performance_year)
        for name in clinician.measures
    }
    quality_score = quality.quality_score(measure_points, rules)
    cost_points = cost.cost_points(clinician, cost_benchmark, rules, performance_year)
    cost_score = cost.cost_score(cost_points, rules)
    return Performance(
        clinician=clinician,
        measure_points=measure_points,
        quality_score=quality_score,
        cost_points=cost_points,
        cost_score=cost_score,
        combined=final_score.combined_categories(
            quality_score, cost_score, rules, performance_year
        ),
    )


def adjustments_of(
    clinician: Clinician,
    hcc_risk_score: Moments | None,
    dual_share: Moments | None,
    rules: RuleSet,
    performance_year: int,
) -> dict[str, float]:
    """The four adjustments of the final score, by their output columns."""
    return {
        "improvement_activities_adjustment": modifiers.improvement_activities_adjustment(
            clinician, rules, performance_year
        ),
        "promoting_interoperability_adjustment": modifiers.promoting_interoperability_adjustment(
            clinician, rules, performance_year
        ),
        "small_practice_adjustment": modifiers.small_practice_adjustment(
            clinician, rules, performance_year
        ),
        "complex_patient_adjustment": modifiers.complex_patient_adjustment(
            clinician, hcc_risk_score, dual_share, rules, performance_year
        ),
    }


def score_clinician(
    clinician: Clinician,
    fitted: Fit,
    rules: RuleSet,
    performance_year: int,
    earlier: Earlier | None = None,
) -> dict[str, Any]:
    """The output columns of one clinician, as :func:`score` has them."""
    achieved = performance_of(
        clinician, fitted.quality_benchmarks, fitted.cost_benchmark, rules, performance_year
    )
    adjustments = adjustments_of(
        clinician, fitted.hcc_risk_score, fitted.dual_share, rules, performance_year
    )
    own = final_score.final_score(
        clinician, achieved.combined, sum(adjustments.values()), rules, performance_year
    )
    shown: dict[str, float | None] = dict(adjustments)
    if own is None:
        shown["complex_patient_adjustment"] = None
    return {
        "clinician_id": clinician.clinician_id,
        **{f"{name.lower()}_points": points for name, points in achieved.measure_points.items()},
        "quality_score": achieved.quality_score,
        "cost_points": achieved.cost_points,
        "cost_score": achieved.cost_score,
        **shown,
        **pay_clinician(clinician, own, fitted, rules, performance_year, earlier),
    }


def pay_clinician(
    clinician: Clinician,
    own: float | None,
    fitted: Fit,
    rules: RuleSet,
    performance_year: int,
    earlier: Earlier | None = None,
) -> dict[str, float | None]:
    """The output columns from the final score on, for a final score of the year by itself."""
    score = final_score.exchanged_score(own, own_scores_before(clinician, earlier), rules)
    transformed = None
    if score is not None and not final_score.counts_as_zero(score, rules):
        positive_scores = fitted.positive_scores
        if not payment.is_neutral(
            score, clinician.episodes, positive_scores, rules, performance_year
        ):
            transformed = payment.transformed_score(score, positive_scores, rules, performance_year)
    factor = payment.payment_adjustment_factor(
        score, transformed, fitted.scaling_factor, rules, performance_year
    )
    paid = clinician.payment_year_part_b
    return {
        "final_score": score,
        "transformed_score": transformed,
        "scaling_factor": fitted.scaling_factor,
        "payment_adjustment_factor": factor,
        "payment_multiplier": 1 + factor,
        "payment_change_usd": factor * (clinician.part_b_payments if paid is None else paid),
    }
