"""The REST routes, against a real API."""

import math
import os
import random
import signal
from collections.abc import Iterator
from fractions import Fraction

import httpx
import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.serving import Api, add, serving, stream
from tests.waiting import until


@pytest.fixture(scope="module")
def api(server: EmbeddedServer) -> Iterator[Api]:
    with serving(server) as running:
        yield running


@pytest.mark.parametrize("sort", ["name", "mean", "count", "stddev_sample", "nonsense"])
def test_pages_hold_every_sensor_once(
    api: Api, client: redis.Redis, settings: Settings, sort: str
) -> None:
    """Following `next` gives each sensor once, in order; an unknown field to sort by is a 422."""
    for n in range(23):
        add(client, settings, f"s-{n:02}", n % 7, n % 3)
    add(client, settings, "other", 1.0)
    names: list[str] = []
    figures: list[float] = []
    cursor = ""
    while True:
        query = {"prefix": "s-", "limit": "5", "sort": sort, "descending": "true"}
        answer = api.get("/api/sensors", params=query | ({"cursor": cursor} if cursor else {}))
        if sort not in {"name", "mean", "count"}:
            assert answer.status_code == 422
            return
        names += [row["sensor"] for row in answer.json()["items"]]
        figures += [row.get(sort, 0) for row in answer.json()["items"]]
        cursor = answer.json()["next"]
        if not cursor:
            break
    assert sorted(names) == [f"s-{n:02}" for n in range(23)]
    assert figures == sorted(figures, reverse=True)


def test_a_name_may_end_like_a_route(api: Api, client: redis.Redis, settings: Settings) -> None:
    """With its slash written as %2F a name is never taken for a sensor and its windows."""
    add(client, settings, "a", 1.0)
    add(client, settings, "a/windows", 2.0)
    assert api.get("/api/sensors/a%2Fwindows").json()["sensor"] == "a/windows"
    assert api.get("/api/sensors/a%2Fwindows?over=5m").json()["over"]["sum"] == 2
    for path, sensor in (
        ("a/windows", "a"),
        ("a%2Fwindows/windows", "a/windows"),
        ("a/windows/windows", "a/windows"),
    ):
        found = api.get(f"/api/sensors/{path}").json()
        assert (found["sensor"], len(found["items"])) == (sensor, 1)


def test_an_unchanged_answer_is_a_304(api: Api, client: redis.Redis, settings: Settings) -> None:
    """The ETag of a sensor's statistics holds until they change."""
    add(client, settings, "a", 1.0, kind="moisture")
    first = api.get("/api/sensors/a")
    again = {"If-None-Match": first.headers["etag"]}
    assert api.get("/api/sensors/a", headers=again).status_code == 304
    assert api.get("/api/sensors/a", headers={"If-None-Match": "*"}).status_code == 304
    add(client, settings, "a", 2.0)
    assert api.get("/api/sensors/a", headers=again).json()["count"] == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/sensors/none", 404),
        ("/api/nothing", 404),
        ("/api/sensors?limit=0", 422),
        ("/api/sensors?cursor=%00zz", 422),
        ("/api/sensors?cursor=WzBd", 422),
    ],
)
def test_errors_are_problem_documents(api: Api, path: str, status: int) -> None:
    """A wrong request is answered with problem+json that says what is wrong."""
    answer = api.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/readings", "POST"),
        ("PUT", "/api/sensors", "GET"),
        ("DELETE", "/api/rules", "GET, PUT"),
        ("POST", "/api/sensors/a/windows", "GET"),
    ],
)
def test_another_method_is_named(api: Api, method: str, path: str, allowed: str) -> None:
    """A path that is there, asked with a method it does not take, says which it takes."""
    answer = httpx.request(method, api.url + path, timeout=60)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers["content-type"] == "application/problem+json"
    assert allowed in answer.json()["detail"]


