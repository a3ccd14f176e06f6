"""How many bytes a sensor takes, as docs/operations.md says."""

import random
from typing import Any

import pytest
import redis

from processor.record import pieces_of
from processor.sketch import Sketch
from processor.windows import record_fields
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import fold_all

HOURS = 30


@pytest.mark.parametrize(("mean", "deviation"), [(20, 5), (0, 1)])
def test_a_sensors_state_is_small(
    client: redis.Redis, settings: Settings, mean: float, deviation: float
) -> None:
    """One reading a second for a day and more: under 4 KB at any time, and windows as told."""
    rnd = random.Random(4)
    settings = settings.model_copy(update={"future_skew_ms": 10**9, "readings_tail": 0})
    largest = 0
    for hour in range(HOURS):
        pipe = client.pipeline(transaction=False)
        for second in range(0, 3600, 3):
            values = ",".join(repr(rnd.gauss(mean, deviation)) for _ in range(3))
            ts = (hour * 3600 + second) * 1000
            pipe.xadd("readings", {"sensor": "s", "values": values, "ts": ts})
        pipe.execute()
        fold_all(client, settings, now_ms=0)
        raw: Any = client.hmget("state", record_fields("s"))
        largest = max(largest, sum(map(len, raw)))
    assert 1000 < largest < 4096
    keys = partition_keys(settings)[0]
    for size in settings.window_sizes:
        panes: Any = client.lrange(keys.panes(size.name, "s"), 0, -1)
        assert panes
        for one in panes:
            sketch = Sketch.unpack(pieces_of(one)["q"])
            bound = (
                2 + 2 * sketch.count if sketch.count < 128 else 6 + 1.25 * len(sketch.counts) + 254
            )
            assert len(one) <= 109 + bound
