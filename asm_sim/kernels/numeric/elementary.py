"""log, exp, sine and cosine as plain polynomials, so that loops over them vectorise.

Each is exact to about two units in the last place, the logarithm to 1e-13 of itself, which is far
below the 32 bits of the uniforms that it is taken of; the tests compare them with libm. Between
whole numbers as float64 and as int64 they go by adding 1.5 2^52, which leaves the number in the low
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
_SHIFTER = 6755399441055744.0  # 1.5 2^52
_SHIFTER_BITS = np.int64(0x4338000000000000)
_EXPONENT = np.int64(-(1 << 52))  # mask of sign and exponent
_SIGN = np.int64(-(1 << 63))
_TURN = 6.283185307179586477
# Of powers of a part of a turn, every second one.
_SINE = tuple(
    c * _TURN ** (2 * k + 1)
    for k, c in enumerate(
        (
            1.0, -1.66666666666666307295e-1, 8.33333333332211858878e-3, -1.98412698295895385996e-4,
            2.75573136213857245213e-6, -2.50507477628578072866e-8, 1.58962301576546568060e-10,
        )
    )
)  # fmt: skip
_COSINE = tuple(
    c * _TURN ** (2 * k)
    for k, c in enumerate(
        (
            1.0, -0.5, 4.16666666666665929218e-2, -1.38888888888730564116e-3,
            2.48015872888517045348e-5, -2.75573141792967388112e-7, 2.08757008419747316778e-9,
            -1.13585365213876817300e-11,
        )
    )
)  # fmt: skip


@inlined
def log(x):
    """Natural logarithm of a positive normal number."""
    bits = np.float64(x).view(np.int64)
    # Split x = m 2^k with m in [sqrt(1/2), sqrt(2)).
    shifted = bits - np.int64(0x3FE6A09E667F3BCD)
    k = shifted >> np.int64(52)
    m = np.int64(bits - (shifted & _EXPONENT)).view(np.float64)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    # 2 / 3 + 2 / 5 z + 2 / 7 z^2 + ..., in five terms through the zeros of a Chebyshev polynomial.
    r = fma(z, 0.1936265371443779, 0.2219140083029217)
    r = fma(z, r, 0.2857175453591486)
    r = fma(z, r, 0.3999999879733758)
    r = fma(z, r, 0.6666666666737509)
    e = np.int64(k + _SHIFTER_BITS).view(np.float64) - _SHIFTER
    return fma(e, _LN2, fma(s * z, r, 2.0 * s))


@inlined
def exp(x):
    """Exponential; arguments beyond +-700 are taken as +-700."""
    x = min(max(x, _EXP_LOWEST), _EXP_HIGHEST)
    k = np.floor(fma(x, _LOG2_E, 0.5))
    r = fma(-k, _LN2_HIGH, x)
    r = fma(-k, _LN2_LOW, r)
    p = fma(r, 1.0 / 6227020800.0, 1.0 / 479001600.0)
    p = fma(r, p, 1.0 / 39916800.0)
    p = fma(r, p, 1.0 / 3628800.0)
    p = fma(r, p, 1.0 / 362880.0)
    p = fma(r, p, 1.0 / 40320.0)
    p = fma(r, p, 1.0 / 5040.0)
    p = fma(r, p, 1.0 / 720.0)
    p = fma(r, p, 1.0 / 120.0)
    p = fma(r, p, 1.0 / 24.0)
    p = fma(r, p, 1.0 / 6.0)
    p = fma(r, p, 0.5)
    p = fma(r, p, 1.0)
    p = fma(r, p, 1.0)
    whole = np.float64(k + _SHIFTER).view(np.int64)
    return p * np.int64((whole + np.int64(1023)) << np.int64(52)).view(np.float64)


@inlined
def cos_sin_turn(v):
    """Cosine and sine of 2 pi v for v in [0, 1)."""
    shifted = fma(v, 4.0, _SHIFTER)  # by the nearest number of quarters
    r = fma(shifted - _SHIFTER, -0.25, v)
    z = r * r
    s = fma(z, _SINE[6], _SINE[5])
    s = fma(z, s, _SINE[4])
    s = fma(z, s, _SINE[3])
    s = fma(z, s, _SINE[2])
    s = fma(z, s, _SINE[1])
    sine = r * fma(z, s, _SINE[0])
    c = fma(z, _COSINE[7], _COSINE[6])
    c = fma(z, c, _COSINE[5])
    c = fma(z, c, _COSINE[4])
    c = fma(z, c, _COSINE[3])
    c = fma(z, c, _COSINE[2])
    c = fma(z, c, _COSINE[1])
    cosine = fma(z, c, _COSINE[0])
    quadrant = np.float64(shifted).view(np.int64)
    odd = (quadrant & np.int64(1)) == 1
    a = sine if odd else cosine
    b = cosine if odd else sine
    return _negative_if(a, quadrant + np.int64(1)), _negative_if(b, quadrant)


@inlined
def _negative_if(x, number):
    """-x where the second bit of a number is set, else x."""
    sign = (number << np.int64(62)) & _SIGN
    return np.int64(np.float64(x).view(np.int64) ^ sign).view(np.float64)
