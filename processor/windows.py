"""Windows of one sensor: reads what the fold keeps of them, and merges them without loss. Pure.

The fold keeps the newest closed panes of each size in the lists `panes:<size>:<sensor>`. Of what
is still open a reading is in just one pane: one of the finest size, or, once that was closed, one
of each next size in turn until that is closed as well. So open panes add up as closed ones do.

To read all of a sensor: HMGET `state` with `record_fields`, and LRANGE of its lists.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from processor.pane import Pane, total
from processor.record import Own, pieces_of
from processor.sketch import Sketch
from processor.spans import ALL, Spans, clipped, union, unpack_spans, unseen_by
from rillet.keys import slow_field
from rillet.sizes import Size

_OPEN_HEAD = struct.Struct("<4dH")
_MANY = struct.Struct("<I")
_OPEN = struct.Struct("<dH")
_LEVEL = struct.Struct("<d")
_SLOW_PIECE = struct.Struct("<cI")
_SPANS = struct.Struct("<dB")

Closed = Mapping[str, Sequence[Pane]]
"""Closed panes by the name of their size, oldest first."""
MANY_OPEN = 0xFFFF
"""Of so many open panes or more a record gives the number as an uint32 after this."""


def record_fields(sensor: str) -> list[str]:
    """Return the fields of `state` that hold a sensor: its record, and its slow record."""
    return [sensor, slow_field(sensor)]


@dataclass(frozen=True, slots=True)
class Sensor:
    """What `state` holds of one sensor's windows and quantiles: the open panes, finest last.

    After a change of sizes there may be two of one size and start: a reading is in one of them.
    `lacking` has for a size in ms what was closed while it was not there; `sizes` are those of
    which the fold knows already, if it says so. `origins` has for a size in ms where readings began
    that were open in its windows when another became the finest, or are so now. Windows closed up
    to `closed_until`, and all event times are in `times`.
    """

    open: Sequence[Pane]
    sketch: Sketch
    lacking: Mapping[int, Spans] = field(default_factory=dict)
    sizes: frozenset[int] = frozenset()
    origins: Mapping[float, Spans] = field(default_factory=dict)
    closed_until: float = float("-inf")
    times: Spans = ALL

    @classmethod
    def unpack(cls, record: bytes | None, slow: bytes | None) -> Self:
        """Return the sensor of the two fields of `record_fields`, in that order."""
        pieces, cold = pieces_of(record or b""), _slow_pieces(slow or b"")
        sketch = Sketch.unpack(cold.get("q", b"")) + Sketch.of_codes(pieces.get("q", b"\0")[1:])
        finest, closed_until = _open_finest(pieces.get("w", b""))
        for pane in finest:
            sketch += pane.sketch
        lacking = _lacking(cold.get("h", b""))
        larger = _open_larger(cold.get("w", b""))
        larger = [replace(p, lacking=lacking.get(p.end - p.start, ())) for p in larger]
        origins = _spans_by_size(cold.get("o", b""))
        if finest:
            size_ms = finest[0].end - finest[0].start
            began = tuple((pane.start, pane.last_ts + 1) for pane in finest)
            origins[size_ms] = union(origins.get(size_ms, ()), began)
        return cls(
            [*larger, *finest],
            sketch,
            lacking,
            _sizes(cold.get("h", b"")),
            origins,
            closed_until,
            _times(pieces.get("s", b"")),
        )

    def lacks(self, size_ms: int) -> Spans:
        """Return what windows of a size lack of those that closed, by their ends."""
        if self.sizes and size_ms not in self.sizes:  # so new that nothing has closed since
            return ((float("-inf"), self.closed_until),)
        return self.lacking.get(size_ms, ())

    def unseen(self, size_ms: int) -> Spans:
        """Return where readings began that windows of a size have not, and never will."""
        return unseen_by(size_ms, self.origins)

    def missing(self, size_ms: int) -> Spans:
        """Return of which time windows of a size may be without readings, for either reason."""
        return union(self.lacks(size_ms), self.unseen(size_ms))

    def open_at(self, size: Size) -> list[Pane]:
        """Return the open panes of one size, oldest first, with the finer ones that are in them."""
        groups: dict[int, list[Pane]] = {}
        for pane in self.open:
            start = pane.start // size.ms * size.ms
            if pane.end <= start + size.ms:
                groups.setdefault(start, []).append(pane)
        return [self._as_pane(start, size, groups[start]) for start in sorted(groups)]

    def _as_pane(self, start: int, size: Size, parts: list[Pane]) -> Pane:
        whole, end = total(parts), start + size.ms
        assert whole  # noqa: S101 a group has a member
        lacking = self.lacking.get(size.ms, ())
        if self.sizes and size.ms not in self.sizes:  # the open ones have more than `lacks` says
            first = min(part.start for part in parts)
            within = (clipped(self.missing(p.end - p.start), p.start, p.end) for p in parts)
            lacking = union(((start, first),), *within)
        inside, unseen = (clipped(one, start, end) for one in (lacking, self.unseen(size.ms)))
        return replace(whole, start=start, end=end, open=True, lacking=inside, unseen=unseen)


def _slow_pieces(slow: bytes) -> dict[str, bytes]:
    """Return the pieces of a slow record, whose lengths are uint32, by their tag."""
    pieces, at = {}, 0
    while at < len(slow):
        tag, size = _SLOW_PIECE.unpack_from(slow, at)
        at += _SLOW_PIECE.size
        pieces[tag.decode("latin-1")] = slow[at : at + size]
        at += size
    return pieces


def _open_finest(piece: bytes) -> tuple[list[Pane], float]:
    """Return the open panes of the finest size, and up to when windows have closed."""
    if not piece:
        return [], float("-inf")
    size_ms, closed_until, _next_end, _late, n = _OPEN_HEAD.unpack_from(piece)
    at = _OPEN_HEAD.size + (_MANY.size if n == MANY_OPEN else 0)
    found = [Pane.opened(start, body, int(size_ms)) for start, body in _bodies(piece, at)]
    panes = [replace(pane, lacking=ALL) for pane in found]  # nothing that closed is in these
    return panes, closed_until


def _bodies(piece: bytes, at: int) -> Iterable[tuple[float, bytes]]:
    while at < len(piece):
        start, length = _OPEN.unpack_from(piece, at)
        at += _OPEN.size
        yield start, piece[at : at + length]
        at += length


def _open_larger(piece: bytes) -> list[Pane]:
    """Return the open panes of a slow record: each its size in ms, its start, and its body."""
    found, at = [], 0
    while at < len(piece):
        (size_ms,) = _LEVEL.unpack_from(piece, at)
        start, length = _OPEN.unpack_from(piece, at + _LEVEL.size)
        at += _LEVEL.size + _OPEN.size
        found.append(Pane.opened(start, piece[at : at + length], int(size_ms)))
        at += length
    return found


def _sizes(piece: bytes) -> frozenset[int]:
    """Return the sizes that a slow record's piece begins with, in ms."""
    count = piece[0] if piece else 0
    return frozenset(int(ms) for ms in struct.unpack_from(f"<{count}d", piece, 1 if count else 0))


