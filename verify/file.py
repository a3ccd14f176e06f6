"""Verifies from a source file: the readings that `rillet simulate --replay` sends of it."""

from pathlib import Path

from simulator.replay import Columns, Replay
from simulator.table import Table
from verify.reference import Ledger
from verify.sums import Shown
from verify.tail import Report, report

ARRIVAL = "0-0"
"""The id that the readings of a file have here: when they arrived is not known."""


def account_of(path: Path, columns: Columns, encoding: str, max_batch: int) -> dict[str, Shown]:
    """Return what the hash of each sensor must say of the figures that the file determines."""
    # Times of a file may lie in what is now the future; the stream has refused those, or not.
    ledger = Ledger(max_batch, future_skew_ms=2**53)
    with Table(path, encoding) as table:
        for reading in Replay(table, columns).readings():
            flat = [part.encode() for part in reading.fields()]
            ledger.take(ARRIVAL, dict(zip(flat[::2], flat[1::2], strict=True)))
    left_out = {"duplicates", "gaps", "rejected", "restarts", "last_id"}
    if columns.time is None:
        left_out |= {"first_ts", "last_ts"}
    return {
        name: {field: want for field, want in one.shown().items() if field not in left_out}
        for name, one in ledger.sensors.items()
    }


def verify_file(wanted: dict[str, Shown], hashes: dict[str, dict[str, str]]) -> list[Report]:
    """Return a report of each sensor that the file has."""
    return [
        report(name, "the file", int(str(want["count"])), hashes[name], want)
        for name, want in wanted.items()
    ]
