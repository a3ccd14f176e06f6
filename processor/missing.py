"""Which readings a span of event time lacks, after sizes of windows changed. Pure.

A moment is accounted for by a pane that the span takes, but for what that pane lacks itself. Where
there is none, a size may vouch that there were no readings: one that was there, whose windows begin
within the span, and whose list has dropped none of them.
"""

from collections.abc import Sequence

from processor.pane import Pane
from processor.spans import Spans, clipped, union, without
from processor.windows import Closed, Sensor, taken_of
from rillet.sizes import LEAST_KEPT, Size

_EVER = float("inf")


def missing(closed: Closed, sensor: Sensor, sizes: Sequence[Size], from_ms: int) -> Spans:
    """Return of which time from `from_ms` on there may be readings that `over` does not have."""
    if not _has_changed(sensor, sizes):
        return ()
    vouched = (_vouched(closed.get(size.name, ()), sensor, size, from_ms) for size in sizes)
    rest = without(clipped(sensor.times, from_ms, _EVER), union(*vouched))
    if not rest:
        return ()
    taken = taken_of(closed, sensor, sizes, from_ms)
    return without(rest, union(*(_accounted(pane, sensor) for pane in taken)))


def _has_changed(sensor: Sensor, sizes: Sequence[Size]) -> bool:
    """Tell whether there is any trace of other sizes."""
    if sensor.lacking or sensor.sizes - {size.ms for size in sizes}:
        return True
    return any(sensor.missing(size.ms) for size in sizes)


def _vouched(kept: Sequence[Pane], sensor: Sensor, size: Size, from_ms: int) -> Spans:
    """Return of which time the windows of a size show all readings.

    Where so few are kept that none can have been dropped, that is so from the beginning.
    """
    begin = -(-from_ms // size.ms) * size.ms
    if len(kept) >= min(size.keep, LEAST_KEPT):
        begin = max(begin, kept[0].start)
    return without([(begin, _EVER)], sensor.missing(size.ms))


def _accounted(pane: Pane, sensor: Sensor) -> Spans:
    """Return of which time a pane has all readings; an open one with those of finer ones in it."""
    lost = sensor.missing(pane.end - pane.start) if pane.open else pane.missing
    return without([(pane.start, pane.end)], lost)
