"""Fixtures that every test folder shares: a real server, settings that point to it, a client."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings as hypothesis_settings

from rillet.embedded import EmbeddedServer, find_server, packaged_server
from rillet.settings import Settings

# How much the fuzz tests try; `make test-long` asks for more with --hypothesis-profile long.
hypothesis_settings.register_profile("everyday", max_examples=40)
hypothesis_settings.register_profile("long", max_examples=500)
hypothesis_settings.load_profile("everyday")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server",
        choices=("packaged", "path"),
        default="packaged",
        help="run on the server of the demo extra (the default), or on the one found on PATH",
    )
    parser.addoption("--kubeconfig", help="the cluster of tests/deploy/test_kubernetes.py")


def chosen_server(config: pytest.Config) -> str:
    """Return the server binary to test on; what is not there is stood in for by the other."""
    packaged = packaged_server()
    if config.getoption("--server") == "packaged" and packaged:
        return packaged
    return find_server()


def pytest_report_header(config: pytest.Config) -> str:
    return f"server: {chosen_server(config)}"


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(binary=chosen_server(pytestconfig)) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port, protocol=2) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def settings(server: EmbeddedServer, client: redis.Redis) -> Settings:  # noqa: ARG001 empty server
    return Settings(redis_url=server.url)
