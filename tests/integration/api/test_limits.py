"""What one client may cost the others, against a real API."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from rillet.embedded import EmbeddedServer
from tests.serving import Api, serving

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture(scope="module")
def api(server: EmbeddedServer) -> Iterator[Api]:
    with serving(server, read_token="r") as running:
        yield running


def _begun(api: Api, request: str, *headers: str) -> socket.socket:
    """Return the connection of a client that has sent a request's head."""
    asking = socket.create_connection(("127.0.0.1", api.port), timeout=20)
    asking.sendall("\r\n".join((f"{request} HTTP/1.1", "Host: x", *headers, "", "")).encode())
    return asking


@pytest.mark.parametrize("path", ["POST /api/login", "POST /api/readings", "PUT /api/rules"])
def test_a_body_that_is_announced_too_long_is_refused_unsent(api: Api, path: str) -> None:
    """The head alone gets the 413: nothing of the body is waited for."""
    with _begun(api, path, "Content-Length: 600000000") as asking:
        assert asking.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_login_that_goes_on_is_refused_before_its_end(api: Api) -> None:
    """Whoever has no token yet can have no more than 8 KB held for them."""
    with _begun(api, "POST /api/login", "Transfer-Encoding: chunked") as asking:
        asking.sendall(b"2400\r\n" + b"x" * 0x2400 + b"\r\n")
        assert asking.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"token":"\\ud800"}', b"[" * 8000, b"\xff"])
def test_a_login_that_is_none_says_what_is_wrong(api: Api, body: bytes) -> None:
    """Whatever the body, the answer is a 422 that names the place."""
    answer = httpx.post(f"{api.url}/api/login", content=body, timeout=20)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"].startswith("body")


@pytest.mark.slow
def test_others_are_answered_while_long_bodies_are_judged(api: Api) -> None:
    """Bodies of half a million bad readings are not done when a request sent after them is."""
    body = b"[" + b"0," * 500_000 + b"0]"
    with ExitStack() as opened, httpx.Client(base_url=api.url, timeout=30) as http:
        assert http.get("/healthz").is_success
        long = [
            opened.enter_context(_begun(api, "POST /api/readings", f"Content-Length: {len(body)}"))
            for _ in range(3)
        ]
        for one in long:
            one.sendall(body)
        assert http.get("/healthz").is_success
        assert select.select(long, [], [], 0) == ([], [], [])
        for one in long:
            assert one.recv(65536).startswith(b"HTTP/1.1 422 ")
