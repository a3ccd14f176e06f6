"""`rillet top` on a real server."""

import redis
from typer.testing import CliRunner

from rillet.cli import app
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.alerting import change
from tests.serving import add


def test_once_prints_every_sensor_with_its_alerts(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """All partitions in one table: figures, the readings that wait, and what fires."""
    settings = Settings(redis_url=server.url, partitions=3)
    for n in range(5):
        add(client, settings, f"s{n}", 1.0, 3.0, unit="°C")
    keys = partition_keys(settings)[partition_of("s2", 3)]
    change(client, keys, sensor="s2", rule="too-hot")
    client.xadd(keys.readings, {"sensor": "s2", "value": "1"})
    env = {"RILLET_REDIS_URL": server.url, "RILLET_PARTITIONS": "3"}
    done = CliRunner().invoke(app, ["top", "--once", "--sort", "alerts"], env=env)
    assert done.exit_code == 0, done.output
    assert "5 sensors, lag 1, firing 1" in done.output
    rows = [line for line in done.output.splitlines() if line.startswith(" s") and "°C" in line]
    assert [row.split()[0] for row in rows] == ["s2", "s0", "s1", "s3", "s4"]
    assert "too-hot" in rows[0]
