"""What it matters that the population's numbers are uncertain: wider intervals, and which numbers.

Two runs of one scenario, one with the parameter layer on (``asm-sim run parameter-uncertainty``)
and one with it off (``asm-sim run baseline``). Draw d of both has the same population and
measurement indices, so that what differs within a draw is due to the parameters: differences and
errors are paired. Numbers without low and high, and the rule, are certain in both.

Errors (``*_mcse``, same units) are over draws: by the jackknife, leaving out the same draw in both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import drawn_parameters
from asm_sim.results.pairs import paired
from asm_sim.results.ranges import quantiles
from asm_sim.results.registry import PARAMETER, READINGS, READINGS_APART
from asm_sim.results.statistics import Estimate
from asm_sim.studies.estimates import DRAW, about, mean, named, needed
from asm_sim.studies.jackknife import covariance, sd_over_draws

WITHOUT, WITH = "without", "with"
FEWEST_DRAWS = 3
_WANTED = "`asm-sim run parameter-uncertainty` and `asm-sim run baseline`"


def intervals(on: xr.Dataset, off: xr.Dataset, outcome: str) -> xr.Dataset:
    """An outcome over draws with and without parameter uncertainty, and how its variance splits.

    ``on`` and ``off`` are runs of one scenario and seed, the one with the parameter layer on, the
    readings layer, or both, the other with both off. ``outcome`` is a variable by draw of both (of
    the registry, or one that was assigned to both). Dims of all are those of the outcome less
    ``draw``; all but the fractions have its units (or their square). Along ``parameters``
    (``without``, ``with`` their uncertainty): ``mean``, ``sd``, and ``interval`` (``quantile`` .05,
    .5, .95). ``shift`` is what parameter uncertainty does to the mean and ``moved`` the SD of what
    it does to a draw, both paired.
    ``variance_of_parameters`` is the variance with it less that without, ``share_of_parameters``
    that over the variance with it (fraction, nan where nothing varies). The rest is population and
    measurement. An estimate can lie below zero; where its true value does, parameters away from
    their central values make chance smaller.

    A draw in which either value is not finite counts in neither. Raises :class:`InputError` where
    the runs are not such a pair.
    """
    pair = _pair(on, off, outcome)
    units, words = pair.units, pair.words
    both = xr.concat([pair.off, pair.on], "parameters").assign_coords(parameters=[WITHOUT, WITH])
    varied, still = covariance(pair.on, pair.on), covariance(pair.off, pair.off)
    excess = varied.combined(still, lambda a, b: a - b)
    share = varied.combined(still, lambda a, b: 1.0 - b / a.where(a > 0))
    parts = {
        **named("mean", mean(both), units, f"{words}, mean over draws"),
        **named("sd", sd_over_draws(both), units, f"{words}, SD over draws"),
        **named("interval", quantiles(both), units, f"{words}, quantile over draws"),
        **named("shift", mean(pair.difference), units, f"{words}, change by drawing parameters"),
        **named(
            "moved", sd_over_draws(pair.difference), units, f"{words}, SD of that change in a draw"
        ),
        **named(
            "variance_of_parameters", excess.estimate(), f"({units})^2" if units else "",
            f"{words}, variance over draws added by parameter uncertainty",
        ),
        **named(
            "share_of_parameters", share.estimate(), "fraction",
            f"{words}, share of the variance over draws added by parameter uncertainty",
        ),
    }  # fmt: skip
    return xr.Dataset(parts, attrs=_about(pair.run, outcome))


def effects(on: xr.Dataset, outcome: str, off: xr.Dataset | None = None) -> xr.Dataset:
    """Which parameters an outcome depends on: its standardised regression coefficients.

    ``effect`` (``parameter`` and the dims of the outcome less ``draw``; 1): the SDs of the outcome
    over draws by which it moves for one SD of the parameter, from a linear regression on that
    parameter alone. Parameters are drawn independently, so this is also the coefficient in a
    regression on all; the shares of a specialty mix are not, and theirs holds what the others of
    the mix give up. Of one that has readings each but the first is told by itself, as
    ``path=reading`` (1 where it was drawn, else 0). ``off``, a run of the same scenario and seed
    that draws no parameters, takes population and measurement out of every draw: the same effects,
    those of parameters that matter less than these with smaller errors.

    Raises :class:`InputError` where ``on`` draws no parameters, or the runs are not a pair.
    """
    pair = _pair(on, off, outcome)
    drawn = _as_numbers(pair.run)
    varied = covariance(pair.on, pair.on)
    found = []
    for values in drawn.values():
        own = values.where(np.isfinite(pair.on))
        with_outcome, itself = covariance(own, pair.difference), covariance(own, own)
        scale = varied.combined(itself, lambda a, b: ((a * b).where(a * b > 0)) ** 0.5)
        found.append(with_outcome.combined(scale, lambda a, b: a / b).estimate())
    effect = Estimate(
        *(
            xr.concat(part, "parameter").assign_coords(parameter=list(drawn))
            for part in zip(*found, strict=True)
        )
    )
    words = f"{pair.words}: change in its SDs over draws by one SD of the parameter"
    return xr.Dataset(named("effect", effect, "1", words), attrs=_about(pair.run, outcome))


def _as_numbers(run: xr.Dataset) -> dict[str, xr.DataArray]:
    """What is drawn, by path; of a parameter with readings whether each but the first is."""
    found = {}
    for path in drawn_parameters(run):
        values = run[PARAMETER.name].sel(parameter=path, drop=True)
        names = ""
        if READINGS in run.coords:
            names = str(run[READINGS].sel(parameter=path).item())
        if not names:
            found[path] = values
        for position, name in enumerate(names.split(READINGS_APART)[1:], start=1):
            found[f"{path}={name}"] = (values == position).astype(np.float64)
    return found


class _Pair(NamedTuple):
    """An outcome in the draws that count; ``difference`` is all of it where there is no pair."""

    run: xr.Dataset
    on: xr.DataArray
    off: xr.DataArray
    difference: xr.DataArray
    units: str
    words: str


def _pair(on: xr.Dataset, off: xr.Dataset | None, outcome: str) -> _Pair:
    run = needed(on, [PARAMETER.name, outcome])
    if not drawn_parameters(run):
        raise InputError("the run with parameter uncertainty draws no parameter: all are held")
    values = _by_draw(run, outcome)
    of_off = values
    if off is not None:
        other = needed(off, [outcome])
        if drawn_parameters(other):
            raise InputError("both runs draw parameters; one must have layers.parameters off")
        run, other = paired(run, other, ("layers.parameters", "layers.readings"), _WANTED)
        try:
            values, of_off = xr.align(
                *(_by_draw(part, outcome) for part in (run, other)), join="exact"
            )
        except ValueError as error:
            raise InputError(f"{outcome!r} of the two runs cannot be compared: {error}") from error
    if values.sizes[DRAW] < FEWEST_DRAWS:
        raise InputError(f"the runs share {values.sizes[DRAW]} draws; {FEWEST_DRAWS} are needed")
    counts = np.isfinite(values) & np.isfinite(of_off)
    values, of_off = values.where(counts), of_off.where(counts)
    attrs = run[outcome].attrs
    return _Pair(
        run,
        values,
        of_off,
        values if off is None else values - of_off,
        str(attrs.get("units", "")),
        str(attrs.get("long_name", outcome)),
    )


def _by_draw(run: xr.Dataset, outcome: str) -> xr.DataArray:
    values = run[outcome]
    if DRAW not in values.dims:
        dims = ", ".join(map(str, values.dims))
        raise InputError(f"{outcome!r} is not a value per draw; its dims are {dims}")
    return values.astype(np.float64).load()


def _about(run: xr.Dataset, outcome: str) -> dict[str, Any]:
    return about(run) | {"outcome": outcome, "parameters_drawn": len(drawn_parameters(run))}
