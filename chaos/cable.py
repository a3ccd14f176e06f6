"""A TCP relay between processes and a server, that can be cut, mended and made slow."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine
from functools import partial
from threading import Thread
from typing import Any

CHUNK_BYTES = 65536
IN_FLIGHT = 1024
"""The most chunks that are under way in one direction; a sender waits when there are more."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: a close throws away what is not sent, and the peer sees a reset."""

Way = asyncio.Queue[tuple[float, bytes]]


class Cable:
    """Relays 127.0.0.1:`port` to another port of this machine, from a thread of its own.

    `cut` resets every connection and refuses new ones, with all that is under way lost, until
    `mend`. Bytes take `delay_s` each way.
    """

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._listener: socket.socket | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="cable", daemon=True)
        self._thread.start()
        self.delay_s = 0.0
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Listen, again on the same port."""
        self._do(self._listen())

    def cut(self) -> None:
        """Reset every connection and listen no more."""
        self._do(self._cut())

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._listener.setblocking(False)
            self.port = self._listener.getsockname()[1]
            self._loop.add_reader(self._listener, self._accept, self._listener)

    async def _cut(self) -> None:
        if self._listener:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await _end(*self._links)

    def _accept(self, listener: socket.socket) -> None:
        """Take a connection that waits; its link ends it, however soon that is cancelled."""
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            ends = (listener.accept()[0], socket.socket())
            for end in ends:
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = self._loop.create_task(self._relay(*ends))
            self._links.add(link)
            link.add_done_callback(partial(self._forget, ends))

    def _forget(self, ends: tuple[socket.socket, ...], link: asyncio.Task[None]) -> None:
        self._links.discard(link)
        for end in ends:
            end.close()

    async def _relay(self, near: socket.socket, far: socket.socket) -> None:
        """Relay both ways until one of the ends is closed."""
        with contextlib.suppress(OSError):
            await self._loop.sock_connect(far, self._to)
            parts = []
            for source, target in ((near, far), (far, near)):
                way: Way = asyncio.Queue(IN_FLIGHT)
                parts.append(self._loop.create_task(self._take(source, way)))
                parts.append(self._loop.create_task(self._deliver(way, target)))
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(*parts)

    async def _take(self, source: socket.socket, way: Way) -> None:
        while data := await self._loop.sock_recv(source, CHUNK_BYTES):
            await way.put((self._loop.time() + self.delay_s, data))

    async def _deliver(self, way: Way, target: socket.socket) -> None:
        while True:
            due, data = await way.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._loop.sock_sendall(target, data)


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel the tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # what their ends call is called
