"""Count and sums of doubles in exact integers. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from processor.record import Moments


@dataclass(frozen=True, slots=True)
class Near:
    """What is kept in plain doubles or in buckets: right if it is `within` so much of `value`."""

    value: float
    within: float


ABSENT = ""
"""What a field must say that must not be there."""

Shown = dict[str, float | int | str | Near]
"""What a hash or an entry must say, by field: numbers as numbers."""

_SHIFT = 1074
"""Every finite double is a whole number of 2^-1074."""


@dataclass(slots=True)
class Sums:
    """Count, sum and sum of squares of doubles, as integers: `s1` in 2^-1074, `s2` in 2^-2148."""

    n: int = 0
    s1: int = 0
    s2: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    last: float = 0.0

    def add(self, values: Iterable[float], times: int = 1) -> None:
        """Take in the values, in order, all of them `times` times over."""
        for value in values:
            top, bottom = value.as_integer_ratio()
            shift = _SHIFT - bottom.bit_length() + 1
            self.n += times
            self.s1 += times * (top << shift)
            self.s2 += times * (top * top << 2 * shift)
            self.low, self.high = min(self.low, value), max(self.high, value)
            self.last = value

    def moments(self) -> Moments:
        """Return the same as moments of the project's own, to be merged and rounded."""
        s1, s2 = Fraction(self.s1, 1 << _SHIFT), Fraction(self.s2, 1 << 2 * _SHIFT)
        return Moments(self.n, s1, s2, self.low, self.high, self.last)
