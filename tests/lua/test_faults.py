"""Faults at each call of the fold: nothing is lost, nothing is counted twice."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
import redis

from processor.fold import fold, fold_arguments, reducers_for
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


NOW, LATER = 10_000, 400_000
FEW = {"readings_tail": 0, "windows": "10s,1m", "windows_keep": "6", "future_skew_ms": 10**6}
"""The clock of every fold but those of a scene that has another, and of the last ones."""

RULES: dict[str, Any] = {
    "version": 1,
    "rules": [
        {"name": "hot", "type": "limit", "high": 30.0, "hysteresis": 1.0, "high_text": "> 30"},
        {"name": "gone", "type": "silence", "after_ms": 20_000, "threshold": "20 s"},
        {"name": "stuck", "type": "stuck", "after_ms": 5000, "threshold": "5 s", "sensor": "?*"},
    ],
}


@dataclass(frozen=True)
class Scene:
    """What is there before the fold under test, what mends it afterwards, and its clock."""

    before: Callable[[redis.Redis, Settings], None]
    mend: Callable[[redis.Redis], Any] = lambda _: None
    now_ms: int = NOW
    more: dict[str, Any] = field(default_factory=dict)

    def settings(self, settings: Settings) -> Settings:
        """Return the settings of its folds: they trim all they can."""
        return settings.model_copy(update=FEW | self.more)


def new(client: redis.Redis, _: Settings) -> None:
    add(client, MIX)


def later(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    fold_all(client, settings, now_ms=NOW)
    add(client, [*MIX[1:], *({"sensor": "d", "value": str(i)} for i in range(300))], 2000)


def beside_another_group(client: redis.Redis, settings: Settings) -> None:
    later(client, settings)
    client.xgroup_create("readings", "other", "0-0")
    client.xreadgroup("other", "one", {"readings": ">"}, count=5)


def unpublished(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    client.set("stats:a", "in the way")
    assert fold(client, settings, partition_keys(settings)[0], 1000, NOW).fault
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
    fold_all(client, settings, now_ms=NOW)
    add(client, MIX[:2], 5000)
    client.xdel("readings", "5000-1", "5001-1")


def nothing_there(client: redis.Redis, _: Settings) -> None:
    add(client, MIX[:1])
    client.xdel("readings", "1000-1")


def hash_deleted(client: redis.Redis, settings: Settings) -> None:
    add(client, [{"sensor": "a", "value": str(i)} for i in (1, 9, 5)])
    fold_all(client, settings, now_ms=NOW)
    client.delete("stats:a")
    add(client, [{"sensor": "a", "value": "4"}], 2000)


def hops(client: redis.Redis, first_ms: int, *, hot: bool = False) -> None:
    """Add readings of two sensors that hop over windows, and some that come too late for them."""
    times = [0, 3000, 14_000, 2000, 31_000, 75_000, 15_000, 140_000]
    readings = [
        {"sensor": sensor, "value": str(20 + 15 * hot * (i % 3) + i), "ts": str(first_ms + ts)}
        for i, ts in enumerate(times)
        for sensor in ("a", "b")
    ]
    add(client, readings, first_ms)


def closing(client: redis.Redis, settings: Settings) -> None:
    client.set("rules", orjson.dumps(RULES))
    hops(client, 1000)
    fold_all(client, settings, now_ms=NOW)
    hops(client, 160_000, hot=True)


def on_the_clock(client: redis.Redis, settings: Settings) -> None:
    closing(client, settings)
    fold_all(client, settings, now_ms=170_000)


def new_rules(client: redis.Redis, settings: Settings) -> None:
    on_the_clock(client, settings)
    fold_all(client, settings, now_ms=LATER)
    client.set("rules", orjson.dumps({"version": 2, "rules": RULES["rules"][:1]}))


def sizes_changed(client: redis.Redis, settings: Settings) -> None:
    for sensor, first_ms in (("a", 1000), ("b", 2000)):
        rows = [{"sensor": sensor, "value": str(ts), "ts": ts} for ts in (900, 12_000, 24_000)]
        add(client, rows, first_ms)
    fold_all(client, settings.model_copy(update={"windows": "10s"}), now_ms=NOW)
    hops(client, 31_000)


def sizes_changed_while_windows_wait(client: redis.Redis, settings: Settings) -> None:
    """Leave in the outbox a window of `a` that is kept already, and one of `b` that is not yet."""
    old, keys = settings.model_copy(update={"windows": "10s"}), partition_keys(settings)[0]
    times, in_the_way = (900, 12_000, 24_000), ("panes:10s:a", "panes:10s:b", "windows:10s")
    add(client, [{"sensor": s, "value": str(ts), "ts": ts} for ts in times for s in "ab"])
    fold_all(client, old, now_ms=NOW)
    for key in in_the_way:
        client.rename(key, f"aside {key}")
        client.set(key, "in the way")
    add(client, [{"sensor": s, "value": "7", "ts": 35_000} for s in "ab"], 2000)
    assert fold(client, old, keys, 12, NOW).fault
    client.rename("aside panes:10s:a", "panes:10s:a")
    assert fold(client, old, keys, 12, NOW).fault
    for key in in_the_way[1:]:
        client.rename(f"aside {key}", key)
    hops(client, 41_000)


def left_in_the_outbox(client: redis.Redis, settings: Settings) -> None:
    client.set("windows:10s", "in the way")
    client.set("panes:1m:a", "in the way")
    client.set("firing", "in the way")
    client.set("rules", orjson.dumps(RULES))
    hops(client, 1000, hot=True)
    for _ in range(2):
        assert fold(client, settings, partition_keys(settings)[0], 12, NOW).fault
    client.delete("windows:10s", "panes:1m:a", "firing")
    add(client, [{"sensor": "b", "value": "5"}], 200_000)


def windows_in_the_way(client: redis.Redis, settings: Settings) -> None:
    closing(client, settings)
    client.rename("windows:1m", "aside")
    client.set("windows:1m", "in the way")


def after_them(client: redis.Redis) -> None:
    client.rename("aside", "windows:1m")
    add(client, [{"sensor": "a", "value": "5"}], 300_000)


def only_the_sketch(client: redis.Redis, settings: Settings) -> None:
    new(client, settings)
    fold_all(client, settings, now_ms=NOW)
    add(client, [{"sensor": "a", "value": str(i)} for i in range(300)], 2000)


SCENES = {
    "nothing there": Scene(nothing_there),
    "new": Scene(new),
    "later": Scene(later),
    "beside another group": Scene(beside_another_group),
    "unpublished before": Scene(unpublished),
    "unpublished now": Scene(in_the_way, after_it),
    "deleted by hand": Scene(deleted_by_hand),
    "windows close": Scene(closing, now_ms=170_000),
    "the clock closes": Scene(on_the_clock, now_ms=LATER),
    "new rules": Scene(new_rules, now_ms=LATER),
    "sizes changed": Scene(sizes_changed, now_ms=170_000),
    "sizes changed, windows wait": Scene(sizes_changed_while_windows_wait, now_ms=170_000),
    "left in the outbox": Scene(left_in_the_outbox, now_ms=LATER),
    "windows in the way": Scene(windows_in_the_way, after_them, now_ms=170_000),
    "forgotten": Scene(on_the_clock, now_ms=LATER, more={"forget_after_s": 200}),
    "without windows": Scene(only_the_sketch, more={"windows": ""}),
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
    fold_all(client, settings, 3, scene.now_ms)
    fold_all(client, settings, 3, LATER)
    return leavings(client)


def walk(
    client: redis.Redis, settings: Settings, script: Script, scene: Scene
) -> tuple[list[str], set[str]]:
    """Fail every run of every call in turn; return those that left a trace, and those reached."""
    injector, settings = Injector.of(script), scene.settings(settings)
    named = fold_arguments(settings, partition_keys(settings)[0], 1000, scene.now_ms)
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
    script = load_script("fold")
    reached: set[str] = set()
    for name, scene in SCENES.items():
        own = load_script("fold", reducers_for(scene.settings(settings)))
        traces, seen = walk(client, settings, own, scene)
        assert not traces, f"{name}: {traces}"
        if own == script:
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
