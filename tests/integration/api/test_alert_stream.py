"""`event: alert` and `event: alerts` on real streams, and forgotten sensors."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
import redis
from httpx_sse import aconnect_sse

from api.app import cancel
from api.board import Board
from api.reader import Reader
from api.tail import Tail
from rillet.connect import connect_async
from rillet.embedded import EmbeddedServer
from rillet.keys import Keys, partition_keys
from rillet.settings import Settings
from tests.alerting import change
from tests.serving import Api, add, serving, stream

KEYS = Keys()


@pytest.fixture
def api(server: EmbeddedServer, client: redis.Redis) -> Api:  # noqa: ARG001 an empty server
    with serving(server) as running:
        yield running


async def take(url: str, wanted: int, last_id: str = "", query: str = "") -> list[Any]:
    """Return (event, data) of the first so many events of a new stream."""
    found: list[Any] = []
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(timeout=60) as http,
        aconnect_sse(http, "GET", f"{url}/api/stream{query}", headers=headers) as source,
    ):
        async for event in source.aiter_sse():
            if event.data:
                found.append((event.event, orjson.loads(event.data)))
            if len(found) == wanted:
                break
    return found


@pytest.mark.parametrize("partitions", [1, 3])
async def test_a_stream_lists_what_fires_and_then_each_change(
    server: EmbeddedServer, client: redis.Redis, partitions: int
) -> None:
    """After the snapshot `alerts`, then one `alert` a change, as `alerts` of Redis has it."""
    parts = partition_keys(Settings(partitions=partitions))
    change(client, parts[-1], sensor="before")
    with serving(server, partitions=str(partitions)) as api:
        async with stream(api.url, alerts=True) as events:
            assert (await anext(events)).name == "snapshot"
            first = await anext(events)
            assert (first.name, list(first.rows)) == ("alerts", ["before"])
            for keys in parts:
                entry = change(client, keys, value="0.1")
                event = await anext(events)
                assert event.name == "alert"
                assert event.rows[""]["entry"] == entry
                assert event.rows[""]["value"] == 0.1
            change(client, parts[-1], sensor="before", state="resolved", value="")
            last = await anext(events)
    assert (last.rows[""]["state"], last.rows[""]["value"]) == ("resolved", None)


async def test_a_reading_above_its_limit_is_told(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """From PUT of a rule to the event: fired by one reading, resolved by another, in the list."""
    async with httpx.AsyncClient(timeout=60) as http:
        rule = '[[rule]]\nname = "hot"\ntype = "limit"\nhigh = 30\nhysteresis = 1\n'
        assert (await http.put(f"{api.url}/api/rules", content=rule)).status_code == 200
    async with stream(api.url, alerts=True) as events:
        told: list[Any] = []
        assert [(await anext(events)).name for _ in range(2)] == ["snapshot", "alerts"]
        for value in (20.0, 31.5, 32.0, 29.5, 29.0, 20.0):
            add(client, settings, "a", value)
        while len(told) < 2:
            event = await anext(events)
            told += [event.rows[""]] if event.name == "alert" else []
    assert [(one["state"], one["value"]) for one in told] == [("firing", 31.5), ("resolved", 29.0)]
    assert {one["rule"] for one in told} == {"hot"}
    found = api.get("/api/alerts").json()
    assert found["active"] == []
    assert found["recent"] == told[::-1]


async def test_a_client_that_comes_back_knows_what_fires(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Resumed on another replica, it gets what it missed of the results, and the list of alerts."""
    add(client, settings, "a", 1.0)
    change(client, KEYS, sensor="a")
    with serving(server) as one:
        async with stream(one.url) as events:
            seen = await anext(events)
    change(client, KEYS, sensor="a", state="resolved")
    change(client, KEYS, sensor="b")
    add(client, settings, "a", 2.0)
    with serving(server) as other:
        (stats, alerts) = await take(other.url, 2, seen.id)
    assert [stats[0], alerts[0]] == ["stats", "alerts"]
    assert [alert["sensor"] for alert in alerts[1]] == ["b"]


