"""Timings of the kernel against plain NumPy and its own floor, in one interleaved run.

Absolute times move by a fifth from minute to minute on a shared machine, so every repetition runs
all contestants one after the other and what is judged are ratios within a repetition: their median,
shown with their quartiles.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

from asm_sim.kernels.draws.draw import simulate_cohort
from tests.bench import numpy_baseline
from tests.bench.model import GRIDS, SEED, Cohort, cohorts, new_output
from tests.bench.variates_floor import make_variates, needs

DRAWS_PER_TASK = 10  # as in the engine
KERNEL_DRAWS = 40
NUMPY_DRAWS = 3
GROWTH_DRAWS = 10
SPIN_STEPS = 40_000_000
FREE_CORES = 1.9  # what two threads gain with nothing in common, where two cores are free


@dataclass
class Check:
    """A number that has a limit."""

    name: str
    values: list[float]
    at_least: float | None = None
    at_most: float | None = None
    judged: bool = True
    note: str = ""

    @property
    def value(self) -> float:
        return float(np.median(self.values))

    @property
    def passed(self) -> bool:
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def failed(self) -> bool:
        return self.judged and not self.passed

    def line(self) -> str:
        low, high = np.percentile(self.values, [25, 75])
        limit, verdict = "", ""
        if self.at_least is not None:
            limit = f"at least {self.at_least:g}"
        if self.at_most is not None:
            limit = f"at most {self.at_most:g}"
        if limit:
            verdict = "not judged" if not self.judged else "ok" if self.passed else "FAILED"
        spread = f"({low:.2f} to {high:.2f})" if len(self.values) > 1 else ""
        text = f"{self.name:<52}{self.value:9.2f}  {spread:<20}{limit:<16}{verdict}"
        return f"{text.rstrip()}{'  ' + self.note if self.note else ''}"


@dataclass
class Timings:
    """Seconds and clinician-years of every repetition, by contestant."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    clinician_years: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, clinician_years: int, work: Callable[[], Any]) -> None:
        begun = time.perf_counter()
        work()
        self.seconds.setdefault(name, []).append(time.perf_counter() - begun)
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
    at = np.arange(first, first + draws)
    output = new_output(cohort, draws)
    simulate_cohort(*cohort.arguments, GRIDS, SEED, at, at, at, True, truth, output)


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
        self.one, self.four = cohorts(), cohorts(4)
        self.needs = [needs(cohort) for cohort in self.one]
        self.pool = ThreadPoolExecutor(2)
        for cohort, need in zip(self.one, self.needs, strict=True):
            simulate(cohort, 0, 1, True)
            run_numpy(cohort, 0, 1)
            make_variates(need, SEED, 0, 1)
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
            lambda c, first: make_variates(self.needs[c], SEED, first, DRAWS_PER_TASK),
            KERNEL_DRAWS,
        )

    def _numpy(self) -> None:
        for cohort in self.one:
            run_numpy(cohort, self.repetition, NUMPY_DRAWS)

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
            (FEW, growth, lambda: self._growth(self.one, GROWTH_DRAWS)),
            (MANY, 10 * growth, lambda: self._growth(self.one, 10 * GROWTH_DRAWS)),
            (WIDE, 4 * growth, lambda: self._growth(self.four, GROWTH_DRAWS)),
        ]
        for name, years, work in contestants[:: -1 if self.repetition % 2 else 1]:
            self.timings.add(name, years, work)
        self.repetition += 1

    def checks(self) -> list[Check]:
        t = self.timings
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        free = Check("Two threads over one, nothing in common", t.ratio(SPIN_1, SPIN_2))
        two = cores >= 2 and free.value >= FREE_CORES
        note = "" if two else "two cores are not free"
        return [
            Check("NumPy over kernel, one thread", t.ratio(NUMPY, KERNEL_1), at_least=5.0),
            Check(
                "Kernel, one thread over two",
                t.ratio(KERNEL_1, KERNEL_2), at_least=1.8, judged=two, note=note,
            ),
            Check("Kernel with truth lens, one thread over two", t.ratio(TRUTH_1, TRUTH_2)),
            Check("Variates alone, one thread over two", t.ratio(FLOOR_1, FLOOR_2)),
            free,
            Check("Truth lens over none, one thread", t.ratio(TRUTH_1, KERNEL_1)),
            Check("Share of the kernel's time in variates", t.ratio(FLOOR_1, KERNEL_1)),
            Check("The same with truth lens", t.ratio(FLOOR_1, TRUTH_1)),
            Check(
                "Draws times ten, cost", [10 * r for r in t.ratio(MANY, FEW)], at_most=10.7
            ),
            Check(
                "Clinicians times four, cost", [4 * r for r in t.ratio(WIDE, FEW)], at_most=4.4
            ),
        ]  # fmt: skip

    def report(self) -> str:
        lines = ["Nanoseconds per clinician-year, median (quartiles)"]
        names = (NUMPY, KERNEL_1, KERNEL_2, TRUTH_1, TRUTH_2, FLOOR_1, FLOOR_2, FEW, MANY, WIDE)
        lines += [self.timings.line(name) for name in names]
        lines += ["", "Ratios within a repetition, median (quartiles)"]
        lines += [check.line() for check in self.checks()]
        return "\n".join(lines)


NUMPY = "NumPy"
KERNEL_1 = "Kernel, one thread"
KERNEL_2 = "Kernel, two threads"
TRUTH_1 = "Kernel with truth lens, one thread"
TRUTH_2 = "Kernel with truth lens, two threads"
FLOOR_1 = "Variates alone, one thread"
FLOOR_2 = "Variates alone, two threads"
SPIN_1 = "Spinning, one thread"
SPIN_2 = "Spinning, two threads"
FEW = f"Kernel, {GROWTH_DRAWS} draws"
MANY = f"Kernel, {10 * GROWTH_DRAWS} draws"
WIDE = f"Kernel, {GROWTH_DRAWS} draws of four times the roster"


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
