"""log, exp, sine and cosine as plain polynomials, so that loops over them vectorise.

The exponential is exact to about a unit in the last place, logarithms to 2e-14 of themselves, which
is far below the 32 bits of the uniforms that they are taken of, sine and cosine to 5e-15; the tests
compare them with libm. None of them divides, which takes as long as ten other steps. Long
polynomials are summed by even and odd powers, two short chains of steps instead of a long one.
Between whole numbers and float64 they go by adding 1.5 2^52, which leaves the number in the low
bits: many processors have no instruction for several such conversions at once.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import fma, inlined

_LN2 = 6.93147180559945309417e-01
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634074
_EXP_LOWEST = -700.0
_EXP_HIGHEST = 700.0
SHIFTER = 1.5 * 2.0**52  # added, it leaves the nearest whole number in the lowest bits
_SHIFTER_BITS = np.int64(0x4338000000000000)
_BIAS = 1023  # of an exponent
_EXPONENT = np.int64(-(1 << 52))  # mask of sign and exponent
_FRACTION = np.int64((1 << 52) - 1)
_HALF_BITS = np.int64(0x3FE0000000000000)
# All are nearly the best there are, through the zeros of a Chebyshev polynomial.
# Of log(1 + f) / f, from sqrt(1/2) to sqrt(2).
_LOG = (
    9.999999999999977494e-1, -5.000000000005123412e-1, 3.333333333366277897e-1,
    -2.499999998009766532e-1, 1.999999991352302574e-1, -1.6666668870064102e-1,
    1.428572315899576292e-1, -1.249989533573178386e-1, 1.111066740706283773e-1,
    -1.000239910190661997e-1, 9.102677713958600288e-2, -8.308740852454869536e-2,
    7.525682174652283882e-2, -7.175470440668202714e-2, 7.808645964311097113e-2,
    -7.43458971487856325e-2, 3.550255209682032714e-2,
)  # fmt: skip
# Of -2 log(1 + f) / f, from 1/2 to 1.
_MINUS_TWO_LOG = (
    -2.000000000000015737, 9.999999999818226339e-1, -6.666666701421670801e-1,
    4.999997378728046647e-1, -4.000103668736430695e-1, 3.330856104383497032e-1,
    -2.895992586996998788e-1, 2.078806943559589384e-1, -5.4857819888862436e-1,
    -1.644292790320120225, -7.859353215352024725, -23.38428389364096807, -52.83400243700208858,
    -83.65335682094641872, -90.33244756973361694, -59.23786096353443371, -18.48426000785538598,
)  # fmt: skip
# Of (exp(r) - 1 - r) / r^2, from -log(2) / 2 to log(2) / 2.
_EXP = (
    5.000000000000001021e-1, 1.666666666666666745e-1, 4.16666666666241619e-2,
    8.333333333330064449e-3, 1.388888891719671908e-3, 1.984126986304054527e-4,
    2.480152132236869327e-5, 2.755726848031002553e-6, 2.762007587998336659e-7,
    2.510037583256123366e-8,
)  # fmt: skip
# Of -sqrt(2) sin(pi h / 2) / h and sqrt(2) cos(pi h / 2), of h^2 from 0 to 1.
_SINE = (
    -2.221441469079182869, 9.135311874993972747e-1, -1.127023928577754808e-1,
    6.621000188388705815e-3, -2.268980779591463539e-4, 5.089486909282303072e-6,
    -8.044496553225833669e-8, 9.120929694644870305e-10,
)  # fmt: skip
_COSINE = (
    1.414213562373092305, -1.74471604990936866, 3.587428584267930169e-1, -2.950541739478226369e-2,
    1.300030115756784146e-3, -3.564057374820626933e-5, 6.656298767135335844e-7,
    -8.667622411269455343e-9,
)  # fmt: skip


@inlined
def log(x):
    """Natural logarithm of a positive normal number."""
    bits = np.float64(x).view(np.int64)
    # Split x = (1 + f) 2^e with 1 + f in [sqrt(1/2), sqrt(2)).
    shifted = bits - np.int64(0x3FE6A09E667F3BCD)
    f = np.int64(bits - (shifted & _EXPONENT)).view(np.float64) - 1.0
    e = np.int64((shifted >> np.int64(52)) + _SHIFTER_BITS).view(np.float64) - SHIFTER
    return fma(e, _LN2, f * _of_degree_16(f, _LOG))


@inlined
def minus_two_log(u):
    """-2 log(u) of a number u in (0, 1)."""
    bits = np.float64(u).view(np.int64)
    # Split u = (1 + f) 2^e with 1 + f in [1/2, 1), so that both parts have one sign.
    f = np.int64((bits & _FRACTION) | _HALF_BITS).view(np.float64) - 1.0
    e = np.int64((bits >> np.int64(52)) + _SHIFTER_BITS).view(np.float64) - (SHIFTER + _BIAS - 1)
    return fma(e, -2.0 * _LN2, f * _of_degree_16(f, _MINUS_TWO_LOG))


@inlined
def _of_degree_16(f, c):
    z = f * f
    even, odd = fma(z, c[16], c[14]), fma(z, c[15], c[13])
    even, odd = fma(z, even, c[12]), fma(z, odd, c[11])
    even, odd = fma(z, even, c[10]), fma(z, odd, c[9])
    even, odd = fma(z, even, c[8]), fma(z, odd, c[7])
    even, odd = fma(z, even, c[6]), fma(z, odd, c[5])
    even, odd = fma(z, even, c[4]), fma(z, odd, c[3])
    even, odd = fma(z, even, c[2]), fma(z, odd, c[1])
    return fma(f, odd, fma(z, even, c[0]))


@inlined
def exp(x):
    """Exponential; arguments beyond +-700 are taken as +-700."""
    x = min(max(x, _EXP_LOWEST), _EXP_HIGHEST)
    shifted = fma(x, _LOG2_E, SHIFTER + _BIAS)  # its last bits are an exponent
    k = shifted - (SHIFTER + _BIAS)
    r = fma(-k, _LN2_HIGH, x)
    r = fma(-k, _LN2_LOW, r)
    z = r * r
    even, odd = fma(z, _EXP[8], _EXP[6]), fma(z, _EXP[9], _EXP[7])
    even, odd = fma(z, even, _EXP[4]), fma(z, odd, _EXP[5])
    even, odd = fma(z, even, _EXP[2]), fma(z, odd, _EXP[3])
    even, odd = fma(z, even, _EXP[0]), fma(z, odd, _EXP[1])
    power = np.int64(np.float64(shifted).view(np.int64) << np.int64(52)).view(np.float64)
    return fma(z, fma(r, odd, even), 1.0 + r) * power


@inlined
def half_angle(h):
    """Root 2 times minus the sine and the cosine of h quarter turns, h from -1 to 1.

    With them as s and c, the cosine and sine of twice that angle and half a turn more are
    s^2 - 1 and s c.
    """
    z = h * h
    s = fma(z, _SINE[7], _SINE[6])
    s = fma(z, s, _SINE[5])
    s = fma(z, s, _SINE[4])
    s = fma(z, s, _SINE[3])
    s = fma(z, s, _SINE[2])
    s = fma(z, s, _SINE[1])
    c = fma(z, _COSINE[7], _COSINE[6])
    c = fma(z, c, _COSINE[5])
    c = fma(z, c, _COSINE[4])
    c = fma(z, c, _COSINE[3])
    c = fma(z, c, _COSINE[2])
    c = fma(z, c, _COSINE[1])
    return h * fma(z, s, _SINE[0]), fma(z, c, _COSINE[0])
