"""What a user could take instead: JAX on the processor, against the kernel on as many cores.

Plain NumPy is timed with the kernel (harness.py).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from tests.bench.checks import Check, Part
from tests.bench.harness import KERNEL_2, Harness, free_cores

DRAWS = 4  # at once; more take longer for each
FORMS = {"the normal approximation": False, "exact counts": True}


def measure(repetitions: int) -> Part:
    part = Part("JAX on the processor, without truth lens, against the kernel on two threads")
    if find_spec("jax") is None:
        part.lines = ["JAX is not installed: pip install -e '.[bench]' adds it"]
        return part
    import jax

    from tests.bench.jax_baseline import simulator

    harness = Harness()
    simulators = {
        f"JAX with {name}, two threads": [simulator(cohort, exact) for cohort in harness.one]
        for name, exact in FORMS.items()
    }

    def run(simulate: list[Any], repetition: int) -> None:
        keys = jax.random.split(jax.random.key(repetition), DRAWS)
        jax.block_until_ready([one(keys) for one in simulate])

    for simulate in simulators.values():
        run(simulate, 0)  # compiles
    for repetition in range(1, repetitions + 1):
        part.free.append(free_cores())
        harness.add_kernel()
        for name, simulate in simulators.items():
            harness.add(name, DRAWS, lambda s=simulate, r=repetition: run(s, r))
        harness.repetition += 1
        part.free.append(free_cores())
    timings = harness.timings
    part.lines = [timings.line(name) for name in (KERNEL_2, *simulators)]
    part.checks = [
        Check(f"{name.partition(',')[0]} over kernel", timings.ratio(name, KERNEL_2))
        for name in simulators
    ]
    return part
