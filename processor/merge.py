"""Figures from exact sums: of one sensor, or merged over partitions and fleets. Pure.

Each figure is rounded once from the exact rational, so merging costs no digit.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt

from processor.record import Moments


def merge(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all parts together, exactly."""
    return sum(parts, Moments())


def root(x: Fraction) -> float:
    """Return the double nearest to the square root of x >= 0.

    Takes the integer root of x scaled so that it has at least 64 bits, with a sticky last bit, so
    that the one rounding is that to the double.
    """
    if x == 0:
        return 0.0
    bits = x.denominator.bit_length() - x.numerator.bit_length()
    half = 66 + (bits + 1) // 2
    scaled = x * Fraction(4) ** half
    whole = scaled.numerator // scaled.denominator
    floor = isqrt(whole)
    sticky = floor * floor != scaled
    return float(Fraction(2 * floor + sticky) / 2 / Fraction(2) ** half)


def figures(m: Moments) -> dict[str, float | int]:
    """Return count, mean, variance, stddev, stddev_sample (from 2 values on), min, max and sum.

    variance and stddev divide by n, stddev_sample by n - 1. Only `count` where there is no value.
    """
    if m.n == 0:
        return {"count": 0}
    spread = m.n * m.s2 - m.s1 * m.s1
    found: dict[str, float | int] = {
        "count": m.n,
        "mean": float(m.s1 / m.n),
        "variance": float(spread / m.n**2),
        "stddev": root(spread / m.n**2),
    }
    if m.n > 1:
        found["stddev_sample"] = root(spread / (m.n * (m.n - 1)))
    return found | {"min": m.low, "max": m.high, "sum": float(m.s1)}
