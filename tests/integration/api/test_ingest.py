"""`POST /api/readings`, against a real API and the real fold."""

import struct
from collections.abc import Iterator

import httpx
import orjson
import pytest
import redis

from processor.fold import fold
from rillet.embedded import EmbeddedServer
from rillet.keys import GROUP, partition_keys
from rillet.settings import Settings
from rillet.validate import Limits, check
from tests.serving import PLAIN, Api, serving
from tests.waiting import until

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def running_api(server: EmbeddedServer) -> Iterator[Api]:
    with serving(server) as running:
        yield running


@pytest.fixture
def api(running_api: Api, client: redis.Redis) -> Api:  # noqa: ARG001 an empty server
    return running_api


def _post(api: Api, body: object) -> httpx.Response:
    return httpx.post(f"{api.url}/api/readings", json=body, timeout=20, verify=PLAIN)


def test_one_object_or_a_list_is_written(api: Api, client: redis.Redis, settings: Settings) -> None:
    """What is posted is folded, with its numbers as they were sent."""
    assert _post(api, {"sensor": "a", "value": 0.1, "unit": "°C"}).status_code == 202
    answer = _post(api, [{"sensor": "a", "values": [0.2, 1e-7]}, {"sensor": "b", "value": "7"}])
    assert answer.json() == {"taken": 2, "rejected": 0, "codes": {}, "errors": []}
    fold(client, settings, partition_keys(settings)[0])
    assert client.hget("stats:a", "count") == b"3"
    assert client.hget("stats:a", "min") == b"1e-07"
    assert client.hget("stats:a", "unit") == "°C".encode()


def test_the_answer_says_what_was_wrong_with_each(api: Api) -> None:
    """Good readings are taken, bad ones told by index, code and reason; none good is a 422."""
    answer = _post(api, [{"sensor": "a", "value": 1}, {"sensor": "a", "value": "nan"}, {}, 5])
    assert answer.status_code == 202
    assert answer.json()["taken"] == 1
    assert [(e["index"], e["code"]) for e in answer.json()["errors"]] == [
        (1, "bad_value"),
        (2, "missing_sensor"),
        (3, "not_an_object"),
    ]
    none_good = _post(api, {"sensor": "a"})
    assert none_good.status_code == 422
    assert none_good.headers["content-type"] == "application/problem+json"
    assert none_good.json()["errors"][0]["code"] == "missing_value"


