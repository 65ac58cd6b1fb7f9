"""Equality of results to the last bit."""

from __future__ import annotations

import numpy as np
import xarray as xr


def assert_same_bits(one: xr.Dataset, other: xr.Dataset) -> None:
    """The same variables and coordinates with the same bytes and metadata."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        a, b = one[name], other[name]
        assert a.dims == b.dims, name
        assert a.attrs == b.attrs, name
        x, y = np.asarray(a.values), np.asarray(b.values)
        if x.dtype.kind in "US":
            assert x.tolist() == y.tolist(), name
        else:
            assert x.dtype == y.dtype, name
            assert x.tobytes() == y.tobytes(), f"{name} differs"
