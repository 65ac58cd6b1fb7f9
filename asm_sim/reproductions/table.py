"""The table of published results: published, closed form, simulated, and whether they agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from asm_sim.reproductions import measurement, tournaments
from asm_sim.reproductions.bench import FULL, Bench, Size
from asm_sim.reproductions.published import Result, Value, published

Numbers = list[tuple[float, float]]


class Means(NamedTuple):
    """How the numbers of a result are simulated, and their closed forms."""

    simulated: Callable[[Bench, Result], Numbers]
    closed_form: Callable[[Result], list[float]]


def _scored(function: Callable[[Result], Numbers]) -> Callable[[Bench, Result], Numbers]:
    return lambda _, result: function(result)


_T, _M = tournaments, measurement
MEANS: dict[str, Means] = {
    "snf-multiplier": Means(_scored(_T.snf_multiplier), _T.snf_multiplier_form),
    "snf-below-one": Means(_scored(_T.snf_below_one), _T.snf_below_one_form),
    "snf-worst": Means(_scored(_T.snf_worst), _T.snf_worst_form),
    "hhvbp-slope": Means(_scored(_T.hhvbp_slope), _T.hhvbp_slope_form),
    "hhvbp-adjustments": Means(_scored(_T.hhvbp_adjustments), _T.hhvbp_adjustments_form),
    "hayward-estimated": Means(_M.hayward_estimated, _M.hayward_estimated_form),
    "hayward-true-positives": Means(_M.hayward_true_positives, _M.hayward_true_positives_form),
    "hayward-false-positives": Means(_M.hayward_false_positives, _M.hayward_false_positives_form),
    "adams-labelled": Means(_M.adams_labelled, _M.adams_labelled_form),
    "adams-misclassified": Means(_M.adams_misclassified, _M.adams_misclassified_form),
    "adams-twice-the-episodes": Means(_M.adams_misclassified, _M.adams_misclassified_form),
    "fenton-patients": Means(_M.patients, _M.patients_form),
    "hofer-patients": Means(_M.patients, _M.patients_form),
    "manaseki-reviews": Means(_M.patients, _M.patients_form),
    "lowest-quarter-four-years": Means(_M.lowest_quarter, _M.lowest_quarter_form),
    "rogosa-percentiles": Means(_M.rogosa, _M.rogosa_form),
    "two-measurements": Means(_M.two_measurements, _M.two_measurements_form),
    "rank-tournament": Means(_M.rank_tournament, _M.rank_tournament_form),
    "beta-binomial": Means(_M.beta_binomial, _M.beta_binomial_form),
}


@dataclass(frozen=True)
class Row:
    """One number: ``error`` is the Monte Carlo error of what was simulated, 0 where none."""

    result: Result
    value: Value
    closed_form: float
    simulated: float
    error: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the simulation is as near to what was published as it should be.

        Where nothing was published, to the closed form.
        """
        low, high = self.value.at_least, self.value.at_most
        if self.value.published is not None or not self.value.is_published:
            low = high = self.closed_form if self.value.published is None else self.value.published
        above = low is None or self.simulated >= low - self.tolerance
        return above and (high is None or self.simulated <= high + self.tolerance)

    @property
    def as_it_should(self) -> bool:
        """Whether it agrees, or is known not to and does not."""
        return self.agrees == self.value.reproduced

    def as_dict(self) -> dict[str, Any]:
        about = self.result.model_dump(exclude={"values", "given", "tolerance", "decimals"})
        own = asdict(self)
        for name in ("result", "value"):
            del own[name]
        of_value = self.value.model_dump(exclude={"tolerance"})
        note = " ".join(text for text in (self.result.note, self.value.note) if text)
        return {**about, **of_value, **own, "note": note, "agrees": self.agrees}


def rows(size: Size = FULL, only: Collection[str] | None = None) -> Iterator[Row]:
    """The table, row by row as it is computed; ``only`` names the results that are wanted."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), size)
        for result in published():
            if only is None or result.id in only:
                yield from rows_of(bench, result)


def rows_of(bench: Bench, result: Result) -> list[Row]:
    """The numbers of one result, on a bench that may have made runs for others already."""
    means = MEANS[result.id]
    simulated = means.simulated(bench, result)
    slack = bench.size.slack if any(error > 0 for _, error in simulated) else 1.0
    return [
        Row(
            result,
            value,
            form,
            number,
            error,
            slack * (result.tolerance if value.tolerance is None else value.tolerance),
        )
        for value, form, (number, error) in zip(
            result.values, means.closed_form(result), simulated, strict=True
        )
    ]
