"""rillet/connection.py: how the asyncio clients find and reach their server."""

import asyncio
import gc
import socket
from typing import Any

import pytest
import redis
import uvloop
from redis.asyncio.connection import Connection

from rillet.connect import connect_async
from rillet.settings import Settings

NOBODY = "-"
"""A name that the resolver refuses at once, in another thread, and without asking anyone."""


def test_a_name_that_is_refused_after_the_time_to_connect_is_no_fault_of_the_program() -> None:
    """The look-up ends with the connection that wanted it: no log line is left behind."""
    logged: list[Any] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: logged.append(context))
        async with connect_async(Settings(redis_url=f"redis://{NOBODY}:6379/0")) as client:
            client.connection_pool.connection_kwargs["socket_connect_timeout"] = 0
            for _ in range(5):
                with pytest.raises((redis.TimeoutError, redis.ConnectionError)):
                    await client.ping()
        for _ in range(20):  # those before are done by now
            with pytest.raises(socket.gaierror):
                await loop.getaddrinfo(NOBODY, 6379)
        gc.collect()

    uvloop.run(run())
    assert logged == []


async def test_each_address_of_a_name_is_tried(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody listens at the first, the server at the next is found."""
    loop = asyncio.get_running_loop()
    url = settings.redis_url.get_secret_value()
    asked: list[str] = []

    async def look_up(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in ("::1", "127.0.0.1")]

    monkeypatch.setattr(loop, "getaddrinfo", look_up)
    named = settings.model_copy(
        update={"redis_url": Settings(redis_url=url.replace("127.0.0.1", "two.example")).redis_url}
    )
    async with connect_async(named) as client:
        assert await client.ping()
    assert asked == ["two.example"]


async def test_a_name_of_none_is_a_server_that_is_away() -> None:
    """What the resolver refuses is told as any connection that fails, with the name in it."""
    async with connect_async(Settings(redis_url=f"redis://{NOBODY}:6379/0")) as client:
        with pytest.raises(redis.ConnectionError, match=f"{NOBODY}:6379"):
            await client.ping()


async def test_an_address_that_gives_no_answer_is_not_the_last(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time to connect the next one is tried."""
    port = int(settings.redis_url.get_secret_value().rpartition(":")[2].partition("/")[0])
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("127.0.0.9", "127.0.0.1")
    ]
    loop, connect = asyncio.get_running_loop(), Connection._connect  # noqa: SLF001 where time is over

    async def look_up(*_: Any, **__: Any) -> Any:
        return found

    async def slow(self: Any) -> None:
        if self._address == "127.0.0.9":
            raise TimeoutError
        await connect(self)

    monkeypatch.setattr(loop, "getaddrinfo", look_up)
    monkeypatch.setattr(Connection, "_connect", slow)
    async with connect_async(settings) as client:
        assert await client.ping()
