"""Timings of the kernel against plain NumPy and its own floor, in one interleaved run.

Absolute times move by a fifth from minute to minute on a shared machine, so every repetition runs
all contestants one after the other and what is judged are ratios within a repetition: their median,
shown with their quartiles.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

from asm_sim.engine.execute import DRAWS_PER_TASK
from asm_sim.memory import keep_what_is_freed
from tests.bench import numpy_baseline
from tests.bench.checks import Check, Part
from tests.bench.model import GRIDS, SEED, Cohort, cohorts, new_output, simulate_into
from tests.bench.variates_floor import ALL, make_by_numpy, make_variates, needs

KERNEL_DRAWS = 2 * DRAWS_PER_TASK
NUMPY_DRAWS = 3
GROWTH_DRAWS = 10
SPIN_STEPS = 40_000_000
TWO_THREADS = "two threads"


@dataclass
class Timings:
    """Seconds and clinician-years of every repetition, by contestant.

    What runs on one thread is timed by its processor time, which others do not lengthen.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    clinician_years: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, clinician_years: int, work: Callable[[], Any]) -> None:
        clock = time.perf_counter if name.endswith(TWO_THREADS) else time.thread_time
        begun = clock()
        work()
        self.seconds.setdefault(name, []).append(clock() - begun)
        self.clinician_years[name] = clinician_years

    def ns(self, name: str) -> list[float]:
        """Nanoseconds per clinician-year."""
        return [1e9 * t / self.clinician_years[name] for t in self.seconds[name]]

    def ratio(self, over: str, under: str) -> list[float]:
        """Per clinician-year, repetition by repetition."""
        return [a / b for a, b in zip(self.ns(over), self.ns(under), strict=True)]

    def line(self, name: str) -> str:
        values = self.ns(name)
        low, high = np.percentile(values, [25, 75])
        return f"{name:<52}{np.median(values):9.1f}  ({low:.1f} to {high:.1f})"


def simulate(cohort: Cohort, first: int, draws: int, truth: bool) -> None:
    output = new_output(cohort, draws)
    simulate_into(output, cohort, np.arange(first, first + draws), truth)


def run_numpy(cohort: Cohort, first: int, draws: int) -> None:
    rng = np.random.Generator(np.random.PCG64([1, first]))
    output = new_output(cohort, draws)
    numpy_baseline.simulate(cohort.rules, cohort.practices, cohort.model, GRIDS, rng, output)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _spin(steps: Any) -> Any:
    """Work that fills a core's execution units and shares nothing: what two threads can gain here.

    Four independent chains, so that two threads on one physical core would be seen.
    """
    a, b = np.uint64(88172645463325252), np.uint64(2463534242)
    c, d = np.uint64(362436069), np.uint64(521288629)
    left, right, last = np.uint64(13), np.uint64(7), np.uint64(17)
    for _ in range(steps):
        a, b, c, d = a ^ (a << left), b ^ (b << left), c ^ (c << left), d ^ (d << left)
        a, b, c, d = a ^ (a >> right), b ^ (b >> right), c ^ (c >> right), d ^ (d >> right)
        a, b, c, d = a ^ (a << last), b ^ (b << last), c ^ (c << last), d ^ (d << last)
    return a ^ b ^ c ^ d


