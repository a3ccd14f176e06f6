"""Faults at each call of the fold: nothing is lost, nothing is counted twice."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis

from processor.fold import fold, fold_arguments
from processor.scripts import Script, load_script
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import Reading, add, fold_all, leavings
from tests.lua.injection import Injector

MIX: list[Reading] = [
    {"sensor": "a", "value": "1.5", "seq": "1", "kind": "soil"},
    {"sensor": "b", "value": "nonsense"},
    {"sensor": "b", "values": "1,2,3.25", "ts": "900"},
    {"sensor": "", "value": "1"},
    {"sensor": "a", "value": "1.5", "seq": "1"},
    {"sensor": "c", "value": "inf"},
    {"sensor": "a", "value": "-7e3", "seq": "4"},
    {"sensor": "b", "packed": struct.pack("<3d", 0.1, 0.2, 0.3)},
    {"value": "4"},
]


@dataclass(frozen=True)
class Scene:
    """What is there before the fold under test, and what mends it afterwards."""

    before: Callable[[redis.Redis, Settings], None]
    mend: Callable[[redis.Redis], Any] = lambda _: None


def new(client: redis.Redis, _: Settings) -> None:
    add(client, MIX)


def later(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    fold_all(client, settings)
    add(client, [*MIX[1:], *({"sensor": "d", "value": str(i)} for i in range(300))], 2000)


def beside_another_group(client: redis.Redis, settings: Settings) -> None:
    later(client, settings)
    client.xgroup_create("readings", "other", "0-0")
    client.xreadgroup("other", "one", {"readings": ">"}, count=5)


def unpublished(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    client.set("stats:a", "in the way")
    assert fold(client, settings, partition_keys(settings)[0]).fault
    client.delete("stats:a")
    add(client, [{"sensor": "b", "value": "5"}], 2000)


def in_the_way(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    client.set("stats:a", "in the way")


def after_it(client: redis.Redis) -> None:
    client.delete("stats:a")
    add(client, [{"sensor": "a", "value": "5"}], 3000)


def deleted_by_hand(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    fold_all(client, settings)
    add(client, MIX[:2], 5000)
    client.xdel("readings", "5000-1", "5001-1")


def hash_deleted(client: redis.Redis, settings: Settings) -> None:
    add(client, [{"sensor": "a", "value": str(i)} for i in (1, 9, 5)])
    fold_all(client, settings)
    client.delete("stats:a")
    add(client, [{"sensor": "a", "value": "4"}], 2000)


def replace_tail(settings: Settings) -> Settings:
    """Return settings under which a fold trims all it can."""
    return settings.model_copy(update={"readings_tail": 0})


SCENES = {
    "new": Scene(new),
    "later": Scene(later),
    "beside another group": Scene(beside_another_group),
    "unpublished before": Scene(unpublished),
    "unpublished now": Scene(in_the_way, after_it),
    "deleted by hand": Scene(deleted_by_hand),
    "hash deleted": Scene(hash_deleted),
}


def outcome(
    client: redis.Redis, settings: Settings, scene: Scene, faulty: Callable[[], Any]
) -> dict[str, Any]:
    """Return what is left after the scene, the faulty fold, and the healthy ones that follow."""
    client.flushall()
    scene.before(client, settings)
    faulty()
    scene.mend(client)
    fold_all(client, settings, 3)
    return leavings(client)


def walk(
    client: redis.Redis, settings: Settings, script: Script, scene: Scene
) -> tuple[list[str], set[str]]:
    """Fail every run of every call in turn; return those that left a trace, and those reached."""
    injector = Injector.of(script)
    named = fold_arguments(settings, partition_keys(settings)[0], 1000)
    want = outcome(client, settings, scene, lambda: injector.run(client, named, 0, 1))
    client.flushall()
    scene.before(client, settings)
    injector.run(client, named, 0, 0)
    runs: Any = client.hgetall("reached")
    traces, reached = [], set()
    for site in sorted(int(s) for s in runs):
        reached.add(injector.sites[site - 1])
        times = int(runs[str(site).encode()])
        for time in sorted({1, 2, times} & set(range(1, times + 1))):
            got = outcome(
                client, settings, scene, lambda s=site, t=time: injector.run(client, named, s, t)
            )
            if got != want:
                traces.append(f"{injector.sites[site - 1]} run {time}")
    return traces, reached


def test_a_fault_at_any_call_leaves_no_trace(client: redis.Redis, settings: Settings) -> None:
    """Whichever call fails, the next fold makes good: sums, hashes, rejects and lag are equal."""
    script, tailless = load_script("fold"), replace_tail(settings)
    reached: set[str] = set()
    for name, scene in SCENES.items():
        traces, seen = walk(client, tailless, script, scene)
        assert not traces, f"{name}: {traces}"
        reached |= seen
    missed = set(Injector.of(script).sites) - reached
    assert {site for site in missed if "TIME" not in site} == set()


@pytest.mark.parametrize(
    "commit",
    [
        "redis.call('HSET', state, saved_name, saved) if #commit > 0 then HSET end",
        "if #commit > 0 then HSET end redis.call('HSET', state, saved_name, saved)",
    ],
    ids=["cursor first", "sums first"],
)
def test_the_walk_finds_a_commit_in_two_steps(
    client: redis.Redis, settings: Settings, commit: str
) -> None:
    """A script that saves cursor and sums by two commands, in either order, is caught."""
    script, hset = load_script("fold"), "redis.call('HSET', state, unpack(commit))"
    assert script.text.count(hset) == 1
    broken = "local saved, saved_name = table.remove(commit), table.remove(commit) "
    broken += commit.replace("HSET end", f"{hset} end")
    split = replace(script, text=script.text.replace(hset, broken))
    traces, _ = walk(client, settings, split, SCENES["new"])
    assert any("HSET" in trace for trace in traces)
