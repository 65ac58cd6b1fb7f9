"""What the shipped scenarios are about: each stands under one theme."""

from __future__ import annotations

THEMES: dict[str, tuple[str, ...]] = {
    "The model as it is": ("baseline", "synthetic-frame", "areas-redrawn"),
    "What nobody knows": (
        "parameter-uncertainty", "open-readings", "cost-anchor-low", "cost-reliability-high",
        "cost-reliability-low", "three-unknowns", "quality-drift-fivefold",
        "published-gaps", "nobody-leaves",
    ),
    "How much is at risk, and what is paid out": (
        "risk-2-percent", "risk-9-percent", "risk-12-percent", "test-year",
        "test-year-then-2-percent", "cap-at-risk-level", "full-redistribution",
        "zero-scorers-outside-pool", "redistribution-by-risk",
    ),
    "How a score becomes an adjustment": (
        "steepness-low", "steepness-high", "steepness-by-redistribution", "midpoint-50",
        "midpoint-60", "fixed-threshold", "linear-exchange", "rank-exchange", "neutral-band",
        "neutral-band-by-volume", "rounded-scores", "averaging-2-years", "averaging-3-years",
    ),
    "What is measured, and how it weighs": (
        "cost-only", "quality-only", "cost-weight-30", "quality-by-deviation",
        "low-back-pain-utilization-measure", "without-bmi-screening", "measure-suspended",
        "topped-out-capped", "topped-out-dropped", "third-condition",
    ),
    "Small numbers of cases": (
        "case-minimum-50", "case-minimum-100", "cost-shrinkage", "quality-shrinkage",
        "missing-category-neutral", "missing-category-zero",
    ),
    "With whom one is compared": (
        "national-benchmarks", "pooled-benchmarks", "previous-year-benchmarks", "fixed-benchmarks",
        "benchmark-break-q128", "benchmark-minimum-200", "peers-by-practice-size",
        "peers-by-specialty", "practice-scoring", "small-practices-report-together",
        "team-attribution-of-cost", "misattributed-cardiologists",
    ),
    "Adjustments for groups, and deductions": (
        "without-group-adjustments", "complex-patient-points-doubled",
        "complex-patient-components-capped", "small-and-rural-in-proportion", "no-deductions",
        "interoperability-small-exempt", "interoperability-special-status-exempt",
        "attestation-anew", "attestation-persistence",
    ),
    "What clinicians do": (
        "care-redesign", "care-redesign-by-all", "collaborative-care", "effort-response",
        "effort-response-fast-feedback", "patient-incentives", "telehealth", "peers-improve",
        "two-thirds-improve", "patient-steering", "fewer-complex-patients", "low-volume-avoidance",
        "all-cqm", "collection-choice", "everybody-reports",
    ),
    "Who takes part": (
        "movers-and-entrants", "retirement", "eligibility-redetermined", "consolidation",
        "consolidation-after-losses", "aco-overlap", "disaster-neutral", "disaster-without-relief",
    ),
}  # fmt: skip


def theme_of(name: str) -> str:
    """The theme that a shipped scenario stands under."""
    return next(theme for theme, names in THEMES.items() if name in names)