async def test_a_stream_of_named_sensors_has_their_alerts_only(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """`?sensor=` limits the list and the changes."""
    add(client, settings, "a", 1.0)
    change(client, KEYS, sensor="a")
    change(client, KEYS, sensor="b")
    async with stream(api.url, query="?sensor=a", alerts=True) as events:
        await anext(events)
        assert list((await anext(events)).rows) == ["a"]
        change(client, KEYS, sensor="b", state="resolved")
        change(client, KEYS, sensor="a", state="resolved")
        assert (await anext(events)).rows[""]["sensor"] == "a"


async def test_alerts_survive_a_redis_that_loses_everything() -> None:
    """After a restart without data the list is empty, and later changes come."""
    with EmbeddedServer() as own, serving(own) as api:
        with redis.Redis(port=own.port, protocol=2) as client:
            change(client, KEYS)
        async with stream(api.url, alerts=True) as events:
            names = [(await anext(events)).name for _ in range(2)]
            assert names == ["snapshot", "alerts"]
            own.kill()
            own.start()
            event = await anext(events)
            while event.name != "alerts" or event.rows:
                event = await anext(events)
            with redis.Redis(port=own.port, protocol=2) as client:
                change(client, KEYS, sensor="later")
            while event.name != "alert":
                event = await anext(events)
    assert event.rows[""]["sensor"] == "later"


@pytest.mark.parametrize("results", ["quiet", "flowing"])
async def test_what_is_changed_in_firing_by_hand_is_noticed(
    client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch, results: str
) -> None:
    """The list becomes what `firing` has, whether results flow or not; changes go on singly."""
    monkeypatch.setattr("api.firing.LOOK_S", 0.0)
    monkeypatch.setattr("api.reader.BLOCK_MS", 20 if results == "quiet" else 2000)
    tail, board = Tail(1, 100), Board()
    for sensor in ("a", "b"):
        change(client, KEYS, sensor=sensor)
    async with connect_async(settings) as own, asyncio.timeout(60), asyncio.TaskGroup() as group:
        (work,) = Reader(own, [KEYS], tail, board).work()
        following = group.create_task(work)

        async def fire(*wanted: str) -> None:
            while {one["sensor"] for one in board.firing()} != {*wanted}:
                if results == "flowing":
                    client.xadd(KEYS.results, {"sensor": "a", "count": "1"})
                await asyncio.sleep(0.01)

        await fire("a", "b")
        lists = board.floor
        client.hdel(KEYS.firing, "too-hot:b")
        await fire("a")
        with client.pipeline() as both:  # as many as before, but others
            both.hset(KEYS.firing, "too-hot:b", orjson.dumps({"sensor": "b", "rule": "too-hot"}))
            both.hdel(KEYS.firing, "too-hot:a")
            both.execute()
        await fire("b")
        assert board.floor == lists + 2
        change(client, KEYS, sensor="a")
        await fire("a", "b")
        client.hdel(KEYS.firing, "too-hot:b")
        await fire("a")
        assert board.floor > lists + 2
        lists = board.floor
        change(client, KEYS, sensor="c")
        await fire("a", "c")
        change(client, KEYS, sensor="a", state="resolved")
        await fire("c")
        assert board.floor == lists
        await cancel(following)


async def test_a_forgotten_sensor_is_told_and_gone(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """`forgotten` goes out in `stats`, also to who resumes; a snapshot has the sensor no more."""
    add(client, settings, "a", 1.0)
    add(client, settings, "b", 1.0)
    async with stream(api.url) as events:
        seen = await anext(events)
        assert set(seen.rows) == {"a", "b"}
        client.delete("stats:a")
        client.hdel("state", "a")
        client.xadd("results", {"sensor": "a", "forgotten": "1"})
        told = await anext(events)
    assert told.rows == {"a": {"sensor": "a", "forgotten": True}}
    async with stream(api.url, seen.id) as events:
        assert (await anext(events)).rows == told.rows
    assert set(await _known(api.url, 1)) == {"b"}
    add(client, settings, "a", 5.0)
    assert (await _known(api.url, 2))["a"]["count"] == 1


async def _known(url: str, sensors: int) -> dict[str, Any]:
    """Return what a client knows once it knows so many sensors, of its snapshot and changes."""
    known: dict[str, Any] = {}
    async with stream(url) as events:
        while len(known) != sensors:
            known |= (await anext(events)).rows
            known = {name: row for name, row in known.items() if "forgotten" not in row}
    return known
