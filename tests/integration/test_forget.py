"""`rillet forget` on a real server: what goes, what stays, and what is said."""

import time

import pytest
import redis
from click.testing import Result
from typer.testing import CliRunner

from processor.fold import fold
from rillet.cli import app
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.serving import add


@pytest.fixture
def parts(server: EmbeddedServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RILLET_REDIS_URL", server.url)
    monkeypatch.setenv("RILLET_PARTITIONS", "3")
    return settings.model_copy(update={"partitions": 3})


def rillet(*words: str) -> Result:
    return CliRunner().invoke(app, ["forget", *words])


def known(client: redis.Redis) -> set[str]:
    """Return the sensors that any key still names."""
    hashes = {str(key.decode()).split("stats:")[1] for key in client.keys("*stats:*")}
    panes = {str(key.decode()).rsplit(":", 1)[1] for key in client.keys("*panes:*")}
    fields = {
        str(field.decode()).removeprefix("\0slow:")
        for key in client.keys("*state")
        for field in client.hkeys(key)
    }
    return hashes | panes | {name for name in fields if not name.startswith("\0")}


def test_named_sensors_are_gone_with_all_that_is_kept(client: redis.Redis, parts: Settings) -> None:
    """In every partition; the others stay, and each one's end is told on `results`."""
    for n in range(9):
        add(client, parts, f"s{n}", 1.0, 2.0)
    assert "4 of 4 forgotten" in rillet("s0", "s3", "s4", "s8", "s0").output
    assert known(client) == {"s1", "s2", "s5", "s6", "s7"}
    told = {
        fields[b"sensor"]
        for keys in partition_keys(parts)
        for _, fields in client.xrange(keys.results)
        if b"forgotten" in fields
    }
    assert told == {b"s0", b"s3", b"s4", b"s8"}
    add(client, parts, "s0", 5.0)
    assert "s0" in known(client)


def test_a_name_that_is_not_there_is_told(client: redis.Redis, parts: Settings) -> None:
    """The others are forgotten all the same."""
    add(client, parts, "a", 1.0)
    done = rillet("a", "b")
    assert "1 of 2 forgotten" in done.output
    assert "No sensor of this name: b" in str(done.exception)
    assert known(client) == set()


def test_those_unseen_for_so_long_go(client: redis.Redis, parts: Settings) -> None:
    """By when their last reading, good or not, arrived, not by its event time."""
    now_ms = time.time_ns() // 1_000_000
    old = {f"old{n}" for n in range(4)}
    for keys in partition_keys(parts):
        client.xadd(keys.readings, {"value": ""}, id=f"{now_ms - 7_200_000}-0")
    for name in old:
        _add_at(client, parts, name, now_ms - 3_700_000)
    bad = partition_keys(parts)[partition_of("bad", 3)]
    client.xadd(bad.readings, {"sensor": "bad", "value": "?"}, id=f"{now_ms - 3_600_500}-0")
    fold(client, parts, bad)
    old.add("bad")
    _add_at(client, parts, "young", now_ms - 3_500_000)
    add(client, parts, "new", 1.0, ts="1000")
    listed = rillet("--unseen-for", "1h", "--dry-run")
    assert set(listed.output.split()) == old
    assert old <= known(client)
    assert "5 of 5 forgotten" in rillet("--unseen-for", "1h").output
    assert {"young", "new"} <= known(client)
    assert not old & known(client)


def _add_at(client: redis.Redis, settings: Settings, sensor: str, arrived_ms: int) -> None:
    """Add and fold a reading whose entry says that it arrived then."""
    keys = partition_keys(settings)[partition_of(sensor, settings.partitions)]
    newest = client.xinfo_stream(keys.readings)["last-generated-id"].decode()  # type: ignore[index,union-attr]
    after = max(arrived_ms, int(newest.split("-")[0]) + 1)
    client.xadd(keys.readings, {"sensor": sensor, "value": "1"}, id=f"{after}-0")
    fold(client, settings, keys)


@pytest.mark.parametrize("words", [[], ["a", "--unseen-for", "1h"], ["--unseen-for", "soon"]])
@pytest.mark.usefixtures("parts")
def test_what_makes_no_sense_is_one_line(words: list[str]) -> None:
    """Neither names nor a span, both, or a span that is none."""
    done = rillet(*words)
    assert done.exit_code != 0
    assert "--unseen-for" in str(done.exception)
