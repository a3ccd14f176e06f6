"""The simulator as a process, on a real server: what it writes, when it waits, how it ends."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from rillet.embedded import EmbeddedServer, free_port
from rillet.errors import UserError
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from simulator.fleet import Fleet
from simulator.reading import Reading
from simulator.run import DAY_S, Limits, invent
from simulator.writer import Writer
from tests.processes import running
from tests.waiting import until


def _entries(client: redis.Redis, key: str = "readings") -> list[dict[str, str]]:
    return [
        {name.decode(): text.decode() for name, text in fields.items()}
        for _, fields in client.xrange(key)
    ]


def _invent(
    settings: Settings, count: int, per_s: float | None = None, scenarios: tuple[str, ...] = ()
) -> None:
    fleet = Fleet((3, 3, 3), seed=7, scenarios=scenarios, fault_every=100)
    invent(settings, fleet, per_s, DAY_S, Limits(count))


def _readings(count: int, start: int = 0) -> list[Reading]:
    return [Reading("a", float(n), seq=n + 1) for n in range(start, start + count)]


def test_readings_carry_kind_unit_ts_and_seq(server: EmbeddedServer, client: redis.Redis) -> None:
    """An entry has exactly the fields of the contract, as text that redis-cli shows."""
    with running(server, "simulate", "--count", "30", "--rate", "max") as process:
        process.communicate(timeout=60)
    assert process.returncode == 0
    entries = _entries(client)
    assert len(entries) == 30
    assert {tuple(entry) for entry in entries} == {("sensor", "value", "ts", "seq", "kind", "unit")}
    assert {(e["kind"], e["unit"]) for e in entries} == {
        ("temperature", "°C"),
        ("soil_nitrogen", "mg/kg"),
        ("soil_moisture", "%"),
    }
    now_ms = client.time()[0] * 1000
    assert all(abs(int(entry["ts"]) - now_ms) < 60_000 for entry in entries)


def test_two_runs_with_one_seed_write_the_same(client: redis.Redis, settings: Settings) -> None:
    """All but the time of day repeats: sensors, values, numbers, faults."""
    runs: list[list[tuple[str, ...]]] = []
    for _ in range(2):
        client.flushall()
        _invent(settings, 500, scenarios=("spike", "duplicate", "out-of-order"))
        runs.append([(e["sensor"], e["value"], e["seq"]) for e in _entries(client)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) < 500  # the duplicates


def test_a_rate_is_kept(client: redis.Redis, settings: Settings) -> None:
    """At 200 a second the event times of 101 readings span half a second."""
    _invent(settings, 101, per_s=200)
    times = [int(entry["ts"]) for entry in _entries(client)]
    assert times == sorted(times)
    assert 499 <= times[-1] - times[0] <= 501


def test_each_sensor_goes_to_the_partition_of_its_name(
    client: redis.Redis, settings: Settings
) -> None:
    """With partitions a sensor's readings are in one stream, the one any producer would pick."""
    farm = settings.model_copy(update={"partitions": 4, "namespace": "farm"})
    _invent(farm, 90)
    found = [{e["sensor"] for e in _entries(client, k.readings)} for k in partition_keys(farm)]
    assert sum(map(len, found)) == 9
    for partition, sensors in enumerate(found):
        assert all(partition_of(sensor, 4) == partition for sensor in sensors)


