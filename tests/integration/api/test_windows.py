"""Windows, spans and quantiles, against a real API."""

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
import redis

from processor.fold import fold
from processor.merge import root
from processor.sketch import Sketch, quantiles
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.serving import Api, add, serving

PARTS = 2
WINDOWS = {"windows": "10s,1m,1h", "windows_keep": "60"}
Reading = tuple[int, int]
"""Event time in ms, value."""


@pytest.fixture(scope="module")
def api(server: EmbeddedServer) -> Iterator[Api]:
    with serving(server, partitions=str(PARTS), **WINDOWS) as running:
        yield running


def keys_of(sensor: str) -> Any:
    return partition_keys(Settings(partitions=PARTS))[partition_of(sensor, PARTS)]


def write(client: redis.Redis, sensor: str, readings: list[Reading], **more: str) -> None:
    """Fold readings; windows that end after the last one stay open, as none may be late."""
    settings = Settings(partitions=PARTS, allowed_lateness_ms=0, **(WINDOWS | more))  # type: ignore[arg-type]
    keys = keys_of(sensor)
    for ts, value in readings:
        client.xadd(keys.readings, {"sensor": sensor, "value": value, "ts": ts})
    while fold(client, settings, keys).backlog:
        pass


def exact_quantiles(values: list[int]) -> dict[str, float | None]:
    """Return what a sketch of these values answers."""
    return quantiles(Sketch.of(values), min(values), max(values))


def figures(values: list[int]) -> dict[str, Any]:
    exact = [Fraction(v) for v in values]
    mean = sum(exact, Fraction(0)) / len(exact)
    variance = sum(((v - mean) ** 2 for v in exact), Fraction(0)) / len(exact)
    return {
        "count": len(values),
        "mean": float(mean),
        "stddev": root(variance),
        "min": min(values),
        "max": max(values),
        "sum": sum(values),
        "first": values[0],
        "last": values[-1],
        **exact_quantiles(values),
    }


def minute() -> int:
    """Return the start of this minute in ms."""
    return time.time_ns() // 1_000_000 // 60_000 * 60_000


def test_a_span_is_exactly_its_readings(api: Api, client: redis.Redis) -> None:
    """`over=5m` merges closed and open windows; the figures are those of all readings in it."""
    client.flushall()
    start = minute() - 600_000
    closed = [(start + 1000 * n, n * n % 101) for n in range(540)]
    opened = [(start + 540_000 + 1000 * n, 200 + n) for n in range(5)]
    write(client, "a", closed + opened)
    found = api.get("/api/sensors/a?over=5m").json()
    over = found["over"]
    assert over["to"] - over["from"] < 310_000
    inside = [value for ts, value in closed + opened if ts >= over["from"]]
    assert {name: over[name] for name in figures(inside)} == figures(inside)
    every = [value for _, value in closed + opened]
    assert found["quantiles"] == exact_quantiles(every)
    assert found["count"] == len(every)
    assert "over" not in api.get("/api/sensors/a").json()


def test_a_span_without_readings_counts_none(api: Api, client: redis.Redis) -> None:
    """What happened before the span is not in it."""
    client.flushall()
    write(client, "a", [(1000, 1)])
    assert api.get("/api/sensors/a?over=10s").json()["over"]["count"] == 0


@pytest.mark.parametrize("hours", [40, 90])
def test_a_span_beyond_what_is_kept_begins_where_that_begins(
    api: Api, client: redis.Redis, hours: int
) -> None:
    """`from` is never before the oldest window: all readings since are in the figures."""
    client.flushall()
    start = minute() - hours * 3_600_000
    readings = [(start + 1_200_000 * n, n) for n in range(3 * hours)]
    write(client, "a", readings)
    for asked in ("80h", "60d", "999999999d"):
        over = api.get(f"/api/sensors/a?over={asked}").json()["over"]
        since = [n for ts, n in readings if ts >= over["from"]]
        assert over["count"] == len(since)
        assert since[-1] - since[0] >= min(3 * hours, 180) - 5
        assert readings[since[0]][0] - over["from"] < 3_600_000


def test_windows_of_one_size_come_oldest_first(api: Api, client: redis.Redis) -> None:
    """The closed ones, then the open one; `from`, `to` and `limit` choose among them."""
    client.flushall()
    start = minute() - 300_000
    closed = [(start + 5000 * n, n) for n in range(36)]
    opened = [(start + 185_000, 500), (start + 186_000, 400)]
    write(client, "a/b", closed + opened)
    path = "/api/sensors/a/b/windows"
    found = api.get(f"{path}?size=1m").json()
    assert api.get(f"{path}?size=60s").json() == found  # the same size, by another name
    assert (found["sensor"], found["size"]) == ("a/b", "1m")
    items = found["items"]
    assert [one["start"] - start for one in items] == [0, 60_000, 120_000, 180_000]
    assert [one.get("open", False) for one in items] == [False, False, False, True]
    for one, values in zip(items, [range(12), range(12, 24), range(24, 36)], strict=False):
        assert {name: one[name] for name in figures(list(values))} == figures(list(values))
    assert (items[-1]["first"], items[-1]["last"]) == (500, 400)
    some = api.get(f"{path}?size=1m&from={start + 60_000}&to={start + 120_001}").json()["items"]
    assert [one["start"] - start for one in some] == [60_000, 120_000]
    newest = api.get(f"{path}?size=1m&limit=2").json()["items"]
    assert [one["start"] - start for one in newest] == [120_000, 180_000]
    assert api.get(path).json()["size"] == "10s"


