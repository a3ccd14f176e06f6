"""Faults that a real server makes: wrong types, no memory, denied users, kills, crashes."""

import random
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from processor.fold import fold, fold_arguments
from processor.scripts import load_script
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, hashes, leavings
from tests.lua.injection import Injector
from tests.lua.model import exact_figures
from tests.lua.test_faults import MIX
from tests.waiting import until

COMMANDS = sorted({site.split()[1] for site in Injector.of(load_script("fold")).sites})
PATTERNS = ["readings", "state", "results", "rejects", "stats:*", "late", "alerts", "firing"]
PATTERNS += ["rules", "due", "windows:*", "panes:*"]
NOT_NEEDED_HERE = {
    "DEL",
    "HDEL",
    "HGET",
    "HSCAN",
    "LINDEX",
    "LRANGE",
    "LTRIM",
    "TIME",
    "XPENDING",
    "XTRIM",
}
NOT_NEEDED_HERE |= {"ZREM"}
EARLY, NOW = 3000, 20_000
"""The clock before windows close, and after."""
SWEPT = {"windows": "10s", "allowed_lateness_ms": 600_000, "readings_tail": 0}

FIRST, SECOND = MIX[:5], MIX[5:]


def without_fault(client: redis.Redis, settings: Settings) -> dict[str, Any]:
    """Return what the two halves of the mix leave where nothing fails."""
    client.flushall()
    add(client, FIRST)
    fold_all(client, settings, now_ms=EARLY)
    add(client, SECOND, 2000)
    fold_all(client, settings, now_ms=NOW)
    found = leavings(client)
    client.flushall()
    add(client, FIRST)
    fold_all(client, settings, now_ms=EARLY)
    add(client, SECOND, 2000)
    return found


@pytest.mark.parametrize("key", ["readings", "state", "results", "rejects", "stats:a", "stats:b"])
def test_a_key_of_the_wrong_type_costs_nothing(
    client: redis.Redis, settings: Settings, key: str
) -> None:
    """A string in the place of each key stops or dims the fold; put right, nothing is missing."""
    want, keys = without_fault(client, settings), partition_keys(settings)[0]
    client.rename(key, "aside")
    client.set(key, "in the way")
    for _ in range(3):
        try:
            assert fold(client, settings, keys, 1000, NOW).fault
        except redis.ResponseError as error:
            assert "WRONGTYPE" in str(error)  # noqa: PT017 either a reply or an error
    client.rename("aside", key)
    fold_all(client, settings, 2, NOW)
    assert leavings(client) == want


@pytest.fixture
def full(client: redis.Redis) -> Iterator[redis.Redis]:
    """Give a client of a server that may be filled, and is freed afterwards."""
    yield client
    client.config_set("maxmemory", "0")


@pytest.mark.parametrize("group", ["there", "lost"])
def test_the_fold_goes_on_when_memory_is_full(
    full: redis.Redis, settings: Settings, group: str
) -> None:
    """Under noeviction producers are refused, but what is stored is folded and published."""
    want = without_fault(full, settings)
    if group == "lost":
        full.xgroup_destroy("readings", "stats")
    full.config_set("maxmemory-policy", "noeviction")
    full.config_set("maxmemory", "1")
    with pytest.raises(redis.OutOfMemoryError):
        full.xadd("readings", {"sensor": "a", "value": "1"})
    fold_all(full, settings, 2, NOW)
    assert leavings(full) == want


@pytest.mark.parametrize("unread", [0, 1], ids=["all folded", "unread"])
@pytest.mark.parametrize("group", ["there", "lost"])
def test_a_sweep_goes_on_when_memory_is_full(
    full: redis.Redis, settings: Settings, group: str, unread: int
) -> None:
    """All sensors are looked at after a change; what is unread meanwhile is folded and freed."""
    slow, keys = settings.model_copy(update=SWEPT), partition_keys(settings)[0]
    own, found = slow.model_copy(update={"allowed_lateness_ms": 1000}), []
    for limit in ("0", "1"):
        full.flushall()
        add(full, [{"sensor": f"s{n}", "value": str(n)} for n in range(300)])
        fold_all(full, slow, now_ms=EARLY)
        add(full, [{"sensor": f"s{n}", "value": "0"} for n in range(0, 300, 2) if unread], EARLY)
        if group == "lost":
            full.xgroup_destroy("readings", "stats")
        full.config_set("maxmemory-policy", "noeviction")
        full.config_set("maxmemory", limit)
        folds = [fold(full, own, keys, 100, NOW) for _ in range(60)]
        full.config_set("maxmemory", "0")
        assert {one.fault for one in folds} == {""}
        assert sum(one.closed for one in folds) == 300
        assert full.zcard("due") == full.xlen("readings") == 0
        found.append(leavings(full))
    assert found[0] == found[1]


