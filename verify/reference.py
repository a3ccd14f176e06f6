"""What the statistics must be: each reading taken one by one, in exact integers. Pure.

It shares nothing with the fold but the rules of good readings (rillet/validate.py).
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from processor.merge import figures
from processor.record import Moments
from rillet.validate import Limits, check
from verify.sequence import Sequence

Fields = Mapping[bytes, bytes]
Shown = dict[str, float | int | str]

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


@dataclass(slots=True)
class Reference:
    """One sensor's account."""

    sums: Sums = field(default_factory=Sums)
    sequence: Sequence = field(default_factory=Sequence)
    first_ts: float = float("inf")
    last_ts: float = float("-inf")
    last_id: str = ""
    duplicates: int = 0
    rejected: int = 0
    labels: dict[str, str] = field(default_factory=dict)

    def take(self, entry_id: str, fields: Fields) -> bool:
        """Take one good entry; return whether it was new."""
        for name in ("kind", "unit"):
            if text := fields.get(name.encode()):
                self.labels[name] = text.decode(errors="replace")
        ts = int(fields[b"ts"]) if b"ts" in fields else None
        values = values_of(fields)
        if b"seq" in fields and not self.sequence.take(int(fields[b"seq"]), ts, self.last_ts):
            self.duplicates += len(values)
            return False
        self.sums.add(values)
        at = milliseconds(entry_id) if ts is None else ts
        self.first_ts, self.last_ts = min(self.first_ts, at), max(self.last_ts, at)
        self.last_id = entry_id
        return True

    def shown(self) -> Shown:
        """Return what the sensor's hash must say, numbers as numbers."""
        found: Shown = {
            **figures(self.sums.moments()),
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "gaps": self.sequence.gaps,
            "restarts": self.sequence.restarts,
            **self.labels,
        }
        if self.sums.n:
            found |= {"last": self.sums.last, "last_id": self.last_id}
            found |= {"first_ts": int(self.first_ts), "last_ts": int(self.last_ts)}
        return found


@dataclass(slots=True)
class Ledger:
    """The accounts of all sensors, by name, and the ids of the entries that are to be rejected."""

    max_batch: int
    future_skew_ms: int
    sensors: dict[str, Reference] = field(default_factory=dict)
    rejects: list[str] = field(default_factory=list)
    entries: int = 0

    def take(self, entry_id: str, fields: Fields) -> bool:
        """Take one entry of the stream, in its order; return whether it is to be folded."""
        self.entries += 1
        limits = Limits(self.max_batch, self.future_skew_ms, milliseconds(entry_id))
        fault = check(fields, limits)
        if fault:
            self.rejects.append(entry_id)
        if fault and fault.code in {"missing_sensor", "bad_sensor"}:
            return False
        sensor = self.sensors.setdefault(fields[b"sensor"].decode(), Reference())
        if fault:
            sensor.rejected += 1
            return False
        return sensor.take(entry_id, fields)


def milliseconds(entry_id: str) -> int:
    """Return the time in an entry's id."""
    return int(entry_id.partition("-")[0])


def values_of(fields: Fields) -> list[float]:
    """Return the values of a good entry, one or many."""
    if b"value" in fields:
        return [float(fields[b"value"])]
    if b"values" in fields:
        return [float(one) for one in fields[b"values"].split(b",")]
    return [value for (value,) in struct.iter_unpack("<d", fields[b"packed"])]