def test_a_summary_is_exact_over_the_filter(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """Merged figures equal those of all values together, to the last bit."""
    values: list[float] = []
    for n in range(5):
        mine = [1e7 * n + random.random() for _ in range(20)]
        add(client, settings, f"t{n}", *mine, kind="temperature")
        values += mine
    add(client, settings, "other", 5.0, kind="moisture")
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    found = api.get("/api/summary?kind=temperature").json()
    assert (found["sensors"], found["count"]) == (5, 100)
    assert found["mean"] == float(mean)
    assert found["variance"] == float(variance)
    assert abs(found["stddev"] - math.sqrt(variance)) <= math.ulp(found["stddev"])
    assert api.get("/api/summary?prefix=none").json() == {
        "sensors": 0,
        "count": 0,
        "quantiles": None,
    }


def test_a_hash_that_someone_damaged_breaks_nothing(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """A field that is no number comes as text; the array around it stays good JSON."""
    add(client, settings, "a", 1.0)
    add(client, settings, "b", 1.0)
    client.hset("stats:a", "mean", 'nan"}')
    rows = {row["sensor"]: row for row in api.get("/api/sensors").json()["items"]}
    assert rows["a"]["mean"] == 'nan"}'
    assert rows["b"]["mean"] == 1


async def test_a_key_of_another_type_costs_that_sensor_only(
    api: Api, client: redis.Redis, settings: Settings
) -> None:
    """What someone put in a hash's place is left out of list and snapshot; others are there."""
    add(client, settings, "a", 1.0)
    add(client, settings, "b", 1.0)
    client.set("stats:a", "x")
    assert [row["sensor"] for row in api.get("/api/sensors").json()["items"]] == ["b"]
    async with stream(api.url) as events:
        first = await anext(events)
    assert first.name == "snapshot"
    assert "b" in first.rows


@pytest.mark.slow
def test_a_redis_that_hangs_is_told_before_a_client_gives_up() -> None:
    """With Redis stopped amid its work, reading, writing and metrics answer within httpx's 5 s."""
    with EmbeddedServer() as own, serving(own) as api, httpx.Client(base_url=api.url) as http:
        assert http.get("/api/sensors").is_success
        os.kill(own.pid, signal.SIGSTOP)
        try:
            assert http.get("/api/sensors").status_code == 503
            posted = http.post("/api/readings", json={"sensor": "a", "value": 1})
            assert posted.status_code == 503
            assert "rillet_redis_up 0.0" in http.get("/metrics").text
        finally:
            os.kill(own.pid, signal.SIGCONT)


def test_a_key_of_another_type_is_told_as_one(api: Api, client: redis.Redis) -> None:
    """Not as a Redis that is away: the answer says what is wrong, and what to do."""
    client.set("state", "x")
    answer = api.get("/api/sensors")
    client.delete("state")
    assert answer.status_code == 503
    assert "is of another type" in answer.json()["detail"]
    assert "delete it" in answer.json()["detail"]


def test_the_document_names_what_a_missing_token_is_answered(api: Api) -> None:
    """Each route that asks for a token lists 401; inspecting asks Redis, and lists 503."""
    paths = api.get("/openapi.json").json()["paths"]
    for path, routes in paths.items():
        for method, route in routes.items():
            assert ("401" in route["responses"]) is (bool(route["security"]) or "login" in path), (
                method,
                path,
            )
    assert "503" in paths["/api/inspect"]["get"]["responses"]


def test_every_answer_carries_the_security_headers(api: Api) -> None:
    """Page, API and errors alike: no inline script, no sniffing, no framing."""
    for path in ("/", "/api/sensors", "/api/nothing", "/metrics"):
        headers = api.get(path).headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_ready_means_that_redis_answers_and_the_backlog_is_bounded(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """/readyz is 503 above the bound; /healthz stays 200."""
    with serving(server, ready_lag_max="2") as api:
        for _ in range(3):
            client.xadd("readings", {"sensor": "a", "value": "1"})
        told = until(lambda: None if (answer := api.get("/readyz")).is_success else answer)
        assert (told.status_code, told.json()["detail"]) == (503, "3 readings wait to be folded.")
        assert api.get("/healthz").status_code == 200
