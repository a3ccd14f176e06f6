"""Who may: tokens, the cookie, CORS and the caps, against a real API."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from rillet.embedded import EmbeddedServer
from tests.serving import Api, serving, stream
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture(scope="module")
def open_api(server: EmbeddedServer) -> Iterator[Api]:
    with serving(server, cors_origins="https://listed.example") as running:
        yield running


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_each_token_opens_its_own_side_only(server: EmbeddedServer, tmp_path: Path) -> None:
    """Reading asks for the read token, posting for the write token; health and page for none."""
    (tmp_path / "write").write_text("w-secret\n")
    files = {"write_token_file": str(tmp_path / "write")}
    reading = {"sensor": "a", "value": 1}
    with serving(server, read_token="r-secret", **files) as api:
        for path in ("/api/sensors", "/api/stream", "/api/summary", "/metrics", "/docs"):
            assert api.get(path).status_code == 401, path
        for path in ("/", "/healthz", "/readyz"):
            assert api.get(path).status_code == 200, path
        assert api.get("/api/sensors", headers=_bearer("r-secret")).status_code == 200
        assert api.get("/api/sensors", headers=_bearer("w-secret")).status_code == 401
        for token, status in (("w-secret", 202), ("r-secret", 401), ("é", 401)):
            headers = {"Authorization": f"Bearer {token}".encode()}
            posted = httpx.post(
                f"{api.url}/api/readings", json=reading, headers=headers, timeout=20
            )
            assert posted.status_code == status


def test_the_page_logs_in_once_and_gets_a_cookie(server: EmbeddedServer) -> None:
    """The right token buys an HttpOnly SameSite cookie that opens the stream, not the writing."""
    with serving(server, read_token="r", write_token="w") as api, httpx.Client(timeout=20) as http:
        assert http.post(f"{api.url}/api/login", json={"token": "x"}).status_code == 401
        answer = http.post(f"{api.url}/api/login", json={"token": "r"})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "rillet_session=r;" not in cookie
        assert http.get(f"{api.url}/api/sensors").status_code == 200
        assert http.post(f"{api.url}/api/readings", json={}).status_code == 401


@pytest.mark.slow
def test_only_a_trusted_proxy_says_who_asks_and_how(server: EmbeddedServer) -> None:
    """The cookie is Secure where a trusted proxy says https; the word of others is nothing."""
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    for trusted, secure in (("127.0.0.0/8", True), ("192.0.2.1", False)):
        with serving(server, read_token="r", write_token="w", trusted_proxies=trusted) as api:
            answer = httpx.post(
                f"{api.url}/api/login", json={"token": "r"}, headers=said, timeout=20
            )
            assert ("Secure" in answer.headers["set-cookie"]) is secure


def test_listening_beyond_loopback_needs_tokens(server: EmbeddedServer) -> None:
    """Without tokens `serve --host 0.0.0.0` ends with one line that says what to set."""
    ended = subprocess.run(
        [sys.executable, "-m", "rillet", "serve", "--host", "0.0.0.0", "--port", "0"],  # noqa: S104 that is the test
        env={"RILLET_REDIS_URL": server.url, "RILLET_READ_TOKEN": "only-one"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "RILLET_WRITE_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), ("\n", "is empty"), ("two words", "ASCII"), ("\udcff", "ASCII")],
)
def test_a_token_file_that_will_not_do_is_said_in_one_line(
    server: EmbeddedServer, tmp_path: Path, content: str | None, said: str
) -> None:
    """Missing, empty, or nothing a header can carry: `serve` ends with a line that says so."""
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, errors="surrogateescape")
    ended = subprocess.run(
        [sys.executable, "-m", "rillet", "serve", "--port", "0"],
        env={"RILLET_REDIS_URL": server.url, "RILLET_READ_TOKEN_FILE": str(file)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_other_origins_are_let_in_only_if_listed(server: EmbeddedServer) -> None:
    """CORS answers a listed origin and no other."""
    with serving(server, cors_origins="https://a.example, https://b.example") as api:
        for origin, allowed in (("https://b.example", True), ("https://c.example", False)):
            headers = api.get("/api/sensors", headers={"Origin": origin}).headers
            assert (headers.get("access-control-allow-origin") == origin) is allowed


@pytest.mark.slow
async def test_streams_are_capped_in_all_and_per_address(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """One stream too many gets a 429 or 503 with Retry-After; a closed one frees its seat."""
    client.xadd("results", {"sensor": "a", "count": "1"})
    for limits, status in (
        ({"sse_max_per_address": "2"}, 429),
        ({"sse_max_clients": "2"}, 503),
    ):
        with serving(server, **limits) as api:
            async with stream(api.url) as one, stream(api.url) as two:
                await anext(one)
                await anext(two)
                refused = api.get("/api/stream")
                assert refused.status_code == status
                assert refused.headers["retry-after"]
            until(lambda: api.metric("rillet_api_sse_clients") == 0)
            async with stream(api.url) as again:
                await anext(again)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, 202),
        ({"Sec-Fetch-Site": "none"}, 202),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://listed.example"}, 202),
        ({"Origin": "https://listed.example"}, 202),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_pages_of_others_may_not_write(open_api: Api, headers: dict[str, str], status: int) -> None:
    """Where no token is asked for, a browser's write is from the own or a listed page."""
    body = b'{"sensor":"a","value":1}'
    answer = httpx.post(f"{open_api.url}/api/readings", content=body, headers=headers, timeout=20)
    assert answer.status_code == status
    own = {"Origin": open_api.url, "Host": f"127.0.0.1:{open_api.port}"}
    answer = httpx.post(f"{open_api.url}/api/readings", content=body, headers=own, timeout=20)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("localhost", 200),
        ("rillet.localhost:8000", 200),
        ("api", 200),
        ("10.1.2.3", 200),
        ("rebound.evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
        ("[", 421),
    ],
)
def test_names_of_others_are_not_answered_on_loopback(
    open_api: Api, host: str, status: int
) -> None:
    """A name that another machine can point to loopback does not make its page the own one."""
    for path in ("/api/sensors", "/metrics"):
        assert open_api.get(path, headers={"Host": host}).status_code == status
    assert open_api.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        ({"read_token": "r", "write_token": "w"}, "https://elsewhere.example"),
        ({"allow_anonymous": "true"}, "https://rillet.example"),
    ],
)
def test_with_tokens_or_a_proxy_that_asks_every_name_is_good(
    server: EmbeddedServer, settings: dict[str, str], origin: str
) -> None:
    """Behind a proxy of any name the API works; a page that shows the token may be anyone's."""
    with serving(server, **settings) as api:
        name = {"Host": "rillet.example"}
        assert api.get("/api/sensors", headers=name | _bearer("r")).status_code == 200
        headers = name | _bearer("w") | {"Origin": origin}
        body = {"sensor": "a", "value": 1}
        answer = httpx.post(f"{api.url}/api/readings", json=body, headers=headers, timeout=20)
        assert answer.status_code == 202
