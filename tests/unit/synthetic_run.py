"""A made-up run with every variable of the registry, for what reads results.

Not a simulation of the model: final scores and payments come from a few lines of numpy. The payment
rule itself is applied (logistic, pool, 85 % paid out), so that the identities among the variables
hold and the numbers are of a plausible size.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from zarr.storage import MemoryStore

from asm_sim.results.open import RESULTS
from asm_sim.results.registry import CLINICIAN, COORDINATES, LENS, OPEN, PARAMETER, VARIABLES
from asm_sim.store.files import open_folder

COHORTS = {"HF": (260, 73.0, 14.0, 270_000.0), "LBP": (390, 72.0, 15.5, 175_000.0)}
YEARS = {2027: 0.09, 2028: 0.09, 2029: 0.10, 2030: 0.11, 2031: 0.12}
GROUPS = {
    "all": ["all"],
    "practice_size": ["solo", "2-15", "16-99", "100+"],
    "specialty": ["cardiology", "orthopaedic_surgery"],
    "episodes": ["20-29", "30+"],
}
MEMBERSHIPS = [grouping for grouping in GROUPS if grouping != "all"]
SAMPLE = 200
STEEPNESS = 0.10
PAID_OUT = 0.85

ASSUMPTIONS = {
    "rules.payment.exchange.steepness": (0.1, "per point"),
    "rules.cost.standard_deviation_curve.anchor": (7.5, "points"),
    "rules.final_score.missing_category": ("reweight", "treatment"),
    "rules.complex_patient.form": ("mips", "form"),
    "population.cost.reliability_at_20.HF": (0.5, "reliability"),
    "population.cost.reliability_at_20.LBP": (0.55, "reliability"),
}

LEVERS = {
    "rules.payment.risk_level": {str(year): risk for year, risk in YEARS.items()},
    "rules.payment.redistribution_share": PAID_OUT,
}
EXIT_SHARE = 0.06  # by the payment year
UNSCORED = 0.01  # of the Part B payments of those with a final score

AXES = ("rules.payment.exchange.steepness", "rules.payment.redistribution_share")

COORDINATE_VALUES: dict[str, npt.NDArray[Any]] = {
    "quantile": np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]),
    "score": np.arange(0.0, 101.0, 5.0),
    "from_quintile": np.arange(1, 6),
    "to_quintile": np.arange(1, 6),
    "n_years": np.arange(6),
    "adjustment_bin": np.concatenate([[-np.inf], np.round(np.arange(-0.15, 0.2001, 0.005), 4)]),
    "score_bin": np.concatenate([[-np.inf], np.arange(0.0, 101.0, 2.0)]),
    "dollars_bin": np.concatenate([[-np.inf], np.arange(-200_000.0, 200_001.0, 10_000.0)]),
}


def synthetic_dataset(
    draws: int = 30, seed: int = 1, enlarge: int = 1, open_draws: int = 0
) -> xr.Dataset:
    """A run of ``draws`` draws; ``enlarge`` multiplies the number of clinicians.

    ``open_draws`` of them are there again, as :func:`opened` makes them.
    """
    generator = np.random.default_rng(seed)
    groups = [
        "all" if grouping == "all" else f"{grouping}: {label}"
        for grouping, labels in GROUPS.items()
        for label in labels
    ]
    sizes = {cohort: enlarge * numbers[0] for cohort, numbers in COHORTS.items()}
    dims = {
        "draw": draws,
        "draw_sample": min(draws, SAMPLE),
        "cohort": len(COHORTS),
        "performance_year": len(YEARS),
        "group": len(groups),
        "clinician": sum(sizes.values()),
        "membership": len(MEMBERSHIPS),
        **{name: len(values) for name, values in COORDINATE_VALUES.items()},
    }
    data = {
        name: np.zeros([dims[dim] for dim in variable.dims], dtype=variable.dtype)
        if variable.dtype.startswith("int")
        else np.full([dims[dim] for dim in variable.dims], np.nan)
        for name, variable in VARIABLES.items()
        if variable not in (*CLINICIAN, *LENS, *OPEN, PARAMETER)
    }
    first = 0
    for c, (cohort, (_, mean, sd, part_b_mean)) in enumerate(COHORTS.items()):
        n = sizes[cohort]
        for d in range(draws):
            _one_draw(data, generator, (d, c), mean, sd, part_b_mean, slice(first, first + n))
        first += n
    ds = xr.Dataset(
        {
            name: (VARIABLES[name].dims, values.astype(VARIABLES[name].dtype))
            for name, values in data.items()
        },
        coords={
            "draw": np.arange(draws),
            "seed": ("draw", np.full(draws, seed, dtype=np.uint64)),
            "draw_sample": np.arange(dims["draw_sample"]),
            "cohort": list(COHORTS),
            "performance_year": list(YEARS),
            "payment_year": ("performance_year", [year + 2 for year in YEARS]),
            "group": groups,
            "grouping": (
                "group",
                [grouping for grouping, labels in GROUPS.items() for _ in labels],
            ),
            "clinician": np.arange(dims["clinician"]),
            "clinician_id": ("clinician", np.arange(dims["clinician"])),
            "clinician_practice": ("clinician", np.arange(dims["clinician"]) // 3),
            "membership": MEMBERSHIPS,
            "clinician_cohort": ("clinician", np.repeat(list(sizes), list(sizes.values()))),
            **COORDINATE_VALUES,
        },
        attrs={
            "title": "Baseline",
            "scenario": "baseline",
            "scenario_yaml": json.dumps({"title": "Baseline", "set": {}}),
            "parameters": json.dumps(
                {path: value for path, (value, _) in ASSUMPTIONS.items()} | LEVERS
            ),
            "assumptions": json.dumps(
                {
                    path: {"value": value, "unit": unit}
                    for path, (value, unit) in ASSUMPTIONS.items()
                }
            ),
            "settings": "[]",
            "scenario_hash": "0123456789abcdef" * 4,
            "rules_hash": "1" * 64,
            "population_hash": "2" * 64,
            "rules": "asm-2026-final",
            "cohort_titles": json.dumps({"HF": "Heart failure", "LBP": "Low back pain"}),
            "population": "roster-2027-preliminary",
            "seed": str(seed),
            "draws": draws,
            "asm_sim_version": "0.1.0",
            "numpy_version": np.__version__,
            "numba_version": "0",
            "rng": "numpy, synthetic",
            "created_by": "tests/unit/synthetic_run.py",
        },
    )
    for name in ds.data_vars:
        ds[name].attrs = VARIABLES[str(name)].attrs
    for name in ds.coords:
        ds[name].attrs = dict(COORDINATES[str(name)])
    return opened(ds, open_draws) if open_draws else ds


def opened(ds: xr.Dataset, draws: int, spread: float = 0.1) -> xr.Dataset:
    """The run with open draws: its first ones, all numbers of each times one factor around 1."""
    factors = np.exp(np.random.default_rng(5).normal(0.0, spread, draws))
    factor = xr.DataArray(factors, dims="open_draw")
    first = ds.isel(draw=slice(0, draws)).rename(draw="open_draw")
    parts = {
        variable.name: (first[variable.field].reset_coords(drop=True) * factor)
        .transpose(*first[variable.field].dims)
        .assign_attrs(variable.attrs)
        for variable in OPEN
    }
    along = {"open_draw": ("open_draw", np.arange(draws), COORDINATES["open_draw"])}
    layer = {"drawn": {"population.cost.reliability_at_20.HF": [0.35, 0.5, 0.65]}, "held": {}}
    attrs = {"open_draws": draws, "open_layer": json.dumps(layer)}
    return ds.assign(parts).assign_coords(along).assign_attrs(attrs)


def synthetic_sweep(
    draws: int = 8,
    steepness: Sequence[float] = (0.05, 0.1, 0.2),
    shares: Sequence[float] = (0.7, 0.85),
) -> xr.Dataset:
    """A sweep over a grid: the run with effects that grow along both axes.

    Scores change by 10 points per unit of steepness plus a little per draw, money in proportion to
    the share; all else is the same in every scenario. The reference is (0.1, 0.85).
    """
    run = synthetic_dataset(draws)
    noise = np.random.default_rng(9).normal(0.0, 0.1, run["final_score_mean"].shape)
    entries, parts = [], []
    for steep, share in itertools.product(steepness, shares):
        part = run.copy(deep=True)
        part["final_score_mean"].values += 10 * (steep - 0.1) * (1 + noise)
        for name in ("incentive_pool", "bonuses", "retained_by_medicare"):
            part[name].values *= share / PAID_OUT
        parts.append(part)
        settings = {AXES[0]: steep, AXES[1]: share}
        name = f"steepness={steep}, redistribution_share={share}"
        digest = hashlib.sha256(name.encode()).hexdigest()
        resolved = {"title": "Baseline", "set": settings}
        entries.append({"name": name, "hash": digest, "set": settings, "scenario": resolved})
    shared = list(run.coords)
    ds = xr.concat([part.drop_vars(shared) for part in parts], "scenario").assign_coords(run.coords)
    along = {
        "scenario": [entry["name"] for entry in entries],
        "scenario_hash": [entry["hash"] for entry in entries],
        **{axis: [entry["set"][axis] for entry in entries] for axis in AXES},
    }
    ds = ds.assign_coords({name: ("scenario", values) for name, values in along.items()})
    ds.attrs = {
        **run.attrs,
        "scenario": "steepness",
        "scenario_hash": "f" * 64,
        "scenarios": json.dumps(entries),
        "compare_to": f"steepness={0.1}, redistribution_share={0.85}",
    }
    return ds


def write_run(ds: xr.Dataset, folder: Path) -> Path:
    """A finished run's or sweep's folder with ``ds`` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    ds.to_zarr(folder / "results.zarr", zarr_format=2, consolidated=True)
    return folder


