"""What the windows of a sensor must hold: each reading put into its windows one by one. Pure.

docs/redis-layout.md has the rules of closing and of lateness in words.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from processor.merge import figures
from processor.sketch import ACCURACY, QUANTILES, SMALLEST
from verify.sums import Near, Shown, Sums

At = tuple[int, int]
"""Size and start of a window, in ms."""

FIGURES = ("count", "mean", "stddev", "min", "max", "sum")


@dataclass(slots=True)
class Window:
    """The readings of one window; `values` are there for quantiles, until it is closed."""

    sums: Sums = field(default_factory=Sums)
    first: float = 0.0
    last: float = 0.0
    first_ts: float = math.inf
    last_ts: float = -math.inf
    values: "array[float]" = field(default_factory=lambda: array("d"))
    quantiles: Shown = field(default_factory=dict)

    def take(self, ts: int, values: list[float]) -> None:
        """Take the values of one entry: of equal times the first to come, and the last, count."""
        self.sums.add(values)
        self.values.extend(values)
        if ts < self.first_ts:
            self.first, self.first_ts = values[0], ts
        if ts >= self.last_ts:
            self.last, self.last_ts = values[-1], ts

    def close(self, most: int) -> None:
        """Settle the quantiles; of more than `most` values the sketch may have merged some."""
        ordered = sorted(self.values) if len(self.values) <= most else []
        for name, q in QUANTILES.items() if ordered else ():
            value = ordered[math.floor(q * (len(ordered) - 1))]
            self.quantiles[name] = Near(value, ACCURACY * (1 + 1e-9) * abs(value) + SMALLEST)
        self.values = array("d")

    def shown(self) -> Shown:
        """Return what its entry must say."""
        found = figures(self.sums.moments())
        ends = {"first": self.first, "last": self.last}
        return {**{name: found[name] for name in FIGURES}, **ends, **self.quantiles}


@dataclass(slots=True)
class Windows:
    """The windows of one sensor.

    `closed` are those that readings closed; of those in `open` the clock may close any that ends.
    Quantiles are told of windows of up to `buckets` values.
    """

    sizes_ms: Sequence[int]
    lateness_ms: int
    buckets: int = 0
    open: dict[At, Window] = field(default_factory=dict)
    closed: dict[At, Window] = field(default_factory=dict)
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
                self.open.setdefault((size, ts // size * size), Window()).take(ts, values)
        self.high = max(self.high, ts)
        self._close(self.high - self.lateness_ms)

    def _close(self, watermark: float) -> None:
        for size, start in [one for one in self.open if sum(one) <= watermark]:
            self.closed[size, start] = self.open.pop((size, start))
            self.closed[size, start].close(self.buckets)
            self.closed_until = max(self.closed_until, start + size)

    def shown(self, at: At) -> Shown | None:
        """Return the figures that a window's entry must have; None where it has no readings."""
        if at in self.open:
            self.open[at].close(self.buckets)
        window = self.closed.get(at) or self.open.get(at)
        return window.shown() if window else None
