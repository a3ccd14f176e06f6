"""Rules, alerts, windows and the webhook on a Cluster: every partition, on whatever node."""

import httpx
import pytest

from rillet.connect import connect
from rillet.embedded import EmbeddedServer
from rillet.keys import WEBHOOK_GROUP, partition_keys, partition_of
from rillet.settings import Settings
from tests.alerting import change
from tests.processes import running
from tests.receiver import receiving
from tests.serving import add, serving, stream
from tests.topology import cluster
from tests.waiting import until

PARTITIONS = 5
RULE = '[[rule]]\nname = "too-hot"\ntype = "limit"\nhigh = 30\n'


@pytest.mark.slow
async def test_alerts_of_every_partition_on_a_cluster(server: EmbeddedServer) -> None:
    """PUT reaches each partition; each one's changes reach stream, list and webhook."""
    with cluster(server.binary) as made, receiving() as hook:
        more = {"redis_url": made.url, "partitions": str(PARTITIONS)}
        settings = Settings(redis_url=made.url, partitions=PARTITIONS)
        parts = partition_keys(settings)
        with (
            connect(settings) as client,
            running(server, "process", webhook_url=hook.url, **more),
            serving(server, **more) as api,
        ):
            async with httpx.AsyncClient(timeout=60) as http:
                put = await http.put(f"{api.url}/api/rules", content=RULE)
            assert put.status_code == 200
            assert len({client.get(keys.rules) for keys in parts}) == 1
            until(lambda: all(client.exists(keys.alerts) for keys in parts))
            groups = [client.xinfo_groups(keys.alerts)[0]["name"] for keys in parts]  # type: ignore[index]
            assert groups == [WEBHOOK_GROUP.encode()] * PARTITIONS
            async with stream(api.url, alerts=True) as events:
                names = {(await anext(events)).name for _ in range(2)}
                assert names == {"snapshot", "alerts"}
                for n, keys in enumerate(parts):
                    change(client, keys, sensor=f"s{n}")
                told: set[str] = set()
                while len(told) < PARTITIONS:
                    event = await anext(events)
                    told |= {event.rows[""]["sensor"]} if event.name == "alert" else set()
            until(lambda: len(hook.taken) == PARTITIONS)
            assert {one["sensor"] for one in hook.taken} == told
            assert len(api.get("/api/alerts").json()["active"]) == PARTITIONS
            sensors = {partition_of(f"t{n}", PARTITIONS): f"t{n}" for n in range(40)}
            for sensor in sensors.values():
                add(client, settings, sensor, 1.0, 2.0)
                for path in ("?over=5m", "/windows?size=1m"):
                    assert api.get(f"/api/sensors/{sensor}{path}").status_code == 200
            assert api.get("/api/summary").json()["sensors"] == PARTITIONS
