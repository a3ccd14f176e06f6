"""lua/reducers/alerts.lua, through the fold: each type of rule, and rules that change."""

import random
from typing import Any

import orjson
import pytest
import redis

from processor.fold import fold
from processor.forget import forget
from processor.rules import RULES as CHECKED
from processor.rules import RuleSet
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, text

HOT = {"name": "hot", "type": "limit", "high": 30.0, "hysteresis": 2.0}
GONE = {"name": "gone", "type": "silence", "after_s": 10}


def put(client: redis.Redis, *rules: dict[str, Any], version: int = 1) -> None:
    """Put rules in force, checked and compiled as for everybody."""
    compiled = RuleSet(CHECKED.validate_python(list(rules)), version).compiled()
    client.set("rules", compiled)


def send(
    client: redis.Redis, at_ms: int, *values: float, sensor: str = "s", kind: str = ""
) -> None:
    more = {"kind": kind} if kind else {}
    add(client, [{"sensor": sensor, "value": repr(float(v)), **more} for v in values], at_ms)


def told(client: redis.Redis) -> list[tuple[str, ...]]:
    """Return rule, state and value of each change."""
    entries: Any = client.xrange("alerts")
    return [tuple(text(f)[k] for k in ("rule", "state", "value")) for _, f in entries]


def firing(client: redis.Redis) -> list[str]:
    return sorted(text(client.hkeys("firing")))


@pytest.mark.parametrize("count", [1, 3, 100])
def test_a_limit_tells_changes_and_nothing_else(
    client: redis.Redis, settings: Settings, count: int
) -> None:
    """However many readings are beyond it, one entry; back by the hysteresis, one more."""
    put(client, HOT | {"low": 5.0})
    send(client, 1000, 20, 31, 40, 29, 28, 31, 27, 4, 3, 6, 7, 20)
    fold_all(client, settings, count, now_ms=3000)
    assert told(client) == [
        ("hot", "firing", "31"),
        ("hot", "resolved", "28"),
        ("hot", "firing", "31"),
        ("hot", "resolved", "27"),
        ("hot", "firing", "4"),
        ("hot", "resolved", "7"),
    ]


def test_an_entry_has_the_documented_fields(client: redis.Redis, settings: Settings) -> None:
    """Who, what, when by both clocks, and a sentence; `firing` says the same, and since when."""
    put(client, HOT, HOT | {"name": "own", "message": '{sensor}: "{value}" {threshold} ({rule})'})
    add(client, [{"sensor": "s", "value": "31.5", "ts": "900"}], 1000)
    fold_all(client, settings, now_ms=3000)
    first, second = (text(fields) for _, fields in client.xrange("alerts"))
    assert first == {
        "sensor": "s",
        "rule": "hot",
        "type": "limit",
        "state": "firing",
        "value": "31.5",
        "threshold": "> 30",
        "ts": "900",
        "at": "3000",
        "id": "1000-1",
        "message": "s is at 31.5, which is > 30",
    }
    assert second["message"] == 's: "31.5" > 30 (own)'
    for entry in (first, second):
        kept = orjson.loads(client.hget("firing", f"{entry['rule']}:s") or b"")
        assert kept == entry | {"since": 900}


def test_a_deviation_is_judged_by_what_was_before(client: redis.Redis, settings: Settings) -> None:
    """A value cannot hide in its own figures, and during the warm-up none is far."""
    put(client, {"name": "odd", "type": "deviation", "sigma": 3.0, "warm_up": 10})
    send(client, 1000, 500, *([20, 21] * 5), 22, 400, 21)
    fold_all(client, settings, 4, now_ms=3000)
    assert told(client) == []
    send(client, 2000, *([20, 21] * 2000), 400, 20)
    fold_all(client, settings, now_ms=9000)
    assert told(client) == [("odd", "firing", "400"), ("odd", "resolved", "20")]


ODD = {"name": "odd", "type": "deviation", "sigma": 4.0}


