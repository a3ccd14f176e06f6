"""`event: status`: each stream knows whether Redis is there, whenever it came."""

import asyncio
import contextlib

import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.serving import add, serving, stream
from tests.waiting import until

AWAY = {"": {"redis": "away"}}
OK = {"": {"redis": "ok"}}


async def test_a_stream_that_was_told_away_is_told_ok_after_its_snapshot(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Away, snapshot, ok: also where the reader had been back before the snapshot came."""
    add(client, settings, "a", 1.0)
    client.rename("state", "aside")
    client.set("state", "no hash")
    with serving(server) as api:
        async with asyncio.timeout(60), stream(api.url) as events:
            assert (await anext(events)).rows == AWAY
            assert api.metric("rillet_api_sse_clients") == 1
            client.rename("aside", "state")
            assert set((await anext(events)).rows) == {"a"}
            assert (await anext(events)).rows == OK


async def test_a_stream_that_resumes_while_redis_is_away_is_told_so() -> None:
    """Away comes first, before anything could be taken for news; ok once Redis is back."""
    with EmbeddedServer() as own:
        with redis.Redis(port=own.port, protocol=2) as client:
            add(client, Settings(redis_url=own.url), "a", 1.0)
        async with contextlib.AsyncExitStack() as stack:
            api = stack.enter_context(serving(own))
            await stack.enter_async_context(asyncio.timeout(80))
            first = await stack.enter_async_context(stream(api.url))
            seen = await anext(first)
            own.kill()
            assert (await anext(first)).rows == AWAY
            later = await stack.enter_async_context(stream(api.url, seen.id, alerts=True))
            assert (await anext(later)).rows == AWAY
            own.start()
            for events in (first, later):
                event = await anext(events)
                while event.rows != OK:
                    assert event.rows != AWAY
                    event = await anext(events)


@pytest.mark.slow
async def test_a_fault_that_stays_is_told_once(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """While `alerts` is of a wrong type the status does not alternate: away once, then ok."""
    add(client, settings, "a", 1.0)
    with serving(server) as api:
        async with asyncio.timeout(60), stream(api.url) as events:
            await anext(events)
            client.config_resetstat()
            client.set("alerts", "no stream")
            assert (await anext(events)).rows == AWAY

            def refused() -> int:
                asked = client.info("commandstats").get("cmdstat_xrevrange", {})
                return int(asked.get("failed_calls", 0))

            await asyncio.to_thread(until, lambda: refused() >= 3)
            client.delete("alerts")
            assert (await anext(events)).rows == OK
            add(client, settings, "a", 2.0)
            assert (await anext(events)).name == "stats"
