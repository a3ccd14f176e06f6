"""Reads the results streams into the tail: the process's one XREAD connection."""

import asyncio
from collections.abc import Sequence
from typing import Any

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from api.tail import Position, Tail, parse_id
from rillet.keys import Keys

BLOCK_MS = 2000
BATCH = 2000
GONE = (RedisError, OSError, TimeoutError)
"""What a Redis that is away raises."""

log = structlog.get_logger()


class Reader:
    """Follows `results` of every partition for as long as the process lives."""

    def __init__(self, client: redis.asyncio.Redis, keys: Sequence[Keys], tail: Tail) -> None:
        self.client: Any = client
        self.tail = tail
        self.streams = [one.results for one in keys]
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Read until cancelled; a Redis that is away is asked again, at growing intervals."""
        pause_s = 0.05
        while True:
            try:
                await self._check()
                if not self.connected.is_set():
                    log.info("results connected", streams=len(self.streams))
                self.connected.set()
                pause_s = 0.05
                while await self._read():
                    pass
            except GONE as error:
                if self.connected.is_set():
                    log.warning("results lost", error=str(error))
                self.connected.clear()
                self.tail.changed.set()
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)

    async def _read(self) -> bool:
        """Take what is new; return False when it is time to check the streams themselves."""
        after = {s: _text(p) for s, p in zip(self.streams, self.tail.position, strict=True)}
        async with asyncio.timeout(BLOCK_MS / 1000 + 5):
            answer = await self.client.xread(after, count=BATCH, block=BLOCK_MS)
        full = False
        for name, entries in answer:
            partition = self.streams.index(name.decode())
            full = full or len(entries) >= BATCH
            for stream_id, fields in entries:
                self.tail.add(partition, stream_id.decode(), fields)
        return bool(answer) and not full

    async def _check(self) -> None:
        """Find out whether entries that were never read are gone, and begin anew if so."""
        newest, oldest = [], []
        for stream in self.streams:
            first, last, whole = await self._bounds(stream)
            newest.append(last)
            oldest.append((0, 0) if whole else first)
        known = self.tail.position
        begun = self.tail.sequence > 0 or any(known)
        went_back = any(was > now for was, now in zip(known, newest, strict=True))
        missed = any(had < first for had, first in zip(known, oldest, strict=True))
        if not self.connected.is_set() and not begun:
            self.tail.restart(Position(oldest))
        elif went_back or missed:
            log.warning("results restarted", reason="went back" if went_back else "missed some")
            self.tail.restart(Position(oldest))

    async def _bounds(self, stream: str) -> tuple[tuple[int, int], tuple[int, int], bool]:
        """Return the oldest id kept, the newest ever, and whether nothing was ever trimmed."""
        async with asyncio.timeout(5):
            if not await self.client.exists(stream):
                return (0, 0), (0, 0), True
            info: dict[str, Any] = await self.client.xinfo_stream(stream)
        last = parse_id(_str(info["last-generated-id"]))
        first = parse_id(_str(info["first-entry"][0])) if info["first-entry"] else last
        return first, last, info.get("entries-added") == info["length"]


def _text(place: tuple[int, int]) -> str:
    return f"{place[0]}-{place[1]}"


def _str(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
