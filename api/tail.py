"""The newest result of every sensor that changed lately, in order of change; pure.

This one structure, shared by all clients of the process, is every client's queue: a client is a
number, the sequence number up to which it has been served, and what it still has to get are the
entries after that. A sensor stands in it once, with its newest value.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from api.encode import encode_array, encode_sensor

POSITION = re.compile(r"\d{1,20}-\d{1,20}(,\d{1,20}-\d{1,20})*", re.ASCII)

BEGINNING = (0, 0)
"""The place before a stream's first entry of all."""


@dataclass(slots=True)
class Entry:
    """One sensor's newest result: where it stands, and its JSON once someone asked for it."""

    sequence: int
    partition: int
    stream_id: tuple[int, int]
    fields: Mapping[bytes, bytes] | None
    json: bytes = b""
    forgotten: bool = False

    def encoded(self) -> bytes:
        """Return the JSON object, made once for all clients."""
        if self.fields is not None:
            self.json, self.fields = encode_sensor(self.fields), None
        return self.json


class Position(tuple[tuple[int, int], ...]):
    """A place in the results: one stream id per partition.

    As text it is the SSE `id:`, the ids joined by commas: the plain stream id with one partition.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(f"{ms}-{n}" for ms, n in self)

    def covers(self, other: "Position") -> bool:
        """Tell whether everything up to the other place lies before this one."""
        return all(has >= want for has, want in zip(self, other, strict=True))

    @classmethod
    def parse(cls, text: str, partitions: int) -> "Position | None":
        """Return the position that a client names, or None where it is not one of ours."""
        if not POSITION.fullmatch(text) or text.count(",") + 1 != partitions:
            return None
        return cls(parse_id(one) for one in text.split(","))


def parse_id(text: str) -> tuple[int, int]:
    """Return a stream id as two integers, which compare as ids do."""
    ms, _, n = text.partition("-")
    return int(ms), int(n or 0)


class Tail:
    """See the module. Invariant: entries are in order of `sequence`; each is newer than `floor`."""

    def __init__(self, partitions: int, limit: int) -> None:
        self.limit = limit
        self.sequence = 0
        self.position = Position((BEGINNING,) * partitions)
        self.firsts = list(self.position)
        self.floor = 0
        self.floor_position = self.position
        self.entries: dict[bytes, Entry] = {}
        self.changed = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []

    def add(self, partition: int, stream_id: str, fields: Mapping[bytes, bytes]) -> None:
        """Take one entry of a results stream, in the stream's order."""
        sensor = fields.get(b"sensor")
        place = parse_id(stream_id)
        if self.position[partition] == BEGINNING:
            self.firsts[partition] = place
        self._move(partition, place)
        if sensor is None:
            return
        if b"forgotten" in fields:
            fields = {b"sensor": sensor, b"forgotten": b"true"}
        self.sequence += 1
        self.entries.pop(sensor, None)
        self.entries[sensor] = Entry(
            self.sequence, partition, place, fields, forgotten=b"forgotten" in fields
        )
        if len(self.entries) > self.limit:
            self._drop_oldest()
        self.changed.set()

    def restart(self, position: Position) -> None:
        """Forget everything: what went before `position` is unknown, every client must resync."""
        self.entries.clear()
        self.sequence += 1
        self.floor = self.sequence
        self.position = self.floor_position = position
        self.firsts = list(position)
        self.changed.set()
        self._wake()

    def knows(self, position: Position) -> bool:
        """Tell whether everything after this position is still here.

        A place before a stream's first entry of all is of a stream that was there before.
        """
        return position.covers(self.floor_position) and all(
            place == BEGINNING or place >= first
            for place, first in zip(position, self.firsts, strict=True)
        )

    def reached(self, position: Position) -> bool:
        """Tell whether everything up to this position has been read."""
        return self.position.covers(position)

    async def wait_for(self, position: Position) -> None:
        """Return when everything up to this position has been read."""
        while not self.reached(position):
            moved = asyncio.get_running_loop().create_future()
            self._waiting.append(moved)
            await moved

    def newer(self, cursor: int) -> list[tuple[bytes, bytes]]:
        """Return (sensor, object) of every sensor that changed after the cursor.

        The object of one that was forgotten is empty.
        """
        return [
            (sensor, b"" if entry.forgotten else entry.encoded())
            for sensor, entry in self.entries.items()
            if entry.sequence > cursor
        ]

    def after(self, position: Position, wanted: frozenset[bytes] | None) -> list[bytes]:
        """Return every sensor whose newest result stands after the position."""
        return [
            sensor
            for sensor, entry in self.entries.items()
            if entry.stream_id > position[entry.partition] and (wanted is None or sensor in wanted)
        ]

    def behind(self, cursor: int, wanted: frozenset[bytes] | None) -> list[bytes]:
        """Return every sensor that changed after the cursor."""
        return [
            sensor
            for sensor, entry in self.entries.items()
            if entry.sequence > cursor and (wanted is None or sensor in wanted)
        ]

    def pieces(self, sensors: list[bytes], most_bytes: int) -> Iterator[list[bytes]]:
        """Yield these sensors' objects, about so many bytes at a time, each as of when asked for.

        Raise KeyError where one is no longer known.
        """
        piece, held_bytes = [], 0
        for sensor in sensors:
            piece.append(self.entries[sensor].encoded())
            held_bytes += len(piece[-1])
            if held_bytes >= most_bytes:
                yield piece
                piece, held_bytes = [], 0
        if piece:
            yield piece

    def since(self, cursor: int, end: int, wanted: frozenset[bytes] | None) -> list[bytes]:
        """Return the objects with cursor < sequence <= end, oldest first."""
        found = []
        for sensor, entry in reversed(self.entries.items()):
            if entry.sequence <= cursor:
                break
            if entry.sequence <= end and (wanted is None or sensor in wanted):
                found.append(entry.encoded())
        found.reverse()
        return found

    def _move(self, partition: int, place: tuple[int, int]) -> None:
        ids = list(self.position)
        ids[partition] = place
        self.position = Position(ids)
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def _drop_oldest(self) -> None:
        sensor, entry = next(iter(self.entries.items()))
        del self.entries[sensor]
        self.floor = entry.sequence
        ids = list(self.floor_position)
        ids[entry.partition] = max(ids[entry.partition], entry.stream_id)
        self.floor_position = Position(ids)


def event(name: str, objects: list[bytes], position: Position | None) -> bytes:
    """Return one SSE event that carries a JSON array; without a place, more follow up to one."""
    head = f"id: {position}\n".encode() if position else b""
    head += f"event: {name}\ndata: ".encode()
    return head + encode_array(objects) + b"\n\n"
