"""Reckons a sensor's kept tail, though what came before it is not known. Pure.

Which readings of a tail were repeats can be told only from where on every number that counts is
known. So it begins at a result that came late enough in the tail: see Known.
"""

from collections.abc import Sequence as Many
from dataclasses import dataclass, field

from processor.record import Own
from verify.agreement import as_number
from verify.moment import Entry
from verify.reference import milliseconds, values_of
from verify.sequence import WINDOW, Sequence
from verify.sums import Sums

Result = dict[str, str]


@dataclass(slots=True)
class Known:
    """The numbers seen since a reading that was new, in a tail without a restart since.

    Such a reading lay inside the window, so no number above `most` had been seen before it: in a
    window above that, what the tail does not have was not seen.
    """

    most: int = -1
    high: int = -1
    seen: set[int] = field(default_factory=set)

    def begin(self, seq: int) -> None:
        """Take seq as that of a reading that was new."""
        self.most, self.high, self.seen = seq + WINDOW - 1, seq, {seq}

    def take(self, seq: int) -> None:
        """Note a number, once it has begun."""
        if self.seen:
            self.seen.add(seq)
            self.high = max(self.high, seq)

    @property
    def whole(self) -> bool:
        """Whether each number of the window is known to have been seen or not."""
        below = range(max(0, self.high - WINDOW + 1), self.most + 1)
        return 0 <= self.most <= self.high and all(one in self.seen for one in below)


def reckon(
    entries: Many[Entry], results: Many[Result], own: Own
) -> tuple[Result, Sums] | tuple[None, None]:
    """Return the oldest result that the tail can be reckoned from, and what was folded after it.

    `entries` are the good ones of one sensor; `results` are oldest first, with no other's between.
    """
    by_id = {
        one["last_id"]: one
        for one in reversed(results)
        if "last_id" in one and as_number(one.get("restarts")) == own.restarts
    }
    numbered = [at for at, (_, fields) in enumerate(entries) if b"seq" in fields]
    known, not_before = Known(), 0
    for at, (entry_id, fields) in enumerate(entries):
        seq, result = _integer(fields, b"seq"), by_id.get(entry_id)
        if seq is not None:
            known.take(seq)
        if result is None:
            continue
        if seq is not None and not known.seen and _is_ahead(seq, fields, result, own):
            known.begin(seq)
        if at < not_before or not (known.whole or not numbered or at >= numbered[-1]):
            continue
        unsure, folded = _folded(entries, at + 1, known, result, own)
        if folded is not None:
            return result, folded
        not_before = unsure
    return None, None


def _is_ahead(seq: int, fields: dict[bytes, bytes], result: Result, own: Own) -> bool:
    """Tell whether a new reading cannot be one of before the first number seen."""
    ts, lowest = _integer(fields, b"ts"), own.lowest_seq
    latest = ts is None or ts >= as_number(result.get("last_ts"))
    return lowest is not None and seq > lowest and latest


def _folded(
    entries: Many[Entry], at: int, known: Known, result: Result, own: Own
) -> tuple[int, Sums | None]:
    """Return what was folded from `at` on; or where it cannot be told, and None."""
    sums, last_ts = Sums(), as_number(result.get("last_ts"))
    sequence = Sequence(known.high, own.lowest_seq or 0, set(known.seen))
    for here, (entry_id, fields) in enumerate(entries[at:], at):
        seq, ts = _integer(fields, b"seq"), _integer(fields, b"ts")
        if seq is not None:
            old = ts is not None and ts <= last_ts and known.high - seq >= WINDOW
            if old and seq <= sequence.low:  # a repeat, or that which made it the lowest
                return here, None
            if not sequence.take(seq, ts, last_ts):
                continue
        sums.add(values_of(fields))
        last_ts = max(last_ts, milliseconds(entry_id) if ts is None else ts)
    return len(entries), sums


def _integer(fields: dict[bytes, bytes], name: bytes) -> int | None:
    return int(fields[name]) if name in fields else None
