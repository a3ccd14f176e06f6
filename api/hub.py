"""Sends the tail to every stream's client: one frame, encoded once, at most `sse_hz` a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from types import coroutine
from typing import Any

import structlog

from api.tail import Tail, event

HEARTBEAT = b": keep-alive\n\n"
BURST = 64
"""Clients served before the event loop gets a turn for everything else."""

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Client:
    """One open stream: how to write to it, how far it has been served, since when it is stuck."""

    write: Callable[[bytes], Coroutine[Any, Any, None]]
    abort: Callable[[], None]
    wanted: frozenset[bytes] | None
    resync: Callable[[], Awaitable[None]]
    cursor: int = 0
    stuck_since: float = 0.0
    served_at: float = field(default_factory=time.monotonic)
    resyncing: bool = False
    dropped: bool = False


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

    def __init__(self, tail: Tail, *, hz: float, heartbeat_s: float, drop_s: float) -> None:
        self.tail = tail
        self.period_s = 1 / hz
        self.heartbeat_s = heartbeat_s
        self.drop_s = drop_s
        self.clients: set[Client] = set()
        self.counts = Counts()
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, client: Client, cursor: int) -> None:
        """Serve this client everything after `cursor` from the next frame on."""
        client.cursor = cursor
        client.served_at = time.monotonic()
        self.clients.add(client)
        if cursor < self.tail.sequence:
            self.tail.changed.set()

    def leave(self, client: Client) -> None:
        """Forget a client; nothing of it stays."""
        self.clients.discard(client)

    async def run(self) -> None:
        """Fan out until cancelled: at once when something changed, never faster than `sse_hz`."""
        while True:
            try:
                async with asyncio.timeout(min(1.0, self.heartbeat_s / 4, self.drop_s / 4)):
                    await self.tail.changed.wait()
            except TimeoutError:
                self._look_after()
                continue
            self.tail.changed.clear()
            began = time.monotonic()
            await self.fan_out()
            self._look_after()
            await asyncio.sleep(max(0.0, began + self.period_s - time.monotonic()))

    async def fan_out(self) -> None:
        """Send every client what it has not got; clients at one place share one frame."""
        end, position = self.tail.sequence, self.tail.position
        frames: dict[tuple[int, frozenset[bytes] | None], bytes] = {}
        for n, client in enumerate(list(self.clients)):
            if n % BURST == BURST - 1:
                await asyncio.sleep(0)
            if client.cursor >= end or client.resyncing:
                continue
            if client.stuck_since:
                self.counts.coalesced += 1
                continue
            if client.cursor < self.tail.floor:
                client.resyncing = True
                self._start(self._resync(client))
                continue
            which = (client.cursor, client.wanted)
            frame = frames.get(which)
            if frame is None:
                objects = self.tail.since(client.cursor, end, client.wanted)
                frame = frames[which] = event("stats", objects, position) if objects else b""
            client.cursor = end
            if frame:
                self.offer(client, frame)

    def broadcast(self, frame: bytes) -> None:
        """Send one event to every client that is not stuck."""
        for client in list(self.clients):
            if not client.stuck_since and not client.resyncing:
                self.offer(client, frame)

    def tell_redis(self, connected: bool) -> None:
        """Tell every client that Redis went away, or that it is back."""
        said = b"ok" if connected else b"away"
        self.broadcast(b'event: status\ndata: {"redis":"%s"}\n\n' % said)

    def offer(self, client: Client, frame: bytes) -> None:
        """Write without a task where the connection takes it; else finish in the background."""
        self.counts.frames += 1
        self.counts.frame_bytes += len(frame)
        client.served_at = time.monotonic()
        writing = client.write(frame)
        try:
            waits_for = writing.send(None)
        except StopIteration:
            return
        client.stuck_since = client.served_at
        self._start(self._finish(client, _go_on(writing, waits_for)))

    async def _finish(self, client: Client, rest: Awaitable[None]) -> None:
        try:
            await rest
        finally:
            client.stuck_since = 0.0
            client.served_at = time.monotonic()
            if client in self.clients:
                self.tail.changed.set()

    async def _resync(self, client: Client) -> None:
        self.counts.resyncs += 1
        try:
            await client.resync()
        finally:
            client.resyncing = False
            self.tail.changed.set()

    def _look_after(self) -> None:
        """Drop who has not read for too long; send a comment to who heard nothing for long."""
        now = time.monotonic()
        for client in list(self.clients):
            if client.stuck_since:
                if now - client.stuck_since > self.drop_s:
                    self.drop(client)
            elif now - client.served_at > self.heartbeat_s:
                self.offer(client, HEARTBEAT)

    def drop(self, client: Client) -> None:
        """Cut the connection, unsent bytes and all; its response then ends by itself."""
        self.counts.dropped += 1
        client.dropped = True
        self.leave(client)
        client.abort()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("stream write failed", error=repr(error))


@coroutine
def _go_on(writing: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that was stepped by hand and now waits for `waits_for`."""
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001 cancellation goes inside, as with await
                waits_for = writing.throw(error)
            else:
                waits_for = writing.send(sent)
    except StopIteration:
        return
