"""The NumPy baseline does the same arithmetic as the kernel.

Exactly where it scores and sums up the kernel's cohorts; in distribution where it draws its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.kernels.draws.output import Output
from asm_sim.kernels.rule.cohort import fit_and_score
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.observed import Observed, Outcome
from asm_sim.results.registry import BY_GROUP, YEARLY
from tests.bench import numpy_baseline
from tests.bench.model import GRIDS, SEED, Cohort, cohorts, new_output, simulate_into

NUMPY_DRAWS, KERNEL_DRAWS = 60, 200
# About 5,000 comparisons a cohort; the largest difference is 3.7 standard errors.
STANDARD_ERRORS = 5.0
HISTOGRAMS = ("adjustment_histogram", "score_histogram", "dollars_histogram")
OF_THE_TRUTH = (
    "rank_correlation_with_truth",
    "misclassified_share",
    "misclassified_quintile_share",
    "chance_sd",
    "chance_variance_share",
    "reliability",
)
# Of the truth, which NumPy does not simulate, and what is zero in the baseline.
LEFT_OUT = (*OF_THE_TRUTH, "programme_spending", "aco_")
CLOSE: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(params=["HF", "LBP"])
def cohort(request: pytest.FixtureRequest) -> Cohort:
    return next(cohort for cohort in cohorts() if cohort.name == request.param)


def exported(cohort: Cohort, draw: int) -> list[Any]:
    return observe_cohort(
        cohort.rules, cohort.practices, cohort.model, SEED, draw, draw, draw, True
    )


def compare(mine: Any, theirs: Any) -> None:
    for name, a, b in zip(theirs._fields, mine, theirs, strict=True):
        for part in b.dtype.names or [...]:
            np.testing.assert_allclose(a[part], b[part], **CLOSE, err_msg=f"{name} {part}")


def with_blanks(observed: Observed, y: int) -> Observed:
    """The same cohort with blanks, so that every way of missing something occurs."""
    rng = np.random.default_rng(y)

    def blanked(values: Any, share: float) -> Any:
        return np.where(rng.random(values.shape) < share, np.nan, values)

    return observed._replace(
        rate=blanked(observed.rate, 0.3),
        completeness=blanked(observed.completeness, 0.3),
        cases=observed.cases * (rng.random(observed.cases.shape[1]) < 0.9),
        episodes=blanked(observed.episodes, 0.1),
        improvement_activities=blanked(observed.improvement_activities, 0.1),
        pi_score=blanked(observed.pi_score, 0.1),
        hcc_risk_score=blanked(observed.hcc_risk_score, 0.1),
        dual_share=blanked(observed.dual_share, 0.1),
    )


def test_a_cohort_of_the_kernel_is_scored_alike(cohort: Cohort) -> None:
    for y, year in enumerate(exported(cohort, 0)):
        for observed in (Observed(*year[0]), with_blanks(Observed(*year[0]), y)):
            outcome, fit = fit_and_score(observed, cohort.rules, y)
            with np.errstate(divide="ignore", invalid="ignore"):
                mine, my_fit, _ = numpy_baseline.fit_and_score(observed, cohort.rules, y)
            compare(mine, Outcome(*outcome))
            known = np.array([0.0, 1.0, 1.0]) * (fit.complexity[:, 2:] > 0)  # else unused
            complexity = np.where(known, fit.complexity, my_fit.complexity)
            compare(my_fit, Fit(*fit)._replace(complexity=complexity))


def test_draws_of_the_kernel_are_summed_up_alike(cohort: Cohort) -> None:
    draws = np.arange(3)
    theirs, mine = new_output(cohort, len(draws)), new_output(cohort, len(draws))
    simulate_into(theirs, cohort, draws, truth=False)
    for d in draws:
        years = exported(cohort, d)
        observed = [(Observed(*year[0]), year.part_b_later, year.paid) for year in years]
        numpy_baseline.score_draw(cohort.rules, GRIDS, years[0].group, observed, d, mine)
    for name in OF_THE_TRUTH:
        theirs.yearly[name] = np.nan
    for records in ("yearly", "by_group"):
        a, b = getattr(mine, records), getattr(theirs, records)
        for name in b.dtype.names:
            np.testing.assert_allclose(a[name], b[name], **CLOSE, err_msg=name)
    for name in ("quantile", "curve", "transition", "penalty_years"):
        a, b = getattr(mine, name), getattr(theirs, name)
        np.testing.assert_allclose(a, b, **CLOSE, err_msg=name)
    for name in HISTOGRAMS:  # a value at the edge of a bin may fall on either side
        a, b = getattr(mine, name), getattr(theirs, name)
        assert np.array_equal(a.sum(axis=2), b.sum(axis=2)), name
        assert np.abs(a - b).sum() <= 8, name


def by_numpy(cohort: Cohort, draw: int, output: Output) -> None:
    rng = np.random.Generator(np.random.PCG64([draw, cohort.size]))
    numpy_baseline.simulate(cohort.rules, cohort.practices, cohort.model, GRIDS, rng, output)


def by_kernel(cohort: Cohort, draw: int, output: Output) -> None:
    simulate_into(output, cohort, np.array([draw]), truth=False)


def statistics(cohort: Cohort, simulate: Any, draws: int) -> dict[str, NDArray[np.float64]]:
    """Per draw: every statistic, and the share of clinicians up to each histogram bin."""
    samples: dict[str, list[Any]] = {}
    for draw in range(draws):
        output = new_output(cohort, 1)
        simulate(cohort, draw, output)
        yearly = output.yearly[0]
        retained = yearly["retained_by_medicare"] / yearly["amount_at_risk"]
        np.testing.assert_allclose(retained, 0.15, rtol=1e-9)
        kept = {v.name: yearly[v.column] for v in YEARLY if not v.name.startswith(LEFT_OUT)}
        kept |= {v.name: output.by_group[0][v.column] for v in BY_GROUP}
        for name in ("quantile", "curve", "transition", "penalty_years"):
            kept[name] = getattr(output, name)[0]
        for name in HISTOGRAMS:
            counts = getattr(output, name).astype(np.float64)
            shares = np.cumsum(counts, axis=2) / counts.sum(axis=2, keepdims=True)
            kept[name] = shares[:, :, 10:-1:10]
        for name, values in kept.items():
            samples.setdefault(name, []).append(values)
    return {name: np.array(values) for name, values in samples.items()}


def test_statistics_agree_in_distribution(cohort: Cohort) -> None:
    with np.errstate(invalid="ignore"):  # groups of the other cohort are empty
        mine = statistics(cohort, by_numpy, NUMPY_DRAWS)
        theirs = statistics(cohort, by_kernel, KERNEL_DRAWS)
    compared = 0
    for name, a in mine.items():
        b = theirs[name]
        known = ~(np.isnan(a).any(axis=0) | np.isnan(b).any(axis=0))
        assert np.array_equal(known, ~(np.isnan(a).all(axis=0) | np.isnan(b).all(axis=0))), name
        a, b = a[:, known], b[:, known]
        error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
        # Something that happens in no draw of one and a few of the other is no difference.
        error = np.maximum(error, 1e-9 + 1e-5 * np.abs(b.mean(axis=0)))
        distance = np.abs(a.mean(axis=0) - b.mean(axis=0)) / error
        compared += distance.size
        worst = float(distance.max())
        assert worst < STANDARD_ERRORS, f"{name}: {worst:.1f} standard errors apart"
        if "unscored" in name:  # a handful of clinicians in all draws
            continue
        # Spread over draws: a wrong shock would show here before it shows in a mean.
        ratio = a.std(axis=0, ddof=1).sum() / b.std(axis=0, ddof=1).sum()
        assert 0.7 < ratio < 1.4, f"{name}: SD over draws {ratio:.2f} of the kernel's"
    assert compared > 1500
