"""Many clients at once, against a real API."""

import asyncio
from typing import Any

import httpx
import pytest
import redis

from rillet.connect import connect_async
from rillet.embedded import EmbeddedServer
from rillet.pool import CONNECTIONS
from rillet.settings import Settings
from tests.serving import add, serving


async def _all_in_use(client: Any) -> None:
    while len(client.connection_pool._in_use_connections) < CONNECTIONS:  # noqa: ASYNC110, SLF001
        await asyncio.sleep(0)


async def _first_event(http: httpx.AsyncClient) -> str:
    async with http.stream("GET", "/api/stream?sensor=a") as answer:
        lines = aiter(answer.aiter_lines())
        while not (line := await anext(lines)).startswith("event: "):
            pass
        return line


async def test_more_requests_than_connections_wait_for_one(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Hundreds at once are answered over a few connections; nobody hears that Redis is away."""
    add(client, settings, "a", 1.0)
    before = int(client.info("clients")["connected_clients"])
    # A connection that has waited for the others may be closed just as it is used again.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    with serving(server, sse_max_per_address="400") as api:
        async with httpx.AsyncClient(base_url=api.url, timeout=60, limits=limits) as http:
            asked = (http.get("/api/sensors") for _ in range(300))
            answers = await asyncio.gather(*asked)
            events = await asyncio.gather(*(_first_event(http) for _ in range(150)))
        connected = int(client.info("clients")["connected_clients"])
    assert {answer.status_code for answer in answers} == {200}
    assert set(events) == {"event: snapshot"}
    assert connected - before <= CONNECTIONS + 2


async def test_whoever_gives_up_leaves_its_connection_to_the_next(settings: Settings) -> None:
    """Commands that are cancelled, twice even, while they wait or hold a connection keep none."""
    async with connect_async(settings) as client:
        held = [asyncio.create_task(client.blpop(["none"])) for _ in range(CONNECTIONS * 3)]
        await _all_in_use(client)
        for _ in range(2):
            for one in held:
                one.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*held, return_exceptions=True)
        async with asyncio.timeout(60):
            for _ in range(3):
                assert all(await asyncio.gather(*(client.ping() for _ in range(CONNECTIONS))))


async def test_a_server_that_holds_everyone_up_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gets no connection in time is told so, as by a server that is away."""
    monkeypatch.setattr("rillet.pool.WAIT_S", 0.05)
    async with connect_async(settings) as client:
        held = [asyncio.create_task(client.blpop(["none"])) for _ in range(CONNECTIONS)]
        await _all_in_use(client)
        with pytest.raises(redis.ConnectionError, match="no connection was free"):
            await client.ping()
        for one in held:
            one.cancel()
        await asyncio.gather(*held, return_exceptions=True)
