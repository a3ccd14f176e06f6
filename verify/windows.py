"""What the windows of a sensor must hold: each reading put into its windows one by one. Pure.

docs/redis-layout.md has the rules of closing and of lateness in words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from processor.merge import figures
from verify.sums import Shown, Sums

Window = tuple[int, int]
"""Size and start, in ms."""


@dataclass(slots=True)
class Windows:
    """The windows of one sensor.

    `closed` are those that readings closed; of those in `open` the clock may close any that ends.
    """

    sizes_ms: Sequence[int]
    lateness_ms: int
    open: dict[Window, Sums] = field(default_factory=dict)
    closed: dict[Window, Sums] = field(default_factory=dict)
    late: int = 0
    high: float = -math.inf
    arrival: int = 0
    closed_until: float = -math.inf

    def take(self, ts: int, arrival: int, values: list[float]) -> None:
        """Take the values of one entry."""
        if self.high > -math.inf:
            self._close(self.high + max(0, arrival - self.arrival) - self.lateness_ms)
        self.arrival = arrival
        floor = self.closed_until
        if self.high > -math.inf:
            finest = self.sizes_ms[0]
            floor = max(floor, (self.high - self.lateness_ms) // finest * finest)
        if ts < floor:
            self.late += len(values)
        else:
            for size in self.sizes_ms:
                self.open.setdefault((size, ts // size * size), Sums()).add(values)
        self.high = max(self.high, ts)
        self._close(self.high - self.lateness_ms)

    def _close(self, watermark: float) -> None:
        for size, start in [one for one in self.open if sum(one) <= watermark]:
            self.closed[size, start] = self.open.pop((size, start))
            self.closed_until = max(self.closed_until, start + size)

    def shown(self, window: Window) -> Shown | None:
        """Return the figures that a window's entry must have; None where it has no readings."""
        sums = self.closed.get(window) or self.open.get(window)
        if sums is None:
            return None
        return {k: v for k, v in figures(sums.moments()).items() if k in FIELDS}


FIELDS = ("count", "mean", "stddev", "min", "max", "sum")
