"""`event: status`: each stream knows how many entries wait to be folded, and if Redis is full."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import redis
from httpx_sse import EventSource

from processor.fold import fold
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.serving import add, serving
from tests.waiting import until


async def lags(url: str) -> AsyncIterator[int]:
    """Yield what a stream says of the lag."""
    async for said in statuses(url):
        if "lag" in said:
            yield said["lag"]


async def statuses(url: str) -> AsyncIterator[dict[str, Any]]:
    """Yield what a stream says of its state."""
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", f"{url}/api/stream") as answer,
    ):
        async for event in EventSource(answer).aiter_sse():
            if event.event == "status":
                yield orjson.loads(event.data)


async def test_lag_is_what_no_worker_has_folded(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Entries of all partitions that wait are told, to who comes later as well, and their end."""
    add(client, settings, "a", 1.0)
    own = Settings(redis_url=server.url, partitions=2)
    with serving(server, partitions="2") as api:
        async with asyncio.timeout(60):
            first = lags(api.url)
            assert await anext(first) == 0
            for keys in partition_keys(own):
                for _ in range(120):
                    client.xadd(keys.readings, {"sensor": "a", "value": "1"})
            while await anext(first) != 240:
                pass
            assert await anext(lags(api.url)) == 240
            for keys in partition_keys(own):
                while fold(client, own, keys).backlog:
                    pass
            while await anext(first) != 0:
                pass


async def test_full_memory_is_told_and_its_end(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """A stream that begins at maxmemory is told so, and then that there is room."""
    add(client, settings, "a", 1.0)
    with serving(server) as api:
        async with asyncio.timeout(60):
            told = statuses(api.url)
            client.config_set("maxmemory", "1")
            try:
                assert [await anext(told), await anext(told)] == [{"lag": 0}, {"memory": "full"}]
            finally:
                client.config_set("maxmemory", "0")
            assert await anext(told) == {"memory": "ok"}


@pytest.mark.slow
async def test_lag_survives_a_redis_that_refuses(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """While Redis cannot say the lag none is told; the process goes on and tells the next."""
    add(client, settings, "a", 1.0)
    with serving(server) as api:
        async with asyncio.timeout(60):
            told = lags(api.url)
            assert await anext(told) == 0
            client.rename("readings", "aside")
            client.set("readings", "no stream")
            client.config_resetstat()
            await asyncio.to_thread(until, lambda: _failed(client, "xlen") >= 2)
            client.rename("aside", "readings")
            client.xadd("readings", {"sensor": "a", "value": "1"})
            while await anext(told) != 1:
                pass


def _failed(client: redis.Redis, command: str) -> int:
    counts = client.info("commandstats").get(f"cmdstat_{command}", {})
    return int(counts.get("failed_calls", 0))
