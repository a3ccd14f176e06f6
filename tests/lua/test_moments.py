"""lua/reducers/moments.lua, through the fold, on a real server."""

import math
import random
import struct
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from processor.fold import fold
from processor.merge import figures
from processor.record import Moments, pieces_of
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import examples
from tests.lua.model import exact_figures

rnd = random.Random(7)

HARD = {
    "one value": [0.1],
    "two equal": [0.1, 0.1],
    "stuck": [21.3] * 1000,
    "large offset, two values": [1e7 + 0.1, 1e7 + 0.3] * 500,
    "large offset, gauss": [1e9 + rnd.gauss(0, 1e-3) for _ in range(1000)],
    "uniform": [rnd.random() for _ in range(1000)],
    "drift": [1e6 + i * 1e-7 for i in range(1000)],
    "first an outlier": [1e60, *(20 + rnd.gauss(0, 1) for _ in range(500))],
    "last an outlier": [*(20 + rnd.gauss(0, 1) for _ in range(500)), -1e60],
    "outlier far from small": [1e100, 1e-300, 1.0, -1e100, 3e-250],
    "huge": [1e100, -1e100, 9.99e99, 1e100],
    "tiny": [1e-300, 2e-300, 5e-300],
    "subnormal": [5e-324, 1e-323, 0.0, -5e-324],
    "tiny beside small": [5.5e-90, 5.3e-285, 0.0, 1e-300, 2e-89],
    "a deviation between two doubles": [2944647740676507.0, 1.857164954023749e16],
    "a mean between two doubles": [1.0, 1.0 + 2.0**-52],
    "tiny among ordinary": [1.0, 1e-200, 2.0, 1e-160, -1e-310],
    "zeros and signs": [0.0, -0.0, 0.0],
    "cancel": [1e16, 1.0, -1e16, 1.0],
    "every magnitude": [math.ldexp(rnd.uniform(-1, 1), e) for e in range(-1070, 330, 7)],
    "a mean just off a tie": [2.0, 2.0**-52 * 1.0, 2.0**-150, 0.0],
    "integers": [float(rnd.randrange(-(2**53), 2**53)) for _ in range(500)],
    "sixteenfold": [rnd.uniform(1.0, 15.9) for _ in range(1000)],
    "a thousandfold": [math.exp(rnd.uniform(0, 7)) for _ in range(1000)],
    "below zero": [-rnd.uniform(1e-90, 9e-90) for _ in range(1000)],
    "large and alike": [rnd.uniform(1e99, 1e100) for _ in range(1000)],
    "soil": [round(rnd.gauss(20, 5), 2) for _ in range(1000)],
}


def send(client: redis.Redis, sensor: str, values: list[float]) -> None:
    pipe = client.pipeline(transaction=False)
    for value in values:
        pipe.xadd("readings", {"sensor": sensor, "value": repr(value)})
    pipe.execute()


def fold_all(client: redis.Redis, settings: Settings, count: int = 1000) -> None:
    while fold(client, settings, partition_keys(settings)[0], count).backlog:
        pass


def shown(client: redis.Redis, sensor: str) -> dict[str, str]:
    found: Any = client.hgetall(f"stats:{sensor}")
    return {k.decode(): v.decode() for k, v in found.items()}


def differences(got: dict[str, str], values: list[float]) -> dict[str, tuple[str, float]]:
    """Return the fields that are not, to the bit, what exact arithmetic gives."""
    want = exact_figures(values)
    return {k: (got[k], v) for k, v in want.items() if float(got[k]) != v}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_every_figure_is_exact_arithmetic_rounded_once(
    client: redis.Redis, settings: Settings, name: str, count: int
) -> None:
    """However hard the data and however it is cut into folds, each figure is right to the bit."""
    values = HARD[name][: 150 if count == 1 else None]
    send(client, "s", values)
    fold_all(client, settings, count)
    assert differences(shown(client, "s"), values) == {}


def test_order_leaves_no_trace(client: redis.Redis, settings: Settings) -> None:
    """The sums are those of the set of values: any order gives the same figures."""
    values = HARD["every magnitude"]
    for sensor in ("a", "b"):
        send(client, sensor, values)
        values = sorted(values)
    fold_all(client, settings, 50)
    first, second = shown(client, "a"), shown(client, "b")
    same = ("mean", "variance", "stddev", "stddev_sample", "sum", "min", "max", "count")
    assert {k: first[k] for k in same} == {k: second[k] for k in same}


def test_a_stuck_sensor_deviates_by_exactly_nothing(
    client: redis.Redis, settings: Settings
) -> None:
    """Equal values have a deviation of 0, not of rounding noise."""
    send(client, "s", [0.1 + 1e8] * 999)
    fold_all(client, settings, 100)
    assert shown(client, "s")["stddev"] == "0"


