"""One window of one sensor, open or closed: its readings' figures. Pure.

A pane is a tumbling window [start, end) of event time, in ms. Of a size that was not there all the
time a pane may lack what closed meanwhile: the finer panes whose time lies in spans that it names
(lua/include/coverage.lua); and what was open in larger ones then (lua/include/origins.lua).
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from processor.merge import figures
from processor.record import Moments, pieces_of
from processor.sketch import Sketch, quantiles
from processor.spans import Spans, length, union, unpack_spans, without
from rillet.sizes import Size

_CLOSED = struct.Struct("<3d")
_BODY = struct.Struct("<4dH")


@dataclass(frozen=True, slots=True)
class Pane:
    """Readings of one sensor in [start, end), in ms of event time; `open` if more may come.

    `first` and `last` are the values of earliest and latest event time, `first_ts` and `last_ts`;
    of a closed pane those times are its bounds. Finer panes that closed in a span of `lacking` are
    not in it, nor readings with an event time in `unseen` that came before a change of sizes. Panes
    add; where times are equal the readings of the right-hand side came later.
    """

    start: int
    end: int
    moments: Moments
    first: float
    last: float
    first_ts: float
    last_ts: float
    sketch: Sketch = field(default_factory=Sketch)
    open: bool = False
    lacking: Spans = ()
    unseen: Spans = ()

    @property
    def missing(self) -> Spans:
        """Return of which of its time there may be readings that are not in it."""
        return union(self.lacking, self.unseen)

    @classmethod
    def closed(cls, packed: bytes, size: Size) -> Self:
        """Return a pane of a list `panes:<size>:<sensor>`."""
        pieces = pieces_of(packed)
        start, first, last = _CLOSED.unpack(pieces["p"])
        moments, sketch = Moments.unpack(pieces["m"]), Sketch.unpack(pieces.get("q", b""))
        end = int(start) + size.ms
        lacking, unseen = (unpack_spans(pieces.get(tag, b"")) for tag in "hu")
        return cls(
            int(start),
            end,
            moments,
            first,
            last,
            start,
            end - 1,
            sketch,
            lacking=lacking,
            unseen=unseen,
        )

    @classmethod
    def opened(cls, start: float, body: bytes, size_ms: int) -> Self:
        """Return an open pane of a record's piece `w`, or of a slow record."""
        first, last, first_ts, last_ts, length = _BODY.unpack_from(body)
        moments = Moments.unpack(body[_BODY.size : _BODY.size + length])
        sketch = Sketch.unpack(body[_BODY.size + length :])
        end = int(start) + size_ms
        return cls(int(start), end, moments, first, last, first_ts, last_ts, sketch, open=True)

    def has(self, finer: "Pane") -> bool:
        """Tell whether the readings of a closed pane are in this one."""
        if not (self.start <= finer.start and finer.end <= self.end):
            return False
        return without(without([(finer.start, finer.end)], finer.lacking), self.lacking) != ()

    def __add__(self, other: "Pane") -> "Pane":
        first = other if other.first_ts < self.first_ts else self
        last = other if other.last_ts >= self.last_ts else self
        return Pane(
            min(self.start, other.start),
            max(self.end, other.end),
            self.moments + other.moments,
            first.first,
            last.last,
            first.first_ts,
            last.last_ts,
            self.sketch + other.sketch,
            self.open or other.open,
        )


def total(panes: Iterable[Pane]) -> Pane | None:
    """Return all panes as one, in order of time; None where there is none."""
    found = None
    for pane in sorted(panes, key=lambda one: one.last_ts):
        found = found + pane if found else pane
    return found


def pane_figures(pane: Pane) -> dict[str, Any]:
    """Return start, end and the figures of a pane, as a client sees them; each rounded once."""
    found = figures(pane.moments)
    names = ("count", "mean", "stddev", "min", "max", "sum")
    shown: dict[str, Any] = {"start": pane.start, "end": pane.end}
    shown |= {name: found[name] for name in names if name in found}
    shown |= {"first": pane.first, "last": pane.last}
    if pane.sketch.count == pane.moments.n:  # else quantiles were off for a part of it
        shown |= quantiles(pane.sketch, pane.moments.low, pane.moments.high)
    if pane.missing:
        shown |= {"missing_ms": int(length(pane.missing))}
    return shown | ({"open": True} if pane.open else {})
