"""Two official payment tournaments through the payment step of :func:`asm_sim.score`.

Scores of another programme, its midpoint, steepness and risk level, and a table of those alone.
A published score of zero is entered as a little more, since the ASM rule has a branch of its own
for zero scores and these programmes have none.
"""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from asm_sim.reproductions.published import Result, multipliers
from asm_sim.score import score

ABOVE_ZERO = 1e-6
PERCENT = 100.0
_YEAR, _COHORT = 2027, "HF"

Numbers = list[tuple[float, float]]  # each with its Monte Carlo error: none, here


def pay(scores: ArrayLike, payments: ArrayLike, settings: dict[str, Any]) -> pd.DataFrame:
    """The scored table of these final scores, paid by Part B payments in proportion."""
    given = np.maximum(np.asarray(scores, dtype=np.float64), ABOVE_ZERO)
    table = pd.DataFrame(
        {
            "clinician_id": range(len(given)),
            "cohort": _COHORT,
            "performance_year": _YEAR,
            "part_b_payments": np.asarray(payments, dtype=np.float64),
            "final_score": given,
        }
    )
    return score(table, settings=settings)


def facilities(result: Result, share_paid_out: float | None = None) -> dict[str, Any]:
    """The exchange function of skilled nursing facilities as settings of the rule."""
    share = result.number("share_paid_out") if share_paid_out is None else share_paid_out
    return {
        "payment.risk_level": result.number("risk_level"),
        "payment.redistribution_share": share,
        "payment.exchange.midpoint": "fixed",
        "payment.exchange.fixed_midpoint": result.number("midpoint"),
        "payment.exchange.steepness": result.number("steepness"),
    }


def snf_multiplier(result: Result) -> Numbers:
    pairs = multipliers()
    paid = pay(pairs["performance_score"], pairs["facilities"], facilities(result))
    found = paid["payment_multiplier"].to_numpy()
    place = {at: int((pairs["performance_score"] == at).to_numpy().argmax()) for at in result.at}
    largest = np.abs(found - pairs["incentive_payment_multiplier"].to_numpy()).max()
    return [*((float(found[at]), 0.0) for at in place.values()), (float(largest), 0.0)]


def snf_multiplier_form(result: Result) -> list[float]:
    k, middle = result.number("steepness"), result.number("midpoint")
    risk, scaling = result.number("risk_level"), _scaling(result)
    pairs = multipliers()
    form = 1 - risk + risk * scaling * _logistic(k, pairs["performance_score"] - middle)
    largest = float(np.abs(form - pairs["incentive_payment_multiplier"]).max())
    values = [1 - risk + risk * scaling * float(_logistic(k, at - middle)) for at in result.at]
    return [*values, largest]


def snf_below_one(result: Result) -> Numbers:
    """Facilities below one; and, of scores without payments, the first that loses nothing."""
    pairs = multipliers()
    grid = np.arange(50.0, 52.0, 1e-4)
    scores = np.concatenate([pairs["performance_score"], grid])
    payments = np.concatenate([pairs["facilities"], np.zeros(len(grid))])
    adjustment = pay(scores, payments, facilities(result))["payment_adjustment_factor"].to_numpy()
    of_facilities, of_grid = adjustment[: len(pairs)], adjustment[len(pairs) :]
    below = np.average(of_facilities < 0, weights=pairs["facilities"])
    return [(float(below), 0.0), (float(grid[(of_grid >= 0).argmax()]), 0.0)]


def snf_below_one_form(result: Result) -> list[float]:
    pairs = multipliers()
    even = result.number("midpoint") - log(_scaling(result) - 1) / result.number("steepness")
    lose = (pairs["performance_score"] < even).to_numpy()
    return [float(np.average(lose, weights=pairs["facilities"])), even]


def snf_worst(result: Result) -> Numbers:
    """A facility at each end, the share paid out so that the best gets what was published."""
    found: Numbers = []
    for best in result.at:
        share = 0.5
        for _ in range(2):  # adjustments rise in proportion to the share paid out
            settings = facilities(result, share)
            paid = pay([0.0, PERCENT], [1.0, 0.1], settings)["payment_adjustment_factor"]
            share *= (best / PERCENT + settings["payment.risk_level"]) / (
                paid[1] + settings["payment.risk_level"]
            )
        found.append((PERCENT * float(paid[0]), 0.0))
    return found


def snf_worst_form(result: Result) -> list[float]:
    k, middle, risk = (result.number(name) for name in ("steepness", "midpoint", "risk_level"))
    lowest, highest = (float(_logistic(k, at - middle)) for at in (0.0, PERCENT))
    return [PERCENT * (-risk + (best / PERCENT + risk) * lowest / highest) for best in result.at]


def agencies(result: Result) -> pd.DataFrame:
    """The worked example of home health agencies, through the linear exchange."""
    settings = {
        "payment.risk_level": result.number("risk_level"),
        "payment.redistribution_share": 1.0,
        "payment.exchange.form": "linear",
    }
    return pay(result.numbers("scores"), result.numbers("payments"), settings)


def hhvbp_slope(result: Result) -> Numbers:
    slope = float(agencies(result)["scaling_factor"][0])
    return [(slope, 0.0), (PERCENT / slope, 0.0)]


def hhvbp_slope_form(result: Result) -> list[float]:
    slope = _slope(result)
    return [slope, PERCENT / slope]


def hhvbp_adjustments(result: Result) -> Numbers:
    found = PERCENT * agencies(result)["payment_adjustment_factor"]
    return [(float(found[int(at)]), 0.0) for at in result.at]


def hhvbp_adjustments_form(result: Result) -> list[float]:
    slope, risk = _slope(result), result.number("risk_level")
    scores = result.numbers("scores")
    return [PERCENT * risk * (slope * scores[int(at)] / PERCENT - 1) for at in result.at]


def _slope(result: Result) -> float:
    scores, payments = (np.array(result.numbers(name)) for name in ("scores", "payments"))
    return float(payments.sum() / (payments * scores / PERCENT).sum())


def _scaling(result: Result) -> float:
    """The share paid out over the mean of the transformed scores."""
    pairs = multipliers()
    transformed = _logistic(
        result.number("steepness"), pairs["performance_score"] - result.number("midpoint")
    )
    mean = float(np.average(transformed, weights=pairs["facilities"]))
    return result.number("share_paid_out") / mean


def _logistic(steepness: float, above: Any) -> Any:
    return 1.0 / (1.0 + (np.exp(-steepness * above) if np.ndim(above) else exp(-steepness * above)))
