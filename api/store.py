"""Reads the statistics that the fold keeps in Redis: names, hashes, and a gapless snapshot."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis.asyncio

from api.encode import encode_sensor
from api.tail import Position, Tail, event, parse_id
from rillet.keys import Keys, partition_of

CHUNK = 500
"""Hashes asked for in one round trip."""

Fields = dict[bytes, bytes]


class Store:
    """The read side of the key layout; answers bytes."""

    def __init__(self, client: redis.asyncio.Redis, keys: Sequence[Keys]) -> None:
        self.client: Any = client
        self.keys = keys

    async def names(self) -> list[bytes]:
        """Return the name of every sensor, sorted."""
        found: list[bytes] = []
        for one in self.keys:
            found += await self.client.hkeys(one.state)
        return sorted(name for name in found if not name.startswith(b"\0"))

    async def read(self, names: Iterable[bytes]) -> dict[bytes, Fields]:
        """Return the fields of each sensor that there is, with `sensor` put first."""
        wanted = list(names)
        found: dict[bytes, Fields] = {}
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            pipe = self.client.pipeline(transaction=False)
            for name in part:
                pipe.hgetall(self._stats_key(name))
            for name, fields in zip(part, await pipe.execute(), strict=True):
                if fields:
                    found[name] = {b"sensor": name, **fields}
        return found

    async def results_end(self) -> Position:
        """Return the id of the newest entry of each results stream."""
        pipe = self.client.pipeline(transaction=False)
        for one in self.keys:
            pipe.xrevrange(one.results, count=1)
        return Position(
            parse_id(entries[0][0].decode()) if entries else (0, 0)
            for entries in await pipe.execute()
        )

    def _stats_key(self, name: bytes) -> bytes:
        partitions = len(self.keys)
        p = (
            partition_of(name.decode("utf-8", "surrogateescape"), partitions)
            if partitions > 1
            else 0
        )
        return self.keys[p].stats_prefix.encode() + name


class Snapshots:
    """Snapshots of everything, shared: clients that come at one time get the same bytes."""

    def __init__(self, store: Store, tail: Tail) -> None:
        self.store = store
        self.tail = tail
        self._lock = asyncio.Lock()
        self._frame = b""
        self._cursor = -1
        self._good_until = 0.0

    async def take(self, wanted: frozenset[bytes] | None) -> tuple[bytes, int]:
        """Return a snapshot event and the cursor from which the tail goes on after it."""
        if wanted is not None:
            return await self._make(sorted(wanted), wanted)
        async with self._lock:
            if time.monotonic() > self._good_until or self._cursor < self.tail.floor:
                began = time.monotonic()
                self._frame, self._cursor = await self._make(await self.store.names(), None)
                now = time.monotonic()
                # A costly snapshot is kept longer: at most a tenth of the time goes into them.
                self._good_until = now + max(0.25, 10 * (now - began))
            return self._frame, self._cursor

    async def _make(self, names: list[bytes], wanted: frozenset[bytes] | None) -> tuple[bytes, int]:
        """Read the hashes, wait until the tail has what they had, and let the tail overrule them.

        The hashes may be newer than what the tail has read. Sent as they are, the tail would then
        follow with an older value. So wait until the tail has come to where results ended after
        the hashes were read: from there on no older value can come.
        """
        before = self.tail.sequence
        hashes = await self.store.read(names)
        end = await self.store.results_end()
        async with asyncio.timeout(5):
            await self.tail.wait_for(end)
        objects = {name: encode_sensor(fields) for name, fields in hashes.items()}
        newer = self.tail.newer(before)
        objects |= {name: json for name, json in newer if wanted is None or name in wanted}
        frame = event("snapshot", [objects[name] for name in sorted(objects)], self.tail.position)
        return frame, self.tail.sequence
