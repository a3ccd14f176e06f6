"""A connection of an asyncio client whose transport was closed while nobody looked."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import uvloop

from rillet.connect import connect_async
from rillet.connection import Master, MasterTls, Plain, Tls, Unix
from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.topology import cluster_port


async def _close(connection: Any) -> None:
    """Close a connection's transport under it, as a reset does, and let the loop see it."""
    transport = connection._writer.transport  # noqa: SLF001 nobody else closes just this
    transport.abort()
    for _ in range(5):
        await asyncio.sleep(0)
    assert "closed=True" in repr(transport)
    assert connection.is_connected


async def _close_all(client: Any) -> None:
    for node in client.get_nodes():
        for connection in node._connections:  # noqa: SLF001 a Cluster's client shows no pool
            await _close(connection)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_to_send_on_a_closed_transport_is_a_connection_error(tmp_path: Path, kind: str) -> None:
    """It is no RuntimeError, as uvloop has it; and the pool's next caller connects anew."""
    path = tmp_path / "socket"

    async def ask(url: str) -> None:
        async with connect_async(Settings(redis_url=url)) as client:
            pool: Any = client.connection_pool
            connection = await pool.get_connection()
            await _close(connection)
            with pytest.raises(redis.ConnectionError, match="closed"):
                await connection.send_command("PING")
            await pool.release(connection)
            assert await client.ping()

    with EmbeddedServer(unixsocket=str(path)) as server:
        uvloop.run(ask(server.url if kind == "tcp" else f"unix://{path}"))


def test_so_is_to_send_where_another_task_took_the_transport_away(server: EmbeddedServer) -> None:
    """A Cluster's client does so to all its connections when one of them fails, in use or not."""

    async def ask() -> None:
        async with connect_async(Settings(redis_url=server.url)) as client:
            pool: Any = client.connection_pool
            connection = await pool.get_connection()
            sending = asyncio.create_task(connection.send_command("PING"))
            await asyncio.sleep(0)  # it has seen that the connection is there, and sends next
            await connection.disconnect(nowait=True)
            with pytest.raises(redis.ConnectionError, match="closed"):
                await sending
            await pool.release(connection)

    uvloop.run(ask())


@pytest.fixture
def alone() -> Iterator[str]:
    """Yield the address of a Cluster of one node."""
    server = EmbeddedServer(cluster_enabled="yes", cluster_require_full_coverage="no")
    server.port = cluster_port()
    with server, redis.Redis(port=server.port, protocol=2) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        yield f"redis+cluster://127.0.0.1:{server.port}"


def test_a_clusters_client_outlives_closed_transports(alone: str) -> None:
    """With every idle connection closed the next call, and the next pipeline, get their answers."""

    async def ask() -> None:
        client: Any
        async with connect_async(Settings(redis_url=alone)) as client:
            await client.set("a", "1")
            await _close_all(client)
            pipe = client.pipeline(transaction=False)
            pipe.get("a")
            assert await pipe.execute() == [b"1"]
            await _close_all(client)
            assert await client.get("a") == b"1"

    uvloop.run(ask())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
async def test_every_client_makes_such_connections(scheme: str) -> None:
    """One server, Sentinels and what they name, a Cluster's nodes first and later, TLS or not."""
    kind, master = (Tls, MasterTls) if scheme == "rediss" else (Plain, Master)

    def made(url: str) -> Any:
        return connect_async(Settings(redis_url=url))

    assert made(f"{scheme}://127.0.0.1:1/0").connection_pool.connection_class is kind
    assert made("unix:///nowhere").connection_pool.connection_class is Unix
    pool = made(f"{scheme}+sentinel://127.0.0.1:1/m/0").connection_pool
    assert pool.connection_class is master
    assert type(pool.make_connection()) is master
    for one in pool.sentinel_manager.sentinels:
        assert type(one.connection_pool.make_connection()) is kind
    cluster = made(f"{scheme}+cluster://127.0.0.1:1")
    for node in cluster.startup_nodes:
        assert type(node.acquire_connection()) is kind
    assert cluster.nodes_manager.connection_kwargs["connection_class"] is kind
