"""`/api/alerts` and `/api/rules`, against a real API."""

from collections.abc import Iterator

import httpx
import pytest
import redis

from processor.rules_store import read_rules
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.alerting import change
from tests.serving import Api, serving

TOML = '[[rule]]\nname = "too-hot"\ntype = "limit"\nhigh = 30\n'


@pytest.fixture(scope="module")
def parts(server: EmbeddedServer) -> Settings:
    return Settings(redis_url=server.url, partitions=2)


@pytest.fixture(scope="module")
def api(server: EmbeddedServer) -> Iterator[Api]:
    with serving(server, partitions="2", write_token="w") as running:
        yield running


def put(api: Api, body: str, **headers: str) -> httpx.Response:
    shown = {"authorization": "Bearer w", "content-type": "application/toml"}
    shown |= {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.put(f"{api.url}/api/rules", content=body, headers=shown, timeout=60)


def test_active_and_recent_alerts_of_all_partitions(
    api: Api, client: redis.Redis, parts: Settings
) -> None:
    """What fires is listed until it is resolved; every change stays in the recent ones."""
    one, two = partition_keys(parts)
    change(client, one, at="1")
    change(client, two, sensor="b", type="silence", value="", id="", at="2")
    change(client, one, state="resolved", value="29", at="3")
    found = api.get("/api/alerts").json()
    assert [(a["sensor"], a["value"]) for a in found["active"]] == [("b", None)]
    assert [(a["sensor"], a["state"]) for a in found["recent"]] == [
        ("greenhouse-1", "resolved"),
        ("b", "firing"),
        ("greenhouse-1", "firing"),
    ]
    first = found["recent"][-1]
    assert (first["value"], first["ts"], first["rule"]) == (31.5, 1795484873000, "too-hot")
    assert found["active"][0]["since"] == 1795484873000
    assert first["entry"] == client.xrange(one.alerts)[0][0].decode()
    assert len(api.get("/api/alerts?limit=2").json()["recent"]) == 2
    inspected = api.get("/api/inspect?sensor=b").json()["alerts"]
    assert inspected == api.get("/api/alerts?sensor=b").json()["recent"]
    mine = api.get("/api/alerts?sensor=b").json()
    assert [len(mine["active"]), len(mine["recent"])] == [1, 1]


def test_foreign_writing_in_firing_is_passed_over(
    api: Api, client: redis.Redis, parts: Settings
) -> None:
    """What is no alert is not shown as one, and breaks nothing."""
    keys = partition_keys(parts)[0]
    change(client, keys)
    for n, text in enumerate(["rubbish", "[]", "3", '{"sensor":1}']):
        client.hset(keys.firing, f"x:{n}", text)
    client.xadd(keys.alerts, {"other": "\xff"})
    found = api.get("/api/alerts")
    assert found.status_code == 200
    assert "greenhouse-1" in [alert.get("sensor") for alert in found.json()["active"]]


def test_rules_are_put_in_force_and_read_back(
    api: Api, client: redis.Redis, parts: Settings
) -> None:
    """PUT takes TOML, and JSON as GET answers it; every partition has them."""
    assert api.get("/api/rules").json() == {"version": 0, "rules": []}
    assert put(api, TOML).status_code == 200
    found = api.get("/api/rules")
    assert [rule["name"] for rule in found.json()["rules"]] == ["too-hot"]
    changed = found.text.replace("too-hot", "hot")
    assert put(api, changed, content_type="application/json").status_code == 200
    assert [rule.name for rule in read_rules(client, parts).rules] == ["hot"]
    assert len({client.get(keys.rules) for keys in partition_keys(parts)}) == 1
    again = {"If-None-Match": api.get("/api/rules").headers["etag"]}
    assert api.get("/api/rules", headers=again).status_code == 304


def test_bad_rules_are_refused_with_line_and_reason(api: Api, client: redis.Redis) -> None:
    """422 as a problem document that has each fault; the rules before stay."""
    client.flushall()
    put(api, TOML)
    answer = put(api, TOML.replace("high", "hihg"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    assert (fault["line"], fault["where"]) == (4, "too-hot.hihg")
    assert "did you mean high?" in fault["reason"]
    assert put(api, "{", content_type="application/json").json()["errors"][0]["line"] == 1
    assert put(api, "#" * 70_000).status_code == 413
    assert put(api, " \n").status_code == 422, "an empty body is a mistake, not a wish"
    assert [rule["name"] for rule in api.get("/api/rules").json()["rules"]] == ["too-hot"]
    assert put(api, "rule = []").json()["rules"] == []


def test_a_full_redis_is_said_to_be_full(api: Api, client: redis.Redis) -> None:
    """507 with what to do about it, not that Redis is away; the rules before stay."""
    client.flushall()
    put(api, TOML)
    client.config_set("maxmemory", "1")
    try:
        answer = put(api, "rule = []")
        assert answer.status_code == 507
        assert answer.json()["title"] == "Insufficient Storage"
        assert "maxmemory" in answer.json()["detail"]
        assert [rule["name"] for rule in api.get("/api/rules").json()["rules"]] == ["too-hot"]
    finally:
        client.config_set("maxmemory", "0")


def test_rules_changed_by_another_are_not_overwritten(api: Api, client: redis.Redis) -> None:
    """With If-Match of an older GET the answer is 412, with that of the newest 200."""
    client.flushall()
    put(api, TOML)
    old = api.get("/api/rules").headers["etag"]
    put(api, "rule = []")
    assert put(api, TOML, if_match=old).status_code == 412
    assert put(api, TOML, if_match=api.get("/api/rules").headers["etag"]).status_code == 200


def test_rules_need_the_write_token(api: Api, client: redis.Redis) -> None:
    """Whoever may only read cannot change what is watched."""
    client.flushall()
    assert put(api, TOML, authorization="Bearer no").status_code == 401
    assert api.get("/api/rules").json()["rules"] == []
