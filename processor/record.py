"""Reads a sensor's record in the hash `state`: the exact sums that lua/reducers/moments.lua keeps.

Pure. The layout is that of lua/include/sensor.lua and tally.lua; a test folds and reads back.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

_PIECE = struct.Struct("<cH")
_LONG = struct.Struct("<I")
_MOMENTS = struct.Struct("<BBB9d")
_OWN = struct.Struct("<B4d")
_WITH_SEQ = 1
"""The flag of an own piece that has the seq window behind it."""
_SEQ_WINDOW, _SEEN = struct.Struct("<5d"), struct.Struct("<d")
_TINY_SCALE = Fraction(2) ** -1100

LONG_PIECE = 0xFFFF
"""A piece of so many bytes or more gives its length as an uint32 after this."""


def pieces_of(record: bytes) -> dict[str, bytes]:
    """Return the pieces of a record by their tag."""
    pieces, at = {}, 0
    while at < len(record):
        tag, size = _PIECE.unpack_from(record, at)
        at += _PIECE.size
        if size == LONG_PIECE:
            (size,) = _LONG.unpack_from(record, at)
            at += _LONG.size
        pieces[tag.decode("latin-1")] = record[at : at + size]
        at += size
    return pieces


@dataclass(frozen=True, slots=True)
class Moments:
    """Count and exact sums of values: `s1` of the values, `s2` of their squares.

    Moments add without loss, whatever the order: those of partitions, panes and fleets are merged
    with `+`. `last` is that of the right-hand side.
    """

    n: int = 0
    s1: Fraction = Fraction(0)
    s2: Fraction = Fraction(0)
    low: float = float("inf")
    high: float = float("-inf")
    last: float = 0.0

    @classmethod
    def of(cls, values: list[float]) -> Self:
        """Return the moments of a list of finite values."""
        exact = [Fraction(v) for v in values]
        if not exact:
            return cls()
        squares = sum((v * v for v in exact), Fraction(0))
        return cls(
            len(exact), sum(exact, Fraction(0)), squares, min(values), max(values), values[-1]
        )

    @classmethod
    def unpack(cls, piece: bytes) -> Self:
        """Return the moments of a record's piece `m`."""
        k1, k2, k3, n, low, high, last, *fixed = _MOMENTS.unpack_from(piece)
        more = struct.unpack_from(f"<{k1 + k2 + k3}d", piece, _MOMENTS.size)
        exact = [Fraction(x) for x in (*fixed, *more)]
        rest1, rest2, tiny = exact[5 : 5 + k1], exact[5 + k1 : 5 + k1 + k2], exact[5 + k1 + k2 :]
        return cls(
            int(n),
            sum((*exact[:2], *rest1), Fraction(0)),
            sum((*exact[2:5], *rest2, *(x * _TINY_SCALE for x in tiny)), Fraction(0)),
            low,
            high,
            last,
        )

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            self.n + other.n,
            self.s1 + other.s1,
            self.s2 + other.s2,
            min(self.low, other.low),
            max(self.high, other.high),
            other.last if other.n else self.last,
        )


@dataclass(frozen=True, slots=True)
class Own:
    """The rest of a record that people ask for; times in ms, None where nothing is folded yet."""

    duplicates: int
    rejected: int
    first_ts: int | None
    last_ts: int | None
    last_id: str
    kind: str
    unit: str
    gaps: int = 0
    restarts: int = 0
    lowest_seq: int | None = None
    seen_ms: int | None = None
    """When the last entry of the sensor was added, good or not."""

    @classmethod
    def unpack(cls, piece: bytes) -> Self:
        """Return the counters and labels of a record's piece `s`."""
        flags, duplicates, rejected, first, last = _OWN.unpack_from(piece)
        at, texts = _OWN.size, []
        for _ in range(3):
            size = piece[at]
            texts.append(piece[at + 1 : at + 1 + size].decode(errors="replace"))
            at += 1 + size
        numbered = _SEQ_WINDOW.unpack_from(piece, at) if flags == _WITH_SEQ else None
        _, lowest, _, gaps, restarts = numbered or (0, 0, 0, 0, 0)
        at += _SEQ_WINDOW.size if numbered else 0
        seen = texts[0].split("-")[0] or None
        if at < len(piece):
            (seen,) = _SEEN.unpack_from(piece, at)
        known = first != float("inf")
        return cls(
            int(duplicates),
            int(rejected),
            int(first) if known else None,
            int(last) if known else None,
            texts[0],
            texts[1],
            texts[2],
            int(gaps),
            int(restarts),
            int(lowest) if numbered else None,
            int(seen) if seen is not None else None,
        )
