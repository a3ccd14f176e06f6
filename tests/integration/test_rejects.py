"""`rillet rejects` on a real server: what is listed, what is sent back, and that only once."""

import json
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from processor.fold import fold
from rillet.cli import app
from rillet.embedded import EmbeddedServer
from rillet.errors import UserError
from rillet.keys import partition_keys
from rillet.settings import Settings


@pytest.fixture
def filled(
    server: EmbeddedServer, client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> redis.Redis:
    monkeypatch.setenv("RILLET_REDIS_URL", server.url)
    for i, value in enumerate(["1", "two", "nan", "4"]):
        client.xadd("readings", {"sensor": f"s{i % 2}", "value": value}, id=f"100{i}-0")
    client.xadd("readings", {"value": "5", "unit": "°"}, id="1005-0")
    fold(client, settings, partition_keys(settings)[0])
    return client


def rillet(*words: str) -> str:
    done = CliRunner().invoke(app, ["rejects", *words], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def listed(*words: str) -> list[Any]:
    done = CliRunner().invoke(app, ["rejects", "--json", *words])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("filled")
def test_the_list_says_what_and_why() -> None:
    """Each reject with its id, sensor, code, reason and fields, filtered and limited."""
    assert [(r["id"], r["sensor"], r["code"]) for r in listed()] == [
        ("1001-0", "s1", "bad_value"),
        ("1002-0", "s0", "bad_value"),
        ("1005-0", "", "missing_sensor"),
    ]
    assert [r["fields"]["value"] for r in listed("--sensor", "s1")] == ["two"]
    assert [r["code"] for r in listed("--code", "missing_sensor")] == ["missing_sensor"]
    assert len(listed("--limit", "1")) == 1
    table = rillet()
    assert "the value is not a decimal number" in table
    assert "1002-0" in table


def test_a_corrected_reading_is_folded_once(filled: redis.Redis, settings: Settings) -> None:
    """A replay with --set goes through the fold at its own time; a second one sends nothing."""
    keys = partition_keys(settings)[0]
    for _ in range(2):
        rillet("--replay", "--sensor", "s1", "--set", "value=2")
        fold(filled, settings, keys)
    fields: Any = filled.hgetall("stats:s1")
    assert [fields[f] for f in (b"count", b"sum", b"first_ts")] == [b"2", b"6", b"1001"]
    assert [r["id"] for r in listed()] == ["1002-0", "1005-0"]


def test_what_is_still_bad_comes_back(filled: redis.Redis, settings: Settings) -> None:
    """Sent back as it was, a bad reading is rejected anew, as one entry."""
    rillet("--replay")
    assert listed() == []
    fold(filled, settings, partition_keys(settings)[0])
    assert [r["code"] for r in listed()] == ["bad_value", "bad_value", "missing_sensor"]


def test_bytes_come_back_as_they_were(filled: redis.Redis, settings: Settings) -> None:
    """A field that the list shows escaped is sent back in its own bytes."""
    rillet("--replay", "--code", "missing_sensor", "--set", "sensor=s9")
    fold(filled, settings, partition_keys(settings)[0])
    assert filled.hget("stats:s9", "unit") == "°".encode()


@pytest.mark.usefixtures("filled")
def test_a_correction_that_is_none_is_refused() -> None:
    """--set without an equals sign is one clear line, and nothing is sent."""
    done = CliRunner().invoke(app, ["rejects", "--replay", "--set", "value"])
    assert "field=value" in str(done.exception)
    assert len(listed()) == 3


def test_a_reading_that_was_cut_is_not_sent(filled: redis.Redis, settings: Settings) -> None:
    """Half a batch is not sent back as if it were the whole."""
    filled.xadd("readings", {"sensor": "cut", "packed": b"\x00" * 40_000})
    fold(filled, settings, partition_keys(settings)[0])
    assert "1 stay" in rillet("--replay", "--sensor", "cut")
    assert len(listed("--sensor", "cut")) == 1


def test_a_corrected_name_may_move_to_another_partition(
    filled: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With partitions the corrected reading goes where its sensor belongs."""
    monkeypatch.setenv("RILLET_PARTITIONS", "8")
    parts = partition_keys(settings.model_copy(update={"partitions": 8}))
    for keys in parts:
        filled.xadd(keys.readings, {"value": "1"})
        fold(filled, settings, keys)
    rillet("--replay", "--set", "sensor=s")
    assert listed() == []
    for keys in parts:
        fold(filled, settings, keys)
    counts = [filled.hget(keys.stats("s"), "count") for keys in parts]
    assert [count for count in counts if count] == [b"8"]


def refused(*words: str) -> str:
    """Return the one line with which the command ends."""
    done = CliRunner().invoke(app, ["rejects", *words], env={"COLUMNS": "200"})
    assert isinstance(done.exception, UserError), done.exception or done.output
    return f"{done.output}{done.exception}"


def test_rejects_of_another_type_are_one_line(filled: redis.Redis) -> None:
    """A key `rejects` that is no stream is named, without a traceback."""
    filled.delete("rejects")
    filled.set("rejects", "in the way")
    assert "rejects is no stream" in refused()
    assert "rejects is no stream" in refused("--replay")


def test_a_replay_that_is_refused_is_one_line(filled: redis.Redis) -> None:
    """What Redis refuses half-way is said in one line, with how many were sent; the rest stay."""
    filled.delete("readings")
    filled.set("readings", "in the way")
    assert "0 of 3 sent back, then Redis refused: WRONGTYPE" in refused("--replay")
    assert len(listed()) == 3


def test_an_entry_of_someone_else_is_shown_and_stays(filled: redis.Redis) -> None:
    """What the fold did not write is listed whatever its bytes are, and never sent to it."""
    filled.xadd("rejects", {b"\xff": b"\xfe", b"field:\xff": b"\xfe"})
    assert listed()[-1]["fields"] == {"\\xff": "\\xfe"}
    assert "\\xfe" in rillet()
    assert "1 stay: not written by the fold" in rillet("--replay", "--set", "value=1")
    assert len(listed()) == 1


@pytest.mark.usefixtures("filled")
def test_what_the_limit_leaves_out_is_counted() -> None:
    """A list or a replay that stops at --limit says how many more there are."""
    assert "1 more" in rillet("--limit", "2")
    assert "1 more" in rillet("--limit", "2", "--json")
    assert "more" not in rillet("--limit", "3")
    assert "1 more" in rillet("--limit", "2", "--replay")
    assert len(listed()) == 1
