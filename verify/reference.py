"""What the statistics must be: each reading taken one by one, in exact integers. Pure.

It shares nothing with the fold but the rules of good readings (rillet/validate.py).
"""

import struct
from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, field

from processor.merge import figures
from rillet.validate import Limits, check
from verify.sequence import Sequence
from verify.sums import Shown, Sums
from verify.windows import Windows

Fields = Mapping[bytes, bytes]


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
        if self.windows:
            found["late"] = self.windows.late
        if self.sums.n:
            found |= {"last": self.sums.last, "last_id": self.last_id}
            found |= {"first_ts": int(self.first_ts), "last_ts": int(self.last_ts)}
        return found


@dataclass(slots=True)
class Ledger:
    """The accounts of all sensors, by name, and the ids of the entries that are to be rejected.

    Windows are accounted for where their sizes are given.
    """

    max_batch: int
    future_skew_ms: int
    sizes_ms: Many[int] = ()
    lateness_ms: int = 0
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
        sensor = self._account(fields[b"sensor"].decode())
        if fault:
            sensor.rejected += 1
            return False
        return sensor.take(entry_id, fields)

    def _account(self, name: str) -> Reference:
        if name not in self.sensors:
            windows = Windows(self.sizes_ms, self.lateness_ms) if self.sizes_ms else None
            self.sensors[name] = Reference(windows=windows)
        return self.sensors[name]


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
