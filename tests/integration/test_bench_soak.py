"""`rillet bench soak`, in small: that it runs, is exact, and finds a figure that is not."""

from itertools import islice

import pytest
import redis
from typer.testing import CliRunner

from bench.command import bench
from bench.load import BLOCK, Load
from bench.soak import Run
from processor.fold import fold
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings


def test_a_short_soak_is_exact(server: EmbeddedServer) -> None:
    """A million readings at full speed: every field exact, every table there."""
    options = ["soak", "--readings", "300000", "--sensors", "20", "--server", server.binary]
    done = CliRunner().invoke(bench, options, env={"COLUMNS": "200"})
    assert done.exit_code in (0, 1), done.output  # so short, memory may still be warming up
    assert "200 of 200 fields of 20 sensors exact" in done.output
    for row in ("worker, resident", "server, used_memory", "readings", "results", "median"):
        assert row in done.output


def test_a_soak_finds_a_figure_that_is_off(client: redis.Redis, settings: Settings) -> None:
    """A reading that its account does not know shows in the sums, and by how much."""
    load = Load(sensors=3)
    for entries in islice(load.entries(), 9):
        for fields in entries:
            client.xadd("readings", fields)  # type: ignore[arg-type]
    run = Run(client, load, 0, 0)
    fold(client, settings, partition_keys(settings)[0], 5000)
    assert run.wrong_fields() == []
    client.xadd("readings", {"sensor": "s1", "value": "1"})
    fold(client, settings, partition_keys(settings)[0])
    wrong = run.wrong_fields()
    assert any(one.startswith("s1 count: 301, exactly 300") for one in wrong)
    assert all(one.startswith("s1 ") for one in wrong)
    assert sum(load.by_field.values()) == 9 * BLOCK


@pytest.mark.slow
def test_a_longer_soak_is_flat(server: EmbeddedServer) -> None:
    """Four million readings leave memory flat, streams bounded and every field exact."""
    options = ["soak", "--readings", "4000000", "--server", server.binary]
    done = CliRunner().invoke(bench, options, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
