"""Sensors that are forgotten: by hand, and by the clock."""

import math
import struct
from typing import Any

import orjson
import pytest
import redis

from processor.fold import fold
from processor.forget import forget
from processor.record import Own, pieces_of
from rillet.errors import UserError
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, hashes, leavings, text

RULES = {"version": 1, "rules": [{"name": "hot", "type": "limit", "high": 0.5, "hysteresis": 0}]}
NOW = 200_000


def scene(client: redis.Redis, settings: Settings, sensors: str = "ab") -> None:
    """Leave sensors with closed windows, alerts that fire, and everything else there can be."""
    client.set("rules", orjson.dumps(RULES))
    for i, first_ms in enumerate((1000, 40_000, 100_000)):
        add(client, [{"sensor": s, "value": str(i)} for s in sensors], first_ms)
        fold_all(client, settings, now_ms=first_ms + 10)


def keys_of(client: redis.Redis, sensor: str) -> list[str]:
    """Return where anything of a sensor is kept, but for streams."""
    found = [key for key in text(client.keys("*")) if key.endswith(f":{sensor}")]
    for name in ("state", "firing"):
        found += [f"{name} {field!r}" for field in text(client.hkeys(name)) if sensor in field[-2:]]
    return sorted(found) + ["due"] * (client.zscore("due", sensor) is not None)


def test_nothing_is_left_but_what_streams_say(client: redis.Redis, settings: Settings) -> None:
    """State, statistics, windows, alerts and clock of the sensor go; those of others stay."""
    scene(client, settings)
    before = keys_of(client, "b")
    assert len(before) == len(keys_of(client, "a")) >= 6
    assert forget(client, settings, partition_keys(settings)[0], ["a", "never"]) == ["a"]
    assert keys_of(client, "a") == []
    assert keys_of(client, "b") == before
    assert client.hget("state", "\0forgotten") == b"1"
    newest: Any = client.xrevrange("results", count=1)
    assert text(newest[0][1]) == {"sensor": "a", "forgotten": "1"}
    told = text(client.xrevrange("alerts", count=1))[0][1]
    assert (told["sensor"], told["state"]) == ("a", "resolved")
    assert told["message"] == "a was forgotten"


def test_forgetting_frees_a_memory_that_is_full(client: redis.Redis, settings: Settings) -> None:
    """It needs none before it gives some, and leaves what it leaves elsewhere."""
    found = []
    for limit in ("0", "1"):
        client.flushall()
        scene(client, settings)
        client.config_set("maxmemory", limit)
        try:
            assert forget(client, settings, partition_keys(settings)[0], ["a"], now_ms=NOW) == ["a"]
        finally:
            client.config_set("maxmemory", "0")
        found.append(leavings(client))
    assert found[0] == found[1]


def test_an_alert_is_not_resolved_before_it_fired(client: redis.Redis, settings: Settings) -> None:
    """A silence begins after the last reading, and ends no earlier than that by being forgotten."""
    gone = {"name": "gone", "type": "silence", "after_ms": 10_000}
    client.set("rules", orjson.dumps({"version": 1, "rules": [gone]}))
    add(client, [{"sensor": "s", "value": "1"}], 1000)
    fold_all(client, settings, now_ms=20_000)
    forget(client, settings, partition_keys(settings)[0], ["s"])
    told = [text(fields) for _, fields in client.xrange("alerts")]
    assert [(one["state"], one["ts"]) for one in told] == [
        ("firing", "11000"),
        ("resolved", "11000"),
    ]


def test_a_forgotten_sensor_begins_anew(client: redis.Redis, settings: Settings) -> None:
    """What it sends later is folded as if it had never been there."""
    scene(client, settings)
    forget(client, settings, partition_keys(settings)[0], ["a"])
    add(client, [{"sensor": "a", "value": "0.25", "ts": "5"}], NOW)
    fold_all(client, settings, now_ms=NOW + 1)
    shown = hashes(client)["a"]
    assert (shown["count"], shown["sum"], shown["late"]) == ("1", "0.25", "0")
    assert shown["first_ts"] == shown["last_ts"] == "5"


def test_only_those_not_seen_for_long(client: redis.Redis, settings: Settings) -> None:
    """With a time, a sensor whose last reading arrived after it keeps all it has."""
    scene(client, settings)
    keys = partition_keys(settings)[0]
    assert forget(client, settings, keys, ["a", "b"], 100_000) == []
    assert forget(client, settings, keys, ["a", "b"], 100_001) == ["a"]


def test_the_clock_forgets_what_is_silent_for_long(client: redis.Redis, settings: Settings) -> None:
    """With RILLET_FORGET_AFTER_S a sensor that sent nothing for so long is gone, at that moment."""
    settings = settings.model_copy(update={"forget_after_s": 50.0})
    scene(client, settings)
    keys = partition_keys(settings)[0]
    add(client, [{"sensor": "b", "value": "7"}], 130_000)
    assert fold(client, settings, keys, now_ms=149_999).forgotten == 0
    fold_all(client, settings, now_ms=149_999)
    assert sorted(hashes(client)) == ["a", "b"]
    assert fold(client, settings, keys, now_ms=150_000).forgotten == 1
    assert keys_of(client, "a") == []
    assert hashes(client)["b"]["count"] == "4"


