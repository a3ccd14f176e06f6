"""uvicorn's HTTP protocol with two additions that long-lived streams need."""

import asyncio
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

UNACKED_MS = 30_000
"""A peer that acknowledges nothing for so long is gone: the kernel then closes the connection."""

UNSENT_BYTES = 64 * 1024
"""Bytes the kernel takes ahead of what the peer's window allows: a slow reader's share of it."""

ABORT = "rillet.abort"
"""The key in the request's state under which the function lies that cuts the connection."""

SEND = "rillet.send"
"""The same for the server's own `send`, without the layers that middleware puts around it."""


class StreamProtocol(HttpToolsProtocol):
    """Sets the socket's limits, and lets a request's handler cut its connection.

    Closing is not enough for a client that does not read: it waits for the unsent bytes.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit what a dead or slow peer costs, then go on as uvicorn does."""
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            for option, value in (
                ("TCP_USER_TIMEOUT", UNACKED_MS),
                ("TCP_NOTSENT_LOWAT", UNSENT_BYTES),
            ):
                if hasattr(socket, option):  # Linux has both, others one or none
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        """Begin a request, and tell its handler how to cut the connection."""
        super().on_message_begin()
        self.scope["state"][ABORT] = self.transport.abort

    def on_headers_complete(self) -> None:
        """Start the request's task, which runs later, and tell it how to send directly."""
        super().on_headers_complete()
        if self.cycle is not None:
            self.cycle.scope["state"][SEND] = self.cycle.send