def test_it_holds_back_at_the_bound_and_trims_nothing(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """Without a worker it stops at the bound; it goes on as the group advances, to the end."""
    options = ("--count", "3000", "--rate", "max")
    with running(server, "simulate", *options, backlog_max="1000") as process:
        assert process.stdout
        until(lambda: "backlog_full" in process.stdout.readline())  # type: ignore[union-attr]
        assert client.xlen("readings") == 1000
        unread = []
        client.xgroup_create("readings", "stats", "0", entries_read=0)
        while process.poll() is None:
            [group] = client.xinfo_groups("readings")
            unread.append(group["lag"])
            client.xreadgroup("stats", "fold", {"readings": ">"}, count=100, noack=True)
        rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert client.xlen("readings") == 3000
    assert 500 < max(unread) <= 1000
    assert "backlog_cleared" in rest


def test_a_lost_connection_loses_no_reading_and_is_said_once() -> None:
    """The server is killed and started again between two batches: all that was sent is there."""
    with EmbeddedServer(appendonly="yes", appendfsync="always") as server:
        settings = Settings(redis_url=server.url)  # type: ignore[arg-type]
        tries: list[float] = []

        def sleep(seconds: float) -> None:
            tries.append(seconds)
            if len(tries) == 4:
                server.start()

        with closing(Writer(settings, batch=100, sleep=sleep)) as writer:
            for reading in _readings(250):
                writer.add(reading)
            server.kill()
            with capture_logs() as logs:
                writer.flush()
            assert [entry["event"] for entry in logs] == ["redis_lost", "redis_back"]
            assert tries == [0.05, 0.1, 0.2, 0.4]
        with redis.Redis(port=server.port, protocol=2) as client:
            assert {int(entry["seq"]) for entry in _entries(client)} == set(range(1, 251))


@pytest.mark.slow
def test_a_cluster_gets_each_partition_on_its_own_slot(server: EmbeddedServer) -> None:
    """A Cluster that is not up yet is waited for; then each reading is there once."""
    options = {"cluster_enabled": "yes", "cluster_port": str(free_port())}
    with (
        EmbeddedServer(binary=server.binary, **options) as node,
        redis.Redis(port=node.port, protocol=2) as client,
    ):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
        url = f"redis+cluster://127.0.0.1:{node.port}"
        settings = Settings(redis_url=url, partitions=4)  # type: ignore[arg-type]
        _invent(settings, 900)
        lengths = [client.xlen(keys.readings) for keys in partition_keys(settings)]
    assert sum(lengths) == 900


def test_the_heartbeat_goes_on_while_it_waits(
    server: EmbeddedServer,
    client: redis.Redis,  # noqa: ARG001 an empty server
    tmp_path: Path,
) -> None:
    """A simulator that is held back is alive: its file stays fresh."""
    file = tmp_path / "beat"
    options = ("simulate", "--rate", "max")
    with running(server, *options, backlog_max="100", heartbeat_file=str(file)) as process:
        until(lambda: "backlog_full" in process.stdout.readline())  # type: ignore[union-attr]
        file.unlink()
        until(file.exists)


def test_a_full_server_is_waited_for_in_order(client: redis.Redis, settings: Settings) -> None:
    """Readings refused for lack of memory stay in hand, and arrive once, in their order."""

    def sleep(_seconds: float) -> None:
        client.config_set("maxmemory", "0")

    with closing(Writer(settings, sleep=sleep)) as writer, capture_logs() as logs:
        for reading in _readings(50):
            writer.add(reading)
        client.config_set("maxmemory", "1mb")
        try:
            writer.flush()
        finally:
            client.config_set("maxmemory", "0")
    assert [int(entry["seq"]) for entry in _entries(client)] == list(range(1, 51))
    assert [entry["event"] for entry in logs] == ["redis_lost", "redis_back"]


def test_what_waiting_cannot_mend_is_an_error(client: redis.Redis, settings: Settings) -> None:
    """A key of another type is one clear line, not an endless retry."""
    client.set("readings", "mine")
    with closing(Writer(settings)) as writer:
        writer.add(Reading("a", 1))
        with pytest.raises(UserError, match="WRONGTYPE"):
            writer.flush()


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("rate", "wait_for", "number", "status"),
    [
        ("1", "simulating", signal.SIGINT, 130),
        ("max", "backlog_full", signal.SIGTERM, 0),
    ],
    ids=["asleep", "held back"],
)
def test_it_stops_at_once_without_a_traceback(
    server: EmbeddedServer, rate: str, wait_for: str, number: signal.Signals, status: int
) -> None:
    """Ctrl-C ends with 130, SIGTERM with 0, in the midst of sleeping or waiting."""
    with running(server, "simulate", "--rate", rate, backlog_max="100") as process:
        until(lambda: wait_for in process.stdout.readline())  # type: ignore[union-attr]
        process.send_signal(number)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == status
    assert "Traceback" not in said


def _fails(*options: str, **env: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rillet", "simulate", *options],
        env={**os.environ, "RILLET_REDIS_URL": "redis://127.0.0.1:1/0", **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("rillet: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "No Redis answers at redis://127.0.0.1:1/0"),
        (("--rate", "fast"), "--rate 'fast' is not a positive number"),
        (("--scenario", "flood"), "choose from drift, stuck"),
        (("--replay", "none.csv"), "none.csv cannot be read: No such file"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(options: tuple[str, ...], message: str) -> None:
    """Status 2 and one line on standard error that says what to do."""
    assert message in _fails(*options)
