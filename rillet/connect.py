"""Connections to Redis: the one place that turns the settings into a client.

A single server, Sentinel and Cluster, with or without TLS, blocking or asyncio: the callers see
one interface. Only the API may call `connect_async`; nothing here knows a key.
"""

import ssl
from pathlib import Path
from typing import Any, cast

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.cluster
import redis.sentinel
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider, UsernamePasswordCredentialProvider
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from rillet.address import Address, parse_address
from rillet.connection import Master, MasterTls, Plain, Tls, Unix
from rillet.errors import UserError
from rillet.pool import Waiting, WaitingSentinel
from rillet.settings import Settings

SOCKET_TIMEOUT_S = 10.0
"""A server that says nothing for so long is taken for dead; every blocking read waits less."""

FOUND_BY_NAME = False
"""A Cluster is found again by the URL's nodes: those that it names itself may all have moved."""

FAULTS = (redis.RedisError, RedisClusterException, OSError)
"""What a call may raise when the server is away or moving; the Cluster's own is no RedisError."""


def _secret(setting: str, file: Path | None) -> str:
    """Return what a file holds, empty where there is none; UserError if it cannot be read."""
    try:
        return file.read_text().strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{setting} cannot be read: {error}.") from None


class FileCredentials(CredentialProvider):
    """The login with its password read from a file at each connection, so it may be rotated."""

    def __init__(self, username: str | None, settings: Settings) -> None:
        self._username = settings.redis_username or username or "default"
        self._file = settings.redis_password_file
        self.get_credentials()

    def get_credentials(self) -> tuple[str, str]:
        """Return (user, password); raise UserError if the file cannot be read."""
        return self._username, _secret("RILLET_REDIS_PASSWORD_FILE", self._file)

    async def get_credentials_async(self) -> tuple[str, str]:
        """Return the same; the file is small and local."""
        return self.get_credentials()


def _untyped(thing: Any) -> Any:
    """Return the same; these classes of redis-py carry no type hints."""
    return thing


def _address(settings: Settings) -> Address:
    return parse_address(settings.redis_url.get_secret_value())


def _tls(settings: Settings) -> dict[str, Any]:
    """Return what redis-py is told about TLS: whose certificates to trust, which to show."""
    files = {
        "ssl_ca_certs": settings.redis_ca_file,
        "ssl_certfile": settings.redis_cert_file,
        "ssl_keyfile": settings.redis_key_file,
    }
    for name, file in files.items():
        if file and not file.is_file():
            raise UserError(f"RILLET_REDIS_*_FILE: there is no file {file} ({name}).")
    if settings.redis_key_file and not settings.redis_cert_file:
        raise UserError("RILLET_REDIS_KEY_FILE is set: set RILLET_REDIS_CERT_FILE too.")
    given = {name: str(file) for name, file in files.items() if file}
    # Python 3.13 began to ask for extensions that many private authorities' certificates do not
    # have; signatures, dates and names are checked all the same.
    return {"ssl": True, "ssl_exclude_verify_flags": [ssl.VERIFY_X509_STRICT], **given}


def _options(settings: Settings, address: Address) -> dict[str, Any]:
    """Return the connection options that every kind of client shares."""
    options: dict[str, Any] = {
        "protocol": 2,
        "socket_connect_timeout": 5,
        "socket_timeout": SOCKET_TIMEOUT_S,
    }
    if address.kind != "unix":
        options["socket_keepalive"] = True
    if settings.redis_password_file:
        options["credential_provider"] = FileCredentials(address.username, settings)
    elif settings.redis_username or address.username or address.password:
        options["credential_provider"] = UsernamePasswordCredentialProvider(
            settings.redis_username or address.username, address.password or ""
        )
    return options | (_tls(settings) if address.tls else {})


def _sentinel_options(settings: Settings, options: dict[str, Any]) -> dict[str, Any]:
    """Return the same for the Sentinels: TLS alike, but a password of their own or none."""
    mine = {key: value for key, value in options.items() if key != "credential_provider"}
    file = settings.redis_sentinel_password_file
    if file:
        mine["password"] = _secret("RILLET_REDIS_SENTINEL_PASSWORD_FILE", file)
    return mine


