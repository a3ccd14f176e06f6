"""Connection pools of the API: whoever finds every connection in use waits for one."""

import asyncio
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel

CONNECTIONS = 16
"""The most connections of one pool: one server does one thing at a time, so more gain nothing."""

WAIT_S = 10.0
"""How long a caller waits for one of them; with a server that answers, thousands get theirs."""


class Waiting(redis.asyncio.ConnectionPool):
    """A pool with a bound that is no error.

    redis-py's own pool of this kind takes a lock to give a connection back, and loses it where a
    task is cancelled twice there, as anyio does; one by one that would end in a pool of none.
    """

    def __init__(self, connection_class: Any, **options: Any) -> None:
        super().__init__(connection_class, max_connections=2**31, **options)
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        """Return a connection, when one is free; raise redis.ConnectionError if none comes to be.

        That is so only where the server holds up those who have them.
        """
        try:
            async with asyncio.timeout(WAIT_S):
                await self._free.acquire()
        except TimeoutError:
            said = f"no connection was free within {WAIT_S:g} s"
            raise redis.ConnectionError(said) from None
        connection: Any = super().get_available_connection()  # type: ignore[no-untyped-call]
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:
        """Take a connection back, for the next who waits."""
        try:
            await super().release(connection)
        finally:
            self._free.release()


class WaitingSentinel(redis.asyncio.sentinel.SentinelConnectionPool, Waiting):
    """The same, of connections to the master that the Sentinels name."""