def _one_draw(
    data: dict[str, npt.NDArray[Any]],
    generator: np.random.Generator,
    where: tuple[int, int],
    mean: float,
    sd: float,
    part_b_mean: float,
    clinicians: slice,
) -> None:
    """Fill in draw and cohort ``where`` of every array."""
    d, c = where
    n = clinicians.stop - clinicians.start
    permanent = generator.normal(0.0, sd * np.sqrt(0.8), n)
    nothing_reported = generator.random(n) < 0.03
    part_b = part_b_mean * np.exp(generator.normal(-0.32, 0.8, n))
    group_of = generator.integers(0, 4, n)
    adjustments, dollars = np.zeros((len(YEARS), n)), np.zeros(n)
    for y, risk in enumerate(YEARS.values()):
        true = np.clip(mean + permanent + generator.normal(0, sd * 0.32, n), 1.0, 100.0)
        score = np.clip(true + generator.normal(0, sd * 0.32, n), 1.0, 100.0)
        score[nothing_reported | (generator.random(n) < 0.02)] = 0.0
        part_b = part_b * np.exp(generator.normal(-0.02, 0.2, n))
        adjustment, scaling, median = _pay(score, part_b, risk)
        true_adjustment, _, _ = _pay(np.where(score > 0, true, 0.0), part_b, risk)
        adjustments[y] = adjustment
        later = part_b * np.exp(generator.normal(-0.04, 0.25, n))
        paid = np.where(generator.random(n) < EXIT_SHARE, 0.0, later)
        gained = adjustment * paid
        dollars += gained
        scores = COORDINATE_VALUES["score"]
        chance = adjustment - true_adjustment
        at = (d, c, y)
        for name, value in {
            "final_score_mean": score.mean(),
            "final_score_sd": score.std(ddof=1),
            "final_score_median": np.median(score),
            "adjustment_mean": adjustment.mean(),
            "adjustment_sd": adjustment.std(ddof=1),
            "share_negative": (adjustment < 0).mean(),
            "share_maximum_penalty": (score == 0).mean(),
            "share_zero_score": (score == 0).mean(),
            "share_unscored": 0.01,
            "median_final_score": median,
            "scaling_factor": scaling,
            "break_even_score": median - np.log(scaling - 1.0) / STEEPNESS,
            "amount_at_risk": risk * part_b.sum(),
            "incentive_pool": PAID_OUT * risk * part_b.sum(),
            "bonuses": (np.maximum(adjustment, 0) * part_b).sum(),
            "penalties": -(np.minimum(adjustment, 0) * part_b).sum(),
            "retained_by_medicare": -(adjustment * part_b).sum(),
            "bonuses_payment_year": np.maximum(gained, 0).sum(),
            "penalties_payment_year": -np.minimum(gained, 0).sum(),
            "retained_by_medicare_payment_year": -gained.sum(),
            "retained_by_medicare_before_exits": -(adjustment * later).sum(),
            "rank_correlation_with_truth": 0.9,
            "misclassified_share": (np.sign(adjustment) != np.sign(true_adjustment)).mean(),
            "misclassified_quintile_share": 0.35,
            "chance_sd": chance.std(ddof=1),
            "chance_variance_share": chance.var() / adjustment.var(),
            "reliability": np.corrcoef(adjustment, true_adjustment)[0, 1] ** 2,
            "part_b_payments": (1.0 + UNSCORED) * part_b.sum(),
            "programme_spending": 0.0,
        }.items():
            data[name][at] = value
        if y > 0:
            data["rank_correlation"][at] = 0.5
            data["sign_change_share"][at] = ((adjustment < 0) != (adjustments[y - 1] < 0)).mean()
            data["adjustment_change_sd"][at] = (adjustment - adjustments[y - 1]).std(ddof=1)
        data["adjustment_quantile"][at] = np.quantile(adjustment, COORDINATE_VALUES["quantile"])
        data["adjustment_at_score"][at] = np.where(
            scores > 0, risk * (_transform(scores, median) * scaling - 1.0), -risk
        )
        members = [np.ones(n, dtype=bool), *(group_of == g for g in range(4))]
        members += [group_of % 2 == g for g in (0, 1, 0, 1)]
        for g, inside in enumerate(members):
            money = part_b[inside]
            _one_group(data, (*at, g), score[inside], adjustment[inside], dollars[inside], money)
        if d < data["panel_adjustment"].shape[0]:
            for name, values in {
                "final_score": score,
                "adjustment": adjustment,
                "dollars": gained,
                "true_final_score": true,
                "true_adjustment": true_adjustment,
                "part_b": paid,
            }.items():
                data[f"panel_{name}"][d, clinicians, y] = values
            groups = (1 + group_of, 5 + group_of % 2, 7 + group_of % 2)
            data["panel_group"][d, clinicians] = np.stack(groups, axis=1)
    years_with_penalty = (adjustments < 0).sum(axis=0)
    data["penalty_years"][d, c] = np.bincount(years_with_penalty, minlength=6) / n
    data["quintile_transition"][d, c] = 0.1 + 0.5 * np.eye(5)


