"""What the API says on standard error."""

import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import orjson
import pytest
import redis

from rillet.embedded import EmbeddedServer
from tests.serving import Api, serving
from tests.waiting import until


@pytest.mark.parametrize("form", ["json", "text"])
def test_each_line_is_one_event(form: str) -> None:
    """JSON: an object a line with level, time and event; text for people; so in all workers."""
    with EmbeddedServer() as own:
        options = ("--log-format", form, "--workers", "2")
        with serving(own, *options, log_level="info") as api:
            own.kill()
            until(lambda: api.get("/readyz").status_code == 503)
            api.process.terminate()
            said = api.process.communicate(timeout=60)[0].splitlines()
    lost = [line for line in said if "results.lost" in line]
    assert lost
    if form == "json":
        assert all({"event", "level", "timestamp"} <= orjson.loads(line).keys() for line in said)
    else:
        assert not any(line.startswith("{") for line in said)


def test_as_many_files_as_may_be_are_opened_and_too_few_are_told(server: EmbeddedServer) -> None:
    """The soft limit of open files is raised to the hard one; streams beyond it are warned of."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(server, sse_max_clients=str(hard)) as api:
            found = resource.prlimit(api.process.pid, resource.RLIMIT_NOFILE)
            api.process.terminate()
            said = [
                orjson.loads(line)
                for line in api.process.communicate(timeout=60)[0].split("\n")
                if line
            ]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found == (hard, hard)
    assert [line["may_open"] for line in said if line["event"] == "files.few"] == [hard]


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_fault_of_the_standard_library_is_told_with_its_trace(form: str) -> None:
    """What a library logs with an exception says where it came from, in both forms."""
    program = (
        "import logging; from rillet.log import configure_logging; "
        "from rillet.settings import Settings; "
        f"configure_logging(Settings(log_format={form!r}))\n"
        "def breaks(): return 1 / 0\n"
        "try: breaks()\n"
        "except ZeroDivisionError: logging.getLogger('uvicorn.error').exception('said')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    said = orjson.loads(ended.stderr)["exception"] if form == "json" else ended.stderr
    assert "in breaks" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "UserWarning" not in ended.stderr


HEADS = {
    "POST /api/readings": "application/x-ndjson",
    "PUT /api/rules": "application/toml",
    "POST /api/login": "application/json",
}


@contextmanager
def _uploading(api: Api) -> Iterator[list[socket.socket]]:
    """Yield connections on which a body has begun and does not go on; they end with the block."""
    begun: list[socket.socket] = []
    with ExitStack() as opened:
        for request, kind in HEADS.items():
            address = ("127.0.0.1", api.port)
            one = opened.enter_context(socket.create_connection(address, timeout=20))
            length = 60_000 if "ndjson" in kind else 8000
            head = f"{request} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
            one.sendall(f"{head}Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n".encode())
            assert one.recv(100).startswith(b"HTTP/1.1 100 ")  # the body is waited for
            one.sendall(b'{"sensor":"a","value":1}\n' * 600 if "ndjson" in kind else b"{")
            begun.append(one)
        yield begun


def _all(one: socket.socket) -> bytes:
    return b"".join(iter(lambda: one.recv(65536), b""))


def _errors(said: str) -> list[str]:
    lines = [orjson.loads(line) for line in said.splitlines()]
    return [line["event"] for line in lines if line["level"] == "error"]


@pytest.mark.slow
def test_stopping_with_uploads_in_flight_is_no_error(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """They are told to try again, and what was taken; the log has one line of it, no trace."""
    with serving(server) as api, _uploading(api) as begun:
        until(lambda: client.xlen("readings") == 500)
        api.process.terminate()
        answers = [_all(one) for one in begun]
        errors = _errors(api.process.communicate(timeout=60)[0])
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in answer
    assert b'"taken":500' in answers[0]
    assert [event for event in errors if not event.startswith("Cancel ")] == []


def test_a_client_that_leaves_amid_its_upload_is_no_error(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """The log has no word of it."""
    with serving(server) as api:
        with _uploading(api):
            until(lambda: client.xlen("readings") == 500)
        assert api.get("/healthz").is_success
        api.process.terminate()
        assert _errors(api.process.communicate(timeout=60)[0]) == []
