"""Reads results into the tail, and hands on alerts: the process's one XREAD connection."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog

from api.board import Board
from api.firing import Firing
from api.tail import Position, Tail, parse_id
from rillet.connect import FAULTS
from rillet.keys import Keys

BLOCK_MS = 2000
BATCH = 2000

GONE = (*FAULTS, TimeoutError)
"""What a Redis that is away raises."""

NO_KEY = "no such key"
"""How Redis answers about a stream that is not there. Asking first whether it is there would not
do: it may be deleted between the two, and that would be told as a Redis that is away."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Extent:
    """A stream: the oldest id kept, the newest ever, how many were ever added and taken away.

    Taken away are the oldest: results are trimmed, and nobody deletes single ones.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    added: int
    removed: int

    @property
    def beginning(self) -> tuple[tuple[int, int], int]:
        """Return the place from which on all is known, and how many were added up to it."""
        if not self.removed:
            return (0, 0), 0
        return self.first, min(self.removed + 1, self.added)


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
        self.streams = [one.results for one in keys]
        self._firing = Firing(client, keys, board)
        self._read_counts: list[int | None] = [None] * len(keys)
        everything = list(range(len(self.streams)))
        self.groups = [[p] for p in everything] if apart else [everything]
        self.lost: set[int] = set(range(len(self.groups)))
        self._faults = [""] * len(self.groups)
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
        pause_s, away = 0.05, True
        while True:
            try:
                anew = await self._check(group) or away
                if anew:
                    await self._firing.load(group)
                self._note(number)
                away = False
                pause_s = 0.05
                while await self._read(group):
                    await self._firing.look(group)
                await self._firing.look(group)
            except GONE as error:
                away = True
                self._note(number, f"{type(error).__name__}: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)

    def _note(self, number: int, fault: str = "") -> None:
        """Log a change between reading and not, or of the reason, once; tell of the former."""
        was, before = number in self.lost, self._faults[number]
        self._faults[number] = fault
        if fault and fault != before:
            log.warning("results.lost", fault=fault)
        if fault and not was:
            self.lost.add(number)
            self.on_change(self.connected)
        elif was and not fault:
            self.lost.discard(number)
            log.info("results.followed", streams=len(self.groups[number]))
            self.on_change(self.connected)

    async def _read(self, group: list[int]) -> bool:
        """Take what is new; return False when it is time to check the streams themselves."""
        after = {self.streams[p]: _text(self.tail.position[p]) for p in group}
        after |= self._firing.places(group)
        pipe = self.client.pipeline(transaction=False)
        pipe.xread(after, count=BATCH, block=BLOCK_MS)
        for name, place in after.items():
            pipe.xrange(name, max=place, count=1)
        async with asyncio.timeout(BLOCK_MS / 1000 + 5):
            answer, *kept = await pipe.execute()
        # Where nothing up to the place read from is kept, what followed it may be gone as well.
        whole = {name for name, entries in zip(after, kept, strict=True) if entries}
        for key, entries in answer:
            name = key.decode()
            if name in self._firing:
                await self._firing.take(name, entries, whole=name in whole)
                continue
            partition = self.streams.index(name)
            if name not in whole and await self._lacks(partition, entries):
                self._begin_anew(group, "missed some")
                return False
            self._take(partition, entries)
        return bool(answer)

    def _take(self, partition: int, entries: list[Any]) -> None:
        for stream_id, fields in entries:
            self.tail.add(partition, stream_id.decode(), fields)
        self._read_counts[partition] = (self._read_counts[partition] or 0) + len(entries)

    async def _lacks(self, partition: int, entries: list[Any]) -> bool:
        """Tell whether entries are gone between the place read from and these, which followed it.

        None are where the last that was taken away is the last that was read, or where the stream
        ends with these and never got more than were read with them.
        """
        read = self._read_counts[partition] or 0
        now = await self._extent(partition)
        at_end = now.last == parse_id(entries[-1][0].decode()) and now.added == read + len(entries)
        return not at_end and now.removed != read

    async def _check(self, group: list[int]) -> bool:
        """Begin anew, and tell so, at the start and where entries that were never read are gone."""
        found = {p: await self._extent(p) for p in group}
        for p, now in found.items():
            read, place = self._read_counts[p], self.tail.position[p]
            if read is not None and (now.last < place or now.added < read):
                self._begin_anew(group, "went back")
            elif read is not None and now.removed > read:
                self._begin_anew(group, "missed some")
        if all(self._read_counts[p] is not None for p in group):
            return False
        position = list(self.tail.position)
        for p, now in found.items():
            position[p], self._read_counts[p] = now.beginning
        self.tail.restart(Position(position))
        return True

    def _begin_anew(self, group: list[int], reason: str) -> None:
        """Have the next check take these streams for new."""
        log.warning("results.restarted", reason=reason)
        for p in group:
            self._read_counts[p] = None

    async def _extent(self, partition: int) -> Extent:
        stream = self.streams[partition]
        try:
            async with asyncio.timeout(5):
                info: dict[str, Any] = await self.client.xinfo_stream(stream)
        except redis.ResponseError as error:
            if NO_KEY not in str(error):
                raise
            return Extent((0, 0), (0, 0), 0, 0)
        last = parse_id(_str(info["last-generated-id"]))
        first = parse_id(_str(info["first-entry"][0])) if info["first-entry"] else last
        return Extent(first, last, info["entries-added"], info["entries-added"] - info["length"])


def _text(place: tuple[int, int]) -> str:
    return f"{place[0]}-{place[1]}"


def _str(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
