"""Keeps the board of alerts right: from `alerts`, and from `firing` where that may be ahead."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

from api.board import Board
from api.tail import parse_id
from rillet.alert import Alert, from_entry, from_firing
from rillet.keys import Keys

LOOK_S = 5.0
"""How often it looks whether `firing` was changed by hand, of which `alerts` tells nothing."""
LOOK_AGAIN_S = 0.25
"""The same where changes were on their way."""
FEW = 200
"""So many are read to see whether they are others; of more only the number is."""

log = structlog.get_logger()


class Firing:
    """The alerts of every partition, as far as they were read; what is read is handed to it."""

    def __init__(self, client: Any, keys: Sequence[Keys], board: Board) -> None:
        self._client, self._keys, self._board = client, keys, board
        self._partitions = {one.alerts: p for p, one in enumerate(keys)}
        self._ids = ["0-0"] * len(keys)
        self._look_at_s = [0.0] * len(keys)

    def __contains__(self, stream: str) -> bool:
        """Tell whether a stream is the `alerts` of a partition."""
        return stream in self._partitions

    def places(self, group: Sequence[int]) -> dict[str, str]:
        """Return the `alerts` of some partitions, and the id after which each is to be read."""
        return {self._keys[p].alerts: self._ids[p] for p in group}

    async def take(self, stream: str, entries: list[Any], *, whole: bool) -> None:
        """Take changes singly; where some before them may be gone, what fires now instead."""
        partition = self._partitions[stream]
        if not whole and self._ids[partition] != "0-0":
            await self.load([partition])
            return
        for entry, fields in entries:
            self._ids[partition] = entry.decode()
            self._board.take(partition, from_entry(entry, fields))

    async def load(self, group: Sequence[int]) -> None:
        """Take what fires now; changes after the place that was read before follow singly."""
        for p in group:
            async with asyncio.timeout(5):
                newest = await self._client.xrevrange(self._keys[p].alerts, count=1)
                firing = _alerts_of(await self._client.hgetall(self._keys[p].firing))
            self._ids[p] = newest[0][0].decode() if newest else "0-0"
            self._board.replace(p, firing)

    async def look(self, group: Sequence[int]) -> None:
        """Every so often, take what fires where that is not what the changes read so far say.

        What was changed after them follows singly all the same.
        """
        for p in group:
            if time.monotonic() >= self._look_at_s[p]:
                told = await self._compare(p, self._keys[p].firing)
                self._look_at_s[p] = time.monotonic() + (LOOK_S if told else LOOK_AGAIN_S)

    async def _compare(self, p: int, firing: str) -> bool:
        """Return False where changes are on their way, so that nothing can be said."""
        number = await self._settled(p, "HLEN", firing)
        if number is None:
            return False
        if number > FEW and number == self._board.number(p):
            return True
        values = await self._settled(p, "HGETALL", firing)
        if values is None:
            return False
        alerts = _alerts_of(values)
        if self._board.differs(p, alerts):
            log.info("alerts.changed_by_hand", stream=firing)
            self._board.replace(p, alerts)
        return True

    async def _settled(self, partition: int, *command: str) -> Any:
        """Return the answer to a command, or None where changes are there that were not read.

        `alerts` is asked after it: what had come into `firing` by then has its change there, too.
        """
        pipe = self._client.pipeline(transaction=False)
        pipe.execute_command(*command)
        pipe.xrevrange(self._keys[partition].alerts, count=1)
        async with asyncio.timeout(5):
            answer, newest = await pipe.execute()
        if newest and parse_id(newest[0][0].decode()) > parse_id(self._ids[partition]):
            return None
        return answer


def _alerts_of(values: dict[bytes, bytes]) -> list[Alert]:
    """Return what fires, of the fields of `firing`."""
    return [one for one in map(from_firing, values.values()) if one]