def test_ndjson_of_any_length_is_streamed(api: Api, client: redis.Redis) -> None:
    """A body of many times the JSON limit is taken line by line; a bad line costs only itself."""
    line = orjson.dumps({"sensor": "s", "value": 1.5, "note": "x" * 200}) + b"\n"

    def lines() -> Iterator[bytes]:
        for n in range(8):
            yield line * 1000
            yield b"rubbish\n" if n == 3 else b"\n"
        yield b'{"sensor":"' + b"x" * 70_000 + b'"}\n' + line.rstrip()

    answer = httpx.post(f"{api.url}/api/readings", content=lines(), headers=NDJSON, timeout=60)
    assert answer.json()["taken"] == 8001
    assert answer.json()["codes"] == {"bad_json": 1, "line_too_long": 1}
    assert client.xlen("readings") == 8001


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"", "application/json", 422),
        (b"[" + b"1," * 1_000_000 + b"1]", "application/json", 413),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b'"text"', "application/json", 422),
        (b'{"sensor":["a"],"value":{}}', "application/json", 422),
        (b'{"sensor":"a","value":true}', "application/json", 422),
        (b'{"sensor":"\\ud800","value":1}', "application/json", 422),
    ],
)
def test_what_cannot_be_read_is_a_problem_document(
    api: Api, body: bytes, kind: str, status: int
) -> None:
    """Whatever the body, the answer is a 4xx with problem+json; never a 500."""
    answer = httpx.post(
        f"{api.url}/api/readings", content=body, headers={"Content-Type": kind}, timeout=20
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_full_backlog_is_a_429_that_says_what_was_taken(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """At the bound no more is written, and Retry-After says when to come back."""
    client.xgroup_create("readings", GROUP, id="0", mkstream=True)
    with serving(server, backlog_max="1000") as api:
        body = b"\n".join([b'{"sensor":"a","value":1}'] * 3000)
        answer = httpx.post(f"{api.url}/api/readings", content=body, headers=NDJSON, timeout=20)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["taken"] == client.xlen("readings") <= 1000


def test_a_list_longer_than_the_backlog_may_be_gets_on(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Each try writes as many as there is room for, in their order, until all are taken."""
    client.xgroup_create("readings", GROUP, id="0", mkstream=True)
    readings = [{"sensor": "a", "value": n} for n in range(250)]
    rest, statuses = readings, []
    with serving(server, backlog_max="100") as api:
        while rest:
            answer = _post(api, rest)
            statuses.append((answer.status_code, answer.json()["taken"]))
            rest = rest[answer.json()["taken"] :]
            fold(client, settings, partition_keys(settings)[0])
            until(lambda: 'rillet_lag{partition="0"} 0.0' in api.get("/metrics").text)
            assert len(statuses) < 5
    assert statuses == [(429, 100), (429, 100), (202, 50)]
    assert client.hget("stats:a", "count") == b"250"
    assert client.hget("stats:a", "last") == b"249"


def test_a_full_redis_is_a_503_that_says_so(api: Api, client: redis.Redis) -> None:
    """At maxmemory nothing is taken, and the answer says why and what to do."""
    client.config_set("maxmemory", "1")
    try:
        answer = _post(api, {"sensor": "a", "value": 1})
    finally:
        client.config_set("maxmemory", "0")
    assert (answer.status_code, answer.json()["taken"]) == (503, 0)
    assert answer.json()["detail"].startswith("Redis is full")


def test_a_redis_that_is_away_is_a_503() -> None:
    """Writing without Redis answers 503 with Retry-After and no trace of the inside."""
    with EmbeddedServer() as own, serving(own) as api:
        own.kill()
        answer = _post(api, {"sensor": "a", "value": 1})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "Traceback" not in answer.text


CASES: list[dict[bytes, bytes]] = [
    {b"value": b"1"},
    {b"sensor": b"", b"value": b"1"},
    {b"sensor": b"x" * 129, b"value": b"1"},
    {b"sensor": b"x" * 128, b"value": b"1"},
    {b"sensor": b"caf\xc3\xa9", b"value": b"1"},
    {b"sensor": b"s"},
    *(
        {b"sensor": b"s", b"value": value}
        for value in b"1|-1|+1|1.|.5|.|1e5|1E+5|1e|e5|1e400|-1e400|1e100|1.1e100|0x10|nan|inf|1_0"
        b"| 1|1 |--1|1e5.5|00012|-0|1e-400||1,2".split(b"|")
    ),
    *({b"sensor": b"s", b"value": b"1", b"ts": ts} for ts in (b"5", b"-5", b"1.5", b"x", b"")),
    *({b"sensor": b"s", b"value": b"1", b"ts": b"9" * n} for n in (13, 14, 15, 16, 17)),
    *(
        {b"sensor": b"q%d" % n, b"value": b"1", b"seq": seq}
        for n, seq in enumerate(
            (b"0", b"7", b"-1", b"1.0", b"9007199254740991", b"9007199254740992", b"")
        )
    ),
    *({b"sensor": b"s", b"values": v} for v in (b"1,2", b"1,,2", b"", b"1,", b"1,nan", b"1,1e101")),
    *({b"sensor": b"s", b"values": b",".join([b"1"] * n)} for n in (1000, 1001)),
    {b"sensor": b"s", b"value": b"1", b"values": b"1"},
    {b"sensor": b"s", b"packed": struct.pack("<2d", 1.0, 2.0)},
    {b"sensor": b"s", b"packed": struct.pack("<2d", 1.0, float("nan"))},
    {b"sensor": b"s", b"packed": struct.pack("<d", float("inf"))},
    {b"sensor": b"s", b"packed": b"123"},
    {b"sensor": b"s", b"packed": b""},
    {b"sensor": b"s", b"value": b"1", b"kind": b"k" * 64},
    {b"sensor": b"s", b"value": b"1", b"kind": b"k" * 65},
    {b"sensor": b"s", b"value": b"1", b"unit": b"a\nb"},
    {b"sensor": b"s", b"value": b"1", b"unit": "°C".encode()},
    {b"sensor": b"s", b"value": b"x", b"ts": b"x", b"seq": b"x", b"kind": b"\x01"},
]


def test_the_api_and_the_fold_judge_alike(client: redis.Redis, settings: Settings) -> None:
    """Both sides give every case the same code and the same reason."""
    ids = [client.xadd("readings", fields) for fields in CASES]  # type: ignore[arg-type]
    now_ms = int(ids[-1].split(b"-")[0])
    limits = Limits(settings.max_batch, settings.future_skew_ms, now_ms)
    while fold(client, settings, partition_keys(settings)[0]).backlog:
        pass
    told = {
        fields[b"id"]: (fields[b"code"].decode(), fields[b"reason"].decode())
        for _, fields in client.xrange("rejects")
    }
    for entry_id, fields in zip(ids, CASES, strict=True):
        fault = check(fields, limits)
        assert told.get(entry_id) == ((fault.code, fault.reason) if fault else None), fields
    assert len(told) > 20