class Harness:
    """All contestants, compiled and warm."""

    def __init__(self) -> None:
        keep_what_is_freed()  # as the engine does
        self.one, self.four = cohorts(), cohorts(4)
        self.needs = [needs(cohort) for cohort in self.one]
        self.pool = ThreadPoolExecutor(2)
        for cohort, need in zip(self.one, self.needs, strict=True):
            simulate(cohort, 0, 1, True)
            run_numpy(cohort, 0, 1)
            make_variates(need, SEED, 0, 1, ALL)
        _spin(1)
        self.timings = Timings()
        self.repetition = 0

    def _years(self, draws: int, copies: int = 1) -> int:
        return copies * draws * sum(cohort.clinician_years for cohort in self.one)

    def _tasks(self, threads: int, work: Callable[[int, int], None], draws: int) -> None:
        """``work(cohort, first draw)`` for all tasks, on the caller's or on two threads."""
        starts = range(self.repetition * draws, (self.repetition + 1) * draws, DRAWS_PER_TASK)
        tasks = [(c, first) for c in range(len(self.one)) for first in starts]
        if threads == 1:
            for task in tasks:
                work(*task)
        else:
            list(self.pool.map(lambda task: work(*task), tasks))

    def _kernel(self, threads: int, truth: bool) -> None:
        self._tasks(
            threads, lambda c, first: simulate(self.one[c], first, DRAWS_PER_TASK, truth),
            KERNEL_DRAWS,
        )  # fmt: skip

    def _floor(self, threads: int) -> None:
        self._tasks(
            threads,
            lambda c, first: make_variates(self.needs[c], SEED, first, DRAWS_PER_TASK, ALL),
            KERNEL_DRAWS,
        )

    def _numpy(self) -> None:
        for cohort in self.one:
            run_numpy(cohort, self.repetition, NUMPY_DRAWS)

    def _generators(self) -> None:
        """The same variates by NumPy's generators, one for each of two threads."""

        def make(first: int) -> None:
            rng = np.random.Generator(np.random.PCG64([2, first]))
            for need in self.needs:
                make_by_numpy(need, rng)

        list(self.pool.map(make, range(2 * self.repetition, 2 * self.repetition + 2)))

    def _growth(self, roster: tuple[Cohort, ...], draws: int) -> None:
        for cohort in roster:
            simulate(cohort, 0, draws, False)

    def _spins(self, threads: int) -> None:
        if threads == 1:
            _spin(SPIN_STEPS)
            _spin(SPIN_STEPS)
        else:
            list(self.pool.map(_spin, [SPIN_STEPS, SPIN_STEPS]))

    def repeat(self) -> None:
        """One repetition of everything, every other time backwards."""
        kernel, growth = self._years(KERNEL_DRAWS), self._years(GROWTH_DRAWS)
        contestants: list[tuple[str, int, Callable[[], None]]] = [
            (NUMPY, self._years(NUMPY_DRAWS), self._numpy),
            (KERNEL_1, kernel, lambda: self._kernel(1, False)),
            (KERNEL_2, kernel, lambda: self._kernel(2, False)),
            (SPIN_1, 2 * SPIN_STEPS, lambda: self._spins(1)),
            (SPIN_2, 2 * SPIN_STEPS, lambda: self._spins(2)),
            (TRUTH_1, kernel, lambda: self._kernel(1, True)),
            (TRUTH_2, kernel, lambda: self._kernel(2, True)),
            (FLOOR_1, kernel, lambda: self._floor(1)),
            (FLOOR_2, kernel, lambda: self._floor(2)),
            (GENERATOR_2, self._years(2), self._generators),
            (FEW, growth, lambda: self._growth(self.one, GROWTH_DRAWS)),
            (MANY, 10 * growth, lambda: self._growth(self.one, 10 * GROWTH_DRAWS)),
            (WIDE, 4 * growth, lambda: self._growth(self.four, GROWTH_DRAWS)),
        ]
        for name, years, work in contestants[:: -1 if self.repetition % 2 else 1]:
            self.timings.add(name, years, work)
        self.repetition += 1

    def add(self, name: str, draws: int, work: Callable[[], None]) -> None:
        """Time another contestant for so many draws of all cohorts."""
        self.timings.add(name, self._years(draws), work)

    def add_kernel(self) -> None:
        self.add(KERNEL_2, KERNEL_DRAWS, lambda: self._kernel(2, False))

    def part(self) -> Part:
        """All ratios, with the limits that the project promises."""
        t = self.timings
        part = Part("The kernel, one interleaved run", self._times(), free=t.ratio(SPIN_1, SPIN_2))
        two = part.needs_two_cores()
        generator = t.ratio(GENERATOR_2, FLOOR_2)
        note = f"NumPy's Generator takes {np.median(generator):.1f} times as long"
        part.checks = [
            Check(
                "Kernel over its own variates, two threads",
                t.ratio(KERNEL_2, FLOOR_2), at_most=2.0, **two,
            ),
            Check(
                "Variates, two threads, ns", t.ns(FLOOR_2),
                at_most=28.0, judged=two["judged"], note=note,
            ),
            Check("NumPy's Generator over variates, two threads", generator),
            Check("NumPy over kernel, one thread", t.ratio(NUMPY, KERNEL_1), at_least=9.0),
            Check(
                "NumPy over kernel, two threads", t.ratio(NUMPY, KERNEL_2), at_least=17.0, **two
            ),
            Check(
                "Kernel over its own variates, one thread", t.ratio(KERNEL_1, FLOOR_1)
            ),
            Check("Truth lens on over off, one thread", t.ratio(TRUTH_1, KERNEL_1), at_most=1.2),
            Check("Kernel, one thread over two", t.ratio(KERNEL_1, KERNEL_2), at_least=1.9, **two),
            Check("Kernel with truth lens, one thread over two", t.ratio(TRUTH_1, TRUTH_2)),
            Check("Variates, one thread over two", t.ratio(FLOOR_1, FLOOR_2)),
            Check("Two spinning threads over one", part.free),
            Check("Draws times ten, cost", [10 * r for r in t.ratio(MANY, FEW)], at_most=10.3),
            Check("Clinicians times four, cost", [4 * r for r in t.ratio(WIDE, FEW)], at_most=4.1),
        ]  # fmt: skip
        return part

    def _times(self) -> list[str]:
        names = (
            NUMPY, KERNEL_1, KERNEL_2, TRUTH_1, TRUTH_2, FLOOR_1, FLOOR_2, GENERATOR_2, FEW, MANY,
            WIDE,
        )  # fmt: skip
        return [
            "Nanoseconds per clinician-year, median (quartiles)",
            *(self.timings.line(name) for name in names),
            "",
            "Ratios within a repetition, median (quartiles)",
        ]


