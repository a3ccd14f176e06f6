"""Sends tail and board to every client: one frame, encoded once, at most `sse_hz` a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from api.board import NEW, Board
from api.protocol import StreamProtocol, as_chunk
from api.tail import Tail, event

COMMENT = b": keep-alive\n\n"
HEARTBEAT = as_chunk(COMMENT)
AWAY = b'event: status\ndata: {"redis":"away"}\n\n'
BACK = b'event: status\ndata: {"redis":"ok"}\n\n'
BEHIND_MAX = 500
"""Changes that one frame of its own may bring a client that missed some: more go in pieces."""

BURST = 64
"""Clients served before the event loop gets a turn for everything else."""

log = structlog.get_logger()


class Sender(Protocol):
    """What sends to a client beside the hub, in pieces, as fast as that client takes them."""

    async def resync(self, client: "Client") -> None:
        """Send a new snapshot."""

    async def catch_up(self, client: "Client") -> None:
        """Send all that changed since the client's cursor."""


@dataclass(eq=False, slots=True)
class Client:
    """One open stream: its connection, how far it has been served, since when it is stuck.

    What each frame asks for lies here: the connection's own fields are far apart in memory.
    """

    connection: StreamProtocol
    transport: asyncio.Transport
    wanted: frozenset[bytes] | None
    sender: Sender
    cursor: int = 0
    alert_cursor: int = NEW
    told_away: bool = False
    told_lag: int | None = None
    told_full: bool = False
    paused: bool = False
    stuck_since: float = 0.0
    unsent_bytes: int = 0
    served_at: float = field(default_factory=time.monotonic)
    sending: asyncio.Task[None] | None = None

    def stuck(self, now: float) -> bool:
        """Tell whether the connection is full, and note since when not a byte was taken of it."""
        if not self.paused:
            return False
        left_bytes = self.transport.get_write_buffer_size()
        if not self.stuck_since or left_bytes < self.unsent_bytes:
            self.stuck_since = now
        self.unsent_bytes = left_bytes
        return True


Work = Callable[[Client], Awaitable[None]]


@dataclass(slots=True)
class Counts:
    """What the hub did, for /metrics."""

    frames: int = 0
    frame_bytes: int = 0
    coalesced: int = 0
    dropped: int = 0
    resyncs: int = 0


