"""One server for the API's tests: it sends plain commands only, which all servers answer alike."""

from collections.abc import Iterator

import pytest

from rillet.embedded import EmbeddedServer, find_server


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(binary=find_server()) as running:
        yield running
