"""The stream, on real sockets: what a client gets, whatever happens to it, the API or Redis."""

import asyncio
import contextlib
import os
import random
import signal
import time

import httpx
import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.serving import Api, Event, add, add_all, deaf, resident_bytes, serving, stream
from tests.waiting import until


@pytest.fixture
def api(server: EmbeddedServer, client: redis.Redis) -> Api:  # noqa: ARG001 an empty server
    with serving(server) as running:
        yield running


async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_changes(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """Snapshot first, then what changed; each number reads back as the hash has it."""
    add(client, settings, "a", 0.1, 0.2, kind="moisture", unit="°C")
    add(client, settings, "b", 1e16)
    async with stream(api.url) as events:
        first = await anext(events)
        assert first.name == "snapshot"
        assert set(first.rows) == {"a", "b"}
        add(client, settings, "a", 0.7)
        then = await anext(events)
    assert then.name == "stats"
    assert set(then.rows) == {"a"}
    for name, value in client.hgetall("stats:a").items():
        shown = then.rows["a"][name.decode()]
        assert shown == (value.decode() if isinstance(shown, str) else float(value))
    assert then.id == client.xrevrange("results", count=1)[0][0].decode()


async def test_a_stream_of_named_sensors_carries_no_other(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """`?sensor=`, repeated, limits snapshot and changes."""
    for sensor in ("a", "b", "c"):
        add(client, settings, sensor, 1.0)
    async with stream(api.url, query="?sensor=a&sensor=c") as events:
        assert set((await anext(events)).rows) == {"a", "c"}
        add(client, settings, "b", 2.0)
        add(client, settings, "c", 2.0)
        assert set((await anext(events)).rows) == {"c"}


@pytest.mark.parametrize("partitions", [1, 3])
async def test_a_client_resumes_on_another_replica(
    server: EmbeddedServer, client: redis.Redis, partitions: int
) -> None:
    """Last-Event-ID brings just what was missed, on a replica that was started later."""
    settings = Settings(redis_url=server.url, partitions=partitions)
    for n in range(6):
        add(client, settings, f"s{n}", 1.0)
    with serving(server, partitions=str(partitions)) as one:
        async with stream(one.url) as events:
            seen = await anext(events)
    assert seen.id.count(",") == partitions - 1
    add(client, settings, "s1", 2.0, 3.0)
    add(client, settings, "s4", 5.0)
    with serving(server, partitions=str(partitions)) as other:
        async with stream(other.url, seen.id) as events:
            missed = await anext(events)
    assert missed.name == "stats"
    assert {name: row["count"] for name, row in missed.rows.items()} == {"s1": 3, "s4": 2}


async def test_a_resumed_stream_of_named_sensors_carries_no_other(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """`?sensor=` limits what was missed as well."""
    add(client, settings, "a", 1.0)
    add(client, settings, "b", 1.0)
    async with stream(api.url) as events:
        seen = await anext(events)
    add(client, settings, "a", 2.0)
    add(client, settings, "b", 2.0)
    async with stream(api.url, seen.id, "?sensor=a") as events:
        assert set((await anext(events)).rows) == {"a"}


async def test_an_id_from_before_everything_was_flushed_is_not_taken_for_known(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """It lies before the first result of all: resync, and a snapshot without what is gone."""
    add(client, settings, "old", 1.0)
    with serving(server) as api:
        async with stream(api.url) as events:
            seen = await anext(events)
    client.flushall()
    with serving(server) as api:
        async with stream(api.url, seen.id) as events:
            add(client, settings, "new", 1.0)
            assert (await anext(events)).name == "resync"
            event = await anext(events)
            while not event.rows:  # a snapshot from before there was the new one
                event = await anext(events)
            assert set(event.rows) == {"new"}


@pytest.mark.parametrize("last_id", ["1-1", "rubbish", "1-1,2-2", "99999999999999-0"])
async def test_an_id_that_cannot_be_resumed_is_answered_with_resync(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, last_id: str
) -> None:
    """Trimmed away, not ours, or ahead of all there is: resync, and a snapshot."""
    for n in range(3):
        add(client, settings, f"s{n}", 1.0)
    client.xtrim("results", maxlen=1, approximate=False)
    with serving(server) as api:
        async with stream(api.url, last_id) as events:
            assert (await anext(events)).name == "resync"
            assert set((await anext(events)).rows) == {"s0", "s1", "s2"}


async def _follow(
    urls: list[str], done: asyncio.Event, final: dict[str, int], connects: list[str]
) -> None:
    """Connect to any, read a little, reconnect with the last id, until all sensors are final."""
    counts: dict[str, int] = {}
    last_id = ""
    while not (done.is_set() and counts == final):
        connects.append(random.choice(urls))
        async with stream(connects[-1], last_id) as events:
            left = random.randint(1, 4)
            async for event in events:
                _take(event, counts)
                last_id = event.id or last_id
                left -= 1
                if (left <= 0 and not done.is_set()) or (done.is_set() and counts == final):
                    break


def _take(event: Event, counts: dict[str, int]) -> None:
    for name, row in event.rows.items():
        if name:
            assert row["count"] >= counts.get(name, 0), f"{name} went back in a {event.name}"
            counts[name] = row["count"]


@pytest.mark.parametrize("partitions", [1, 3])
async def test_connecting_while_results_flow_leaves_no_gap(
    server: EmbeddedServer, client: redis.Redis, partitions: int
) -> None:
    """Clients that move between replicas without end see no count go back, and get the last."""
    settings = Settings(redis_url=server.url, partitions=partitions)
    names, final, done = [f"s{n}" for n in range(12)], {}, asyncio.Event()
    connects: list[str] = []
    options = {"partitions": str(partitions), "sse_hz": "50"}
    with serving(server, **options) as one, serving(server, **options) as two:

        async def feed() -> None:
            end = time.monotonic() + 4
            while time.monotonic() < end or len(connects) < 30 or len(final) < len(names):
                for name in random.sample(names, 4):
                    await asyncio.to_thread(add, client, settings, name, 1.0)
                    final[name] = final.get(name, 0) + 1
            # The last one is announced first: whoever has all of `final` then got it after `done`.
            final[names[0]] = final.get(names[0], 0) + 1
            done.set()
            await asyncio.to_thread(add, client, settings, names[0], 1.0)

        urls = [one.url, two.url]
        following = [asyncio.create_task(_follow(urls, done, final, connects)) for _ in range(6)]
        await feed()
        async with asyncio.timeout(60):
            await asyncio.gather(*following)


@pytest.mark.slow
async def test_frames_do_not_come_faster_than_the_limit(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """At 5 Hz, two seconds of steady change are at most 12 frames, and the last is current."""
    add(client, settings, "a", 0.0)
    with serving(server, sse_hz="5") as api:
        async with stream(api.url) as events:
            await anext(events)
            frames, began, n = 0, time.monotonic(), 1
            reading = asyncio.create_task(anext(events))
            while time.monotonic() < began + 2:
                await asyncio.to_thread(add, client, settings, "a", 1.0)
                n += 1
                if reading.done():
                    frames, latest = frames + 1, reading.result()
                    reading = asyncio.create_task(anext(events))
            while latest.rows["a"]["count"] < n:
                latest = await reading
                reading = asyncio.create_task(anext(events))
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
    assert 2 <= frames <= 12


async def test_headers_keep_proxies_from_buffering(api: Api) -> None:
    """The stream forbids buffering, transforming and sniffing, and says when to come back."""
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream(
            "GET", f"{api.url}/api/stream", headers={"Accept-Encoding": "gzip"}
        ) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        assert answer.headers["content-encoding"] == "identity"
        first = await anext(answer.aiter_lines())
    assert first.startswith("retry: ")


@pytest.mark.slow
async def test_a_silent_stream_gets_a_comment(server: EmbeddedServer, client: redis.Redis) -> None:  # noqa: ARG001 an empty server
    """A heartbeat comment comes when nothing else does."""
    with serving(server, sse_heartbeat_s="0.3") as api:
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("GET", f"{api.url}/api/stream") as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith(":"):
                    return


async def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """It is cut off after the set time; meanwhile others get every change."""
    names = [f"sensor-{n}" for n in range(1000)]
    add_all(client, settings, names)
    with serving(server, sse_drop_s="1", sse_hz="50") as api, deaf(api.port):
        async with stream(api.url) as events:
            await anext(events)
            until(lambda: api.metric("rillet_api_sse_clients") >= 1)
            before = resident_bytes(api.process.pid)
            deadline, n = time.monotonic() + 60, 1
            while not api.metric("rillet_api_sse_clients_dropped_total"):
                assert time.monotonic() < deadline
                n += 1
                add_all(client, settings, names)
                latest = await anext(events)
            until(lambda: api.metric("rillet_api_sse_clients") == 1)
            while latest.rows.get(names[0], {}).get("count") != n:
                latest = await anext(events)
            assert resident_bytes(api.process.pid) - before < 20_000_000


async def test_nothing_outlives_its_client(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """A thousand streams opened and cut leave no task, no socket and no Redis connection."""
    add(client, settings, "a", 1.0)
    with serving(server, sse_max_per_address="2000") as api:
        api.get("/readyz")

        def counts() -> tuple[float, int, int]:
            tasks = api.metric("rillet_api_tasks")
            files = len(os.listdir(f"/proc/{api.process.pid}/fd"))  # noqa: PTH208 no path
            return tasks, files, len(client.client_list())

        # The first streams start what stays for all: the pool's connections, the stop's watcher.
        # One more connection opens where the lag is asked for at the moment of a snapshot.
        await asyncio.gather(*(_open_and_cut(api.port) for _ in range(100)))
        until(lambda: api.metric("rillet_api_sse_clients") == 0)
        before = counts()
        for _ in range(10):
            await asyncio.gather(*(_open_and_cut(api.port) for _ in range(100)))
        until(lambda: api.metric("rillet_api_sse_clients") == 0)
        until(lambda: all(now <= was + 1 for now, was in zip(counts(), before, strict=True)))


async def _open_and_cut(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/stream HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"event: snapshot")
    writer.transport.abort()


async def test_a_stop_with_a_hundred_streams_is_clean(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """SIGTERM ends the process, and every stream as a whole response."""
    add(client, settings, "a", 1.0)
    with serving(server) as api:

        async def hold() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
            writer.write(b"GET /api/stream HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b"event: snapshot")
            opened.release()
            got = await reader.read()
            writer.close()
            return got

        opened = asyncio.Semaphore(0)
        holding = [asyncio.create_task(hold()) for _ in range(100)]
        for _ in holding:
            await opened.acquire()
        api.process.send_signal(signal.SIGTERM)
        endings = await asyncio.gather(*holding)
        code = await asyncio.to_thread(api.process.wait, 30)
    assert code in {0, -signal.SIGTERM}
    assert all(ending.endswith(b"0\r\n\r\n") for ending in endings)


async def test_a_redis_that_loses_everything_is_told_and_resynced() -> None:
    """Away, ok, resync and a snapshot: the clients follow Redis through a restart without data."""
    with EmbeddedServer() as own:
        settings = Settings(redis_url=own.url)
        with redis.Redis(port=own.port, protocol=2) as client:
            add(client, settings, "old", 1.0)
        with serving(own) as api:
            async with stream(api.url) as events:
                assert set((await anext(events)).rows) == {"old"}
                own.kill()
                assert (await anext(events)).rows == {"": {"redis": "away"}}
                assert api.get("/readyz").status_code == 503
                assert api.get("/api/sensors").status_code == 503
                own.start()
                told = {event.name: event.rows for event in [await anext(events) for _ in "123"]}
                assert sorted(told) == ["resync", "snapshot", "status"]
                assert (told["snapshot"], told["status"]) == ({}, {"": {"redis": "ok"}})
                with redis.Redis(port=own.port, protocol=2) as client:
                    add(client, settings, "new", 1.0)
                assert set((await anext(events)).rows) == {"new"}


async def test_redis_sees_one_reader_however_many_clients(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """All streams share the process's one blocking XREAD, and the few connections beside it."""
    add(client, settings, "a", 1.0)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(60):
            events = await stack.enter_async_context(stream(api.url))
            await anext(events)

        def readers() -> int:
            return sum(one["cmd"] == "xread" for one in client.client_list())

        until(lambda: readers() == 1)
        assert len(client.client_list()) < 10


@pytest.mark.slow
async def test_several_workers_serve_every_client(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """With two uvicorn workers each client gets snapshot and changes, wherever it landed."""
    add(client, settings, "a", 1.0)
    with serving(server, "--workers", "2") as api:
        async with contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(stream(api.url)) for _ in range(6)]
            firsts = [await anext(events) for events in streams]
            assert {first.name for first in firsts} == {"snapshot"}
            add(client, settings, "a", 2.0)
            for events in streams:
                assert (await anext(events)).rows["a"]["count"] == 2
        api.process.terminate()
        api.process.wait(60)
