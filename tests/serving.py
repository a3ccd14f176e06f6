"""Starts `rillet serve` as a process, feeds and folds readings, reads streams as browsers do."""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import redis
from httpx_sse import EventSource

from processor.fold import fold
from rillet.embedded import EmbeddedServer, free_port
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.processes import running
from tests.waiting import until

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of http:// alone: by default httpx reads all authorities for each, in 20 ms."""


@dataclass(frozen=True)
class Api:
    """A running API: where it is, and its process id."""

    url: str
    port: int
    process: Any

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET a path of this API."""
        return httpx.get(self.url + path, timeout=30, verify=PLAIN, **more)

    def at(self, url: str) -> "Api":
        """Return the same API, asked at another address, such as a proxy's."""
        return replace(self, url=url)

    def metric(self, name: str) -> float:
        """Return one unlabelled metric's value."""
        lines = self.get("/metrics").text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


@contextmanager
def serving(
    server: EmbeddedServer, *options: str, ready: bool = True, **settings: str
) -> Iterator[Api]:
    """Run an API until the block ends; it is ready when the block begins.

    Without `ready` it only answers: for tests in which it never is ready, or becomes so later.
    """
    port = free_port()
    command = ("serve", "--port", str(port), *options)
    with running(server, *command, **{"log_level": "warning", **settings}) as process:
        api = Api(f"http://127.0.0.1:{port}", port, process)
        until(lambda: answers(api.url + ("/readyz" if ready else "/healthz")))
        yield api


def answers(url: str) -> bool:
    """Tell whether something answers this address well."""
    try:
        return httpx.get(url, timeout=5, verify=PLAIN).is_success
    except httpx.TransportError:
        return False


def add(client: redis.Redis, settings: Settings, sensor: str, *values: float, **more: str) -> None:
    """Append readings and fold them, in this process."""
    keys = partition_keys(settings)[partition_of(sensor, settings.partitions)]
    for value in values:
        client.xadd(keys.readings, {"sensor": sensor, "value": repr(value), **more})
    while fold(client, settings, keys).backlog:
        pass


def add_all(client: redis.Redis, settings: Settings, sensors: list[str]) -> None:
    """Append a reading of each sensor in one go and fold them, in one partition."""
    with client.pipeline(transaction=False) as pipe:
        for sensor in sensors:
            pipe.xadd("readings", {"sensor": sensor, "value": "1"})
        pipe.execute()
    while fold(client, settings, partition_keys(settings)[0]).backlog:
        pass


@dataclass(frozen=True)
class Event:
    """One Server-Sent Event; `rows` by sensor."""

    name: str
    id: str
    rows: dict[str, dict[str, Any]]


@asynccontextmanager
async def stream(
    url: str, last_id: str = "", query: str = "", *, alerts: bool = False
) -> AsyncIterator[AsyncIterator[Event]]:
    """Open a stream, whose bytes must come as they are; yields its events, alerts if asked for.

    What it says of the lag comes at any moment, and is left out.
    """
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(timeout=60, verify=PLAIN) as client,
        client.stream("GET", f"{url}/api/stream{query}", headers=headers) as answer,
    ):
        assert answer.headers["content-encoding"] == "identity"
        yield _events(answer, alerts=alerts)


async def _events(answer: httpx.Response, *, alerts: bool) -> AsyncIterator[Event]:
    async for event in EventSource(answer).aiter_sse():
        if event.data and (alerts or event.event not in {"alert", "alerts"}):
            data = orjson.loads(event.data)
            if event.event == "status" and "lag" in data:
                continue
            rows = {row["sensor"]: row for row in data} if isinstance(data, list) else {"": data}
            yield Event(event.event, event.id, rows)


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def deaf(port: int) -> socket.socket:
    """Return the connection of a client that asked for the stream and will never read it."""
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asking.connect(("127.0.0.1", port))
    asking.sendall(b"GET /api/stream HTTP/1.1\r\nhost: x\r\n\r\n")
    return asking
