"""Connections of the asyncio clients: one that is closed says so as a server that is away does."""

import errno
from collections.abc import Iterable
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection


class _Telling:
    """Sends on an open transport only; redis-py makes of the OSError its ConnectionError.

    A connection may be closed while nobody looks: by the server, or by another task that found a
    Cluster's node away. To write would raise what a bug does: RuntimeError with uvloop, TypeError
    or AttributeError without (https://github.com/redis/redis-py/issues/4287, of redis-py 8.1.0).
    Nothing else runs between the look here and the write.
    """

    _writer: Any

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        if self._writer is None or self._writer.transport.is_closing():
            raise ConnectionResetError(errno.ECONNRESET, "The connection was closed")
        await super()._send_packed_command(command)  # type: ignore[misc]


class Plain(_Telling, Connection):
    """A connection over TCP."""


class Tls(_Telling, SSLConnection):
    """A connection over TLS."""


class Unix(_Telling, UnixDomainSocketConnection):
    """A connection over a socket in the file system."""


class Master(_Telling, SentinelManagedConnection):
    """A connection to the master that the Sentinels name."""


class MasterTls(_Telling, SentinelManagedSSLConnection):
    """The same over TLS."""