def connect(settings: Settings) -> redis.Redis:
    """Return a blocking client that answers bytes.

    Nothing is sent yet, except to a Cluster, which is asked for its slots at once; it raises
    redis.ConnectionError when no node answers.
    """
    address = _address(settings)
    options = _options(settings, address)
    if address.kind == "cluster":
        nodes = [_untyped(redis.cluster.ClusterNode)(host, port) for host, port in address.nodes]
        try:
            # The type is the single server's: the commands Rillet sends are the same on both.
            made = redis.cluster.RedisCluster(
                startup_nodes=nodes, dynamic_startup_nodes=FOUND_BY_NAME, **options
            )
            return cast("redis.Redis", made)
        except RedisClusterException as error:
            raise redis.ConnectionError(str(error)) from error
    options["retry"] = Retry(NoBackoff(), 0)
    if address.kind == "sentinel":
        sentinels = _untyped(redis.sentinel.Sentinel)(
            list(address.nodes), sentinel_kwargs=_sentinel_options(settings, options), **options
        )
        return cast("redis.Redis", sentinels.master_for(address.service, db=address.db))
    if address.kind == "unix":
        return redis.Redis(unix_socket_path=address.path, **options)
    host, port = address.nodes[0]
    return redis.Redis(host=host, port=port, db=address.db, **options)


def connect_async(settings: Settings, *, answer_s: float = SOCKET_TIMEOUT_S) -> redis.asyncio.Redis:
    """Return an asyncio client that answers bytes; nothing is sent yet.

    Its callers share a few connections and wait for one; a Cluster's open as many as they need. A
    server that says nothing for `answer_s` is taken for dead.
    """
    address = _address(settings)
    options = _options(settings, address) | {"socket_timeout": answer_s}
    if address.kind == "cluster":
        nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in address.nodes]
        cluster = redis.asyncio.cluster.RedisCluster(
            startup_nodes=nodes, dynamic_startup_nodes=FOUND_BY_NAME, **options
        )
        _set_connections(cluster, Tls if address.tls else Plain)
        return cast("redis.asyncio.Redis", cluster)
    # No retries below the caller's: a request is to be told at once that Redis is away, and a
    # write that is sent again may count twice.
    options["retry"] = redis.asyncio.retry.Retry(NoBackoff(), 0)
    if address.kind == "sentinel":
        sentinels = _untyped(redis.asyncio.sentinel.Sentinel)(
            list(address.nodes), sentinel_kwargs=_sentinel_options(settings, options), **options
        )
        for one in sentinels.sentinels:
            one.connection_pool.connection_class = Tls if address.tls else Plain
        master = sentinels.master_for(
            address.service,
            connection_pool_class=WaitingSentinel,
            connection_class=MasterTls if address.tls else Master,
            db=address.db,
        )
        return cast("redis.asyncio.Redis", master)
    return redis.asyncio.Redis.from_pool(_pool(address, options))


def _set_connections(cluster: redis.asyncio.cluster.RedisCluster, kind: type[Any]) -> None:
    """Have a Cluster's nodes, those it begins with and those it finds, make this connection.

    It takes no class of its caller. Nothing is connected yet.
    """
    cluster.get_connection_kwargs()["connection_class"] = kind
    for node in cluster.startup_nodes:
        node.connection_class = kind


def _pool(address: Address, options: dict[str, Any]) -> Waiting:
    """Return the pool of one server's asyncio connections."""
    if address.kind == "unix":
        return Waiting(Unix, path=address.path, **options)
    host, port = address.nodes[0]
    rest = {name: value for name, value in options.items() if name != "ssl"}
    kind = Tls if address.tls else Plain
    return Waiting(kind, host=host, port=port, db=address.db, **rest)


def server_of(client: Any, key: str) -> Any:
    """Return the client of the one server that holds a key, for MULTI on a Cluster.

    The Cluster's own client leaves what EXEC answers as it came, without its types.
    """
    if isinstance(client, redis.cluster.RedisCluster):
        return client.get_redis_connection(_untyped(client.get_node_from_key)(key))
    return client
