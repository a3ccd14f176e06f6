"""lua/reducers/weights.lua, through the fold, beside sums over all readings in exact arithmetic."""

import math
import random

import pytest
import redis

from rillet.settings import Settings
from tests.lua.fold_support import Reading as Fields
from tests.lua.fold_support import add, fold_all, hashes
from tests.lua.windows_model import Reading, weighted

HALF_LIFE_MS = 300_000
rnd = random.Random(8)
SERIES: dict[str, list[tuple[int, float]]] = {
    "regular": [(1000 * n, rnd.gauss(20, 5)) for n in range(300)],
    "irregular": [(int(rnd.expovariate(1e-6)), rnd.gauss(20, 5)) for n in range(200)],
    "bursts with years between": [
        (year * 31_536_000_000 + n, 20.0 + n + year) for year in range(4) for n in range(20)
    ],
    "an outlier long ago": [(0, 1e60), *((150_000_000 + 1000 * n, 20.0 + n) for n in range(9))],
    "all at one time": [(5, rnd.random()) for _ in range(100)],
    "backwards": [(1_000_000 - 5000 * n, rnd.gauss(0, 1)) for n in range(150)],
    "large offset": [(100 * n, 1e9 + rnd.random()) for n in range(200)],
}


def check(client: redis.Redis, series: list[tuple[int, float]]) -> None:
    readings = [Reading(ts, 0, v, "") for ts, v in series]
    mean, variance = weighted(readings, HALF_LIFE_MS)
    shown = hashes(client)["s"]
    scale = max(abs(v) for _, v in series[1:] or series)
    assert float(shown["ewm_mean"]) == pytest.approx(float(mean), rel=1e-12, abs=1e-13 * scale)
    spread = math.sqrt(variance)
    assert float(shown["ewm_stddev"]) == pytest.approx(spread, rel=1e-7, abs=1e-13 * scale)


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_each_reading_weighs_by_its_age(
    client: redis.Redis, settings: Settings, name: str, count: int
) -> None:
    """Half for each half-life that it is older than the newest, in whatever order they come."""
    settings = settings.model_copy(update={"future_skew_ms": 10**15})
    rows: list[Fields] = [
        {"sensor": "s", "value": repr(v), "ts": str(ts)} for ts, v in SERIES[name]
    ]
    add(client, rows)
    fold_all(client, settings, count)
    check(client, SERIES[name])


def test_a_stuck_sensor_deviates_by_nothing(client: redis.Redis, settings: Settings) -> None:
    """Equal values have a weighted deviation of exactly 0."""
    rows = [{"sensor": "s", "value": "21.3", "ts": str(n * n * 1000)} for n in range(50)]
    add(client, rows)
    fold_all(client, settings.model_copy(update={"future_skew_ms": 10**15}), 9)
    assert hashes(client)["s"]["ewm_stddev"] == "0"
    assert hashes(client)["s"]["ewm_mean"] == "21.3"
