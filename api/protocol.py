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

    on_pause: Callable[[bool], object] | None = None
    """Told with True when the peer leaves too much unread, with False when it took it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit what a dead or slow peer costs, then go on as uvicorn does."""
        super().connection_made(transport)
        self._limit("TCP_NOTSENT_LOWAT", UNSENT_BYTES)
        self.limit_unacked(UNACKED_MS)

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
