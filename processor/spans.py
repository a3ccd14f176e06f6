"""Sets of moments, as the windows of a sensor name what they lack; pure (lua/include/spans.lua)."""

import struct
from collections.abc import Iterable, Mapping

Spans = tuple[tuple[float, float], ...]
"""All moments after the first and not after the second of any pair; in order, apart."""
ALL: Spans = ((float("-inf"), float("inf")),)


def unpack_spans(packed: bytes) -> Spans:
    """Return the spans of two float64 each."""
    numbers = struct.unpack(f"<{len(packed) // 8}d", packed)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def without(spans: Iterable[tuple[float, float]], others: Spans) -> Spans:
    """Return what is in the first and not in the others."""
    found = list(spans)
    for begin, end in others:
        parts = [p for a, b in found for p in ((a, min(b, begin)), (max(a, end), b))]
        found = [(a, b) for a, b in parts if a < b]
    return tuple(found)


def union(*lists: Spans) -> Spans:
    """Return what is in any of them, in order and apart."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(span for spans in lists for span in spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return tuple(found)


def length(spans: Spans) -> float:
    """Return the sum of their lengths."""
    return sum(end - begin for begin, end in spans)


def unseen_by(size_ms: int, origins: Mapping[float, Spans]) -> Spans:
    """Return where readings began that windows of a size have not (lua/include/origins.lua)."""
    return union(*(spans for origin, spans in origins.items() if size_ms % origin))


def clipped(spans: Spans, begin: float, end: float) -> Spans:
    """Return what is in the spans after `begin` and not after `end`."""
    found = ((max(a, begin), min(b, end)) for a, b in spans)
    return tuple((a, b) for a, b in found if a < b)