def _lacking(piece: bytes) -> dict[int, Spans]:
    """Return what sizes lack, by their ms, of that piece."""
    found = _spans_by_size(piece[1 + 8 * (piece[0] + 1) :] if piece else b"")
    return {int(size_ms): spans for size_ms, spans in found.items()}


def _spans_by_size(packed: bytes) -> dict[float, Spans]:
    """Return lists of spans by the ms of their size, which is infinite for that of no window."""
    found: dict[float, Spans] = {}
    at = 0
    while at < len(packed):
        size_ms, n = _SPANS.unpack_from(packed, at)
        at += _SPANS.size
        found[size_ms] = unpack_spans(packed[at : at + 16 * n])
        at += 16 * n
    return found


def _times(piece: bytes) -> Spans:
    """Return the span of all event times of a record's piece `s`."""
    own = Own.unpack(piece) if piece else None
    if own is None or own.first_ts is None or own.last_ts is None:
        return ()
    return ((own.first_ts, own.last_ts + 1),)


def begin_of(sizes: Sequence[Size], span_ms: int, to_ms: int) -> int:
    """Return where the last `span_ms` before `to_ms` begin: at the start of a pane that is kept.

    That is at most one pane early, one of the finest size of which enough are kept for the span.
    """
    for size in sizes:
        if size is sizes[-1] or (size.keep - 1) * size.ms >= span_ms:
            return (to_ms - span_ms) // size.ms * size.ms
    raise ValueError("there are no windows: RILLET_WINDOWS is empty")


def is_kept(sizes: Sequence[Size], span_ms: int) -> bool:
    """Tell whether the windows of a span are all kept, however often a sensor sends.

    If not the first may be gone, and the figures begin where the pane of `over` does.
    """
    return any((size.keep - 1) * size.ms >= span_ms for size in sizes)


def counts_needed(sizes: Sequence[Size], from_ms: int, to_ms: int) -> list[int]:
    """Return how many of the newest closed panes of each size `over` needs."""
    return [min(size.keep, (to_ms - from_ms) // size.ms + 2) for size in sizes]


def over(closed: Closed, sensor: Sensor, sizes: Sequence[Size], from_ms: int) -> Pane | None:
    """Return all readings with an event time from `from_ms` on as one pane; None if there are none.

    `from_ms` is that of `begin_of`.
    """
    whole = total(taken_of(closed, sensor, sizes, from_ms))
    return whole and replace(whole, lacking=(), unseen=())


def taken_of(closed: Closed, sensor: Sensor, sizes: Sequence[Size], from_ms: int) -> Sequence[Pane]:
    """Return the panes that have the readings from `from_ms` on, each reading once.

    The largest panes are taken first, then the finer ones that are in none of them, so that nothing
    counts twice, and what a larger one lacks counts where it is kept.
    """
    taken = [pane for pane in sensor.open if pane.start >= from_ms]  # in no other
    for size in reversed(sizes):
        found = [pane for pane in closed.get(size.name, ()) if pane.start >= from_ms]
        taken += [pane for pane in found if not any(one.has(pane) for one in taken)]
    return taken
