"""Rejects sent back: once, whoever else does so at the same time and wherever one breaks off."""

from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from processor.fold import fold
from processor.rejects import Reject, Wanted, read_rejects
from processor.replay import claimed, finish_claims, send_back
from rillet.cli import app
from rillet.connect import connect
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.acl import NOT_ALLOWED, guarded_server

SENSOR = "s"
TO_SENSOR = {"sensor": SENSOR}


@pytest.fixture
def parts(settings: Settings) -> Settings:
    return settings.model_copy(update={"partitions": 8})


def stream_apart(parts: Settings) -> str:
    """Return the readings of a partition that SENSOR does not belong to."""
    keys = partition_keys(parts)
    return keys[(partition_of(SENSOR, 8) + 1) % 8].readings


def rejected(client: redis.Redis, parts: Settings, number: int) -> list[Reject]:
    """Have readings without a sensor rejected, in a partition that is not SENSOR's."""
    for _ in range(number):
        client.xadd(stream_apart(parts), {"value": "1"})
    fold_all(client, parts)
    return list(read_rejects(client, parts, Wanted()))


def fold_all(client: redis.Redis, parts: Settings) -> None:
    for keys in partition_keys(parts):
        fold(client, parts, keys)


def count(client: redis.Redis, parts: Settings) -> int:
    """Fold everything; return how many readings SENSOR has."""
    fold_all(client, parts)
    keys = partition_keys(parts)[partition_of(SENSOR, 8)]
    return int(client.hget(keys.stats(SENSOR), "count") or 0)  # type: ignore[arg-type]


