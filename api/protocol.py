"""uvicorn's HTTP protocol with what long-lived streams need: limits, and writing without a task."""

import asyncio
import socket
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

UNACKED_MS = 30_000
"""A peer that acknowledges nothing for so long is gone: the kernel then closes the connection.

A stream has its own time for this.
"""

UNSENT_BYTES = 64 * 1024
"""Bytes the kernel takes ahead of what the peer's window allows: a slow reader's share of it."""

HEAD_S = 10.0
"""How long a request's head may take to come whole; a connection that sends none is cut then."""

LAST_CALL_S = 0.1

HEAD_MAX_BYTES = 64 * 1024
"""About how much of a head is held; what comes along with its beginning is not counted."""

CONNECTION = "rillet.connection"
"""The key in a request's state under which its connection lies."""


def as_chunk(body: bytes) -> bytes:
    """Return a piece of a body in HTTP's chunked encoding, made once for all who get it."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class StreamProtocol(HttpToolsProtocol):
    """Sets the socket's limits, and lets a response that has begun write and cut by itself.

    uvicorn's `send` is a coroutine, a message and a copy for each piece. Here the same chunk goes
    to every connection. Closing is not enough for a client that does not read: it waits for the
    unsent bytes, so there is `abort`.
    """

    head_due: asyncio.TimerHandle | None = None
    head_bytes: int | None = None
    """None but while a head is coming."""

    on_pause: Callable[[bool], object] | None = None
    """Told with True when the peer leaves too much unread, with False when it took it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit what a dead or slow peer costs, then go on as uvicorn does."""
        super().connection_made(transport)
        self._limit("TCP_NOTSENT_LOWAT", UNSENT_BYTES)
        self.limit_unacked(UNACKED_MS)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End as uvicorn does, and wait for nothing more."""
        self._stop_expecting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take data as uvicorn does, which waits for the rest of a head as long as it takes."""
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()
        before = self.head_bytes
        super().data_received(data)
        if before is None or self.head_bytes is None:
            return
        self.head_bytes = before + len(data)
        if self.head_bytes > HEAD_MAX_BYTES:
            self.send_400_response("The head of the request is too long.")

    def _expect_head(self) -> None:
        if self.head_due is None:
            self.head_due = self.loop.call_later(HEAD_S, self._last_call)

    def _last_call(self) -> None:
        """Read once more, then cut: a loop that stood still sees its timers before its data."""
        self.head_due = self.loop.call_later(LAST_CALL_S, self.abort)

    def _stop_expecting(self) -> None:
        if self.head_due is not None:
            self.head_due.cancel()
            self.head_due = None
        self.head_bytes = None

    def limit_unacked(self, ms: int) -> None:
        """Have the kernel close the connection once the peer acknowledges nothing for so long."""
        self._limit("TCP_USER_TIMEOUT", ms)

    def _limit(self, option: str, value: int) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock is None or sock.family == socket.AF_UNIX:
            return
        if hasattr(socket, option):  # Linux has both, others one or none
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def on_message_begin(self) -> None:
        """Begin a request, and let its handler find the connection."""
        super().on_message_begin()
        self.scope["state"][CONNECTION] = self
        self.head_bytes = 0

    def on_headers_complete(self) -> None:
        """Go on to the body and the answer; they have limits of their own."""
        self._stop_expecting()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Pause as uvicorn does, and tell who minds."""
        super().pause_writing()
        if self.on_pause is not None:
            self.on_pause(True)

    def resume_writing(self) -> None:
        """Go on as uvicorn does, and tell who minds."""
        super().resume_writing()
        if self.on_pause is not None:
            self.on_pause(False)

    @property
    def paused(self) -> bool:
        """Tell whether the peer leaves more unread than should be held for it."""
        return self.flow.write_paused

    def write(self, chunk: bytes) -> None:
        """Send a chunk of a response that has begun; one that is paused holds it in memory.

        On a connection that is gone, which its handler learns a moment later, it does nothing.
        """
        if not self.transport.is_closing():
            self.transport.write(chunk)

    async def drain(self) -> None:
        """Return when the connection is no longer paused, or is gone."""
        await self.flow.drain()

    def abort(self) -> None:
        """Cut the connection, unsent bytes and all."""
        self.transport.abort()
