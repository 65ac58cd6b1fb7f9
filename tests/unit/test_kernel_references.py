"""Structures passed by reference show what is in them, and count nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import _nrt_python as _nrt
from numba.core.runtime import rtsys

from asm_sim.kernels._jit import direct_entry, inlined, kernel
from asm_sim.kernels._memory import held
from asm_sim.kernels._reference import by_reference, keep, own_copy


class Inner(NamedTuple):
    values: Any
    factor: float


class Alike(NamedTuple):
    """Of one type throughout, which numba holds in another way."""

    first: Any
    second: Any


class Outer(NamedTuple):
    table: Any
    inner: Inner
    alike: Alike
    flag: bool
    count: int


@kernel
def _scale(inner):
    for i in range(len(inner.values)):
        inner.values[i] *= inner.factor


@kernel
def _read(outer):
    _scale(outer.inner)
    tail = outer[3:]
    total = outer.table[1, 0] + outer.inner.values.sum() + outer.alike.second[0]
    return total + tail[1] + (100.0 if outer.flag else 0.0) + outer[0].shape[1]


@njit
def through_reference(outer: Any) -> Any:
    reference = by_reference(outer)
    result = _read(reference)
    keep(outer)
    return result


@njit
def made_inside(n: int) -> Any:
    made = Alike(np.arange(n), np.ones(n, np.int64))
    reference = by_reference(made)
    copy = own_copy(reference.first[1:])
    keep(made)
    return copy


class Result(NamedTuple):
    total: Any


@direct_entry
def directly(outer: Any, result: Any) -> None:
    result.total[0] = _read(outer)


def _directly(outer: Outer) -> float:
    total = np.zeros(1)
    directly(outer, Result(total))
    return float(total[0])


class Mixed(NamedTuple):
    """Numbers of one byte between those of eight."""

    first: bool
    inner: Inner
    second: Any
    count: Any
    third: bool
    record: Any
    fourth: bool
    single: Any


@direct_entry
def tell(mixed: Any, result: Any) -> None:
    result.total[0] = mixed.first
    result.total[1] = mixed.inner.values[-1]
    result.total[2] = mixed.second
    result.total[3] = mixed.count
    result.total[4] = mixed.third
    result.total[5] = mixed.record[1].b
    result.total[6] = mixed.fourth
    result.total[7] = mixed.single[1, 0]


def _outer(**other: Any) -> Outer:
    alike = Alike(np.full(2, 5.0), np.full(3, 7.0))
    inner = Inner(np.array([1.0, 2.0]), 3.0)
    return Outer(np.arange(6.0).reshape(2, 3), inner, alike, True, 11)._replace(**other)


def test_fields_are_those_of_the_named_tuple() -> None:
    outer = _outer()
    # table[1, 0], the scaled values, alike.second[0], count, flag, columns of the table
    assert through_reference(outer) == 3.0 + 9.0 + 7.0 + 11.0 + 100.0 + 3.0
    assert outer.inner.values.tolist() == [3.0, 6.0]  # written through the reference
    assert through_reference(outer) == 3.0 + 27.0 + 7.0 + 11.0 + 100.0 + 3.0


def test_arrays_need_not_be_contiguous() -> None:
    assert through_reference(_outer(table=np.arange(12.0).reshape(2, 6)[:, ::2])) == 136.0


def test_what_is_copied_outlives_the_reference() -> None:
    copies = [made_inside(k) for k in range(1, 200)]
    assert all(copy.tolist() == list(range(1, k + 1)) for k, copy in enumerate(copies))


def test_what_is_made_inside_is_freed() -> None:
    through_reference(_outer())
    kept = made_inside(5)
    _nrt.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        for _ in range(50):
            through_reference(_outer())
            made_inside(1000)
        after = rtsys.get_allocation_stats()
    finally:
        _nrt.memsys_disable_stats()
    assert after.mi_alloc > before.mi_alloc
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free
    assert kept.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("part", [_scale, inlined(lambda x: x + 1.0)])
def test_a_part_is_not_for_python(part: Any) -> None:
    with pytest.raises(TypeError, match="for other kernels"):
        part(Inner(np.ones(1), 1.0))


def test_python_lays_a_named_tuple_out_as_a_kernel_does() -> None:
    for outer in (_outer(), _outer(table=np.arange(12.0).reshape(2, 6)[:, ::2])):
        kept = outer.inner.values.copy()
        expected = through_reference(outer)
        outer.inner.values[:] = kept
        assert _directly(outer) == expected


def test_what_is_laid_out_is_found_again_for_itself_alone() -> None:
    outer = _outer()
    alike = outer._replace(count=outer.count)
    assert held(outer) is held(outer)
    assert held(alike).structure is alike
    assert held(alike).kind == held(outer).kind
    assert held(alike).address != held(outer).address
    total = np.zeros(2)
    directly(held(outer), Result(total[:1]))
    directly(held(outer), Result(total[1:]))  # arrays are not copied: the first call scaled them
    assert total.tolist() == [133.0, 151.0]


@pytest.mark.parametrize("flags", [(True, False, True), (False, True, False)])
def test_numbers_of_every_size_are_found(flags: tuple[bool, bool, bool]) -> None:
    inner = Inner(np.array([3.0, 4.0]), 1.0)
    records = np.array([(1, 2.0), (3, 5.0)], [("a", np.int8), ("b", np.float64)])
    single = np.asfortranarray(np.array([[1, 2], [7, 8]], np.int16))
    total = np.zeros(8)
    mixed = Mixed(flags[0], inner, np.float64(6.5), -9, flags[1], records, flags[2], single)
    tell(mixed, Result(total))
    assert total.tolist() == [flags[0], 4.0, 6.5, -9.0, flags[1], 5.0, flags[2], 7.0]


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(TypeError, match="str: a kernel takes arrays and numbers"):
        directly(_outer(count="eleven"), Result(np.zeros(1)))


def test_an_entry_without_memory_says_so() -> None:
    with pytest.raises(MemoryError, match="Allocation failed"):
        fill_all(Alike(np.array([1 << 50]), np.zeros(1)))


@direct_entry
def fill_all(sizes: Any) -> None:
    sizes.second[0] = np.ones(sizes.first[0])[-1]


def test_arrays_of_two_shapes_are_told_without_what_texts_take() -> None:
    with pytest.raises(ValueError, match=r"."):  # the text is that of the numba there is
        copy_all(Alike(np.zeros(3), np.zeros(2)))
    same = Alike(np.array([1.0, 2.0]), np.zeros(2))
    copy_all(same)
    assert same.second.tolist() == [1.0, 2.0]


@direct_entry
def copy_all(arrays: Any) -> None:
    arrays.second[:] = arrays.first
