"""What a whole fold must come to, told plainly: lists, sets and exact fractions, one sensor each.

The rules of good readings are those of rillet/validate.py; those of `seq`, of docs/redis-layout.md.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rillet.validate import Limits, check
from tests.lua.model import exact_figures
from verify.sequence import Sequence

Fields = dict[str, Any]


@dataclass
class Sensor:
    """All that one sensor ever sent."""

    values: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    sequence: Sequence = field(default_factory=Sequence)
    duplicates: int = 0
    rejected: int = 0
    last_id: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    def take(self, entry_id: str, fields: Fields) -> None:
        """Take one good entry."""
        self.labels |= {k: fields[k] for k in ("kind", "unit") if fields.get(k)}
        ts = int(fields["ts"]) if "ts" in fields else None
        values = values_of(fields)
        last_ts = max(self.times, default=float("-inf"))
        if "seq" in fields and not self.sequence.take(int(fields["seq"]), ts, last_ts):
            self.duplicates += len(values)
            return
        self.values += values
        self.times.append(int(entry_id.split("-", maxsplit=1)[0]) if ts is None else ts)
        self.last_id = entry_id

    def shown(self) -> dict[str, float | str]:
        """Return the hash that people must see, numbers as numbers."""
        found: dict[str, float | str] = {
            "count": len(self.values),
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "gaps": self.sequence.gaps,
            "restarts": self.sequence.restarts,
            **self.labels,
        }
        if self.values:
            found |= exact_figures(self.values)
            found |= {"first_ts": min(self.times), "last_ts": max(self.times)}
            found["last_id"] = self.last_id
        return found


def values_of(fields: Fields) -> list[float]:
    """Return the values of a good entry, one or many."""
    if "value" in fields:
        return [float(fields["value"])]
    if "values" in fields:
        return [float(one) for one in fields["values"].split(",")]
    return [value for (value,) in struct.iter_unpack("<d", fields["packed"])]


def as_bytes(fields: Fields) -> dict[bytes, bytes]:
    """Return the fields as Redis holds them."""
    return {k.encode(): v if isinstance(v, bytes) else v.encode() for k, v in fields.items()}


def plain_fold(
    entries: Iterable[tuple[str, Fields]], *, max_batch: int, future_skew_ms: int
) -> tuple[dict[str, dict[str, float | str]], list[tuple[str, str, str]]]:
    """Return the hash of each sensor, and (id, code, reason) of each reject, in order."""
    sensors: dict[str, Sensor] = {}
    refused = []
    for entry_id, fields in entries:
        limits = Limits(max_batch, future_skew_ms, int(entry_id.split("-")[0]))
        fault = check(as_bytes(fields), limits)
        if fault:
            refused.append((entry_id, fault.code, fault.reason))
        if fault and fault.code in ("missing_sensor", "bad_sensor"):
            continue
        sensor = sensors.setdefault(fields["sensor"], Sensor())
        if fault:
            sensor.rejected += 1
        else:
            sensor.take(entry_id, fields)
    return {name: one.shown() for name, one in sensors.items()}, refused


def as_numbers(shown: dict[str, str]) -> dict[str, float | str]:
    """Return a hash read from Redis with its numbers as numbers, but for those of windows_model."""
    texts, others = ("last_id", "kind", "unit"), ("late", "ewm_mean", "ewm_stddev")
    return {k: v if k in texts else float(v) for k, v in shown.items() if k not in others}