@pytest.mark.parametrize("every_s", [80, 600, 1800, 3600])
def test_a_sensor_slower_than_its_weights_fires_no_deviation(
    client: redis.Redis, settings: Settings, every_s: int
) -> None:
    """Where those before it weigh less than 5 readings, none is known to be far from them."""
    put(client, ODD, ODD | {"name": "odder", "sigma": 1000.0})
    rnd = random.Random(5)
    for n in range(300):
        send(client, 1000 * (n + 1) * every_s, rnd.gauss(20, 1))
    fold_all(client, settings, now_ms=10**9)
    assert told(client) == []


def test_after_a_gap_a_deviation_waits_until_enough_is_known_again(
    client: redis.Redis, settings: Settings
) -> None:
    """What was before a long gap weighs nothing: five readings later the first can be far."""
    put(client, ODD)
    rnd = random.Random(6)
    send(client, 1000, *(rnd.gauss(20, 1) for _ in range(1000)))
    again = 10_000_000
    send(client, again, 31, 30, 31.5, 30.5, 31, 30, 60, 31)
    fold_all(client, settings, now_ms=again + 1000)
    changes = [(state, value) for _, state, value in told(client)]
    assert changes == [("firing", "60"), ("resolved", "31")]


def test_nothing_is_far_from_values_that_were_all_the_same(
    client: redis.Redis, settings: Settings
) -> None:
    """Without any deviation there is nothing to measure a distance by."""
    put(client, ODD | {"sigma": 1000.0})
    send(client, 1000, *[20.0] * 40, 20.1)
    fold_all(client, settings, now_ms=9000)
    assert told(client) == []


def test_a_stuck_value_is_told_once(client: redis.Redis, settings: Settings) -> None:
    """The same value for so long in event time, though not one reading of another between."""
    put(client, {"name": "stuck", "type": "stuck", "after_s": 1})
    rows = [(0, 5), (900, 5), (950, 6), (1000, 6), (1949, 6), (1950, 6), (5000, 6), (5001, 7)]
    readings = [{"sensor": "s", "value": str(v), "ts": str(ts)} for ts, v in rows]
    add(client, readings, 6000)
    fold_all(client, settings, 3, now_ms=7000)
    assert told(client) == [("stuck", "firing", "6"), ("stuck", "resolved", "7")]
    assert text(client.xrange("alerts"))[0][1]["ts"] == "1950"


def test_a_value_that_comes_back_is_not_stuck(client: redis.Redis, settings: Settings) -> None:
    """With another between, even in one fold, the time begins anew."""
    put(client, {"name": "stuck", "type": "stuck", "after_s": 1})
    for at, rows in enumerate(([(0, 5)], [(300, 6), (400, 5)], [(1200, 5)], [(1400, 5)])):
        readings = [{"sensor": "s", "value": str(v), "ts": str(ts)} for ts, v in rows]
        add(client, readings, 2000 + 10 * at)
        fold_all(client, settings, now_ms=3000)
        assert len(told(client)) == (at == 3)


def test_a_reading_in_the_last_ms_breaks_the_silence(
    client: redis.Redis, settings: Settings
) -> None:
    """Readings just as far apart as the rule allows are no silence."""
    put(client, GONE)
    for at in (1000, 11_000, 21_000):
        send(client, at, 1)
    fold_all(client, settings, now_ms=21_001)
    assert told(client) == []
    send(client, 31_001, 1)
    fold_all(client, settings, now_ms=31_001)
    assert len(told(client)) == 2


def test_silence_is_told_by_the_clock_and_ends_with_a_reading(
    client: redis.Redis, settings: Settings
) -> None:
    """Offline after so many seconds by the server's clock, without a reading; then online."""
    put(client, GONE)
    keys = partition_keys(settings)[0]
    send(client, 1000, 1)
    fold(client, settings, keys, now_ms=1001)
    assert fold(client, settings, keys, now_ms=11_000).changes == 0
    assert fold(client, settings, keys, now_ms=11_001).changes == 1
    assert firing(client) == ["gone:s"]
    assert fold(client, settings, keys, now_ms=99_000).changes == 0
    send(client, 100_000, 2)
    fold_all(client, settings, now_ms=100_000)
    assert told(client) == [("gone", "firing", ""), ("gone", "resolved", "2")]
    assert firing(client) == []


