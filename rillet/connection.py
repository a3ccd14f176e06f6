"""Connections of the asyncio clients: what goes wrong with one is told as a server that is away."""

import asyncio
import errno
import socket
from collections.abc import Iterable, Mapping
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


class _Resolving(_Telling):
    """Looks up its server's name before it connects, and then tries each address in turn.

    Each address has the whole time to connect. uvloop would look the name up itself, but goes on
    after the time is over: a name that is not found then is an error that nobody is left to take,
    and logged as one of the program (https://github.com/MagicStack/uvloop/pull/590, open as of
    uvloop 0.23). A look-up of its own is cancelled as it should be.
    """

    host: str
    port: int
    socket_connect_timeout: float | None
    _address: str | None = None

    async def _connect(self) -> None:
        loop, fault = asyncio.get_running_loop(), OSError("The name has no address")
        async with asyncio.timeout(self.socket_connect_timeout):
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for address in dict.fromkeys(str(place[0]) for *_, place in found):
            self._address = address
            try:
                return await super()._connect()  # type: ignore[misc, no-any-return]
            except OSError as error:  # a TimeoutError is one
                fault = error
        raise fault

    def _connection_arguments(self) -> Mapping[str, Any]:
        named: dict[str, Any] = super()._connection_arguments()  # type: ignore[misc]
        more = {"server_hostname": self.host} if "ssl" in named else {}
        return named | more | {"host": self._address}


class Plain(_Resolving, Connection):
    """A connection over TCP."""


class Tls(_Resolving, SSLConnection):
    """A connection over TLS."""


class Unix(_Telling, UnixDomainSocketConnection):
    """A connection over a socket in the file system."""


class Master(_Resolving, SentinelManagedConnection):
    """A connection to the master that the Sentinels name."""


class MasterTls(_Resolving, SentinelManagedSSLConnection):
    """The same over TLS."""
