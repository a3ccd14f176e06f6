"""Writes a sensor's windows as the fold keeps them, of whole numbers only."""

import struct
from typing import Any

import redis

from processor.sketch import Sketch, code_of
from rillet.keys import Keys, slow_field
from rillet.sizes import Size

Reading = tuple[int, int]
"""Event time in ms, value."""


def piece(tag: str, packed: bytes) -> bytes:
    return struct.pack("<cH", tag.encode(), len(packed)) + packed


def moments(values: list[int]) -> bytes:
    """Pack count, exact sums, smallest, largest and last."""
    squares = float(sum(v * v for v in values))
    low, high, last = float(min(values)), float(max(values)), float(values[-1])
    sums = (float(sum(values)), 0.0, squares, 0.0, 0.0)
    return struct.pack("<BBB9d", 0, 0, 0, float(len(values)), low, high, last, *sums)


def sketch(values: list[int]) -> bytes:
    return struct.pack(f"<BH{len(values)}H", 0, 0, *(code_of(v) for v in values))


def grouped(readings: list[Reading], size: Size) -> dict[int, list[int]]:
    """Return the values of each window by its start."""
    groups: dict[int, list[int]] = {}
    for ts, value in sorted(readings):
        groups.setdefault(ts // size.ms * size.ms, []).append(value)
    return groups


def close(
    client: redis.Redis, keys: Keys, sensor: str, size: Size, readings: list[Reading]
) -> None:
    """Append the closed windows of these readings."""
    for start, values in grouped(readings, size).items():
        own = struct.pack("<3d", start, values[0], values[-1])
        packed = piece("p", own) + piece("m", moments(values)) + piece("q", sketch(values))
        client.rpush(keys.panes(size.name, sensor), packed)


def hold(
    client: redis.Redis,
    keys: Keys,
    sensor: str,
    size: Size,
    *,
    every: list[int],
    open_readings: list[Reading],
) -> None:
    """Write both records: the sums of `every` value, and the open windows of the finest size."""
    bodies = b""
    groups = grouped(open_readings, size)
    for start, values in groups.items():
        inside = moments(values)
        own = struct.pack("<4dH", values[0], values[-1], 0, 0, len(inside))
        body = own + inside + sketch(values)
        bodies += struct.pack("<dH", start, len(body)) + body
    head = struct.pack("<4dH", size.ms, 0, 0, 0, len(groups))
    counted = list(every)
    for _, value in open_readings:
        counted.remove(value)
    record = piece("m", moments(every)) + piece("w", head + bodies)
    slow = struct.pack("<cI", b"q", len(sketch(counted))) + sketch(counted)
    stats: dict[Any, Any] = {"count": len(every), "last": every[-1]}
    client.hset(keys.stats(sensor), mapping=stats)
    client.hset(keys.state, mapping={sensor: record, slow_field(sensor): slow})


def exact_quantiles(values: list[int]) -> dict[str, float | None]:
    """Return what a sketch of these values answers."""
    made = Sketch.of(values)
    asked = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {name: made.quantile(q, min(values), max(values)) for name, q in asked.items()}
