"""Fixtures that every test folder shares: a real server, settings that point to it, a client."""

from collections.abc import Iterator

import pytest
import redis

from rillet.embedded import EmbeddedServer, find_server, packaged_server
from rillet.settings import Settings


def server_binaries() -> list[str]:
    """Every server on this machine that the tests can run on: the packaged one, and PATH's."""
    found = [packaged_server(), find_server()]
    return list(dict.fromkeys(binary for binary in found if binary))


@pytest.fixture(scope="session", params=server_binaries(), ids=lambda path: path.split("/")[-1])
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(binary=request.param) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port, protocol=2) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def settings(server: EmbeddedServer, client: redis.Redis) -> Settings:  # noqa: ARG001 empty server
    return Settings(redis_url=server.url)