NUMPY = "NumPy"
KERNEL_1 = "Kernel, one thread"
KERNEL_2 = "Kernel, two threads"
TRUTH_1 = "Kernel with truth lens, one thread"
TRUTH_2 = "Kernel with truth lens, two threads"
FLOOR_1 = "Variates alone, one thread"
FLOOR_2 = "Variates alone, two threads"
GENERATOR_2 = "The same variates by NumPy's Generator, two threads"
SPIN_1 = "Spinning, one thread"
SPIN_2 = "Spinning, two threads"
FEW = f"Kernel, {GROWTH_DRAWS} draws"
MANY = f"Kernel, {10 * GROWTH_DRAWS} draws"
WIDE = f"Kernel, {GROWTH_DRAWS} draws of four times the roster"


def measure_kernel(repetitions: int) -> Part:
    harness = Harness()
    for _ in range(repetitions):
        harness.repeat()
    return harness.part()


def free_cores() -> float:
    """What two threads gain at this moment: 2 on two free cores, 1 where there is only one."""

    def wall(steps: list[int], threads: int) -> float:
        with ThreadPoolExecutor(threads) as pool:
            begun = time.perf_counter()
            list(pool.map(_spin, steps))
            return time.perf_counter() - begun

    _spin(1)
    return wall([SPIN_STEPS, SPIN_STEPS], 1) / wall([SPIN_STEPS, SPIN_STEPS], 2)


def time_numpy(repetitions: int) -> list[float]:
    """Seconds of one NumPy draw of all cohorts."""
    result = []
    for repetition in range(repetitions):
        begun = time.perf_counter()
        for cohort in cohorts():
            run_numpy(cohort, repetition, NUMPY_DRAWS)
        result.append((time.perf_counter() - begun) / NUMPY_DRAWS)
    return result
