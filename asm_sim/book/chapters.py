"""Where in the model a parameter acts: the chapters of the parameter book, in the model's order."""

from __future__ import annotations

from typing import NamedTuple


class Chapter(NamedTuple):
    """A step of the model.

    ``code`` are the files that compute it, ``paths`` what the paths of its parameters begin with;
    of several beginnings the longest decides.
    """

    name: str
    title: str
    what: str
    code: tuple[str, ...]
    paths: tuple[str, ...]


CHAPTERS = (
    Chapter(
        "cohorts",
        "Years, conditions and peers",
        "Which years there are, which conditions, and who is compared with whom.",
        ("reference/cohort.py", "reference/peers.py"),
        (
            "rules.performance_years",
            "rules.payment_year_lag",
            "rules.cohorts",
            "rules.peers",
        ),
    ),
    Chapter(
        "participation",
        "Who takes part",
        "Which clinicians and areas are in the model, and who joins, moves or leaves.",
        ("kernels/world/participation.py", "kernels/world/geography.py"),
        (
            "rules.participation",
            "population.roster",
            "population.roster_among",
            "population.geography",
            "population.eligibility",
            "population.churn",
            "population.departure",
        ),
    ),
    Chapter(
        "practices",
        "Practices and specialties",
        "How large and where the practices are, how they report, and what their clinicians do.",
        ("kernels/world/practices.py",),
        ("population.practice", "population.specialty_mix", "population.groups"),
    ),
    Chapter(
        "patients",
        "Patients, episodes and payments",
        "How many patients and episodes a clinician has, how ill they are, and what Part B pays.",
        ("kernels/world/patients.py", "kernels/world/volume.py"),
        (
            "population.patients",
            "population.patient_selection",
            "population.episodes",
            "population.part_b",
            "population.cases",
        ),
    ),
    Chapter(
        "performance",
        "True performance",
        "How good and how costly care really is, from year to year, and what changes it.",
        (
            "kernels/world/performance.py",
            "kernels/world/effects.py",
            "kernels/world/behaviour.py",
            "kernels/world/shocks.py",
        ),
        (
            "population.quality",
            "population.cost",
            "population.group_effects",
            "population.improvement",
            "population.aco",
            "population.behaviour",
            "population.shocks",
            "rules.beneficiary_incentives",
        ),
    ),
    Chapter(
        "observed",
        "What CMS observes",
        "What is reported and attested, and what few cases and episodes show of performance.",
        ("kernels/world/year.py", "kernels/world/reporting.py", "kernels/world/shocks.py"),
        (
            "population.reporting",
            "population.attestation",
            "population.special_status",
            "population.misattribution",
            "population.cost.reliability_at_20",
            "population.cost.reliability_episodes",
            "population.cost.minimum_cases",
        ),
    ),
    Chapter(
        "quality",
        "Points for quality",
        "From rates to points, against the benchmarks of the peers.",
        ("reference/quality.py", "reference/deviation.py", "reference/benchmarks.py"),
        ("rules.measures", "rules.quality", "rules.scoring_level.quality"),
    ),
    Chapter(
        "cost",
        "Points for cost",
        "From the cost of an episode to points, by its distance from the median of the peers.",
        ("reference/cost.py", "reference/deviation.py"),
        ("rules.cost", "rules.scoring_level.cost"),
    ),
    Chapter(
        "adjustments",
        "Points added and deducted",
        "Improvement activities, interoperability, small practices and complex patients.",
        ("reference/modifiers.py",),
        (
            "rules.improvement_activities",
            "rules.promoting_interoperability",
            "rules.small_practice",
            "rules.complex_patient",
        ),
    ),
    Chapter(
        "final_score",
        "The final score",
        "The categories by their weights, with what is added and deducted, between 0 and 100.",
        ("reference/final_score.py",),
        ("rules.final_score",),
    ),
    Chapter(
        "payment",
        "From scores to dollars",
        "The exchange function, the pool, the scaling factor and the adjustment.",
        ("reference/payment.py",),
        ("rules.payment",),
    ),
    Chapter(
        "mips",
        "MIPS, the comparator",
        "What MIPS would have paid the same clinicians. Nothing of ASM depends on it.",
        ("reference/mips.py",),
        ("mips",),
    ),
)


def chapter_of(path: str) -> Chapter:
    """The chapter of a parameter; :class:`LookupError` for a path that none has."""
    found = max(
        (
            (len(beginning), chapter)
            for chapter in CHAPTERS
            for beginning in chapter.paths
            if path == beginning or path.startswith(f"{beginning}.")
        ),
        key=lambda item: item[0],
        default=None,
    )
    if found is None:
        raise LookupError(f"no chapter of the parameter book has {path}")
    return found[1]
