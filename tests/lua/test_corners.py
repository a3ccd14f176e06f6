"""Corners of the fold: many sensors, copies that fail for long, readings deleted by hand."""

from typing import Any

import pytest
import redis

from processor.fold import fold
from rillet.keys import CURSOR_FIELD, partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, hashes


def test_a_fold_of_more_sensors_than_one_hset_takes_ends_early(
    client: redis.Redis, settings: Settings
) -> None:
    """Ten thousand sensors in ten thousand entries are folded in parts, none twice."""
    add(client, [{"sensor": f"s{i}", "value": "1"} for i in range(10_000)])
    keys = partition_keys(settings)[0]
    first = fold(client, settings, keys, 20_000)
    assert 0 < first.entries < 4000
    while fold(client, settings, keys, 20_000).backlog:
        pass
    counts: Any = [found["count"] for found in hashes(client).values()]
    assert counts == ["1"] * 10_000


def test_a_fold_tries_only_some_of_many_unpublished_sensors(
    client: redis.Redis, settings: Settings
) -> None:
    """While `results` cannot be written a fold stays short, and all is published once it can."""
    settings = settings.model_copy(update={"windows": ""})  # closed windows are XADDed as well
    client.set("results", "in the way")
    add(client, [{"sensor": f"s{i}", "value": "1"} for i in range(1500)])
    keys = partition_keys(settings)[0]
    while fold(client, settings, keys).backlog:
        pass
    client.config_resetstat()
    add(client, [{"sensor": "s0", "value": "1"}], 90_000)
    fold(client, settings, keys)
    stats: Any = client.info("commandstats")
    assert stats["cmdstat_xadd"]["calls"] <= 70
    client.delete("results")
    fold_all(client, settings)
    results: Any = client.xlen("results")
    assert results >= 1500


def test_a_newest_reading_deleted_by_hand_leaves_no_lag(
    client: redis.Redis, settings: Settings
) -> None:
    """The cursor passes what is gone, so the group's lag is known and producers do not wait."""
    add(client, [{"sensor": "s", "value": "1"}] * 3)
    fold_all(client, settings)
    add(client, [{"sensor": "s", "value": "1"}], 5000)
    client.xdel("readings", "5000-1")
    fold_all(client, settings)
    (group,) = client.xinfo_groups("readings")  # type: ignore[misc,unused-ignore]
    assert (group["last-delivered-id"], group["lag"]) == (b"5000-1", 0)


def test_a_new_label_alone_reaches_the_hash(client: redis.Redis, settings: Settings) -> None:
    """A kind or unit sent later is shown at once, although most fields are not written again."""
    add(client, [{"sensor": "s", "value": "1"}] * 3)
    fold_all(client, settings)
    add(client, [{"sensor": "s", "value": "1", "kind": "soil", "unit": "%"}], 5000)
    fold_all(client, settings)
    assert (hashes(client)["s"]["kind"], hashes(client)["s"]["unit"]) == ("soil", "%")


@pytest.mark.parametrize("damage", ["", "5-0", "x 1", "5-0 -1"])
def test_a_damaged_cursor_is_named_and_mended_by_hand(
    client: redis.Redis, settings: Settings, damage: str
) -> None:
    """Nothing is folded from a guessed place; with what the message says it goes on, exactly."""
    keys = partition_keys(settings)[0]
    add(client, [{"sensor": "s", "value": "1"}] * 3)
    fold_all(client, settings)
    add(client, [{"sensor": "s", "value": "1"}], 90_000)
    client.hset("state", CURSOR_FIELD, damage)
    with pytest.raises(redis.ResponseError, match=r"cursor' of the state is damaged.*entries-read"):
        fold(client, settings, keys)
    (group,) = client.xinfo_groups("readings")
    mended = f"{group['last-delivered-id'].decode()} {group['entries-read']}"
    client.hset("state", CURSOR_FIELD, mended)
    fold_all(client, settings)
    assert hashes(client)["s"]["count"] == "4"


def test_a_damaged_list_of_the_unpublished_is_passed_over(
    client: redis.Redis, settings: Settings
) -> None:
    """It names copies only: folding goes on, and the list is made anew."""
    add(client, [{"sensor": "s", "value": "1"}])
    fold_all(client, settings)
    client.hset("state", "\0dirty", b"\xc1\xff")
    add(client, [{"sensor": "s", "value": "1"}], 90_000)
    fold_all(client, settings)
    assert hashes(client)["s"]["count"] == "2"