def test_replayers_at_the_same_time_send_each_once(client: redis.Redis, parts: Settings) -> None:
    """Three at once, reject by reject, into another partition: each reading counts once."""
    found = rejected(client, parts, 40)
    together = Barrier(3)
    said: list[str] = []

    def replay() -> None:
        with connect(parts) as own:
            for one in found:
                together.wait(60)
                said.append(send_back(own, parts, one, TO_SENSOR))

    threads = [Thread(target=replay) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["gone"] * 80 + ["sent"] * 40
    assert count(client, parts) == 40
    assert list(read_rejects(client, parts, Wanted())) == []
    assert claimed(client, parts) == 0


class Dying:
    """A client that is gone before or after its nth command was carried out."""

    def __init__(self, client: Any, number: int, *, answered: bool) -> None:
        self.client, self.left, self.answered = client, number, answered

    def eval(self, *given: Any) -> Any:
        """Carry out a script, unless the time has come."""
        self.left -= 1
        if self.left == 0 and not self.answered:
            raise redis.ConnectionError("died")
        answer = self.client.eval(*given)
        if self.left == 0:
            raise redis.ConnectionError("died")
        return answer


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_replay_that_dies_anywhere_is_finished(
    client: redis.Redis, parts: Settings, number: int, answered: bool
) -> None:
    """Whatever command it died before or after, the next replay sends what is left, and no more."""
    found = rejected(client, parts, 3)
    dying = Dying(client, number, answered=answered)
    with pytest.raises(redis.ConnectionError):
        send_back(dying, parts, found[0], TO_SENSOR)
    left = len(list(read_rejects(client, parts, Wanted())))
    assert left + claimed(client, parts) + min(1, count(client, parts)) >= 3
    for _ in range(2):
        finish_claims(client, parts)
        for one in read_rejects(client, parts, Wanted()):
            send_back(client, parts, one, TO_SENSOR)
    assert count(client, parts) == 3
    assert claimed(client, parts) == 0


def test_the_next_one_finishes_what_lies_there(client: redis.Redis, parts: Settings) -> None:
    """A replay that meets another's claim does it first, then its own."""
    found = rejected(client, parts, 2)
    with pytest.raises(redis.ConnectionError):
        send_back(Dying(client, 1, answered=True), parts, found[0], TO_SENSOR)
    assert claimed(client, parts) == 1
    assert send_back(client, parts, found[1], TO_SENSOR) == "sent"
    assert count(client, parts) == 2


class Slow:
    """A client that stands still before its nth command, while others do the rest and more."""

    def __init__(self, client: Any, number: int, meanwhile: Any) -> None:
        self.client, self.left, self.meanwhile = client, number, meanwhile

    def eval(self, *given: Any) -> Any:
        """Carry out a script."""
        self.left -= 1
        if self.left == 0:
            self.meanwhile()
        return self.client.eval(*given)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_one_that_stood_still_repeats_nothing(
    client: redis.Redis, parts: Settings, number: int
) -> None:
    """A replay that wakes up after others did its reading, and claimed another, harms nothing."""
    found = rejected(client, parts, 3)

    def others() -> None:
        finish_claims(client, parts)
        assert send_back(client, parts, found[1], TO_SENSOR) == "sent"
        with pytest.raises(redis.ConnectionError):
            send_back(Dying(client, 1, answered=True), parts, found[2], TO_SENSOR)

    assert send_back(Slow(client, number, others), parts, found[0], TO_SENSOR) == "sent"
    finish_claims(client, parts)
    assert count(client, parts) == 3


def test_a_target_that_refuses_gets_it_later(client: redis.Redis, parts: Settings) -> None:
    """Where the other partition cannot add it, the reading waits for the next replay."""
    (one,) = rejected(client, parts, 1)
    target = partition_keys(parts)[partition_of(SENSOR, 8)]
    client.delete(target.readings)
    client.set(target.readings, "in the way")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        send_back(client, parts, one, TO_SENSOR)
    assert claimed(client, parts) == 1
    client.delete(target.readings)
    finish_claims(client, parts)
    assert (claimed(client, parts), count(client, parts)) == (0, 1)


def test_the_command_finishes_what_another_left(
    client: redis.Redis, parts: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`rillet rejects` tells of a reading on its way; --replay sends it, the list empty or not."""
    (one,) = rejected(client, parts, 1)
    with pytest.raises(redis.ConnectionError):
        send_back(Dying(client, 1, answered=True), parts, one, TO_SENSOR)
    monkeypatch.setenv("RILLET_REDIS_URL", parts.redis_url.get_secret_value())
    monkeypatch.setenv("RILLET_PARTITIONS", "8")
    assert "1 on the way" in CliRunner().invoke(app, ["rejects"]).output
    assert CliRunner().invoke(app, ["rejects", "--replay"]).exit_code == 0
    assert "on the way" not in CliRunner().invoke(app, ["rejects"]).output
    assert count(client, parts) == 1


def test_numbers_grow_even_when_the_state_is_lost(client: redis.Redis, parts: Settings) -> None:
    """A partition that lost its state is still believed by the others: nothing is swallowed."""
    for total in (2, 4):
        for one in rejected(client, parts, 2):
            assert send_back(client, parts, one, TO_SENSOR) == "sent"
        assert count(client, parts) == total
        client.delete(stream_apart(parts).replace("readings", "state"))
        client.delete(stream_apart(parts))


@pytest.mark.parametrize("changes", [{"value": "7"}, {"value": "7", **TO_SENSOR}])
def test_a_reading_that_is_not_folded_yet_is_refused(
    client: redis.Redis, parts: Settings, changes: dict[str, str]
) -> None:
    """A fold that broke off after writing the reject would write it again: so it has to wait."""
    keys = next(k for k in partition_keys(parts) if k.readings == stream_apart(parts))
    name = next(str(n) for n in range(99) if partition_keys(parts)[partition_of(str(n), 8)] == keys)
    client.execute_command("ACL", "SETUSER", "half", "on", "nopass", "+@all", "-hset", "~*")
    half = connect(parts.model_copy(update={"redis_username": "half"}))
    client.xadd(keys.readings, {"sensor": name, "value": "bad"})
    try:
        with pytest.raises(redis.ResponseError, match=NOT_ALLOWED):
            fold(half, parts, keys)
    finally:
        half.close()
        client.acl_deluser("half")
    (one,) = read_rejects(client, parts, Wanted())
    assert send_back(client, parts, one, changes) == "unread"
    fold(client, parts, keys)
    (one,) = read_rejects(client, parts, Wanted())
    assert send_back(client, parts, one, changes) == "sent"
    fold_all(client, parts)
    assert list(read_rejects(client, parts, Wanted())) == []
    stats = partition_keys(parts)[partition_of(changes.get("sensor", name), 8)]
    assert client.hget(stats.stats(changes.get("sensor", name)), "sum") == b"7"


def test_a_reject_older_than_its_stream_is_sent(client: redis.Redis, parts: Settings) -> None:
    """A reading that is no longer on `readings` cannot be folded: the cursor is no matter."""
    (one,) = rejected(client, parts, 1)
    client.delete(one.keys.readings, one.keys.state)
    client.xadd(one.keys.readings, {"sensor": "new", "value": "1"}, id="1-1")
    assert send_back(client, parts, one, TO_SENSOR) == "sent"
    assert count(client, parts) == 1


def test_rights_that_are_missing_send_nothing(client: redis.Redis, parts: Settings) -> None:
    """A user that may add but not delete is refused before anything is added."""
    (one,) = rejected(client, parts, 1)
    client.execute_command("ACL", "SETUSER", "half", "on", "nopass", "+@all", "-xdel", "~*")
    half = connect(parts.model_copy(update={"redis_username": "half"}))
    try:
        for changes in (TO_SENSOR, {}):
            with pytest.raises(redis.ResponseError, match=NOT_ALLOWED):
                send_back(half, parts, one, changes)
    finally:
        half.close()
        client.acl_deluser("half")
    assert (claimed(client, parts), count(client, parts)) == (0, 0)
    assert len(list(read_rejects(client, parts, Wanted()))) == 1


def test_the_processors_user_may_replay(
    server: EmbeddedServer, tmp_path: Path, parts: Settings
) -> None:
    """The deployment's own user has the rights for a replay, within a partition and across."""
    with guarded_server(server.binary, tmp_path) as guarded:
        own = guarded.settings("processor", partitions=8)
        with connect(guarded.settings("admin")) as admin:
            first, second = rejected(admin, parts, 2)
            with connect(own) as client:
                assert send_back(client, own, first, TO_SENSOR) == "sent"
                assert send_back(client, own, second, {}) == "sent"
            assert count(admin, parts) == 1
