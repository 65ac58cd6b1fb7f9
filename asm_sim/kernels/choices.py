"""Everything that a rule may choose between: the one list that schema, compile and kernels read.

A member is the name of an alternative in capitals; rule sets write it in small letters. What is not
here is not programmed: a rule set may offer fewer alternatives, never others.
"""

from __future__ import annotations

from enum import IntEnum


class RuleChoice(IntEnum):
    """Alternatives of one parameter of a rule set."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """As a rule set writes them."""
        return tuple(member.name.lower() for member in cls)

    @classmethod
    def number(cls, name: str) -> int:
        """The number by which the kernels know an alternative."""
        return int(cls[name.upper()])


class ScoringLevel(RuleChoice):
    """Whose cases are scored together."""

    CLINICIAN = 0
    PRACTICE = 1
    SMALL_PRACTICES = 2


class Peers(RuleChoice):
    """With whom a clinician is compared."""

    CONDITION = 0
    SPECIALTY = 1
    PRACTICE_SIZE = 2


class Scoring(RuleChoice):
    """How a measure's rate becomes points."""

    DECILE = 0
    STANDARD_DEVIATION = 1


class Submission(RuleChoice):
    """Who computes a measure: the clinician who reports it, or CMS from claims."""

    REPORTED = 0
    ADMINISTRATIVE_CLAIMS = 1


class BenchmarkReference(RuleChoice):
    """Whose performance makes the benchmarks."""

    SAME_YEAR = 0
    PREVIOUS_YEAR = 1
    BASELINE_YEAR = 2
    NATIONAL = 3


class ToppedOut(RuleChoice):
    """What becomes of a measure on which nearly all are perfect."""

    KEPT = 0
    CAPPED = 1
    DROPPED = 2


class Shrinkage(RuleChoice):
    """Whether rates and costs are moved toward their mean, and by which reliability."""

    NONE = 0
    KNOWN = 1
    ESTIMATED = 2


class InteroperabilityForm(RuleChoice):
    """How a score of promoting interoperability becomes a deduction."""

    LINEAR = 0


class InteroperabilityExempt(RuleChoice):
    """Who has nothing deducted for promoting interoperability."""

    NOBODY = 0
    SPECIAL_STATUS = 1


class ComplexPatientForm(RuleChoice):
    """The formula of the points for complex patients."""

    MIPS = 0
    WITHOUT_MEDIAN = 1


class ComplexPatientReference(RuleChoice):
    """Over whom its moments are taken."""

    COHORT_WITH_FINAL_SCORE = 0


class MissingCategory(RuleChoice):
    """What counts in place of a category that cannot be scored."""

    REWEIGHT = 0
    NEUTRAL = 1
    ZERO = 2


class SeveralTins(RuleChoice):
    """What becomes of a clinician with several practices."""

    ONE_ROW_PER_CLINICIAN = 0


class ExtremeCircumstances(RuleChoice):
    """What becomes of a clinician who meets them."""

    NONE = 0
    NEUTRAL = 1


class ScoreRounding(RuleChoice):
    """To what final scores are rounded: steps to a point."""

    NONE = 0
    WHOLE = 1
    TENTH = 10
    HUNDREDTH = 100


class ExchangeForm(RuleChoice):
    """From a final score to a transformed one."""

    LOGISTIC = 0
    LINEAR = 1
    RANK = 2
    THRESHOLD = 3


class ExchangeMidpoint(RuleChoice):
    """The final score at which the logistic is one half."""

    MEDIAN = 0
    MEAN = 1
    FIXED = 2


class NeutralBandForm(RuleChoice):
    """Whether the band without adjustments is as wide for all."""

    FIXED = 0
    BY_VOLUME = 1


class AdjustmentRounding(RuleChoice):
    """To what adjustments are rounded: steps to an adjustment of one."""

    NONE = 0
    TENTH_PERCENT = 1_000
    HUNDREDTH_PERCENT = 10_000


class MipsForm(RuleChoice):
    """How the comparator is scored."""

    TRADITIONAL = 0
    VALUE_PATHWAY = 1
