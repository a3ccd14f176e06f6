"""Reads the statistics that the fold keeps in Redis: names, hashes, records."""

from collections.abc import Iterable, Sequence
from typing import Any

import redis.asyncio

from api.tail import Position, parse_id
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

    async def records(self, names: Iterable[bytes]) -> list[bytes]:
        """Return the packed record of each sensor that has one."""
        parts: dict[int, list[bytes]] = {}
        for name in names:
            parts.setdefault(self._partition(name), []).append(name)
        found: list[bytes] = []
        for p, mine in parts.items():
            for start in range(0, len(mine), CHUNK):
                part = mine[start : start + CHUNK]
                found += [r for r in await self.client.hmget(self.keys[p].state, part) if r]
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
        return self.keys[self._partition(name)].stats_prefix.encode() + name

    def _partition(self, name: bytes) -> int:
        return partition_of(name.decode("utf-8", "replace"), len(self.keys))
