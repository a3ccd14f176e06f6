"""`rillet bench soak`, in small: that it runs, is exact, and finds a figure that is not."""

import signal
from itertools import islice
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from bench.command import bench
from bench.load import BLOCK, Load
from bench.soak import Run, _worker
from processor.fold import fold
from rillet.embedded import EmbeddedServer
from rillet.errors import UserError
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.waiting import until

NOBODY: Any = None


@pytest.mark.slow
def test_a_short_soak_is_exact(server: EmbeddedServer) -> None:
    """Readings at full speed: every field exact, every table there, whatever else is set."""
    options = ["soak", "--readings", "300000", "--sensors", "20", "--server", server.binary]
    other = {"RILLET_NAMESPACE": "farm", "RILLET_PARTITIONS": "2"}
    done = CliRunner().invoke(bench, options, env={"COLUMNS": "200", **other})
    # So short, memory may still be warming up; nothing else may end it with 1.
    assert done.exit_code == ("grows" in done.output), done.output
    assert "200 of 200 fields of 20 sensors exact" in done.output
    for row in ("worker, resident", "server, used_memory", "readings", "results", "median"):
        assert row in done.output


def test_a_soak_finds_a_figure_that_is_off(client: redis.Redis, settings: Settings) -> None:
    """A reading that its account does not know shows in the sums, and by how much."""
    load = Load(sensors=3)
    for entries in islice(load.entries(), 9):
        for fields in entries:
            client.xadd("readings", fields)  # type: ignore[arg-type]
    run = Run(client, load, NOBODY, 0)
    fold(client, settings, partition_keys(settings)[0], 5000)
    assert run.wrong_fields() == []
    client.xadd("readings", {"sensor": "s1", "value": "1"})
    fold(client, settings, partition_keys(settings)[0])
    wrong = run.wrong_fields()
    assert any(one.startswith("s1 count: 301, exactly 300") for one in wrong)
    assert all(one.startswith("s1 ") for one in wrong)
    assert sum(load.by_field.values()) == 9 * BLOCK


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGKILL, "ended with status -9"), (signal.SIGSTOP, "folded nothing")],
)
def test_a_worker_that_is_gone_ends_it(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, said: str
) -> None:
    """One that was killed, or does nothing any more, is told: nothing waits for ever."""
    monkeypatch.setattr("bench.soak.STALL_S", 0.5)
    with (
        EmbeddedServer(binary=server.binary) as own,
        _worker(own, {}) as worker,
        redis.Redis(port=own.port, protocol=2) as client,
    ):
        run = Run(client, Load(sensors=3), worker, own.pid)
        client.xadd("readings", {"sensor": "probe", "value": 0})
        until(lambda: client.exists("stats:probe"))
        worker.send_signal(number)
        with pytest.raises(UserError, match=said):
            run.send(1_000_000)
        worker.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_longer_soak_is_flat(server: EmbeddedServer) -> None:
    """Four million readings leave memory flat, streams bounded and every field exact."""
    options = ["soak", "--readings", "4000000", "--server", server.binary]
    done = CliRunner().invoke(bench, options, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
