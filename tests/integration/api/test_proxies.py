"""The stream through real proxies that are told nothing about it; see tests/proxies.py."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.proxies import PROXIES, proxying
from tests.serving import add, deaf, serving, stream
from tests.waiting import until

BEATS = {"sse_heartbeat_s": "0.5"}
"""For a proxy that cuts silence after 2 s."""

pytestmark = [
    pytest.mark.proxy,
    pytest.mark.slow,
    pytest.mark.parametrize("proxy", PROXIES),
]


async def test_events_pass_at_once_and_uncompressed(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, tmp_path: Path, proxy: str
) -> None:
    """One small event arrives with nothing behind it to push it; other answers are gzip."""
    add(client, settings, "a", 1.0, unit="%")
    with serving(server, **BEATS) as api, proxying(proxy, tmp_path, api.port) as url:
        assert api.at(url).get("/api/sensors").headers["content-encoding"] == "gzip"
        async with stream(url) as events:  # httpx takes gzip, and `stream` minds it
            assert (await anext(events)).name == "snapshot"
            for n in range(2, 12):
                add(client, settings, "a", 1.0)
                async with asyncio.timeout(20):
                    assert (await anext(events)).rows["a"]["count"] == n
        until(lambda: api.metric("rillet_api_sse_clients") == 0)


async def test_heartbeats_keep_a_silent_stream_open(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, tmp_path: Path, proxy: str
) -> None:
    """Comments pass as they come, so a proxy that cuts silence after 2 s leaves the stream be."""
    add(client, settings, "a", 1.0)
    with (
        serving(server, **BEATS) as api,
        proxying(proxy, tmp_path, api.port) as url,
    ):
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("GET", f"{url}/api/stream") as answer,
        ):
            lines = answer.aiter_lines()
            comments = 0
            while comments < 8:  # 4 s of nothing else
                comments += (await anext(lines)).startswith(":")
            add(client, settings, "a", 1.0)
            while not (await anext(lines)).startswith("data: ["):
                pass


async def test_a_client_resumes_through_it_on_whichever_replica(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, tmp_path: Path, proxy: str
) -> None:
    """Behind one address are two replicas in turn; Last-Event-ID brings just what was missed."""
    for sensor in ("a", "b", "c"):
        add(client, settings, sensor, 1.0)
    with (
        serving(server, **BEATS) as one,
        serving(server, **BEATS) as two,
        proxying(proxy, tmp_path, one.port, two.port) as url,
    ):
        async with stream(url) as events:
            last = (await anext(events)).id
        for n in range(2, 10):
            add(client, settings, "b", 1.0)
            async with stream(url, last) as events:
                missed = await anext(events)
            assert missed.name == "stats"
            assert {name: row["count"] for name, row in missed.rows.items()} == {"b": n}
            last = missed.id
        opened = [api.metric("rillet_api_sse_streams_total") for api in (one, two)]
    assert all(opened)


def test_it_does_not_hide_a_client_that_reads_nothing(
    server: EmbeddedServer, client: redis.Redis, tmp_path: Path, proxy: str
) -> None:
    """The proxy takes no more than its client does, so the API notices and cuts it off."""
    with (
        serving(server, sse_drop_s="1", **BEATS) as api,
        proxying(proxy, tmp_path, api.port) as url,
        deaf(httpx.URL(url).port or 0),
    ):
        until(lambda: api.metric("rillet_api_sse_clients") == 1)
        deadline = time.monotonic() + 60
        while not api.metric("rillet_api_sse_clients_dropped_total"):
            assert time.monotonic() < deadline
            # The kernel alone takes tens of megabytes ahead of such a reader.
            with client.pipeline(transaction=False) as pipe:
                for n in range(100):
                    pipe.xadd("results", {"sensor": f"s{n}", "kind": "x" * 50_000}, maxlen=100)
                pipe.execute()
        assert api.metric("rillet_api_sse_streams_total") == 1
