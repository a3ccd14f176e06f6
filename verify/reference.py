"""What the statistics must be: each reading taken one by one, in exact integers. Pure.

It shares nothing with the fold but the rules of good readings (rillet/validate.py).
"""

import struct
from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from typing import Self

from processor.merge import figures
from rillet.settings import Settings
from rillet.validate import Limits, check
from verify.sequence import Sequence
from verify.sums import ABSENT, Shown, Sums
from verify.weights import Weights
from verify.windows import Windows

Fields = Mapping[bytes, bytes]

FIELDS = (
    *("count", "mean", "variance", "stddev", "stddev_sample", "min", "max", "sum"),
    *("duplicates", "rejected", "gaps", "restarts", "last", "last_id", "first_ts", "last_ts"),
    *("kind", "unit"),
)
"""What the hash of any sensor may have; where windows or weights are kept, there are more."""

WEIGHTED = ("ewm_mean", "ewm_stddev")


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
    windows: Windows | None = None
    weights: Weights | None = None

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
        arrival = milliseconds(entry_id)
        at = arrival if ts is None else ts
        if self.windows:
            self.windows.take(at, arrival, values)
        if self.weights:
            self.weights.take(at, values)
        self.first_ts, self.last_ts = min(self.first_ts, at), max(self.last_ts, at)
        self.last_id = entry_id
        return True

    @property
    def entries(self) -> int:
        """How many readings it has had: new ones, repeats, and rejected ones."""
        return self.sums.n + self.duplicates + self.rejected

    def shown(self) -> Shown:
        """Return what the sensor's hash must say, and what it must not have."""
        found: Shown = {
            **dict.fromkeys(FIELDS, ABSENT),
            **figures(self.sums.moments()),
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "gaps": self.sequence.gaps,
            "restarts": self.sequence.restarts,
            **self.labels,
        }
        if self.windows:
            found["late"] = self.windows.late
        if self.sums.n:
            found |= {"last": self.sums.last, "last_id": self.last_id}
            found |= {"first_ts": int(self.first_ts), "last_ts": int(self.last_ts)}
        if self.weights:
            found |= self.weights.shown() if self.sums.n else dict.fromkeys(WEIGHTED, ABSENT)
        return found


@dataclass(slots=True)
class Ledger:
    """The accounts of all sensors, by name, and the ids of the entries that are to be rejected.

    Windows are accounted for where their sizes are given, weights where their half-life is.
    """

    max_batch: int
    future_skew_ms: int
    sizes_ms: Many[int] = ()
    lateness_ms: int = 0
    buckets: int = 0
    half_life_ms: float = 0.0
    sensors: dict[str, Reference] = field(default_factory=dict)
    rejects: list[str] = field(default_factory=list)
    entries: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return an empty one of all that is kept with these settings."""
        return cls(
            settings.max_batch,
            settings.future_skew_ms,
            [size.ms for size in settings.window_sizes],
            settings.allowed_lateness_ms,
            settings.sketch_buckets if settings.quantiles else 0,
            settings.half_life_s * 1000,
        )

    def take(self, entry_id: str, fields: Fields) -> bool:
        """Take one entry of the stream, in its order; return whether it is to be folded."""
        self.entries += 1
        limits = Limits(self.max_batch, self.future_skew_ms, milliseconds(entry_id))
        fault = check(fields, limits)
        if fault:
            self.rejects.append(entry_id)
        if fault and fault.code in {"missing_sensor", "bad_sensor"}:
            return False
        sensor = self._opened(fields[b"sensor"].decode())
        if fault:
            sensor.rejected += 1
            return False
        return sensor.take(entry_id, fields)

    def _opened(self, name: str) -> Reference:
        self.sensors[name] = self.account(name)
        return self.sensors[name]

    def account(self, name: str) -> Reference:
        """Return the account of a sensor, an empty one of a sensor that has had no reading."""
        if name in self.sensors:
            return self.sensors[name]
        sizes, half_life_ms = self.sizes_ms, self.half_life_ms
        return Reference(
            windows=Windows(sizes, self.lateness_ms, self.buckets) if sizes else None,
            weights=Weights(half_life_ms) if half_life_ms else None,
        )


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
