"""What the API says of a sensor's past: a span up to now, its windows, its quantiles; pure."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from fastapi import HTTPException

from api.store import Everything
from processor.missing import missing
from processor.pane import Pane, pane_figures
from processor.record import Moments, pieces_of
from processor.sketch import quantiles
from processor.spans import clipped, length
from processor.windows import Sensor, begin_of, counts_needed, is_kept, over
from rillet.sizes import Size, parse_span_ms

FOREVER = float("inf")


def now_ms() -> int:
    """Return this machine's time in ms since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A span of event time up to now, in ms; it begins where a window does.

    Of one that is not `kept` the first windows may be gone.
    """

    from_ms: int
    to_ms: int
    kept: bool

    @classmethod
    def parse(cls, text: str, sizes: Sequence[Size]) -> Self:
        """Return the span of `5m` and the like; answer 422 where it is none."""
        try:
            to_ms, span_ms = now_ms(), parse_span_ms(text)
            return cls(begin_of(sizes, span_ms, to_ms), to_ms, is_kept(sizes, span_ms))
        except ValueError as error:
            raise HTTPException(422, f"over: {error}.") from None


def needed(asked: Asked, sizes: Sequence[Size], ahead_ms: int) -> dict[str, int]:
    """Return how many closed windows of each size a span needs.

    Clocks of sensors may go ahead by `ahead_ms`, and close windows that lie in the future.
    """
    counts = counts_needed(sizes, asked.from_ms, asked.to_ms + ahead_ms)
    return dict(zip((size.name for size in sizes), counts, strict=True))


def panes_of(found: Everything, sizes: Sequence[Size]) -> Mapping[str, list[Pane]]:
    """Return the closed windows that were read, by the name of their size."""
    by_name = {size.name: size for size in sizes}
    return {
        name: [Pane.closed(packed, by_name[name]) for packed in lists]
        for name, lists in found.panes.items()
    }


def last_part(found: Everything, asked: Asked, sizes: Sequence[Size]) -> dict[str, Any]:
    """Return the figures of the readings in a span, exact but for its quantiles."""
    sensor, panes = Sensor.unpack(found.record, found.slow), panes_of(found, sizes)
    pane = over(panes, sensor, sizes, asked.from_ms)
    shown = pane_figures(pane) if pane else {"count": 0}
    figures = {name: shown[name] for name in shown if name not in {"start", "end", "open"}}
    oldest = pane.start if pane else asked.to_ms
    begin = asked.from_ms if asked.kept else oldest
    if lost := clipped(missing(panes, sensor, sizes, asked.from_ms), begin, FOREVER):
        figures |= {"missing_ms": int(length(lost))}
    return {"from": begin, "to": asked.to_ms} | figures


def windows_of(
    found: Everything, size: Size, from_ms: int, to_ms: int, sizes: Sequence[Size]
) -> list[dict[str, Any]]:
    """Return the figures of the windows of one size that overlap a span, oldest first."""
    opened = Sensor.unpack(found.record, found.slow).open_at(size)
    panes = [*panes_of(found, sizes)[size.name], *opened]
    return [pane_figures(one) for one in panes if one.end > from_ms and one.start < to_ms]


def quantiles_of(found: Everything) -> dict[str, float | None] | None:
    """Return p50, p90 and p99 of all readings; None where no sketch is kept."""
    piece = pieces_of(found.record or b"").get("m")
    sketch = Sensor.unpack(found.record, found.slow).sketch
    if not piece or not sketch.counts:
        return None
    moments = Moments.unpack(piece)
    return quantiles(sketch, moments.low, moments.high)
