"""A snapshot never shows more than the tail that follows it."""

import asyncio
from typing import Any

from api.snapshots import Snapshots
from api.tail import Position, Tail


class StoreAhead:
    """Stands for Redis at a moment when its hashes are newer than what the tail has read."""

    async def names(self) -> list[bytes]:
        """Return the one sensor there is."""
        return [b"a"]

    async def read(self, names: list[bytes]) -> dict[bytes, dict[bytes, bytes]]:
        """Return its hash, which is as of result 2-0."""
        return {name: {b"sensor": name, b"count": b"2"} for name in names}

    async def results_end(self) -> Position:
        """Return the newest result's id."""
        return Position([(2, 0)])


def _result(count: int) -> dict[bytes, bytes]:
    return {b"sensor": b"a", b"count": b"%d" % count}


async def test_a_snapshot_waits_until_the_tail_has_what_the_hashes_had() -> None:
    """Else the tail would follow with result 1-0, which is older than the snapshot's figures."""
    tail = Tail(1, 10)
    store: Any = StoreAhead()
    taking = asyncio.create_task(Snapshots(store, tail).take(None))
    await asyncio.sleep(0)
    tail.add(0, "1-0", _result(1))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not taking.done()
    tail.add(0, "2-0", _result(2))
    frame, cursor = await taking
    assert b'"count":2' in frame
    assert tail.since(cursor, tail.sequence, None) == []


async def test_the_tail_overrules_what_was_read_before() -> None:
    """A result that came while the hashes were read is in the snapshot, as its id says."""
    tail = Tail(1, 10)
    store: Any = StoreAhead()
    taking = asyncio.create_task(Snapshots(store, tail).take(None))
    await asyncio.sleep(0)
    tail.add(0, "3-0", _result(3))
    frame, cursor = await taking
    assert b"id: 3-0\n" in frame
    assert b'"count":3' in frame
    assert cursor == tail.sequence


async def test_a_snapshot_at_hand_is_not_for_who_has_seen_more() -> None:
    """Who read a newer result on another replica gets a new one; a place of nobody's does not."""
    tail = Tail(1, 10)
    store: Any = StoreAhead()
    tail.add(0, "2-0", _result(2))
    snapshots = Snapshots(store, tail)
    old, _ = await snapshots.take(None)
    store.results_end = _end_at((5, 0))
    tail.add(0, "5-0", _result(5))
    assert await snapshots.take(None, Position([(2, 0)])) == (old, 1)
    assert await snapshots.take(None, Position([(9, 0)])) == (old, 1)
    fresh, _ = await snapshots.take(None, Position([(5, 0)]))
    assert b"id: 5-0\n" in fresh


def _end_at(place: tuple[int, int]) -> Any:
    async def end() -> Position:
        return Position([place])

    return end