def test_a_window_of_a_new_size_shows_what_it_lacks(api: Api, client: redis.Redis) -> None:
    """Until one closes in it; then it has what came before, and it has nothing to say of it."""
    client.flushall()
    start = minute() - 300_000
    write(client, "new", [(start + 5000 * n, n) for n in range(5)], windows="10s")
    (lacking,) = api.get("/api/sensors/new/windows?size=1m").json()["items"]
    assert (lacking["count"], lacking["missing_ms"], lacking["open"]) == (1, 20_000, True)
    write(client, "new", [(start + 5000 * n, n) for n in range(5, 14)])
    closed, opened = api.get("/api/sensors/new/windows?size=1m").json()["items"]
    assert {name: closed[name] for name in figures(list(range(12)))} == figures(list(range(12)))
    assert ("missing_ms" in closed, opened["count"]) == (False, 2)
    assert api.get("/api/sensors/new?over=1h").json()["over"]["count"] == 14


def test_a_span_says_what_only_a_larger_window_has(api: Api, client: redis.Redis) -> None:
    """A minute was open when 10 s became the finest; a span that begins in it lacks 25 s of it."""
    client.flushall()
    start = minute() - 300_000
    write(client, "finer", [(start + 5000 * n, n) for n in range(10)], windows="1m,1h")
    write(client, "finer", [(start + 5000 * n, n) for n in range(10, 40)])
    asked_s = (time.time_ns() // 1_000_000 - start) // 1000
    whole = api.get(f"/api/sensors/finer?over={asked_s}s").json()["over"]
    assert (whole["from"], whole["count"], "missing_ms" in whole) == (start, 40, False)
    part = api.get(f"/api/sensors/finer?over={asked_s - 20}s").json()["over"]
    assert (part["from"], part["count"], part["missing_ms"]) == (start + 20_000, 30, 25_001)
    late = api.get(f"/api/sensors/finer?over={asked_s - 50}s").json()["over"]
    assert (late["count"], "missing_ms" in late) == (30, False)
    first, second, *_ = api.get("/api/sensors/finer/windows?size=10s").json()["items"]
    assert (first["start"], "missing_ms" in first, "missing_ms" in second) == (
        start + 50_000,
        False,
        False,
    )


def test_unchanged_windows_are_a_304(api: Api, client: redis.Redis) -> None:
    """The ETag holds until a window changes."""
    client.flushall()
    write(client, "a", [(1000, 1)])
    first = api.get("/api/sensors/a/windows")
    again = {"If-None-Match": first.headers["etag"]}
    assert api.get("/api/sensors/a/windows", headers=again).status_code == 304


def test_a_summary_has_the_quantiles_of_all_its_sensors(api: Api, client: redis.Redis) -> None:
    """Sketches of sensors and partitions merge as if all values had gone into one."""
    client.flushall()
    values: list[int] = []
    for n in range(6):
        mine = [(1000 * k, 7 * n + k) for k in range(40)]
        write(client, f"s{n}", mine)
        values += [value for _, value in mine]
    found = api.get("/api/summary").json()
    assert found["count"] == 240
    assert found["quantiles"] == exact_quantiles(values)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/sensors/none/windows", 404, "none"),
        ("/api/sensors/a/windows?size=2m", 422, "10s, 1m, 1h"),
        ("/api/sensors/a/windows?limit=0", 422, "limit"),
        ("/api/sensors/a/windows?from=x", 422, "from"),
        ("/api/sensors/a?over=soon", 422, "over: 'soon' is not a span of time"),
        ("/api/sensors/a?over=0s", 422, "not a span of time"),
        ("/api/sensors/none?over=5m", 404, "none"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    api: Api, client: redis.Redis, path: str, status: int, said: str
) -> None:
    """A size that is not kept, a span that is none, an unknown sensor: told in one sentence."""
    write(client, "a", [(1000, 1)])
    answer = api.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_without_windows_and_quantiles_there_are_none(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """With RILLET_WINDOWS empty the routes say so, and the statistics are as ever."""
    add(client, settings.model_copy(update={"windows": "", "quantiles": False}), "a", 1.0)
    with serving(server, windows="", quantiles="false") as api:
        assert api.get("/api/sensors/a").json()["quantiles"] is None
        for path in ("/api/sensors/a?over=5m", "/api/sensors/a/windows"):
            answer = api.get(path)
            assert answer.status_code == 422
            assert "RILLET_WINDOWS is empty" in answer.json()["detail"]