def test_a_silence_that_nobody_watched_is_told_all_the_same(
    client: redis.Redis, settings: Settings
) -> None:
    """Readings with a long gap, folded at once: both changes, with the times at which they were."""
    put(client, GONE)
    send(client, 1000, 1)
    send(client, 60_000, 2)
    fold_all(client, settings, now_ms=60_001)
    entries = [text(fields) for _, fields in client.xrange("alerts")]
    assert [(one["state"], one["ts"]) for one in entries] == [
        ("firing", "11000"),
        ("resolved", "60000"),
    ]


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("other", [{"value": "?"}, {"value": "1", "seq": "1"}])
def test_bad_readings_and_repeats_are_no_silence(
    client: redis.Redis, settings: Settings, count: int, other: dict[str, str]
) -> None:
    """Who sends anything is not silent, however it is folded; such an entry ends a silence too."""
    put(client, GONE)
    add(client, [{"sensor": "s", "value": "1", "seq": "1"}], 1000)
    for at in range(10_000, 80_000, 9000):
        add(client, [{"sensor": "s"} | other], at)
    add(client, [{"sensor": "s", "value": "1", "seq": "2"}], 80_000)
    add(client, [{"sensor": "s"} | other], 100_000)
    fold_all(client, settings, count, now_ms=100_000)
    entries = [text(fields) for _, fields in client.xrange("alerts")]
    assert [(one["state"], one["ts"], one["id"], one["value"]) for one in entries] == [
        ("firing", "90000", "", ""),
        ("resolved", "100000", "100000-1", ""),
    ]
    assert fold(client, settings, partition_keys(settings)[0], now_ms=110_000).changes == 0
    assert fold(client, settings, partition_keys(settings)[0], now_ms=110_001).changes == 1


def test_rules_are_for_a_kind_or_a_glob_or_all(client: redis.Redis, settings: Settings) -> None:
    """Each sensor is judged by the rules that are for it, and by no other."""
    put(
        client,
        HOT | {"name": "all"},
        HOT | {"name": "soil", "kind": "soil"},
        HOT | {"name": "some", "sensor": "green*-?"},
        HOT | {"name": "dots", "sensor": "a.c"},
        HOT | {"name": "exact", "sensor": "abc"},
        HOT | {"name": "start", "sensor": "ab"},
    )
    for at, (sensor, kind) in enumerate(
        [("x", "soil"), ("green-1", "air"), ("greenhouse-12", ""), ("green-house-3", "")]
    ):
        send(client, 1000 + at, 31, sensor=sensor, kind=kind)
    send(client, 2000, 31, sensor="abc")
    fold_all(client, settings, now_ms=3000)
    assert firing(client) == sorted(
        [
            "all:x",
            "soil:x",
            "all:green-1",
            "some:green-1",
            "all:greenhouse-12",
            "all:green-house-3",
            "some:green-house-3",
            "all:abc",
            "exact:abc",
        ]
    )


def test_a_glob_of_many_stars_is_matched_at_once(client: redis.Redis, settings: Settings) -> None:
    """No pattern makes a fold long, as those of backtracking matchers do."""
    put(client, HOT | {"sensor": "*a" * 40 + "b"})
    send(client, 1000, 31, sensor="a" * 128)
    assert fold(client, settings, partition_keys(settings)[0], now_ms=3000).busy_us < 1_000_000
    assert firing(client) == []


def test_a_changed_rule_goes_on_from_where_it_was(client: redis.Redis, settings: Settings) -> None:
    """New limits hold from the next reading on; what fires goes on firing until then."""
    put(client, HOT)
    send(client, 1000, 31)
    fold_all(client, settings, now_ms=1001)
    put(client, HOT | {"high": 40.0}, version=2)
    fold_all(client, settings, now_ms=1002)
    assert firing(client) == ["hot:s"]
    send(client, 2000, 31)
    fold_all(client, settings, now_ms=2001)
    assert told(client) == [("hot", "firing", "31"), ("hot", "resolved", "31")]


