"""What is to be met: a statistic of a run, of which cohorts, years and clinicians, and its value.

A statistic is one number per draw. Amounts are summed over the years and cohorts in question.
Shares and means of clinicians are pooled over them, each clinician and year counting once, so that
"half of the clinicians" is half of the clinicians. Anything else (a median, a correlation) is the
mean of its values by year and cohort.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import did_you_mean, quoted
from asm_sim.errors import InputError
from asm_sim.results.registry import BY_GROUP, PANEL_GROUP, VARIABLES, YEARLY
from asm_sim.results.statistics import million_usd, percent, round_to_error, rounded

if TYPE_CHECKING:
    from asm_sim.engine.execute import Arrays
    from asm_sim.engine.plan import Plan

EVERYONE = "all"
_SUFFIX = "_by_group"
_STATISTIC = re.compile(r"(\w+)\s*(?:\(([^()]*)\))?")
_LARGEST = 1e18  # nothing that is counted or paid is larger
_EXAMPLES = "share_negative=50%, retained_by_medicare=150e6 or share_above(5%)=0.1"
# What clinicians are counted in, and so what cohorts and years weigh where they are pooled.
_OF_SCORED = {
    "final_score_mean",
    "adjustment_mean",
    "share_negative",
    "share_maximum_penalty",
    "share_zero_score",
}
_OF_ALL = {"share_unscored"}
_TAILS = {
    "share_above": "Share of scored clinicians with an adjustment above",
    "share_below": "Share of scored clinicians with an adjustment below",
}
_CLAUSES = {
    "share_negative": "{} of scored clinicians get a penalty",
    "share_maximum_penalty": "{} of scored clinicians get the maximum penalty",
    "share_zero_score": "{} of scored clinicians get a zero score",
    "share_unscored": "{} of clinicians get no final score",
    "retained_by_medicare": "Medicare keeps {}",
}


@dataclass(frozen=True)
class Target:
    """A statistic and the value that it is to have.

    ``limit`` is that of ``share_above`` and ``share_below``, a fraction of Part B payments;
    ``cohort``, ``year`` (a performance year) and ``group`` are None where all count.
    """

    statistic: str
    value: float
    limit: float | None = None
    cohort: str | None = None
    year: int | None = None
    group: str | None = None

    @property
    def needs_panel(self) -> bool:
        return self.limit is not None

    @property
    def variable(self) -> str:
        """The run's variable that is read; for a share above or below, the panel's."""
        if self.needs_panel:
            return "panel_adjustment"
        return self.statistic + (_SUFFIX if self.group else "")

    @property
    def units(self) -> str:
        return VARIABLES[self.variable].units

    @property
    def name(self) -> str:
        return self.statistic + ("" if self.limit is None else f"({self.limit:g})")

    @property
    def words(self) -> str:
        """The statistic in words."""
        if self.limit is not None:
            return f"{_TAILS[self.statistic]} {self.write(self.limit)}"
        known = VARIABLES.get(self.statistic) or VARIABLES[self.variable]
        return known.long_name.removesuffix(", by group")

    @property
    def clause(self) -> str:
        """What is to hold, in words."""
        stated = self.write(self.value)
        if self.limit is not None and self.limit >= 0 and self.statistic == "share_above":
            return f"{stated} of scored clinicians gain more than {self.write(self.limit)}"
        if self.limit is not None and self.limit <= 0 and self.statistic == "share_below":
            return f"{stated} of scored clinicians lose more than {self.write(-self.limit)}"
        if self.statistic in _CLAUSES:
            return _CLAUSES[self.statistic].format(stated)
        return f"{_lower(self.words)} = {stated}"

    @property
    def way(self) -> str:
        """How cohorts and years are drawn together: sum, pooled or mean."""
        if self.needs_panel or self.statistic in _OF_SCORED | _OF_ALL:
            return "pooled"
        return "sum" if self.units == "USD" else "mean"

    def write(self, value: float, error: float | None = None) -> str:
        """A value of the statistic as a person reads it; without an error, as it was stated."""
        if error is not None:
            if self.units in {"fraction", "share"}:
                return percent(value, error)
            if self.units == "USD":
                return million_usd(value, error)
            return f"{round_to_error(value, error)}{self._unit}"
        if self.units in {"fraction", "share"}:
            return f"{rounded(100 * value, 0.0)[0]} %"
        if self.units == "USD":
            return f"{rounded(value / 1e6, 0.0)[0]} million USD"
        return f"{rounded(value, 0.0)[0]}{self._unit}"

    @property
    def _unit(self) -> str:
        return "" if self.units == "1" else f" {self.units}"


def parse_target(
    text: str, cohort: str | None = None, year: int | None = None, group: str | None = None
) -> Target:
    """``name=value`` or ``share_above(limit)=value``; a share may be written in percent.

    Raises :class:`InputError` for what is no statistic, or a value that it cannot have.
    """
    place = f"target {quoted(text)}"
    before, _, written = text.partition("=")
    match = _STATISTIC.fullmatch(before.strip())
    if not match or not written.strip():
        raise InputError(f"{place}: write a statistic, '=' and its value, such as {_EXAMPLES}")
    name, inside = match.groups()
    statistic, in_tail = name.removesuffix(_SUFFIX), name in _TAILS
    by_group = {variable.name.removesuffix(_SUFFIX) for variable in BY_GROUP}
    yearly = {variable.name for variable in YEARLY}
    known = [*_TAILS, *yearly, *by_group]
    if statistic not in known:
        listed = ", ".join([*(f"{tail}(LIMIT)" for tail in _TAILS), *sorted({*yearly, *by_group})])
        raise InputError(
            f"{place}: {quoted(name)} is no statistic by draw, cohort and performance year"
            f"{did_you_mean(name, known)}; there are: {listed}"
        )
    if in_tail != (inside is not None):
        raise InputError(
            f"{place}: {name} needs a limit, such as {name}(5%)=0.1"
            if in_tail
            else f"{place}: {name} takes no limit; write {name}=..."
        )
    if group == EVERYONE:
        group = None
    if group is None and (name.endswith(_SUFFIX) or statistic not in {*yearly, *_TAILS}):
        raise InputError(f"{place}: {name} is one number for each group; name one with --group")
    if group is not None and not in_tail and statistic not in by_group:
        raise InputError(
            f"{place}: {name} is not known by group; by group there are: "
            f"{', '.join([*_TAILS, *sorted(by_group)])}"
        )
    limit = None if inside is None else _number(inside, place, "the limit", True)
    if limit is not None and abs(limit) > 1:
        raise InputError(
            f"{place}: the limit {limit:g} is {100 * limit:g} % of Part B payments; "
            f"write 5 % as 0.05 or 5%"
        )
    target = Target(statistic, 0.0, limit, cohort, year, group)
    fraction = target.units in {"fraction", "share"}
    value = _number(written, place, "the value", fraction)
    if "share" in statistic and fraction and not 0 <= value <= 1:
        raise InputError(
            f"{place}: a share lies between 0 and 1, {value:g} does not; write one half as 0.5 or "
            "50%"
        )
    return Target(statistic, value, limit, cohort, year, group)


def _number(text: str, place: str, what: str, percent_allowed: bool) -> float:
    digits = text.strip()
    if digits.endswith("%") and not percent_allowed:
        raise InputError(f"{place}: {what} is no fraction and cannot be written in percent")
    try:
        value = float(digits.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{place}: {what} {quoted(digits)} is not a number")
    if abs(value) > _LARGEST:
        raise InputError(f"{place}: {what} {value:g} is larger than any statistic of a run")
    return value / 100 if digits.endswith("%") else value


def check_target(target: Target, plan: Plan) -> None:
    """:class:`InputError` where a plan has no such cohort, year or group."""
    cohorts, groups = list(plan.roster.cohorts), [group.label for group in plan.groups]
    for what, given, known in (
        ("cohort", target.cohort, cohorts),
        ("performance year", target.year, plan.years),
        ("group", target.group, groups),
    ):
        if given is not None and given not in known:
            hint = did_you_mean(str(given), [str(name) for name in known])
            listed = "; ".join(str(name) for name in known)
            raise InputError(f"no {what} is called {str(given)!r}{hint}; there are: {listed}")


@dataclass(frozen=True)
class Reading:
    """A statistic of some draws: its value in each, and which cohorts and years have one."""

    values: NDArray[np.float64]  # [draw]
    cells: NDArray[np.bool_]  # [cohort, performance year]


def read_target(target: Target, plan: Plan, arrays: Arrays) -> Reading:
    """The statistic in each draw of a block. nan in a draw without a value."""
    if target.needs_panel:
        amounts, weights = _tail(target, plan, arrays)
    else:
        amounts, weights = _tabulated(target, plan, arrays)
    wanted = np.ones(amounts.shape[1:], dtype=bool)
    if target.cohort is not None:
        wanted &= (np.array(plan.roster.cohorts) == target.cohort)[:, None]
    if target.year is not None:
        wanted &= np.array(plan.years) == target.year
    there = np.isfinite(amounts) & (weights > 0) & wanted
    total = np.where(there, amounts, 0.0).sum(axis=(1, 2))
    weight = np.where(there, weights, 0.0).sum(axis=(1, 2))
    if target.way == "sum":
        values = np.where(there.any(axis=(1, 2)), total, np.nan)
    else:
        values = total / np.where(weight > 0, weight, np.nan)
    return Reading(values, np.asarray(there.any(axis=0)))


Cells = NDArray[np.float64]  # [draw, cohort, performance year]


def _tabulated(target: Target, plan: Plan, arrays: Arrays) -> tuple[Cells, Cells]:
    """Amounts and weights from the statistics by year, or by year and group."""
    labels = [group.label for group in plan.groups]
    at = labels.index(target.group or EVERYONE)
    values = arrays[target.variable]
    if target.group is not None:
        values = values[..., at]
    weights: Any = np.ones_like(values)
    if target.way == "pooled":
        weights = arrays["clinicians_by_group"][..., at]
        if target.statistic in _OF_SCORED:
            weights = weights * (1 - arrays["share_unscored_by_group"][..., at])
    return values * weights, weights


def _tail(target: Target, plan: Plan, arrays: Arrays) -> tuple[Cells, Cells]:
    """Clinicians beyond the limit and clinicians with a score, counted in the panel."""
    assert target.limit is not None
    limit = np.float32(target.limit)  # as the panel has it: 9 % is not below 9 %
    adjustment = arrays["panel_adjustment"]
    beyond = adjustment > limit if target.statistic == "share_above" else adjustment < limit
    counted = np.isfinite(arrays["panel_final_score"])
    if target.group is not None:
        labels = [group.label for group in plan.groups]
        member = (arrays[PANEL_GROUP.name] == labels.index(target.group)).any(axis=2)
        counted &= member[:, :, None]
    of_cohort = [plan.roster.cohort == position for position in range(len(plan.cohorts))]

    def by_cohort(clinicians: NDArray[np.bool_]) -> Cells:
        counts = [clinicians[:, members].sum(axis=1, dtype=np.float64) for members in of_cohort]
        return np.stack(counts, axis=1)

    return by_cohort(beyond & counted), by_cohort(counted)


def _lower(text: str) -> str:
    """Without the capital of a sentence; abbreviations keep theirs."""
    return text if text[:2].isupper() or text.startswith("Part B") else text[0].lower() + text[1:]
