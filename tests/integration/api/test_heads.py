"""Heads of requests that do not come, come slowly or do not end, on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from api.protocol import HEAD_MAX_BYTES, StreamProtocol

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Server:
    """The protocol, in front of an application that answers once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.server = uvicorn.Server(
            uvicorn.Config(
                self.app, http=StreamProtocol, interface="asgi3", lifespan="off", log_config=None
            )
        )

    async def app(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 ASGI
        """Answer `ok`, once `may` is set."""
        await self.may.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async def ask(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send this on a connection of its own."""
        reader, writer = await asyncio.open_connection(*self.listening.getsockname())
        self.writers.append(writer)
        writer.write(sent)
        return reader, writer


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr("api.protocol.HEAD_S", 0.2)
    made = Server()
    running = asyncio.create_task(made.server.serve([made.listening]))
    yield made
    for writer in made.writers:
        writer.close()
    made.may.set()
    made.server.should_exit = True
    await running


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the server cuts the connection."""
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", HEAD, HEAD + b"X: " + b"x" * 9000])
async def test_a_connection_without_a_whole_head_is_cut(server: Server, sent: bytes) -> None:
    """One that sends nothing or half a head goes; one that waits for its answer stays."""
    waiting, _ = await server.ask(HEAD + b"\r\n")
    reader, _ = await server.ask(sent)
    assert await _rest(reader) == b""
    server.may.set()
    assert (await waiting.readuntil(b"ok")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("more", [b"\r\n", HEAD])
async def test_so_is_one_that_stops_at_its_second_request(server: Server, more: bytes) -> None:
    """A connection that was answered once has no longer for its next head."""
    server.may.set()
    reader, writer = await server.ask(HEAD + b"\r\n")
    await reader.readuntil(b"ok")
    writer.write(more)
    assert await _rest(reader) == b""


async def test_a_head_without_end_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held of a head is bounded; the rest of the connection is not read."""
    monkeypatch.setattr("api.protocol.HEAD_S", 60)
    reader, writer = await server.ask(HEAD)
    with suppress(ConnectionError):  # as it goes on to send
        for _ in range(HEAD_MAX_BYTES // 1000 * 10):
            writer.write(b"X: " + b"x" * 1000 + b"\r\n")
            await writer.drain()
    assert (await _rest(reader))[:13] in {b"HTTP/1.1 400 ", b""}


async def test_a_long_body_is_no_head(server: Server) -> None:
    """Many times a head's bytes come after it, and after its answer, unharmed."""
    body = b"x" * (HEAD_MAX_BYTES * 8)
    reader, writer = await server.ask(b"POST / HTTP/1.1\r\nHost: x\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n" % len(body))
    server.may.set()
    await reader.readuntil(b"ok")
    writer.write(body)
    writer.write(HEAD + b"\r\n")
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
