"""Slow clients, and many of them: what each costs in memory, and how long it is waited for."""

import contextlib
import socket
import time

import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.serving import Api, add, resident_bytes, serving, stream
from tests.waiting import until

SENSORS = 4000
ROW_BYTES = 2000
PACE_BYTES = 2_000_000


def _put_large(client: redis.Redis, last: str = "") -> None:
    """Write results of 8 MB; the last is of a sensor of that name."""
    with client.pipeline(transaction=False) as pipe:
        for name in [f"s{n}" for n in range(SENSORS)] + [last or "last"]:
            pipe.xadd("results", {"sensor": name, "kind": "x" * ROW_BYTES, "last": "1"})
        pipe.execute()


def _ask(port: int, last_id: str = "") -> socket.socket:
    """Return the connection of a client whose kernel takes little ahead of what it reads."""
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asking.settimeout(20)
    asking.connect(("127.0.0.1", port))
    resume = f"last-event-id: {last_id}\r\n" if last_id else ""
    asking.sendall(f"GET /api/stream HTTP/1.1\r\nhost: x\r\n{resume}\r\n".encode())
    return asking


def _read_steadily(asking: socket.socket, end: bytes) -> None:
    """Read at a slow and steady pace up to `end`; fail where the connection is cut before."""
    began, taken, latest = time.monotonic(), 0, b""
    while end not in latest:
        piece = asking.recv(65536)
        assert piece, f"cut off after {taken} bytes"
        taken += len(piece)
        latest = latest[-len(end) :] + piece
        due = began + taken / PACE_BYTES
        until(lambda due=due: time.monotonic() >= due)


@pytest.mark.parametrize("resumes", [True, False])
@pytest.mark.slow
async def test_a_slow_client_that_reads_steadily_is_not_cut_off(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, resumes: bool
) -> None:
    """Though it takes several times RILLET_SSE_DROP_S to read what it is sent at once."""
    add(client, settings, "a", 1.0)
    with serving(server, sse_drop_s="1") as api:
        async with stream(api.url) as events:
            seen = (await anext(events)).id
        if resumes:
            _put_large(client)
        with _ask(api.port, seen) as asking:
            if not resumes:
                until(lambda: b"alerts" in asking.recv(65536))
                _put_large(client)
            _read_steadily(asking, b'"sensor":"last"')
        assert api.metric("rillet_api_sse_clients_dropped_total") == 0


async def test_resuming_clients_that_do_not_read_hold_a_piece_each(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Not all that they missed, whatever their number."""
    add(client, settings, "a", 1.0)
    with serving(server) as api, contextlib.ExitStack() as stack:
        async with stream(api.url) as events:
            seen = (await anext(events)).id
        _put_large(client)
        await _resume_whole(api, seen)
        before = resident_bytes(api.process.pid)
        for _ in range(20):
            asking = stack.enter_context(_ask(api.port, seen))
            until(lambda asking=asking: b"event: stats" in asking.recv(4096))
        assert resident_bytes(api.process.pid) - before < 20 * 500_000


async def test_what_is_resumed_in_pieces_has_its_place_at_the_end(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Who is cut off among them resumes from where it did before; none is told twice."""
    add(client, settings, "a", 1.0)
    with serving(server) as api:
        async with stream(api.url) as events:
            seen = (await anext(events)).id
        _put_large(client)
        await _resume_whole(api, seen)  # by then the API has read them all
        ids, told = await _resume_whole(api, seen)
    assert set(ids[:-1]) == {""}
    assert ids[-1] == client.xrevrange("results", count=1)[0][0].decode()
    assert len(told) == len(set(told)) == SENSORS + 1


async def _resume_whole(api: Api, seen: str) -> tuple[list[str], list[str]]:
    """Read all that was missed; return each event's id, and the sensors in order."""
    ids: list[str] = []
    told: list[str] = []
    async with stream(api.url, seen) as events:
        while "last" not in told:
            event = await anext(events)
            ids.append(event.id)
            told += event.rows
    return ids, told
