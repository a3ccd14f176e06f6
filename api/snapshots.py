"""Snapshots of all sensors that have no gap to the tail that follows them."""

import asyncio
import time

from api.encode import encode_sensor
from api.store import Store
from api.tail import Position, Tail, event


class Snapshots:
    """Snapshots of everything, shared: clients that come at one time get the same bytes."""

    def __init__(self, store: Store, tail: Tail) -> None:
        self.store = store
        self.tail = tail
        self._lock = asyncio.Lock()
        self._frame = b""
        self._cursor = -1
        self._position = tail.position
        self._good_until = 0.0

    async def take(
        self, wanted: frozenset[bytes] | None, seen: Position | None = None
    ) -> tuple[bytes, int]:
        """Return a snapshot event and the cursor from which the tail goes on after it.

        It is no older than what the client has `seen`, on another replica perhaps.
        """
        if wanted is not None:
            return await self._make(sorted(wanted), wanted)
        async with self._lock:
            if not await self._fits(seen):
                began = time.monotonic()
                self._frame, self._cursor = await self._make(await self.store.names(), None)
                self._position = self.tail.position
                now = time.monotonic()
                # A costly snapshot is kept longer: at most a tenth of the time goes into them.
                self._good_until = now + max(0.25, 10 * (now - began))
            return self._frame, self._cursor

    async def _fits(self, seen: Position | None) -> bool:
        """Tell whether the snapshot at hand will do."""
        if time.monotonic() > self._good_until or self._cursor < self.tail.floor:
            return False
        if seen is None or self._position.covers(seen):
            return True
        # A place beyond the end of all results is none that anyone can have seen.
        return not (await self.store.results_end()).covers(seen)

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
        frame = event(
            "snapshot", [objects[n] for n in sorted(objects) if objects[n]], self.tail.position
        )
        return frame, self.tail.sequence