@pytest.mark.parametrize("name", HARD)
def test_numbers_are_the_shortest_text(client: redis.Redis, settings: Settings, name: str) -> None:
    """Each number reads back as the same double, and no shorter digits do."""
    send(client, "s", HARD[name])
    fold_all(client, settings)
    texts = shown(client, "s")
    for field in exact_figures(HARD[name]):
        digits = len(repr(float(texts[field])).replace("-", "").split("e")[0].strip("0."))
        assert len(texts[field].replace("-", "").split("e")[0].strip("0.")) <= digits, field


def test_the_record_holds_the_sums_exactly(client: redis.Redis, settings: Settings) -> None:
    """Python reads from `state` the very sums of all values, and merges them without loss."""
    for name, values in HARD.items():
        send(client, name, values)
    fold_all(client, settings, 100)
    for name, values in HARD.items():
        record: Any = client.hget("state", name)
        got = Moments.unpack(pieces_of(record)["m"])
        assert (got.n, got.s1) == (len(values), sum(map(Fraction, values)))
        assert got.s2 == sum(Fraction(v) ** 2 for v in values)
        shown_figures = {k: v for k, v in exact_figures(values).items() if k != "last"}
        assert figures(got) == shown_figures


def test_ten_thousand_folds_do_not_wear_the_sums_out(
    client: redis.Redis, settings: Settings
) -> None:
    """Packing and unpacking the state once per reading changes nothing."""
    values = [20 + rnd.gauss(0, 3) for _ in range(3000)]
    keys = partition_keys(settings)[0]
    for value in values:
        send(client, "s", [value])
        fold(client, settings, keys, 10)
    assert differences(shown(client, "s"), values) == {}


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=60), st.integers(1, 60))
@examples(300)
def test_any_doubles(
    client: redis.Redis, settings: Settings, values: list[float], count: int
) -> None:
    """Whatever doubles hypothesis thinks of, each figure is right to the bit."""
    client.flushall()
    send(client, "s", values)
    fold_all(client, settings, count)
    assert differences(shown(client, "s"), values) == {}


def test_a_batch_is_its_readings_in_order(client: redis.Redis, settings: Settings) -> None:
    """`values` and `packed` give the very hash that single readings give."""
    values = HARD["soil"][:500]
    send(client, "single", values)
    client.xadd("readings", {"sensor": "text", "values": ",".join(map(repr, values))})
    client.xadd("readings", {"sensor": "packed", "packed": struct.pack("<500d", *values)})
    fold_all(client, settings)
    hashes = [shown(client, name) for name in ("single", "text", "packed")]
    for one in hashes:
        for field in ("last_id", "first_ts", "last_ts", "ewm_mean", "ewm_stddev"):
            del one[field]
    assert all(a == b for a, b in pairwise(hashes))


def test_a_harmed_hash_is_whole_again_within_64_readings(
    client: redis.Redis, settings: Settings
) -> None:
    """A hash that lost or kept older fields is that of the newest results entry soon enough."""
    send(client, "s", [3.0, 1.0, 2.0])
    fold_all(client, settings)
    client.hset("stats:s", mapping={"min": "9", "restarts": "7"})
    for _ in range(64):
        send(client, "s", [2.0])
        fold_all(client, settings)
    ((_id, newest),) = client.xrevrange("results", count=1)  # type: ignore[misc,unused-ignore]
    assert client.hgetall("stats:s") == {k: v for k, v in newest.items() if k != b"sensor"}


def test_a_deleted_hash_is_whole_again_with_the_next_reading(
    client: redis.Redis, settings: Settings
) -> None:
    """A hash that someone deleted comes back with all its fields, not only those that changed."""
    send(client, "s", [3.0, 1.0, 2.0])
    fold_all(client, settings)
    before = shown(client, "s")
    client.delete("stats:s")
    send(client, "s", [2.0])
    fold_all(client, settings)
    assert shown(client, "s").keys() == before.keys()


def test_a_run_of_thousands_is_exact(client: redis.Redis, settings: Settings) -> None:
    """However many readings of one sensor a fold takes in, their sums lose no bit."""
    values = [rnd.uniform(1.0, 2.0) for _ in range(20_000)] + [15.9]
    for batch in batches(values, 1000):
        client.xadd("readings", {"sensor": "s", "packed": struct.pack(f"<{len(batch)}d", *batch)})
    fold_all(client, settings, 30_000)
    record: Any = client.hget("state", "s")
    assert Moments.unpack(pieces_of(record)["m"]) == Moments.of(values)


def batches(values: list[float], size: int) -> list[list[float]]:
    return [values[at : at + size] for at in range(0, len(values), size)]
