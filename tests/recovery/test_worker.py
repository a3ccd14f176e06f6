"""Real workers, killed and cut off: nothing is lost, nothing is counted twice."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.keys import partition_of
from tests.lua.model import exact_figures
from tests.processes import running
from tests.waiting import until

VOLATILE = (b"last_id", b"first_ts", b"last_ts")


@pytest.fixture
def durable(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    options = {"appendonly": "yes", "appendfsync": "always"}
    with EmbeddedServer(binary=server.binary, **options) as own:
        yield own


def connect(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis(port=server.port, protocol=2)


def feed(client: redis.Redis, n: int, *, sensors: int = 7, partitions: int = 1) -> dict[str, Any]:
    """Add n readings and return the values of each sensor."""
    rnd = random.Random(n)
    sent: dict[str, list[float]] = {}
    pipe = client.pipeline(transaction=False)
    for i in range(n):
        sensor, value = f"s{i % sensors}", rnd.gauss(20, 5)
        prefix = f"{{{partition_of(sensor, partitions)}}}:" if partitions > 1 else ""
        pipe.xadd(f"{prefix}readings", {"sensor": sensor, "value": repr(value), "ts": i})
        sent.setdefault(sensor, []).append(value)
    pipe.execute()
    return sent


def lag(client: redis.Redis, stream: str = "readings") -> Any:
    groups: Any = client.xinfo_groups(stream) if client.exists(stream) else []
    return groups[0]["lag"] if groups else None


def hashes(client: redis.Redis) -> dict[str, dict[bytes, bytes]]:
    """Return every sensor's hash without the fields that name stream ids."""
    found: dict[str, dict[bytes, bytes]] = {}
    for key in client.keys("*stats:*"):
        fields: Any = client.hgetall(key)
        fields.pop(b"last_id", None)
        found[key.decode().split("stats:")[1]] = fields
    return found


def assert_exact(client: redis.Redis, sent: dict[str, Any]) -> None:
    got = hashes(client)
    assert set(got) == set(sent)
    for sensor, values in sent.items():
        want = exact_figures(values)
        assert {k: float(got[sensor][k.encode()]) for k in want} == want


@pytest.mark.parametrize("partitions", [1, 8])
def test_any_number_of_workers_gives_identical_hashes(
    server: EmbeddedServer, client: redis.Redis, partitions: int
) -> None:
    """1, 3 and 8 workers leave the same bytes in every hash, and those are exact."""
    seen = []
    for workers in (1, 3, 8) if partitions == 1 else (1, 3):
        client.flushall()
        with ExitStack() as stack:
            for _ in range(workers):
                stack.enter_context(running(server, "process", partitions=str(partitions)))
            sent = feed(client, 5000, partitions=partitions)
            until(lambda: sum(int(h[b"count"]) for h in hashes(client).values()) == 5000)
            assert_exact(client, sent)
            seen.append(hashes(client))
    assert all(one == seen[0] for one in seen)


def test_a_killed_worker_leaves_nothing_behind(server: EmbeddedServer, client: redis.Redis) -> None:
    """SIGKILL in the midst of a backlog: the next worker goes on, and every figure is exact."""
    sent = feed(client, 900)
    while lag(client) != 0:
        with running(server, "process", fold_max_count="150") as worker:
            before = lag(client)
            until(lambda then=before: lag(client) not in (None, then) or lag(client) == 0)
            worker.kill()
    assert_exact(client, sent)


def test_a_killed_server_costs_nothing(durable: EmbeddedServer) -> None:
    """With appendfsync always, SIGKILL of the server loses no reading and repeats none."""
    with connect(durable) as client, running(durable, "process"):
        sent = feed(client, 20_000)
        until(lambda: lag(client) is not None)
        durable.kill()
        durable.start()
        until(lambda: lag(client) == 0)
        assert_exact(client, sent)


def test_a_worker_survives_what_people_do_to_the_server(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """SCRIPT FLUSH, a destroyed group and FLUSHALL each are mended without a restart."""
    with running(server, "process") as worker:
        until(lambda: lag(client) == 0)
        client.script_flush()
        sent = feed(client, 100)
        until(lambda: lag(client) == 0 and hashes(client).keys() == sent.keys())
        client.xgroup_destroy("readings", "stats")
        feed(client, 50)
        until(lambda: sum(int(h[b"count"]) for h in hashes(client).values()) == 150)
        client.flushall()
        until(lambda: lag(client) == 0)
        sent = feed(client, 100)
        until(lambda: sum(int(h[b"count"]) for h in hashes(client).values()) == 100)
        assert_exact(client, sent)
        assert worker.poll() is None


def test_at_rest_the_group_shows_lag_nothing(server: EmbeddedServer, client: redis.Redis) -> None:
    """XINFO GROUPS readings shows the group `stats`, without consumers pending, at lag 0."""
    with running(server, "process"):
        feed(client, 1000)
        until(lambda: lag(client) == 0)
    groups: Any = client.xinfo_groups("readings")
    assert [(g["name"], g["pending"], g["lag"]) for g in groups] == [(b"stats", 0, 0)]


@pytest.mark.slow
def test_two_signals_at_once_end_a_worker(server: EmbeddedServer) -> None:
    """One that comes while another is handled holds nothing up: the end is orderly."""
    with ExitStack() as stack:
        workers = [stack.enter_context(running(server, "process")) for _ in range(4)]
        for worker in workers:
            until(lambda of=worker: "started" in of.stdout.readline())
        for worker in workers:
            os.kill(worker.pid, signal.SIGTERM)
            os.kill(worker.pid, signal.SIGINT)
        for worker in workers:
            assert "stopped" in worker.communicate(timeout=60)[0]
            assert worker.returncode == 0


def test_a_worker_without_alerts_resolves_those_that_fire(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """RILLET_ALERTS=false ends what fired before it."""
    hot = {"name": "hot", "type": "limit", "high": 30.0, "hysteresis": 0}
    client.set("rules", orjson.dumps({"version": 1, "rules": [hot]}))
    client.xadd("readings", {"sensor": "s", "value": "31"})
    with running(server, "process"):
        until(lambda: client.hlen("firing") == 1)
    with running(server, "process", alerts="false"):
        until(lambda: client.hlen("firing") == 0)
    changes: Any = client.xrange("alerts")
    assert [fields[b"state"] for _, fields in changes] == [b"firing", b"resolved"]
