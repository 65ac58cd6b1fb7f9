"""From arrays to the run's Dataset: coordinates, attributes, and what is derived at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from asm_sim import __version__
from asm_sim.engine.execute import CLINICIAN_SUMS_NAME, Arrays
from asm_sim.engine.frame import (
    ADJUSTMENT_BINS,
    DOLLARS_BINS,
    QUANTILES,
    SCORE_BINS,
    SCORES,
    Frame,
    why_no_lens,
    why_no_open_draws,
)
from asm_sim.kernels.draws.counts import ADJUSTMENT_ONE, SCORE_ONE, SCORE_SQUARED_ONE
from asm_sim.kernels.draws.output import ClinicianSums
from asm_sim.kernels.draws.summaries import QUINTILES
from asm_sim.parameters import Parameter, plain_value
from asm_sim.population.probes import REPLICATES, probes_with
from asm_sim.population.stated import stated_columns
from asm_sim.results.registry import (
    ALL_OPEN,
    COHORT_TITLES,
    COORDINATES,
    HISTOGRAMS,
    LENS,
    NO_OPEN_DRAWS,
    OPEN_DRAW,
    OPEN_DRAWS,
    OPEN_LAYER,
    OWN,
    PANEL,
    PANEL_GROUP,
    PANEL_PRACTICE,
    PARAMETER_LAYER,
    READINGS,
    READINGS_APART,
    SEED,
    SETTINGS,
    STATUSES,
    VARIABLES,
    attributes_of,
    factor_sets,
)
from asm_sim.rules.compile_mips import unscored_because

if TYPE_CHECKING:
    import xarray as xr

_SMALLEST_SD = 1e-6  # below it a spread is rounding of the fixed point


def coordinates(frame: Frame) -> dict[str, Any]:
    """All coordinates with their metadata."""
    rules = frame.scenario.rules
    memberships = [group.grouping for group in frame.groups[1:]]
    probes = probes_with(frame.scenario.file.probes)

    def edges(bins: tuple[float, float, int]) -> NDArray[np.float64]:
        lowest, width, count = bins
        return np.concatenate([[-np.inf], lowest + width * np.arange(count + 1)])

    values: dict[str, tuple[str, Any]] = {
        "draw": ("draw", np.arange(frame.scenario.draws)),
        SEED: ("draw", np.full(frame.scenario.draws, frame.scenario.seed, dtype=np.uint64)),
        "draw_sample": ("draw_sample", np.arange(frame.panel_draws)),
        "lens_draw": ("lens_draw", np.arange(frame.lens_draws)),
        "cohort": ("cohort", np.array(frame.roster.cohorts)),
        "performance_year": ("performance_year", np.array(frame.years)),
        "payment_year": (
            "performance_year",
            np.array([rules.payment_year(year) for year in frame.years]),
        ),
        "group": ("group", np.array([group.label for group in frame.groups])),
        "grouping": ("group", np.array([group.grouping for group in frame.groups])),
        "quantile": ("quantile", np.array(QUANTILES)),
        "score": ("score", np.array(SCORES)),
        "from_quintile": ("from_quintile", np.arange(1, QUINTILES + 1)),
        "to_quintile": ("to_quintile", np.arange(1, QUINTILES + 1)),
        "n_years": ("n_years", np.arange(len(frame.years) + 1)),
        "clinician": ("clinician", np.arange(frame.clinicians)),
        "clinician_id": ("clinician", np.array(frame.roster.clinician_id)),
        "clinician_cohort": (
            "clinician",
            np.array(frame.roster.cohorts)[frame.roster.cohort],
        ),
        "clinician_practice": ("clinician", frame.roster.practice),
        "clinician_practice_id": (
            "clinician",
            np.array(frame.roster.practice_id)[frame.roster.practice],
        ),
        "clinician_small_practice": (
            "clinician",
            frame.roster.practice_small[frame.roster.practice],
        ),
        "clinician_state": ("clinician", np.array(frame.roster.state)),
        **{
            f"clinician_stated_{name}": ("clinician", column)
            for name, column in stated_columns(
                frame.roster, rules, frame.scenario.population
            ).items()
        },
        **({} if frame.roster.own is None else {OWN: ("clinician", frame.roster.own)}),
        "membership": ("membership", np.array(list(dict.fromkeys(memberships)))),
        "factors": ("factors", np.array(factor_sets())),
        "probe": ("probe", np.array([probe.label for probe in probes])),
        "probe_level": ("probe", np.array([probe.level for probe in probes])),
        "probe_gain": ("probe", np.array([probe.gain for probe in probes])),
        "probe_episodes": ("probe", np.array([probe.episodes for probe in probes])),
        "replicate": ("replicate", np.arange(REPLICATES)),
        "adjustment_bin": ("adjustment_bin", edges(ADJUSTMENT_BINS)),
        "score_bin": ("score_bin", edges(SCORE_BINS)),
        "dollars_bin": ("dollars_bin", edges(DOLLARS_BINS)),
    }
    if frame.open_draws:
        values[OPEN_DRAW] = (OPEN_DRAW, np.arange(frame.open_draws))
    drawables = frame.drawables
    if drawables:
        values["parameter"] = ("parameter", np.array([item.path for item in drawables]))
        values["parameter_unit"] = ("parameter", np.array([item.unit for item in drawables]))
    if frame.readings is not None:
        names = [READINGS_APART.join(name for name, _ in item.readings) for item in drawables]
        values[READINGS] = ("parameter", np.array(names))
    return {name: (dim, value, COORDINATES[name]) for name, (dim, value) in values.items()}


def attributes(frame: Frame) -> dict[str, Any]:
    """What a reader must know to make the run again."""
    scenario = frame.scenario
    parameters = scenario.leaves()
    reasons = {
        name: unscored_because(scenario.mips, scenario.rules, name) for name in frame.roster.cohorts
    }
    unscored = {name: reason for name, reason in reasons.items() if reason}
    no_lens = why_no_lens(scenario)
    no_open = why_no_open_draws(scenario)
    assumed = {
        path: {
            "value": plain_value(leaf),
            "unit": leaf.unit,
            "description": leaf.description,
            "status": leaf.status,
        }
        for path, leaf in parameters.items()
        if leaf.is_open and not path.startswith("mips.")
    }
    about = {
        "title": scenario.title,
        "scenario": scenario.name,
        "scenario_yaml": json.dumps(scenario.resolved(), indent=1),  # JSON is YAML
        SETTINGS: json.dumps(scenario.assigned),
        "scenario_hash": frame.scenario_hash(),
        COHORT_TITLES: json.dumps(
            {name: scenario.rules.cohorts[name].title for name in frame.roster.cohorts}
        ),
        "rules": scenario.rules.id,
        "rule_year": scenario.rules.rule_year,
        "rules_hash": scenario.rules_hash,
        "population": scenario.population.id,
        "population_hash": scenario.population_hash,
        "mips": scenario.mips.id,
        "mips_hash": scenario.mips_hash,
        "mips_unscored": json.dumps(unscored),
        "roster_hash": frame.roster.sha256,
        SEED: str(scenario.seed),  # up to 64 bits: more than JSON readers hold
        "draws": scenario.draws,
        OPEN_DRAWS: frame.open_draws,
        "rng": "Philox4x32-10, addressed",
        "parameters": json.dumps({path: plain_value(leaf) for path, leaf in parameters.items()}),
        "assumptions": json.dumps(assumed),
        STATUSES: json.dumps(_statuses(parameters)),
        "asm_sim_version": __version__,
        "numpy_version": np.__version__,
        "numba_version": numba.__version__,
        "created_by": f"asm_sim {__version__}",
    } | ({"no_lens": no_lens} if no_lens else {})
    if no_open:
        about[NO_OPEN_DRAWS] = no_open
    if scenario.layers.all_open:
        about[ALL_OPEN] = 1
    for name, part in zip((PARAMETER_LAYER, OPEN_LAYER), frame.parts(), strict=False):
        if part.drawables:
            reasons = {path: parameters[path].held for path in assumed}
            about[name] = json.dumps(_parameter_layer(part, reasons))
    return about


def _statuses(parameters: Mapping[str, Parameter]) -> dict[str, dict[str, int]]:
    """How many parameters of each root have each status."""
    found: dict[str, Counter[str]] = {}
    for path, leaf in parameters.items():
        found.setdefault(path.partition(".")[0], Counter())[leaf.status] += 1
    return {root: dict(counts) for root, counts in found.items()}


def _parameter_layer(frame: Frame, reasons: Mapping[str, str]) -> dict[str, Any]:
    """What is drawn, with low, value and high or the weights of readings; what is held, and why;
    and what is open in the layers that are on and stays fixed because nothing says between what it
    lies. ``reasons`` has for each parameter that is open why that is so, as far as it says it."""
    known = {item.path for item in frame.drawables}
    layers = {"population": frame.parameters, "rules": frame.readings}
    on = tuple(f"{root}." for root, layer in layers.items() if layer is not None)
    return {
        "drawn": {item.path: item.span for item in frame.drawables if not item.held},
        "held": {item.path: item.held for item in frame.drawables if item.held},
        "without_range": {
            path: reason
            for path, reason in reasons.items()
            if path.startswith(on) and path not in known
        },
    }


def clinician_variables(sums: NDArray[np.int64]) -> Arrays:
    """Means and spreads of each clinician over draws, from their fixed-point sums [8, n, Y]."""
    of = ClinicianSums(*sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = of.scored.astype(np.float64)
        count[count == 0] = np.nan

        def mean_and_sd(
            total: NDArray[np.int64], squares: NDArray[np.int64], one: float, one_squared: float
        ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            mean = total / one / count
            variance = np.clip(squares / one_squared - count * mean**2, 0, None) / (count - 1)
            sd = np.sqrt(np.where(count > 1, variance, np.nan))
            return mean, np.where(sd < _SMALLEST_SD, 0.0, sd)

        adjustment = mean_and_sd(
            of.adjustment, of.adjustment_squared, ADJUSTMENT_ONE, ADJUSTMENT_ONE
        )
        score = mean_and_sd(of.score, of.score_squared, SCORE_ONE, SCORE_SQUARED_ONE)
        rank = mean_and_sd(of.rank, of.rank_squared, 2.0, 4.0)
        return {
            "clinician_draws_scored": of.scored.astype(np.float64),
            "clinician_adjustment_mean": adjustment[0],
            "clinician_adjustment_sd": adjustment[1],
            "clinician_probability_negative": of.negative / count,
            "clinician_final_score_mean": score[0],
            "clinician_final_score_sd": score[1],
            "clinician_rank_mean": rank[0],
            "clinician_rank_sd": rank[1],
        }


def is_sum(name: str) -> bool:
    """Whether a variable's blocks are added (otherwise they are joined along the draws)."""
    return name == CLINICIAN_SUMS_NAME or name in {variable.name for variable in HISTOGRAMS}


def is_panel(name: str) -> bool:
    return name in {variable.name for variable in (*PANEL, PANEL_GROUP, PANEL_PRACTICE)}


def is_lens(name: str) -> bool:
    return name in {variable.name for variable in LENS}


def in_memory(frame: Frame, blocks: list[Arrays]) -> xr.Dataset:
    """A Dataset from all blocks of a run, in order."""
    import xarray as xr

    names = list(dict.fromkeys(name for arrays in blocks for name in arrays))
    arrays: Arrays = {}
    for name in names:
        parts = [block[name] for block in blocks if name in block]
        arrays[name] = sum(parts[1:], parts[0]) if is_sum(name) else np.concatenate(parts)
    if CLINICIAN_SUMS_NAME in arrays:
        arrays |= clinician_variables(arrays.pop(CLINICIAN_SUMS_NAME))
    variables = {
        name: (
            VARIABLES[name].dims,
            values,
            attributes_of(VARIABLES[name], frame.scenario.draws),
        )
        for name, values in arrays.items()
    }
    return xr.Dataset(variables, coords=coordinates(frame), attrs=attributes(frame))
