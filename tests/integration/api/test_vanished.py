"""A client whose network is gone: nothing is closed, nothing is refused, packets just vanish."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.serving import add, serving
from tests.waiting import until

HERE, THERE = "10.213.7.1", "10.213.7.2"
ASK = "GET /api/stream HTTP/1.1\r\nhost: x\r\n\r\n"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Yield the name of a network of its own, joined to this one by a cable."""
    name = f"rillet-{os.getpid()}"
    cable = f"rl{os.getpid()}"
    if shutil.which("ip") is None:
        pytest.skip("no ip on PATH: `sudo apt-get install iproute2`")
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"may not make a network namespace: {error.stderr.decode().strip()}")
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "far", "netns", name)
        _ip("addr", "add", f"{HERE}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        _ip("-n", name, "addr", "add", f"{THERE}/30", "dev", "far")
        _ip("-n", name, "link", "set", "far", "up")
        yield name
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", cable)
        _ip("netns", "del", name)


def test_a_client_that_vanished_is_noticed(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, elsewhere: str
) -> None:
    """With its cable cut, a stream's heartbeats go unanswered, and it ends after the set time."""
    add(client, settings, "a", 1.0)
    limits = {"sse_heartbeat_s": "0.3", "sse_drop_s": "1", "allow_anonymous": "true"}
    host = ("--host", "0.0.0.0")  # noqa: S104 the far side reaches no loopback
    with serving(server, *host, **limits) as api:
        ask = f'exec 3<>/dev/tcp/{HERE}/{api.port}; printf "$0" >&3; exec cat <&3'
        far = subprocess.Popen(
            ["ip", "netns", "exec", elsewhere, "bash", "-c", ask, ASK], stdout=subprocess.PIPE
        )
        try:
            assert far.stdout
            while b"event: snapshot" not in far.stdout.readline():
                pass
            assert api.metric("rillet_api_sse_clients") == 1
            _ip("-n", elsewhere, "link", "set", "far", "down")
            until(lambda: api.metric("rillet_api_sse_clients") == 0)
            assert far.poll() is None
        finally:
            far.kill()
            far.communicate()