class Hub:
    """All clients of the process. A slow client holds up nobody: it is passed over."""

    def __init__(
        self, tail: Tail, board: Board, *, hz: float, heartbeat_s: float, drop_s: float
    ) -> None:
        self.tail = tail
        self.board = board
        self.period_s = 1 / hz
        self.heartbeat_s = heartbeat_s
        self.drop_s = drop_s
        self.clients: set[Client] = set()
        self.counts = Counts()
        self.away = False
        self._served = (0, 0, False)
        self._due: set[Client] = set()
        self._looked_at = 0.0

    def join(self, client: Client, cursor: int) -> None:
        """Serve this client everything after `cursor` from the next frame on."""
        client.cursor = cursor
        client.served_at = time.monotonic()
        client.paused = client.connection.paused
        client.connection.on_pause = partial(self._pause, client)
        self.clients.add(client)
        self._serve(client)

    def leave(self, client: Client) -> None:
        """Forget a client; nothing of it stays."""
        client.connection.on_pause = None
        self.clients.discard(client)
        self._due.discard(client)
        if client.sending:
            client.sending.cancel()

    def _pause(self, client: Client, paused: bool) -> None:
        client.paused = paused
        client.stuck_since = 0.0
        if not paused:
            self._serve(client)

    def _serve(self, client: Client) -> None:
        """Have the next frame go to this client though nothing may have changed since the last."""
        self._due.add(client)
        self.tail.changed.set()

    async def run(self) -> None:
        """Fan out until cancelled: at once when something changed, never faster than `sse_hz`."""
        every_s = min(1.0, self.heartbeat_s / 4, self.drop_s / 4)
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await self.tail.changed.wait()
            except TimeoutError:
                self._look_after()
                continue
            self.tail.changed.clear()
            began = time.monotonic()
            await self.fan_out()
            if began - self._looked_at > every_s:
                self._look_after()
            await asyncio.sleep(max(0.0, began + self.period_s - time.monotonic()))

    async def fan_out(self) -> None:
        """Send every client what it has not got; clients at one place share one chunk."""
        end, position, now = self.tail.sequence, self.tail.position, time.monotonic()
        news = self.board.sequence
        chunks: dict[tuple[int, int, frozenset[bytes] | None], bytes] = {}
        away = self.away
        changed, before = self._served != (end, news, away), self._served[0]
        some = list(self.clients if changed else self._due)
        self._served = end, news, away
        self._due.clear()
        for n, client in enumerate(some):
            if n % BURST == BURST - 1:
                await asyncio.sleep(0)
            served = client.cursor >= end and client.alert_cursor >= news
            served = served and client.told_away == away
            if served or client.sending or client not in self.clients:
                continue
            if client.stuck(now):
                self.counts.coalesced += 1
                continue
            if client.told_away != away:
                client.told_away = away
                self.offer(client, as_chunk(AWAY if away else BACK), now)
            if client.cursor < self.tail.floor:
                self._leave_to(client, self._resync)
                continue
            if client.cursor < before and end - client.cursor > BEHIND_MAX:
                self._leave_to(client, client.sender.catch_up)
                continue
            which = (client.cursor, client.alert_cursor, client.wanted)
            chunk = chunks.get(which)
            if chunk is None:
                frame = self.board.news(client.alert_cursor, news, client.wanted)
                objects = self.tail.since(client.cursor, end, client.wanted)
                frame += event("stats", objects, position) if objects else b""
                chunk = chunks[which] = as_chunk(frame) if frame else b""
            # One that joined while this went on may be further.
            client.cursor = max(client.cursor, end)
            client.alert_cursor = max(client.alert_cursor, news)
            if chunk:
                self.offer(client, chunk, now)

    def tell_redis(self, connected: bool) -> None:
        """Have every client told that Redis went away, or that it is back: also who joins later."""
        self.away = not connected
        self.tail.changed.set()

    def offer(self, client: Client, chunk: bytes, now: float) -> None:
        """Write to a connection that takes it: no task, no copy, nothing to wait for."""
        self.counts.frames += 1
        self.counts.frame_bytes += len(chunk)
        client.served_at = now
        if not client.transport.is_closing():
            client.transport.write(chunk)

    async def _resync(self, client: Client) -> None:
        self.counts.resyncs += 1
        client.alert_cursor = NEW
        await client.sender.resync(client)

    def _leave_to(self, client: Client, work: Work) -> None:
        """Have a task of the client's own send to it, and pass it over until that is done."""
        client.sending = asyncio.create_task(self._send(client, work))

    async def _send(self, client: Client, work: Work) -> None:
        try:
            await work(client)
        except TimeoutError:
            return  # it read nothing, and was dropped
        finally:
            client.sending = None
            if client in self.clients:
                self._serve(client)

    def _look_after(self) -> None:
        """Drop who has not read for too long; send a comment to who heard nothing for long."""
        now = self._looked_at = time.monotonic()
        for client in list(self.clients):
            if client.stuck(now):
                if now - client.stuck_since > self.drop_s:
                    self.drop(client)
            elif now - client.served_at > self.heartbeat_s and not client.sending:
                self.offer(client, HEARTBEAT, now)

    def drop(self, client: Client) -> None:
        """Cut the connection, unsent bytes and all; its response then ends by itself."""
        self.counts.dropped += 1
        log.info("stream.dropped", reason="it reads nothing", seconds=self.drop_s)
        self.leave(client)
        client.connection.abort()