@pytest.mark.parametrize("swept", [None, "0:0 done"])
def test_rules_that_are_deleted_leave_nothing_firing(
    client: redis.Redis, settings: Settings, swept: str | None
) -> None:
    """Without the key every alert is resolved, also where a former version had passed over that."""
    put(client, HOT, {"name": "still", "type": "stuck", "after_s": 1})
    send(client, 1000, 31)
    send(client, 3000, 31)
    fold_all(client, settings, now_ms=3001)
    client.delete("rules")
    if swept:
        client.hset("state", "\0swept", swept)
    fold_all(client, settings, now_ms=3002)
    assert firing(client) == []
    assert sorted(told(client)[2:]) == [("hot", "resolved", ""), ("still", "resolved", "")]
    put(client, HOT, version=2)
    send(client, 4000, 32)
    fold_all(client, settings, now_ms=4001)
    assert firing(client) == ["hot:s"]


def test_alerts_that_are_switched_off_leave_nothing_firing(
    client: redis.Redis, settings: Settings
) -> None:
    """A parting fold resolves them though the rules are there, and no reading fires any more."""
    put(client, HOT)
    send(client, 1000, 31)
    fold_all(client, settings, now_ms=1001)
    off = settings.model_copy(update={"alerts": False, "windows": "", "quantiles": False})
    keys = partition_keys(settings)[0]
    send(client, 2000, 33)
    for _ in range(3):
        fold(client, off, keys, now_ms=2001, parting=True)
    assert firing(client) == []
    assert told(client) == [("hot", "firing", "31"), ("hot", "resolved", "")]


def test_forgetting_resolves_also_where_alerts_are_off(
    client: redis.Redis, settings: Settings
) -> None:
    """What fires for a sensor goes with it, whatever the settings."""
    put(client, HOT)
    send(client, 1000, 31)
    fold_all(client, settings, now_ms=1001)
    off = settings.model_copy(update={"alerts": False})
    assert forget(client, off, partition_keys(settings)[0], ["s"]) == ["s"]
    assert firing(client) == []
    assert told(client)[1:] == [("hot", "resolved", "")]


def test_a_removed_rule_is_resolved_also_for_sensors_that_are_silent(
    client: redis.Redis, settings: Settings
) -> None:
    """All sensors are looked at after a change of the rules, however many there are."""
    names = [f"s{n}" for n in range(300)]
    put(client, HOT)
    add(client, [{"sensor": name, "value": "31"} for name in names], 1000)
    fold_all(client, settings, now_ms=1500)
    assert len(firing(client)) == 300
    put(client, GONE, version=2)
    for _ in range(8):
        fold_all(client, settings, 1000, now_ms=2000)
    assert firing(client) == []
    fold_all(client, settings, 1000, now_ms=50_000)
    assert firing(client) == sorted(f"gone:{name}" for name in names)
    results = client.xlen("results")
    fold_all(client, settings, 1000, now_ms=60_000)
    assert client.xlen("results") == results


def test_rules_that_are_none_do_no_harm(client: redis.Redis, settings: Settings) -> None:
    """Whatever someone wrote there by hand, readings are folded."""
    junk = ["", "not json", "[]", "7", '{"rules": 5}', '{"version": "x"}', '{"rules": [1, null]}']
    bad: list[Any] = [
        {"name": "a"},
        {"name": 5, "type": "limit", "hysteresis": 0},
        {"name": "a", "type": "limit", "hysteresis": 0, "high": "30"},
        {"name": "a", "type": "limit", "high": 30},
        {"name": "a", "type": "silence", "after_ms": None},
        {"name": "a", "type": "limit", "hysteresis": 0, "high": 3, "message": ["x"]},
    ]
    junk.append(orjson.dumps({"version": 3, "rules": bad}).decode())
    for n, text_of in enumerate(junk):
        client.set("rules", text_of)
        send(client, 1000 + 10 * n, 31)
        fold_all(client, settings, now_ms=3000)
    assert client.hget("stats:s", "count") == b"%d" % len(junk)
    assert told(client) == []
