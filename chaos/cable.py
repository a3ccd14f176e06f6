"""A TCP relay between processes and a server, that can be cut, mended and made slow."""

import asyncio
import contextlib
from collections.abc import Coroutine
from threading import Thread
from typing import Any

CHUNK_BYTES = 65536
IN_FLIGHT = 1024
"""The most chunks that are under way in one direction; a sender waits when there are more."""


class Cable:
    """Relays 127.0.0.1:`port` to another port of this machine, from a thread of its own.

    `cut` resets every connection and refuses new ones, with all that is under way lost, until
    `mend`. Bytes take `delay_s` each way.
    """

    def __init__(self, to_port: int) -> None:
        self._to = to_port
        self._server: asyncio.Server | None = None
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
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is handled by a task")
        self._links.add(task)
        ends = [writer]
        # An end by cancellation is the cut's own; it is not to reach asyncio's log.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
                ends.append(far_writer)
                await self._relay((reader, far_writer), (far_reader, writer))
            finally:
                for end in ends:
                    end.transport.abort()
        self._links.discard(task)

    async def _relay(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Relay both ways until one of the ends is closed."""
        parts = []
        for reader, writer in ways:
            under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
            parts.append(asyncio.create_task(self._take(reader, under_way)))
            parts.append(asyncio.create_task(self._deliver(under_way, writer)))
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _take(
        self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await under_way.put((self._loop.time() + self.delay_s, data))

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            writer.write(data)
            await writer.drain()
