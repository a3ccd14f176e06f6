"""Fits a line through samples, to tell what grows from what only varies. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WARM = 0.2
"""The part of a run that is left out at its beginning: pools, pages and paces find their size."""

FLAT_PART, FLAT_BYTES = 0.01, 2 << 20
"""What may be taken for flat: growth over the run by 1 %, or by 2 MiB."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A line through the samples after the warm-up.

    `per_million` and `error` (its standard error) are bytes a million readings; `growth` is what
    the line adds over those samples; `low`, `high` and `level` are of the samples.
    """

    per_million: float
    error: float
    growth: float
    low: float
    high: float
    level: float

    @property
    def flat(self) -> bool:
        """Whether the growth is within what may be taken for none."""
        return self.growth <= max(FLAT_PART * self.level, FLAT_BYTES)


def fit(readings: Sequence[float], sizes: Sequence[float]) -> Fit:
    """Return the line through (readings, bytes) pairs, by least squares."""
    first = int(len(readings) * WARM)
    x, y = [one / 1e6 for one in readings[first:]], list(sizes[first:])
    slope, intercept = statistics.linear_regression(x, y)
    off = [b - slope * a - intercept for a, b in zip(x, y, strict=True)]
    mean = statistics.fmean(x)
    spread = math.fsum((a - mean) ** 2 for a in x)
    variance = math.fsum(e * e for e in off) / max(1, len(x) - 2)
    growth = slope * (x[-1] - x[0])
    return Fit(slope, math.sqrt(variance / spread), growth, min(y), max(y), statistics.fmean(y))
