"""Mean and deviation weighted by age, by their definition and in many digits. Pure.

lua/reducers/weights.lua keeps the same in plain doubles, by other formulas.
"""

import math
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from verify.sums import Near, Shown

DIGITS = Context(prec=60)

ROUNDING = 1e-12
"""How far plain doubles may be off, in parts of the values' own size (their weighted rms)."""

NONE = 1e-150
"""Differences below this are none to the fold."""


@dataclass(slots=True)
class Weights:
    """A value weighs 2^(-age/half-life); the sums are of the weights as of the latest event."""

    half_life_ms: float
    latest: float = -math.inf
    weight: Decimal = Decimal(0)
    s1: Decimal = Decimal(0)
    s2: Decimal = Decimal(0)

    def take(self, ts: int, values: list[float]) -> None:
        """Take the values of one entry."""
        with localcontext(DIGITS):
            one = Decimal(2.0 ** (-abs(ts - self.latest) / self.half_life_ms))
            if ts > self.latest:
                self.weight, self.s1, self.s2 = self.weight * one, self.s1 * one, self.s2 * one
                self.latest, one = ts, Decimal(1)
            for value in map(Decimal, values):
                self.weight += one
                self.s1 += one * value
                self.s2 += one * value * value

    def shown(self) -> Shown:
        """Return what the two figures must be near to."""
        with localcontext(DIGITS):
            mean, square = self.s1 / self.weight, self.s2 / self.weight
            within = ROUNDING * float(square.sqrt()) + NONE
            deviation = max(square - mean * mean, Decimal(0)).sqrt()
            return {
                "ewm_mean": Near(float(mean), within),
                "ewm_stddev": Near(float(deviation), within),
            }
