"""Reads the statistics that the fold keeps in Redis: names, hashes, records, windows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from api.tail import Position, parse_id
from processor.windows import record_fields
from rillet.keys import Keys, partition_of

CHUNK = 500
"""Hashes asked for in one round trip."""

WRONG_TYPE = "WRONGTYPE"
"""How Redis begins its answer about a key that is no hash."""

Fields = dict[bytes, bytes]

Record = tuple[bytes, bytes | None]
"""What `state` has of a sensor: its record, and its slow record where there is one."""


@dataclass(frozen=True, slots=True)
class Everything:
    """All that is kept of one sensor, as of one moment; `panes` by the name of their size."""

    fields: Fields
    record: bytes | None
    slow: bytes | None
    panes: Mapping[str, Sequence[bytes]]


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
            for name, fields in zip(part, await pipe.execute(raise_on_error=False), strict=True):
                if isinstance(fields, Exception):
                    _pass_over(fields)
                elif fields:
                    found[name] = {b"sensor": name, **fields}
        return found

    async def everything(self, name: bytes, panes: Mapping[str, int]) -> Everything:
        """Return all of one sensor, with so many of the newest closed windows of each size.

        In one step, so that no window closes in between and is read twice or not at all.
        """
        keys, sensor = self.keys[self._partition(name)], name.decode("utf-8", "replace")
        pipe = self.client.pipeline(transaction=True)
        # In plain words: the methods of a Cluster's pipeline add what its own transactions refuse.
        pipe.execute_command("HGETALL", self._stats_key(name))
        pipe.execute_command("HMGET", keys.state, *record_fields(sensor))
        for size, count in panes.items():
            pipe.execute_command("LRANGE", keys.panes(size, sensor), -count, -1)
        fields, (record, slow), *lists = await pipe.execute()
        found = {b"sensor": name, **fields} if fields else {}
        return Everything(found, record, slow, dict(zip(panes, lists, strict=True)))

    async def records(self, names: Iterable[bytes]) -> list[Record]:
        """Return the packed records of each sensor that has one."""
        parts: dict[int, list[bytes]] = {}
        for name in names:
            parts.setdefault(self._partition(name), []).append(name)
        found: list[Record] = []
        for p, mine in parts.items():
            for start in range(0, len(mine), CHUNK):
                part = [name.decode("utf-8", "replace") for name in mine[start : start + CHUNK]]
                fields = [field for name in part for field in record_fields(name)]
                flat = await self.client.hmget(self.keys[p].state, fields)
                found += [(r, s) for r, s in zip(flat[::2], flat[1::2], strict=True) if r]
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


def _pass_over(fault: Exception) -> None:
    """Leave out a sensor whose key someone made another type of; raise anything else."""
    if not str(fault).startswith(WRONG_TYPE):
        raise fault
