"""What windows, weights and alerts must come to, told plainly over all readings of one sensor.

Everything is decided anew from lists of readings: no running sums, no open panes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rillet.sizes import Size

NEVER = -math.inf


@dataclass(frozen=True)
class Reading:
    """One reading: event time and arrival in ms, its value, and the id of its entry."""

    ts: int
    arrival: int
    value: float
    entry_id: str


@dataclass
class Windows:
    """The windows of one sensor: what was accepted, what was late, which closed in which order."""

    sizes: Sequence[Size]
    lateness: int
    accepted: list[Reading] = field(default_factory=list)
    late: list[Reading] = field(default_factory=list)
    closed: dict[int, list[int]] = field(default_factory=dict)
    begun: dict[int, set[int]] = field(default_factory=dict)
    high: float = NEVER
    arrival: float = math.nan
    closed_until: float = NEVER

    def start(self, ts: float, size: int) -> int:
        """Return the start of the window of that size that ts is in."""
        return math.floor(int(ts) // size) * size

    def close(self, watermark: float) -> None:
        """Close every window that has a reading and ends by then."""
        for size in self.sizes:
            closed = self.closed.setdefault(size.ms, [])
            begun = self.begun.setdefault(size.ms, set())
            for start in sorted(begun):
                if start + size.ms <= watermark:
                    closed.append(start)
                    begun.discard(start)
                    self.closed_until = max(self.closed_until, start + size.ms)

    def tick(self, now: float) -> None:
        """Let the clock go on to `now` while nothing arrives."""
        if self.high > NEVER:
            self.close(self.high + max(0, now - self.arrival) - self.lateness)

    def take(self, reading: Reading) -> None:
        """Take one reading."""
        self.tick(reading.arrival)
        self.arrival = reading.arrival
        floor = self.closed_until
        if self.high > NEVER:
            floor = max(floor, self.start(self.high - self.lateness, self.sizes[0].ms))
        if reading.ts < floor:
            self.late.append(reading)
        else:
            self.accepted.append(reading)
            for size in self.sizes:
                self.begun.setdefault(size.ms, set()).add(self.start(reading.ts, size.ms))
        self.high = max(self.high, reading.ts)
        self.close(self.high - self.lateness)

    def within(self, start: int, size: int) -> list[Reading]:
        """Return the accepted readings of one window, in order of arrival."""
        return [r for r in self.accepted if start <= r.ts < start + size]


def first_and_last(readings: list[Reading]) -> tuple[float, float]:
    """Return the values of earliest and latest event time; of equals the first, and the last."""
    ordered = sorted(readings, key=lambda r: r.ts)
    latest = [r for r in readings if r.ts == ordered[-1].ts]
    return ordered[0].value, latest[-1].value


def weighted(readings: Sequence[Reading], half_life_ms: float) -> tuple[Fraction, Fraction]:
    """Return the exponentially weighted mean and variance, but for the weights exact."""
    newest = max(r.ts for r in readings)
    weights = [Fraction(2.0 ** ((r.ts - newest) / half_life_ms)) for r in readings]
    values = [Fraction(r.value) for r in readings]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    squares = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    return mean, squares / sum(weights)


Change = tuple[str, float | None, int, str]


class Alerts:
    """The changes of one rule for one sensor: (state, value, ts, entry id)."""

    def __init__(self, rule: dict[str, Any], half_life_ms: float) -> None:
        self.rule, self.half_life_ms = rule, half_life_ms
        self.fired = False
        self.changes: list[Change] = []
        self.seen: list[Reading] = []
        self.heard = math.nan

    def change(self, state: str, value: float | None, ts: int, entry_id: str) -> None:
        """Note a change."""
        self.fired = state == "firing"
        self.changes.append((state, value, ts, entry_id))

    def tick(self, now: float) -> None:
        """Let the clock go on to `now`."""
        if self.rule["type"] == "silence" and self.seen and not self.fired:
            until = int(self.heard + self.rule["after_ms"])
            if now > until:
                self.change("firing", None, until, "")

    def hear(self, entry: Reading) -> None:
        """Note an entry that was not folded: it shows only that the sensor sends."""
        if self.seen:
            self.tick(entry.arrival)
            if self.rule["type"] == "silence" and self.fired:
                self.change("resolved", None, entry.arrival, entry.entry_id)
        self.heard = entry.arrival

    def take(self, reading: Reading) -> None:
        """Judge one reading by those before it."""
        self.tick(reading.arrival)
        self.heard = reading.arrival
        wanted = self.wanted(reading)
        if wanted != self.fired:
            state = "firing" if wanted else "resolved"
            self.change(state, reading.value, reading.ts, reading.entry_id)
        self.seen.append(reading)

    def wanted(self, reading: Reading) -> bool:
        """Tell whether the rule fires after this reading."""
        rule, v = self.rule, reading.value
        if rule["type"] == "limit":
            high, low = rule.get("high", math.inf), rule.get("low", -math.inf)
            back = rule["hysteresis"]
            if self.fired:
                return not low + back <= v <= high - back
            return v > high or v < low
        if rule["type"] == "deviation":
            return self.far(reading) and (self.fired or self.is_warm(reading))
        if rule["type"] == "stuck":
            return self.is_stuck(reading)
        return False

    def far(self, reading: Reading) -> bool:
        """Tell whether a reading is beyond sigma deviations of all before it."""
        if not self.seen:
            return False
        mean, variance = weighted(self.seen, self.half_life_ms)
        square = Fraction(self.rule["sigma"]) ** 2
        return variance > 0 and (Fraction(reading.value) - mean) ** 2 > square * variance

    def is_warm(self, reading: Reading) -> bool:
        """Tell whether those before a reading are enough, in number and in weight as of then."""
        warm_up: int = self.rule["warm_up"]
        newest = max(r.ts for r in (*self.seen, reading))
        weight = sum(2.0 ** ((r.ts - newest) / self.half_life_ms) for r in self.seen)
        return len(self.seen) >= warm_up and weight >= min(warm_up / 2, 5)

    def is_stuck(self, reading: Reading) -> bool:
        """Tell whether this value has been the same for long, without another in between."""
        same = [reading]
        for one in reversed(self.seen):
            if one.value != reading.value:
                break
            same.append(one)
        if self.fired:
            return len(same) > 1
        return any(r.ts - same[-1].ts >= self.rule["after_ms"] for r in same)
