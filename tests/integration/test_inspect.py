"""`GET /api/inspect` and the page's files, from the real API."""

import shlex
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from rillet.embedded import EmbeddedServer, free_port
from tests.processes import running
from tests.serving import serving
from tests.waiting import until


@pytest.fixture
def api(server: EmbeddedServer, client: redis.Redis) -> Iterator[httpx.Client]:
    """Yield a client of an API whose processor has folded a good and a bad reading."""
    port = free_port()
    client.xadd("readings", {"sensor": "a b", "value": "1.5"})
    client.xadd("readings", {"sensor": "a b", "value": "nonsense"})
    with (
        running(server, "process"),
        running(server, "serve", "--port", str(port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as asking,
    ):
        until(lambda: client.hget("stats:a b", "rejected") == b"1")
        until(lambda: _answers(asking))
        yield asking


def _answers(asking: httpx.Client) -> bool:
    try:
        return asking.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_inspect_names_the_line_and_the_rejects(api: httpx.Client, server: EmbeddedServer) -> None:
    """The redis-cli line names the server and quotes the key; rejects say why and what."""
    found: Any = api.get("/api/inspect", params={"sensor": "a b"}).json()
    line = ["redis-cli", "-u", server.url, "HGETALL", "stats:a b"]
    assert shlex.split(found["command"]) == line
    assert [reject["fields"]["value"] for reject in found["rejects"]] == ["nonsense"]
    assert found["rejects"][0]["reason"]
    assert found["alerts"] == []


def test_first_line_sends_a_reading_to_this_server(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """The line adds to a stream that is folded here, with any namespace and partitions."""
    own = {"namespace": "farm", "partitions": "3"}
    with running(server, "process", **own), serving(server, **own) as api:
        line = shlex.split(api.get("/api/inspect/first").json()["command"])
        assert line[:3] == ["redis-cli", "-u", server.url]
        client.execute_command(*line[3:])
        until(lambda: api.get("/api/sensors/soil-1").is_success)
        assert api.get("/api/sensors/soil-1").json()["last"] == 0.42


def test_page_is_compressed_and_revalidated(api: httpx.Client) -> None:
    """The page's files go out compressed; an unchanged file is answered with 304."""
    first = api.get("/js/main.js")
    assert first.headers["content-encoding"] == "gzip"
    again = api.get("/js/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
