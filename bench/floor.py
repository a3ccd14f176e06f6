"""The floor of `rillet bench sse`: a bare asyncio protocol that writes the same bytes."""

import asyncio
import sys
import time
from typing import cast

import uvloop

from bench.frames import frame

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Floor(asyncio.Protocol):
    """Answers any request with the head of a stream; the loop below writes the frames."""

    open: set[asyncio.Transport] = set()  # noqa: RUF012 shared on purpose
    asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for `data_received`."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 any request will do
        """Begin the stream."""
        self.transport.write(HEAD)
        self.asked = True
        self.open.add(self.transport)

    def pause_writing(self) -> None:
        """Pass over who does not keep up, as the relay does: what is unread would have no bound."""
        self.open.discard(self.transport)

    def resume_writing(self) -> None:
        """Go on."""
        if self.asked:
            self.open.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 the parent's
        """Forget the transport."""
        self.asked = False
        self.open.discard(self.transport)


async def serve(port: int, sensors: int, hz: float) -> None:
    """Write one frame `hz` times a second to every open stream, until cancelled."""
    await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", port, backlog=4096)
    number = 0
    while True:
        began = time.monotonic()
        number += 1
        body = frame(number, sensors, time.time_ns())
        chunk = b"%x\r\n%s\r\n" % (len(body), body)
        for transport in list(Floor.open):
            transport.write(chunk)
        await asyncio.sleep(max(0.0, began + 1 / hz - time.monotonic()))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
