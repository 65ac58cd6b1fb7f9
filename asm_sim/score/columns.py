"""Which columns the wide clinician table has under a rule set, and what each may hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from asm_sim.rules.schema import Measure, RuleSet
from asm_sim.tables.notation import Quantity, Unit

Kind = Literal["identifier", "name", "number", "whole", "flag"]

# Beyond it sums of squares would lose their digits; no count and no amount of money comes near.
LARGEST = 1e15
LARGEST_HCC = 20.0  # no mean of patients is near, so that "1,234" is read with a decimal comma
PERCENT = "percent"
FRACTION = "a fraction, not percent"


@dataclass(frozen=True)
class Column:
    """One input column.

    ``kind``: ``identifier`` is kept as it stands, ``name`` is one of a few known words, ``number``
    and ``whole`` lie in ``minimum`` to ``maximum`` (inclusive), in ``unit``; a ``flag`` is 1 or 0,
    or yes or no.
    ``measure`` and ``part`` are set for the columns of a quality measure.
    """

    name: str
    kind: Kind
    unit: str = ""
    minimum: float = 0.0
    maximum: float = LARGEST
    may_be_absent: bool = False
    may_be_blank: bool = True
    measure: str | None = None
    part: str = ""
    header: str = ""  # what the table at hand calls it, if not by its name

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.header or self.name

    @property
    def quantity(self) -> Quantity:
        """What its numbers are and how large they can be, which says how they may be written."""
        units: dict[str, Unit] = {FRACTION: "fraction", PERCENT: "percent"}
        unit = units.get(self.unit, "dollars" if self.unit.startswith("USD") else "number")
        most = LARGEST_HCC if self.name == "hcc_risk_score" else self.maximum
        return Quantity("whole" if self.kind == "whole" else unit, most)

    def under(self, header: str) -> Self:
        """The column as a table has it whose header says that its cells are percent."""
        return replace(self, header=header)

    def if_known(self) -> Self:
        """The column where what is not known may be left out.

        All but who, of which cohort, and of which practice where practices are scored as a whole.
        """
        if self.name in {"clinician_id", "cohort", "practice_id"}:
            return self
        return replace(self, may_be_absent=True, may_be_blank=True)

    @property
    def is_numeric(self) -> bool:
        return self.kind in {"number", "whole", "flag"}

    @property
    def expected(self) -> str:
        """What belongs in the column, for a message."""
        if self.kind == "flag":
            return f"1 or 0 ({self.unit})"
        if self.header:
            return "a number from 0 to 100 (percent)"
        amount = "a whole number" if self.kind == "whole" else "a number"
        unit = f" ({self.unit})" if self.unit else ""
        if self.maximum == LARGEST:
            return f"{amount}, {self.minimum:g} or more{unit}"
        return f"{amount} from {self.minimum:g} to {self.maximum:g}{unit}"


def input_columns(rules: RuleSet) -> dict[str, Column]:
    """Every known input column by its name, in the order in which a table is best written."""
    activities = len(rules.improvement_activities.adjustment_by_completed.value) - 1
    pools = rules.scoring_level.pools
    by_specialty = rules.peers.basis.value == "specialty"
    columns = [
        Column("clinician_id", "identifier", may_be_blank=False),
        Column("cohort", "name", may_be_blank=False),
        Column(
            "performance_year",
            "whole",
            f"performance years of {rules.id}",
            minimum=rules.years[0],
            maximum=rules.years[-1],
            may_be_blank=False,
        ),
        Column("practice_id", "identifier", may_be_absent=not pools, may_be_blank=not pools),
        Column(
            "specialty", "identifier", may_be_absent=not by_specialty, may_be_blank=not by_specialty
        ),
        Column("practice_size", "whole", "clinicians", minimum=1, may_be_blank=False),
        Column("rural", "flag", "1: a rural practice", maximum=1, may_be_absent=True),
        Column("hcc_risk_score", "number"),
        Column("dual_share", "number", FRACTION, maximum=1),
        Column("part_b_payments", "number", "USD", may_be_blank=False),
        Column("payment_year_part_b", "number", "USD", may_be_absent=True),
        Column("improvement_activities", "whole", "activities completed", maximum=activities),
        Column(
            "pi_score",
            "number",
            "points",
            maximum=rules.promoting_interoperability.score_maximum.value,
        ),
        Column("episodes", "whole", "episodes"),
        Column("episode_cost", "number", "USD per episode"),
        Column(
            "extreme_circumstances",
            "flag",
            "1: met extreme and uncontrollable circumstances",
            maximum=1,
            may_be_absent=True,
        ),
        Column(
            "special_status",
            "flag",
            "1: MIPS would not ask for interoperability, as of the hospital-based",
            maximum=1,
            may_be_absent=True,
        ),
    ]
    for measure in measures_of(rules, list(rules.cohorts)):
        columns += _measure_columns(measure, rules.measures[measure])
    return {column.name: column for column in columns}


def _measure_columns(name: str, measure: Measure) -> list[Column]:
    rate_maximum = 100.0 if measure.rate_unit.value == PERCENT else LARGEST
    unneeded = not measure.reported
    return [
        Column(
            column_name(name, "rate"),
            "number",
            measure.rate_unit.value,
            maximum=rate_maximum,
            measure=name,
            part="rate",
        ),
        Column(column_name(name, "cases"), "whole", "cases", measure=name, part="cases"),
        Column(
            column_name(name, "completeness"),
            "number",
            FRACTION,
            maximum=1,
            may_be_absent=unneeded,
            measure=name,
            part="completeness",
        ),
        Column(
            column_name(name, "collection_type"),
            "name",
            may_be_absent=unneeded,
            measure=name,
            part="collection_type",
        ),
    ]


def column_name(measure: str, part: str) -> str:
    """The column of one part of a measure: ``q008_rate`` for ``Q008`` and ``rate``."""
    return f"{measure.lower()}_{part}"


def measures_of(rules: RuleSet, cohorts: list[str]) -> list[str]:
    """The quality measures of some cohorts, in the rule set's order, each once."""
    names = [m for c in rules.cohorts if c in cohorts for m in measures_in(rules, c)]
    return list(dict.fromkeys(names))


def measures_in(rules: RuleSet, cohort: str) -> list[str]:
    """The quality measures of one cohort, in the rule set's order."""
    return rules.cohorts[cohort].quality_measures.value


def cohorts_with(rules: RuleSet, measure: str) -> list[str]:
    """The cohorts that are scored on a measure."""
    return [cohort for cohort in rules.cohorts if measure in measures_in(rules, cohort)]
