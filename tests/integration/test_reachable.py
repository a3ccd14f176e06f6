"""Waiting at start for a Redis that does not answer yet."""

from itertools import count

import pytest
import redis

from rillet.embedded import EmbeddedServer, free_port
from rillet.errors import UserError
from rillet.reachable import await_reachable
from rillet.settings import Settings
from tests.acl import guarded_server
from tests.processes import running
from tests.waiting import until


def nowhere(**more: object) -> Settings:
    return Settings.model_validate({"redis_url": f"redis://127.0.0.1:{free_port()}/0", **more})


def test_it_tries_until_the_time_is_over_and_then_says_what_is_wrong() -> None:
    """With nobody there it looks again for RILLET_REDIS_WAIT_S, and ends with the one line."""
    ticks, slept = count(), list[float]()
    with pytest.raises(UserError, match="No Redis answers"):
        await_reachable(nowhere(redis_wait_s=5), lambda: next(ticks), slept.append)
    assert len(slept) == 4


def test_without_a_wait_it_looks_once() -> None:
    """At its default a Redis that is not there is an error at once, for people."""
    slept: list[float] = []
    with pytest.raises(UserError, match="No Redis answers"):
        await_reachable(nowhere(), sleep=slept.append)
    assert slept == []


def test_what_no_waiting_mends_is_said_at_once(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A refused login does not become right by waiting."""
    slept: list[float] = []
    with guarded_server(server.binary, tmp_path_factory.mktemp("acl")) as own:
        wrong = Settings(redis_url=f"redis://reader:wrong@127.0.0.1:{own.port}/0", redis_wait_s=60)
        with pytest.raises(UserError, match="refused the login"):
            await_reachable(wrong, sleep=slept.append)
    assert slept == []


@pytest.mark.parametrize("command", [["process"], ["simulate", "--count", "50", "--rate", "max"]])
def test_a_process_that_started_first_begins_when_redis_comes(
    server: EmbeddedServer, command: list[str]
) -> None:
    """`process` and `simulate` wait for a Redis that starts after them, and then do their work."""
    late = EmbeddedServer(binary=server.binary)  # not started yet
    with running(late, *command, redis_wait_s="60") as waiting:
        assert waiting.stdout
        assert "redis.awaited" in waiting.stdout.readline()
        with late:
            client = redis.Redis(port=late.port, protocol=2)
            client.xadd("readings", {"sensor": "s", "value": "1"})
            if command[0] == "process":
                until(lambda: client.hget("stats:s", "count") == b"1")
            else:
                assert waiting.wait(60) == 0
                assert client.xlen("readings") > 1
