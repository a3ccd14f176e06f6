"""`GET /api/stream`: one client's Server-Sent Events, from snapshot or resume to its end."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from api.handover import hand_over
from api.hub import AWAY, COMMENT, Client, Hub
from api.protocol import StreamProtocol, as_chunk
from api.reader import GONE
from api.seats import Seats
from api.snapshots import Snapshots
from api.tail import Position, event

PIECE_BYTES = 64 * 1024
"""What is large goes out in pieces of this size, so that a slow reader holds one, not all of it."""

RESYNC = b"event: resync\ndata: {}\n\n"

RESUME_WAIT_S = 2.0
"""How long a client that is ahead of this replica waits for it to catch up."""

HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
    # Compressing costs each client a buffer and the proxy its time. Neither nginx nor Traefik minds
    # no-transform; both leave alone what says that it is encoded, even if it says: not at all.
    "Content-Encoding": "identity",
}


async def _nothing() -> AsyncIterator[bytes]:
    """Stand for the body iterator, which is never asked: the hub writes instead."""
    yield b""


class Relay(EventSourceResponse):
    """sse-starlette's response with its care for disconnects and shutdown; the hub writes.

    Its per-event path (a generator, an encoder and a lock for each client) is not used: the hub
    hands every connection the same bytes. Its ping is the hub's too, one timer for all clients.
    """

    def __init__(
        self,
        hub: Hub,
        snapshots: Snapshots,
        connection: StreamProtocol,
        *,
        seats: tuple[Seats, str],
        wanted: frozenset[bytes] | None,
        last_event_id: str,
        retry_ms: int,
    ) -> None:
        self.closing = anyio.Event()
        super().__init__(
            _nothing(),
            headers=HEADERS,
            ping=0,
            shutdown_event=self.closing,
            shutdown_grace_period=1.0,
        )
        self.hub = hub
        self.snapshots = snapshots
        self.connection = connection
        self.seats, self.address = seats
        self.wanted = wanted
        self.last_event_id = last_event_id
        self.seen: Position | None = None
        # Spread over a factor of two, so that a restart does not bring all clients back at once.
        self.retry_ms = round(retry_ms * random.uniform(1, 2))  # noqa: S311 no secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the head through the middleware; the rest needs none of it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        hand_over(scope, self._run)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, holding a seat, until either side ends it."""
        self.connection.limit_unacked(max(1, round(self.hub.drop_s * 1000)))
        self.seats.take(self.address)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.seats.free(self.address)

    async def _stream_response(self, send: Send) -> None:
        client = Client(self.connection, self.connection.transport, self.wanted, self)
        try:
            client.told_away = self.hub.away
            first = f"retry: {self.retry_ms}\n\n".encode()
            await self._write(client, first + (AWAY if client.told_away else b""))
            if not await self._resume(client):
                await self._begin(client)
            await self.closing.wait()
        except TimeoutError:
            return  # dropped: it did not take its snapshot in time
        finally:
            self.hub.leave(client)
        await self._end(send)

    async def _resume(self, client: Client) -> bool:
        """Join the hub after the client's last id; return False where a snapshot is needed."""
        tail = self.hub.tail
        if not self.last_event_id:
            return False
        position = self.seen = Position.parse(self.last_event_id, len(tail.position))
        if position and tail.knows(position):
            with suppress(TimeoutError):
                async with asyncio.timeout(RESUME_WAIT_S):
                    await tail.wait_for(position)
        if position and tail.knows(position) and tail.reached(position):
            cursor = tail.sequence
            if await self._send_changes(client, tail.after(position, self.wanted)):
                self.hub.join(client, cursor)
                return True
        await self._write(client, RESYNC)
        return False

    async def catch_up(self, client: Client) -> None:
        """Send all that changed since the client's cursor; where some is gone, a resync is due."""
        tail = self.hub.tail
        cursor = tail.sequence
        if await self._send_changes(client, tail.behind(client.cursor, self.wanted)):
            client.cursor = cursor

    async def _send_changes(self, client: Client, sensors: list[bytes]) -> bool:
        """Send the newest of these sensors in pieces; return False where one is gone meanwhile.

        The place is that of now and comes with the last piece: who is cut off before begins again.
        """
        tail = self.hub.tail
        position, pieces = tail.position, tail.pieces(sensors, PIECE_BYTES)
        try:
            piece = next(pieces, None)
            while piece:
                following = next(pieces, None)
                place = None if following else position
                await self._write(client, event("stats", piece, place))
                piece = following
        except KeyError:
            return False
        return True

    async def _begin(self, client: Client) -> None:
        cursor = await self._send_snapshot(client)
        self.hub.join(client, cursor)

    async def resync(self, client: Client) -> None:
        """Send a new snapshot, and what says why."""
        await self._write(client, RESYNC)
        cursor = await self._send_snapshot(client)
        client.cursor = cursor

    async def _send_snapshot(self, client: Client) -> int:
        """Send a snapshot as soon as Redis gives one; return the cursor at its end."""
        frame, cursor = await self._take(client)
        for start in range(0, len(frame), PIECE_BYTES):
            await self._write(client, frame[start : start + PIECE_BYTES])
        return cursor

    async def _write(self, client: Client, piece: bytes) -> None:
        """Write outside the hub; a client that takes nothing for too long is cut off."""
        self.connection.write(as_chunk(piece))
        unsent_bytes = client.transport.get_write_buffer_size()
        while self.connection.paused:
            try:
                async with asyncio.timeout(self.hub.drop_s):
                    await self.connection.drain()
            except TimeoutError:
                before, unsent_bytes = unsent_bytes, client.transport.get_write_buffer_size()
                if unsent_bytes >= before:
                    self.hub.drop(client)
                    raise

    async def _take(self, client: Client) -> tuple[bytes, int]:
        """Return a snapshot as soon as Redis gives one; until then the stream is kept alive."""
        told_at = 0.0
        while True:
            try:
                return await self.snapshots.take(self.wanted, self.seen)
            except GONE:
                now = time.monotonic()
                if not client.told_away:
                    client.told_away = True
                    await self._write(client, AWAY)
                elif now - told_at > self.hub.heartbeat_s:
                    await self._write(client, COMMENT)
                else:
                    now = told_at
                told_at = now
                await asyncio.sleep(0.5)

    async def _end(self, send: Send) -> None:
        """Finish the response properly, or cut it off where the client does not read."""
        self.active = False
        if self.connection.paused:
            self.connection.abort()
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
