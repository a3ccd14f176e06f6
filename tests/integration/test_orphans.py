"""rillet/orphans.py: alerts that fire for ever are named, and no others; and mended."""

import shlex
from typing import Any

import orjson
import pytest
import redis

import rillet.orphans
from processor.fold import fold
from processor.forget import forget
from rillet.doctor import examine
from rillet.finding import Finding, Patient
from rillet.keys import partition_keys
from rillet.orphans import check_alerts
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, text

NOW = 200_000
RULES = [
    {"name": "hot", "type": "limit", "high": 30.0, "low": 10.0, "hysteresis": 0},
    {"name": "stuck", "type": "stuck", "after_ms": 1000},
    {"name": "gone", "type": "silence", "after_ms": 60_000},
]


@pytest.fixture
def sensors(client: redis.Redis, settings: Settings) -> list[str]:
    """Give three sensors, for which all rules fire: above the limit, below it, and with a quote."""
    client.set("rules", orjson.dumps({"version": 1, "rules": RULES}))
    values = {"above": "31", "below": "9", "it's: one": "31"}
    for first_ms in (1000, 3000):
        add(client, [{"sensor": name, "value": value} for name, value in values.items()], first_ms)
    fold_all(client, settings, now_ms=NOW)
    assert client.hlen("firing") == 9
    return list(values)


def ailing(settings: Settings) -> list[Finding]:
    return [one for one in examine(settings) if one.check == "alerts" and one.level != "ok"]


def mend(client: redis.Redis, finding: Finding) -> None:
    client.execute_command(*shlex.split(finding.mend.partition("  (")[0])[1:])


@pytest.mark.usefixtures("sensors")
def test_what_fires_by_a_record_is_well(settings: Settings, client: redis.Redis) -> None:
    """Each type of rule, above and below; also a field that someone else wrote."""
    client.hset("firing", "not one of ours", "x")
    assert ailing(settings) == []


@pytest.mark.parametrize("sends", [0, 1], ids=["silent", "sends again"])
def test_what_fires_for_no_record_is_named_and_mended(
    settings: Settings, client: redis.Redis, sensors: list[str], sends: int
) -> None:
    """A record deleted by hand leaves alerts that nothing resolves, though the sensor sends."""
    client.hdel("state", *sensors[1:])
    add(client, [{"sensor": name, "value": "20"} for name in sensors[1:] if sends], NOW)
    fold_all(client, settings, now_ms=NOW + 10)
    (one,) = ailing(settings)
    assert one.level == "warning"
    assert one.said.startswith("6 alerts fire for ever: ")
    mend(client, one)
    assert sorted(text(client.hkeys("firing"))) == ["gone:above", "hot:above", "stuck:above"]
    assert ailing(settings) == []


def test_many_are_mended_some_at_a_time(
    settings: Settings, client: redis.Redis, sensors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command has no more fields than a line can show, and says how many more there are."""
    monkeypatch.setattr(rillet.orphans, "SHOWN", 2)
    monkeypatch.setattr(rillet.orphans, "CHUNK", 2)
    client.hdel("state", sensors[0])
    (one,) = ailing(settings)
    assert one.mend.endswith("  (then look again: 1 more)")
    mend(client, one)
    (one,) = ailing(settings)
    assert one.said.startswith("1 alert fires for ever: ")
    mend(client, one)
    assert ailing(settings) == []


def test_what_the_fold_has_still_to_write_is_no_finding(
    settings: Settings, client: redis.Redis, sensors: list[str]
) -> None:
    """Resolved in the record, but not in `firing` yet: the next fold does that."""
    add(client, [{"sensor": sensors[0], "value": "20"}], NOW)
    client.rename("firing", "aside")
    client.set("firing", "in the way")
    assert fold(client, settings, partition_keys(settings)[0], 10, NOW).fault
    client.rename("aside", "firing")
    assert ailing(settings) == []
    fold_all(client, settings, now_ms=NOW)
    assert client.hlen("firing") == 6
    assert ailing(settings) == []


def test_what_is_resolved_meanwhile_is_no_finding(
    settings: Settings, client: redis.Redis, sensors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sensor that is forgotten between one look and the next had its alerts resolved."""
    keys, look = partition_keys(settings)[0], redis.Redis.hmget

    def forgetting(self: redis.Redis, name: str, *fields: Any) -> Any:
        if name == keys.state:
            assert forget(client, settings, keys, sensors) == sensors
        return look(self, name, *fields)

    monkeypatch.setattr(redis.Redis, "hmget", forgetting)
    assert list(check_alerts(Patient(client, settings, {}))) == [
        Finding("ok", "alerts", "what fires can be resolved")
    ]
    assert client.hlen("firing") == 0
