"""Reads results into the tail and alerts to the board: the process's one XREAD connection."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import redis.asyncio
import structlog

from api.board import Board
from api.tail import Position, Tail, parse_id
from rillet.alert import from_entry, from_firing
from rillet.connect import FAULTS
from rillet.keys import Keys

BLOCK_MS = 2000
BATCH = 2000
GONE = (*FAULTS, TimeoutError)
"""What a Redis that is away raises."""

log = structlog.get_logger()


class Reader:
    """Follows `results` and `alerts` of every partition for as long as the process lives.

    One XREAD covers all partitions. A Cluster takes a command's keys from one slot only: with
    `apart` each partition has an XREAD of its own.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        keys: Sequence[Keys],
        tail: Tail,
        board: Board,
        *,
        apart: bool = False,
    ) -> None:
        self.client: Any = client
        self.tail = tail
        self.board = board
        self.keys = keys
        self.streams = [one.results for one in keys]
        self._alerts = {one.alerts: p for p, one in enumerate(keys)}
        self._alert_ids = ["0-0"] * len(keys)
        everything = list(range(len(self.streams)))
        self.groups = [[p] for p in everything] if apart else [everything]
        self.lost: set[int] = set(range(len(self.groups)))
        self.on_change: Callable[[bool], object] = bool

    @property
    def connected(self) -> bool:
        """Tell whether every stream is being read."""
        return not self.lost

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """Return what is to run until cancelled: one coroutine for each group of partitions."""
        return [self._follow(number, group) for number, group in enumerate(self.groups)]

    async def _follow(self, number: int, group: list[int]) -> None:
        """Read a group of partitions; a Redis that is away is asked again, ever more seldom."""
        pause_s, begun, away = 0.05, False, True
        while True:
            try:
                anew = await self._check(group, begun=begun) or away
                begun = True
                self._note(number)  # at once: a client that is sent a snapshot misses it
                if anew:
                    await self._load_alerts(group)
                away = False
                pause_s = 0.05
                while await self._read(group):
                    pass
            except GONE as error:
                away = True
                self._note(number, f"{type(error).__name__}: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)

    def _note(self, number: int, fault: str = "") -> None:
        """Log a change between reading and not, once."""
        was = number in self.lost
        if fault and not was:
            self.lost.add(number)
            log.warning("results.lost", fault=fault)
            self.on_change(self.connected)
        elif was and not fault:
            self.lost.discard(number)
            log.info("results.followed", streams=len(self.groups[number]))
            self.on_change(self.connected)

    async def _read(self, group: list[int]) -> bool:
        """Take what is new; return False when it is time to check the streams themselves."""
        after = {self.streams[p]: _text(self.tail.position[p]) for p in group}
        after |= {self.keys[p].alerts: self._alert_ids[p] for p in group}
        async with asyncio.timeout(BLOCK_MS / 1000 + 5):
            answer = await self.client.xread(after, count=BATCH, block=BLOCK_MS)
        full = False
        for name, entries in answer:
            if name.decode() in self._alerts:
                self._take_alerts(self._alerts[name.decode()], entries)
                continue
            partition = self.streams.index(name.decode())
            full = full or len(entries) >= BATCH
            for stream_id, fields in entries:
                self.tail.add(partition, stream_id.decode(), fields)
        return bool(answer) and not full

    def _take_alerts(self, partition: int, entries: list[Any]) -> None:
        for entry, fields in entries:
            self._alert_ids[partition] = entry.decode()
            self.board.take(partition, from_entry(entry, fields))

    async def _load_alerts(self, group: list[int]) -> None:
        """Take what fires now; changes after the place that was read before follow singly."""
        for p in group:
            async with asyncio.timeout(5):
                newest = await self.client.xrevrange(self.keys[p].alerts, count=1)
                firing = await self.client.hgetall(self.keys[p].firing)
            self._alert_ids[p] = newest[0][0].decode() if newest else "0-0"
            self.board.replace(p, [one for one in map(from_firing, firing.values()) if one])

    async def _check(self, group: list[int], *, begun: bool) -> bool:
        """Tell whether entries that were never read are gone, and begin anew if so."""
        known, oldest = self.tail.position, list(self.tail.position)
        went_back = missed = False
        for p in group:
            first, last, whole = await self._bounds(self.streams[p])
            oldest[p] = (0, 0) if whole else first
            went_back = went_back or known[p] > last
            missed = missed or known[p] < oldest[p]
        if begun and (went_back or missed):
            log.warning("results.restarted", reason="went back" if went_back else "missed some")
        if begun and not went_back and not missed:
            return False
        self.tail.restart(Position(oldest))
        return True

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