def _one_group(
    data: dict[str, npt.NDArray[Any]],
    at: tuple[int, int, int, int],
    score: npt.NDArray[np.float64],
    adjustment: npt.NDArray[np.float64],
    dollars: npt.NDArray[np.float64],
    part_b: npt.NDArray[np.float64],
) -> None:
    for name, value in {
        "clinicians": len(score),
        "final_score_mean": score.mean(),
        "final_score_sd": score.std(ddof=1),
        "final_score_median": np.median(score),
        "adjustment_mean": adjustment.mean(),
        "adjustment_sd": adjustment.std(ddof=1),
        "share_negative": (adjustment < 0).mean(),
        "share_maximum_penalty": (score == 0).mean(),
        "share_unscored": 0.01,
        "bonuses": (np.maximum(adjustment, 0) * part_b).sum(),
        "penalties": -(np.minimum(adjustment, 0) * part_b).sum(),
        "part_b_payments": part_b.sum(),
    }.items():
        data[f"{name}_by_group"][at] = value
    for variable, axis, values in (
        ("adjustment_histogram", "adjustment_bin", adjustment),
        ("final_score_histogram", "score_bin", score),
        ("cumulative_dollars_histogram", "dollars_bin", dollars),
    ):
        edges = COORDINATE_VALUES[axis]
        position = np.searchsorted(edges, values, side="right") - 1
        data[variable][at[1:]] += np.bincount(position, minlength=len(edges))


def _pay(
    score: npt.NDArray[np.float64], part_b: npt.NDArray[np.float64], risk: float
) -> tuple[npt.NDArray[np.float64], float, float]:
    positive = score > 0
    median = float(np.median(score[positive]))
    transformed = np.where(positive, _transform(score, median), 0.0)
    scaling = float(PAID_OUT * part_b.sum() / (transformed * part_b).sum())
    return risk * (transformed * scaling - 1.0), scaling, median


def _transform(score: npt.NDArray[np.float64], median: float) -> npt.NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-STEEPNESS * (score - median)))


def write_listed_run(ds: xr.Dataset, place: str | Path) -> None:
    """Write results into a folder as the engine does: with the list of their files."""
    files: dict[str, Any] = {}
    ds.to_zarr(MemoryStore(files), mode="w", zarr_format=2, consolidated=False)
    with open_folder(place).replacing(RESULTS, "stamp") as store:
        for name, content in files.items():
            store.put(name, content.to_bytes())
