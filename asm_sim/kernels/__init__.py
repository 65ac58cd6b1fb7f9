"""One draw, compiled: arrays in, arrays out."""

from asm_sim.kernels._machine import threads_given

threads_given()  # before numba reads the same variable, which fails without saying its name