@pytest.fixture
def limited(client: redis.Redis) -> Iterator[redis.Redis]:
    """Give a client of a user whose rights the test sets."""
    with redis.Redis(
        port=client.connection_pool.connection_kwargs["port"],
        protocol=2,
        username="worker",
        password="w",
    ) as connection:
        yield connection
    client.execute_command("ACL", "DELUSER", "worker")


@pytest.mark.parametrize("denied", [*COMMANDS, *PATTERNS])
def test_a_denied_command_or_key_costs_nothing(
    client: redis.Redis, settings: Settings, limited: redis.Redis, denied: str
) -> None:
    """A user without one command, or without one key, loses no reading and counts none twice."""
    want, keys = without_fault(client, settings), partition_keys(settings)[0]
    rights = ["on", ">w", "+@all", *(f"~{p}" for p in PATTERNS if p != denied)]
    if denied in COMMANDS:
        rights.append(f"-{denied.lower()}")
    client.execute_command("ACL", "SETUSER", "worker", "reset", *rights)
    faults = []
    for _ in range(3):
        try:
            faults.append(fold(limited, settings, keys, 1000, NOW).fault)
        except redis.RedisError as error:
            faults.append(str(error))
    assert all(re.search("perm|NOPERM|can't", fault) for fault in faults if fault)
    assert faults[0] or denied in NOT_NEEDED_HERE
    fold_all(client, settings, 2, NOW)
    assert leavings(client) == want


def test_a_script_killed_before_its_first_write_costs_nothing(
    client: redis.Redis, settings: Settings
) -> None:
    """SCRIPT KILL ends a fold that has computed all and written nothing; the next one does it."""
    want = without_fault(client, settings)
    script = load_script("fold")
    first_write = "\ncursor.show(c, readings, group)\nagenda.lower"
    assert script.text.count(first_write) == 1
    slow = replace(
        script, text=script.text.replace(first_write, "\nwhile true do end" + first_write)
    )
    named = fold_arguments(settings, partition_keys(settings)[0], 1000, NOW)
    client.config_set("lua-time-limit", "5")
    failed: list[str] = []

    def run() -> None:
        try:
            slow.run(client, named)
        except redis.RedisError as error:
            failed.append(str(error))

    def kill() -> bool:
        try:
            return bool(killer.script_kill())
        except redis.ResponseError:
            return False

    port = client.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, protocol=2) as killer:
        thread = threading.Thread(target=run)
        thread.start()
        until(kill)
        thread.join()
    client.config_set("lua-time-limit", "5000")
    assert "killed" in failed[0].lower()
    fold_all(client, settings, 2, NOW)
    assert leavings(client) == want


def readings_and_sums(client: redis.Redis) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Return the values of each sensor on the stream, and the hashes."""
    values: dict[str, list[float]] = {}
    for _, fields in client.xrange("readings"):
        values.setdefault(fields[b"sensor"].decode(), []).append(float(fields[b"value"]))
    return values, hashes(client)


@pytest.fixture
def durable(server: EmbeddedServer, tmp_path: Path) -> Iterator[EmbeddedServer]:
    options = {"appendonly": "yes", "appendfsync": "no", "aof_load_truncated": "yes"}
    with EmbeddedServer(binary=server.binary, folder=tmp_path, **options) as own:
        yield own


def test_a_log_cut_off_anywhere_holds_whole_folds(durable: EmbeddedServer) -> None:
    """However much of the AOF a crash leaves, sums and cursor in it agree: nothing twice."""
    rnd, keep_all = random.Random(5), Settings(redis_url=durable.url, readings_tail=100_000)
    keys = partition_keys(keep_all)[0]
    with redis.Redis(port=durable.port, protocol=2) as client:
        for i in range(40):
            for j in range(10):
                client.xadd("readings", {"sensor": f"s{j % 3}", "value": repr(rnd.random())})
            if i % 2:
                fold(client, keep_all, keys, 7)
    durable.stop()
    (log,) = (durable.folder / "appendonlydir").glob("*.incr.aof")
    whole = log.read_bytes()
    for _ in range(8):
        log.write_bytes(whole[: rnd.randrange(len(whole) // 4, len(whole))])
        durable.start()
        with redis.Redis(port=durable.port, protocol=2) as client:
            fold_all(client, keep_all, 13)
            values, found = readings_and_sums(client)
        durable.kill()
        assert {s: float(h["sum"]) for s, h in found.items()} == {
            s: exact_figures(v)["sum"] for s, v in values.items()
        }
        assert {s: int(h["count"]) for s, h in found.items()} == {
            s: len(v) for s, v in values.items()
        }
