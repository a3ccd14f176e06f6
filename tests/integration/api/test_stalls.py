"""An API that stood still while results went on: nothing that was trimmed meanwhile goes unsaid."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from api.app import cancel
from api.board import Board
from api.reader import Reader
from api.tail import Tail
from rillet.connect import connect_async
from rillet.embedded import EmbeddedServer
from rillet.keys import Keys
from rillet.settings import Settings
from tests.alerting import change
from tests.serving import Api, Event, add, add_all, serving, stream
from tests.waiting import until

KEYS = Keys()
NAMES = [f"s{n}" for n in range(1000)]


@pytest.fixture
def tight(server: EmbeddedServer, client: redis.Redis) -> Settings:  # noqa: ARG001 an empty server
    """Return settings under which a stall of one round of readings loses results."""
    return Settings(redis_url=server.url, results_maxlen=100)


@contextmanager
def standing_still(api: Api) -> Iterator[None]:
    """Stop the process, as a paused virtual machine is stopped, until the block ends."""
    api.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        api.process.send_signal(signal.SIGCONT)


async def _until_counts(events: AsyncIterator[Event], count: int) -> list[str]:
    """Read until every sensor was told with this count; return the events' names."""
    told, names = set(), []
    async with asyncio.timeout(60):
        while len(told) < len(NAMES):
            event = await anext(events)
            names.append(event.name)
            told |= {name for name, row in event.rows.items() if row.get("count") == count}
    return names


async def test_results_trimmed_while_the_api_stood_still_are_made_good(
    server: EmbeddedServer, client: redis.Redis, tight: Settings
) -> None:
    """Resync and a snapshot: no sensor stays behind its hash, however short the stall was."""
    add_all(client, tight, NAMES)
    with serving(server) as api:
        async with stream(api.url) as events:
            await _until_counts(events, 1)
            with standing_still(api):
                add_all(client, tight, NAMES)
            assert "resync" in await _until_counts(events, 2)


async def test_results_made_anew_while_the_api_stood_still_are_noticed(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """After FLUSHALL newer ids are no news of the old sensors: clients lose those by a resync."""
    add(client, settings, "old", 1.0, 2.0)
    with serving(server) as api:
        async with stream(api.url) as events:
            assert set((await anext(events)).rows) == {"old"}
            with standing_still(api):
                client.flushall()
                add(client, settings, "new", 1.0)
            assert (await anext(events)).name == "resync"
            assert set((await anext(events)).rows) == {"new"}


async def test_a_stream_that_goes_as_it_is_looked_at_is_a_new_one(
    client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted just before the reader asks about it, it is empty; Redis is not told to be away."""
    monkeypatch.setattr("api.reader.BLOCK_MS", 20)
    add(client, settings, "a", 1.0)
    async with connect_async(settings) as own, asyncio.timeout(60), asyncio.TaskGroup() as group:
        reader, told, asked = Reader(own, [KEYS], Tail(1, 100), Board()), [], asyncio.Semaphore(0)
        reader.on_change = told.append
        following = group.create_task(reader.work()[0])
        await asyncio.to_thread(until, lambda: told)
        ask: Any = own.xinfo_stream

        async def ask_late(name: str) -> Any:
            client.delete(name)
            asked.release()
            return await ask(name)

        monkeypatch.setattr(own, "xinfo_stream", ask_late)
        for _ in range(3):
            add(client, settings, "a", 1.0)
            await asked.acquire()
        await cancel(following)
    assert told == [True]


async def test_trimming_what_was_read_is_no_loss(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """A client of results that are trimmed right behind the reader gets changes, never a resync."""
    add(client, settings, "a", 1.0)
    with serving(server) as api:
        async with stream(api.url) as events:
            await anext(events)
            for count in range(2, 6):
                client.xtrim("results", maxlen=0, approximate=False)
                add(client, settings, "a", 1.0)
                event = await anext(events)
                assert (event.name, event.rows["a"]["count"]) == ("stats", count)


async def test_alerts_trimmed_while_the_api_stood_still_are_made_good(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """The list of what fires is told anew where single changes of it are gone."""
    add(client, settings, "a", 1.0)
    change(client, KEYS, sensor="before")
    with serving(server) as api:
        async with stream(api.url, alerts=True) as events:
            assert [(await anext(events)).name for _ in range(2)] == ["snapshot", "alerts"]
            with standing_still(api):
                # The read that waits gets the first at once; the second is gone before the next.
                change(client, KEYS, sensor="other", state="resolved")
                change(client, KEYS, sensor="before", state="resolved")
                change(client, KEYS, sensor="after")
                client.xtrim("alerts", maxlen=1, approximate=False)
            async with asyncio.timeout(60):
                event = await anext(events)
                while event.name != "alerts":
                    event = await anext(events)
            assert set(event.rows) == {"after"}