def test_a_sensor_that_never_sent_a_good_reading_is_forgotten_too(
    client: redis.Redis, settings: Settings
) -> None:
    """Where every reading was rejected, the last of those says when the sensor was seen."""
    forgetful = settings.model_copy(update={"forget_after_s": 60})
    add(client, [{"sensor": "bad", "value": "?"}], 10_000)
    fold_all(client, forgetful, now_ms=10_001)
    add(client, [{"sensor": "bad", "value": "?"}], 30_000)
    fold_all(client, forgetful, now_ms=89_999)
    assert hashes(client)["bad"]["rejected"] == "2"
    assert forget(client, settings, partition_keys(settings)[0], ["bad"], 30_000) == []
    fold_all(client, forgetful, now_ms=90_001)
    assert keys_of(client, "bad") == []
    assert client.hget("state", "\0forgotten") == b"1"


@pytest.mark.parametrize("sent", [{"value": "?"}, {"value": "1", "seq": "1"}])
def test_a_sensor_that_sends_nothing_new_is_not_forgotten(
    client: redis.Redis, settings: Settings, sent: dict[str, str]
) -> None:
    """Bad readings and repeats show that it is there, as good ones do, so no repeat is new."""
    settings = settings.model_copy(update={"forget_after_s": 100.0})
    keys = partition_keys(settings)[0]
    add(client, [{"sensor": "s", "value": "1", "seq": "1"}], 1000)
    for at_ms in range(11_000, 300_000, 10_000):
        add(client, [{"sensor": "s"} | sent], at_ms)
        fold_all(client, settings, now_ms=at_ms)
    assert hashes(client)["s"]["count"] == "1"
    assert forget(client, settings, keys, ["s"], 291_000) == []
    add(client, [{"sensor": "s", "value": "1", "seq": "1"}], 300_000)
    fold_all(client, settings, now_ms=399_999)
    assert hashes(client)["s"]["count"] == "1"
    fold_all(client, settings, now_ms=400_000)
    assert keys_of(client, "s") == []


def test_when_a_sensor_was_seen_is_read_from_records_of_former_versions(
    client: redis.Redis, settings: Settings
) -> None:
    """One with nothing but rejects had the time behind its own fields; one with seq, none."""
    keys = partition_keys(settings)[0]
    former = {
        "bad": struct.pack("<B4d3xd", 2, 0, 1, math.inf, -math.inf, 5000),
        "seq": struct.pack("<B4dB6sxx5d", 1, 3, 0, 7, 7, 6, b"4000-1", 9, 9, 1, 2, 1),
    }
    for name, own in former.items():
        client.hset(keys.state, name, b"s" + struct.pack("<H", len(own)) + own)
    add(client, [{"sensor": "seq", "value": "1", "seq": "9"}], 6000)
    assert forget(client, settings, keys, ["bad", "seq"], 5000) == ["seq"]
    assert forget(client, settings, keys, ["bad"], 5001) == ["bad"]
    client.hset(keys.state, "seq", b"s" + struct.pack("<H", len(former["seq"])) + former["seq"])
    fold_all(client, settings, now_ms=7000)
    shown = hashes(client)["seq"]
    assert (shown["duplicates"], shown["gaps"], shown["restarts"]) == ("4", "2", "1")
    assert Own.unpack(pieces_of(client.hget(keys.state, "seq") or b"")["s"]).seen_ms == 6000


@pytest.mark.parametrize("name", ["a\nb", "\nb", "", "\0swept", "ä", "\ud800", "x" * 129])
def test_what_no_sensor_can_be_called_names_none(
    client: redis.Redis, settings: Settings, name: str
) -> None:
    """A name with a line break is not taken for two."""
    scene(client, settings)
    assert forget(client, settings, partition_keys(settings)[0], [name]) == []
    assert sorted(hashes(client)) == ["a", "b"]


def test_a_time_that_is_set_later_holds_for_sensors_long_silent(
    client: redis.Redis, settings: Settings
) -> None:
    """Turning it on finds every sensor, although none of them sends any more."""
    sensors = "abcdefgh"
    scene(client, settings, sensors)
    fold_all(client, settings, now_ms=NOW)
    settings = settings.model_copy(update={"forget_after_s": 50.0})
    for _ in range(6):
        fold_all(client, settings, 100, NOW)
    assert hashes(client) == {}
    assert client.hget("state", "\0forgotten") == b"8"
    assert {f for f in text(client.hkeys("state")) if f[0] != "\0"} == set()


def test_a_reading_waits_until_its_sensor_is_wholly_gone(
    client: redis.Redis, settings: Settings
) -> None:
    """While Redis refuses to clear a sensor away, none of its readings is folded, nor lost."""
    scene(client, settings)
    keys = partition_keys(settings)[0]
    client.rename("results", "aside")
    client.set("results", "in the way")
    with pytest.raises(UserError, match="WRONGTYPE"):
        forget(client, settings, keys, ["a"])
    add(client, [{"sensor": "a", "value": "4"}], NOW)
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match="still to be cleared away"):
            fold(client, settings, keys, now_ms=NOW + 1)
    client.rename("aside", "results")
    fold_all(client, settings, now_ms=NOW + 1)
    assert hashes(client)["a"]["count"] == "1"
    assert leavings(client)["state"]["\0forgotten"] == "1"
