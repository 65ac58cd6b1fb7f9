"""The range over open draws: which draws it is of, its ends and their errors, how it is written."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from asm_sim.engine.frame import OPEN_DRAWS
from asm_sim.errors import InputError
from asm_sim.results.describe import provenance, source_line
from asm_sim.results.pairs import on_shared_draws
from asm_sim.results.ranges import (
    ENDS,
    FEWEST_OPEN,
    PERCENT_OF_RANGE,
    Numbers,
    answer_of,
    error_of_quantile,
    how_to_open,
    needs_open_draws,
    open_part,
    range_of,
    why_no_range,
)
from asm_sim.results.registry import OPEN
from asm_sim.results.statistics import DIGITS_OF_RANGE
from asm_sim.scenario.schema import OPEN_LAYERS
from tests.unit.synthetic_run import opened, synthetic_dataset, synthetic_sweep

UNKNOWN = math.nan


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=30)


def test_open_draws_are_read_as_if_they_were_a_run(ds: xr.Dataset) -> None:
    run = opened(ds, 25)
    for some in (run, run.isel(draw=slice(3)), run.isel(draw=2)):
        part = needs_open_draws(some)
        assert part.sizes["draw"] == 25
        assert set(part.data_vars) == {variable.field for variable in OPEN}
        assert part.share_negative.dims == ("draw", "cohort", "performance_year")
        np.testing.assert_array_equal(part.share_negative, run.open_share_negative)
        assert part.attrs["seed"] == "1"
    other = opened(ds, 30, spread=0.2)
    one, two = on_shared_draws(needs_open_draws(run), needs_open_draws(other))
    assert one.draw.values.tolist() == two.draw.values.tolist() == list(range(25))


def test_a_run_says_how_many_there_are(ds: xr.Dataset) -> None:
    run = opened(ds, 25)
    assert ", 30 draws, 25 open draws, seed 1" in source_line(run)
    assert provenance(run)["open_draws"] == 25
    assert "open_layer" not in provenance(run)
    some = run.isel(open_draw=[3])
    assert ", 30 draws, 1 open draw, seed 1" in source_line(some)
    assert provenance(some)["open_draws"] == 1
    assert provenance(run.drop_dims("open_draw"))["open_draws"] == 0
    assert "open" not in source_line(ds)


def test_draws_that_are_open_themselves_are_open_draws(ds: xr.Dataset) -> None:
    own = ds.assign_attrs(all_open=1)
    assert open_part(own) is own


def test_what_is_said_where_there_are_none(ds: xr.Dataset) -> None:
    """In one message, with what to do."""
    few = opened(ds, FEWEST_OPEN - 1)
    assert open_part(few) is None
    assert open_part(ds.assign_attrs(all_open=1).isel(draw=slice(19))) is None
    with pytest.raises(InputError, match=r"^these results have no open draws, .*; run the scenario "
                       r"again with --open-draws 200 and 20 draws or more$"):  # fmt: skip
        needs_open_draws(ds)
    with pytest.raises(InputError, match="19 open draws are too few for a range, which needs 20"):
        needs_open_draws(few)
    why = "nothing open can be drawn in this scenario: it does not fit"
    assert why_no_range(ds.assign_attrs(no_open_draws="it does not fit")) == why
    assert "open_draws: 200 in the sweep's file" in how_to_open(synthetic_sweep(draws=2))


def test_the_middle_of_the_finite_values_with_errors() -> None:
    """Nine in ten; each end with half of the exact interval of its order statistics."""
    values = np.random.default_rng(3).permutation(np.arange(1.0, 201.0))
    two = np.stack([values, np.where(values > 100, np.nan, values)], axis=1)
    found = range_of(xr.DataArray(two, dims=("draw", "x")))
    assert found.low.values.tolist() == pytest.approx([10.95, 5.95])
    assert found.high.values.tolist() == pytest.approx([190.05, 95.05])
    # 10 of 200 below: the interval of the share reaches from 2.4 to 9.0 %.
    assert float(found.low_mcse[0]) == pytest.approx(math.hypot(5.1, 8.0) / 8**0.5, rel=0.03)
    np.testing.assert_allclose(found.low_mcse, found.high_mcse, rtol=1e-6)
    nothing = range_of(xr.DataArray(np.full((20, 1), np.nan), dims=("draw", "x")))
    assert all(bool(part.isnull().all()) for part in nothing)


def test_an_answer_is_the_mean_of_draws_and_the_range_of_open_ones(ds: xr.Dataset) -> None:
    run = opened(ds, 25)

    def kept(one: xr.Dataset) -> xr.DataArray:
        return one.retained_by_medicare.sum("performance_year") / 1e6

    found = answer_of(run, kept).at(cohort="LBP")
    draws, open_draws = kept(run).sel(cohort="LBP"), kept(needs_open_draws(run)).sel(cohort="LBP")
    assert found.value == pytest.approx(float(draws.mean()))
    assert found.mcse == pytest.approx(float(draws.std(ddof=1)) / 30**0.5)
    assert found.range_high == pytest.approx(float(open_draws.quantile(0.95)))
    assert math.isnan(found.range_low_mcse)  # of 25 draws
    assert found.has_range
    assert not answer_of(ds, kept).at(cohort="LBP").has_range


@pytest.mark.parametrize(
    ("low", "high", "text", "outside"),
    [
        (51.2, 66.4, "58 (51 to 66)", False),
        (57.1, 58.6, "57.8 (57.1 to 58.6)", False),
        (57.9, 66.4, "57.8* (57.9 to 66.4)", True),
        (51.2, 57.5, "57.8* (51.2 to 57.5)", True),
        (57.8, 57.8, "57.8", False),
        (57.8, 66.0, "57.8 (57.8 to 66.0)", False),
        (UNKNOWN, UNKNOWN, "57.8", False),
    ],
)
def test_how_an_answer_is_written(low: float, high: float, text: str, outside: bool) -> None:
    numbers = Numbers(57.8, 0.02, low, 0.1, high, 0.1)
    assert numbers.written() == text
    assert numbers.is_outside is outside
    assert numbers.has_width is ("(" in text)


def test_the_page_on_uncertainty_says_what_is_done() -> None:
    """Its numbers are those of the code, and what it does in Python can be done."""
    page = (Path(__file__).parents[2] / "docs" / "uncertainty.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert f"The middle {PERCENT_OF_RANGE} % of the open draws**: from the 5th to the 95th" in text
    assert (ENDS, DIGITS_OF_RANGE) == ((0.05, 0.95), 2)
    assert f"fewer than {FEWEST_OPEN} there is no range" in text
    assert f"made again with everything open drawn: {OPEN_DRAWS} **open draws**" in text
    layers = ", ".join(f'{name}: "on"' for name in OPEN_LAYERS)
    assert f"layers: {{{layers}}}" in text
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    run = opened(synthetic_dataset(draws=30), 25)
    here: dict[str, object] = {"asm": SimpleNamespace(simulate=lambda *_, **__: run)}
    exec(code, here)
    assert math.isnan(error_of_quantile(np.arange(73.0), 0.05, 73))
    assert math.isfinite(error_of_quantile(np.arange(74.0), 0.05, 74))
