"""Random bodies to the intake and random headers to the stream: never a crash, nothing vanishes."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from processor.fold import fold
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.serving import PLAIN, Api, add, serving

pytestmark = pytest.mark.timeout(600)  # for the long profile

FEW = hypothesis_settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def running_api(server: EmbeddedServer) -> Iterator[Api]:
    more = {"sse_max_per_address": "2000", "line_max_bytes": "300", "body_max_bytes": "2000"}
    # Bad requests are logged as warnings, and nobody reads the pipe that the log goes to.
    with serving(server, log_level="error", **more) as running:
        yield running


@pytest.fixture
def api(running_api: Api, client: redis.Redis) -> Api:  # noqa: ARG001 an empty server
    return running_api


scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
document: Any = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)
number = st.integers(-(2**60), 2**60) | st.floats(-1e101, 1e101) | st.text(max_size=5)
reading = st.fixed_dictionaries(
    {},
    optional={
        "sensor": st.sampled_from(["a", "b", "", "x" * 129, "\ud800", "ä"]) | document,
        "value": number | document,
        "values": st.lists(number, max_size=4) | document,
        "ts": st.integers(-(10**17), 10**17) | document,
        "seq": st.integers(-2, 2**60) | document,
        "kind": st.text(max_size=70) | document,
        "unit": document,
        "more": document,
    },
)
good = st.fixed_dictionaries({"sensor": st.just("a"), "value": st.floats(-1e100, 1e100)})
any_document = st.one_of(document, reading, good, st.lists(reading | good, max_size=5))
as_json = any_document.map(lambda one: json.dumps(one, ensure_ascii=True).encode())
junk = st.binary(max_size=400) | st.text(max_size=100).map(lambda t: t.encode("utf-8", "replace"))
lines = st.lists(as_json | junk, max_size=6).map(b"\n".join)
body = st.one_of(as_json, junk, lines, st.binary(min_size=1900, max_size=2200))
kind = st.sampled_from(
    [
        "application/json",
        "application/x-ndjson",
        "application/x-ndjson; charset=x",
        "text/plain",
        "",
    ]
)


def handled(answer: httpx.Response) -> int:
    """Check an answer's shape; return how many readings it says were taken."""
    assert answer.status_code in {202, 413, 415, 422}, answer.text
    said = answer.json()
    if answer.status_code == 202:
        assert said["rejected"] == sum(said["codes"].values())
    elif answer.status_code == 422:
        assert said["taken"] == 0
    return int(said["taken"])


@given(body, kind)
@FEW
def test_any_body_is_taken_or_refused_in_words(
    api: Api, client: redis.Redis, settings: Settings, body: bytes, kind: str
) -> None:
    """No body makes a 5xx; what is said to be taken is on the stream, none of it rejected."""
    client.flushall()
    headers = {"Content-Type": kind} if kind else {}
    url = f"{api.url}/api/readings"
    answer = httpx.post(url, content=body, headers=headers, timeout=20, verify=PLAIN)
    taken = handled(answer)
    assert client.xlen("readings") == taken
    if taken:
        folded = fold(client, settings, partition_keys(settings)[0])
        assert (folded.entries, folded.rejected, folded.backlog) == (taken, 0, 0)
    assert api.process.poll() is None


token = st.text("!#$%&'*+-.^_`|~ABCabc019", min_size=1, max_size=12).map(str.encode)
known = st.sampled_from([b"Last-Event-ID", b"Accept", b"Accept-Encoding", b"Range", b"Cookie"])
event_id = st.text("0123456789-,.ab ", max_size=30).map(str.encode)
header = st.tuples(known | token, event_id | st.binary(max_size=30))
query = st.text("?&=%sensor0aAfF/..", max_size=20).map(str.encode)


def asked(port: int, head: bytes) -> bytes:
    """Send a request's head; return the first bytes of the answer, or none if it is cut off."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(b"GET /api/stream" + head)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while b"event: snapshot" not in got and (piece := client.recv(65536)):
                got += piece
                if got.startswith(b"HTTP/1.1 4"):
                    break
    return got


@given(query, st.lists(header, max_size=5))
@FEW
def test_any_header_gets_a_stream_or_a_refusal(
    api: Api, client: redis.Redis, settings: Settings, query: bytes, headers: list[Any]
) -> None:
    """Whatever comes in the head of a request, the answer is a whole snapshot or a 4xx."""
    if not client.exists("stats:a"):
        add(client, settings, "a", 1.0)
    rest = b"".join(b"%s: %s\r\n" % pair for pair in headers)
    got = asked(api.port, query + b" HTTP/1.1\r\nHost: x\r\n" + rest + b"\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3})", got)
    assert status, got
    assert int(status[1]) == 200 or 400 <= int(status[1]) < 500, got
    if status[1] == b"200":
        assert b"event: snapshot" in got
    assert api.get("/healthz").status_code == 200


@given(st.binary(max_size=200))
@FEW
def test_bytes_that_are_no_request_harm_nobody(api: Api, garbage: bytes) -> None:
    """A connection that sends garbage is answered or cut off, and the next one is served."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as client:
        client.sendall(garbage + b"\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while client.recv(65536):
                pass
    assert api.get("/healthz").status_code == 200
