"""Sizes of windows that come and go at a restart, with windows of an hour and few that are kept."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import redis

from processor.fold import fold
from processor.pane import Pane, pane_figures
from processor.record import Moments
from processor.windows import Sensor, over, record_fields
from rillet.keys import partition_keys
from rillet.settings import Settings
from rillet.sizes import Size, parse_sizes
from tests.lua.fold_support import add, fold_all, leavings, text
from tests.lua.model import exact_figures

HOUR_S, EVERY_S = 3600, 5
CHANGED_S = 34 * 60 + 50
Phases = Sequence[tuple[int, str]]
"""From which second on there are which sizes; and after a blank, if not the usual number, how many
of each are kept."""


@pytest.fixture
def own(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"windows_keep": "", "allowed_lateness_ms": 2000, "readings_tail": 10**6}
    )


def values() -> list[tuple[int, float]]:
    """Return one reading each 5 s, for an hour and a bit: event time in ms, and value."""
    rnd = random.Random(7)
    return [(s * 1000, round(rnd.gauss(20, 9), 3)) for s in range(0, HOUR_S + 80, EVERY_S)]


def play(client: redis.Redis, own: Settings, phases: Phases, count: int) -> Settings:
    """Send and fold all readings, `count` a fold, with the sizes of each time; return the last."""
    keys = partition_keys(own)[0]
    for (begin, windows), (end, _) in pairwise([*phases, (2 * HOUR_S, "")]):
        sizes, _, keep = windows.partition(" ")
        own = own.model_copy(update={"windows": sizes, "windows_keep": keep})
        pipe = client.pipeline(transaction=False)
        inside = [(ts, v) for ts, v in values() if begin * 1000 <= ts < end * 1000]
        for ts, v in inside:
            pipe.xadd("readings", {"sensor": "s", "value": repr(v)}, id=f"{ts}-1")
        pipe.execute()
        while fold(client, own, keys, count, now_ms=inside[-1][0]).backlog:
            pass
        fold_all(client, own, now_ms=inside[-1][0])
    return own


def entries(client: redis.Redis, size: str) -> dict[int, dict[str, str]]:
    """Return the entries of a size by their start in s."""
    found = [text(fields) for _, fields in client.xrange(f"windows:{size}")]
    return {int(one["start"]) // 1000: one for one in found}


def check(entry: dict[str, str], begin_s: int, end_s: int) -> None:
    """Check that an entry has exactly the readings from one second to another."""
    inside = [v for ts, v in values() if begin_s * 1000 <= ts < end_s * 1000]
    figures = exact_figures(inside)
    for figure in ("count", "mean", "stddev", "min", "max", "sum"):
        assert float(entry[figure]) == figures[figure]
    assert (float(entry["first"]), float(entry["last"])) == (inside[0], inside[-1])
    assert "p50" in entry


def panes(client: redis.Redis, sizes: Sequence[Size]) -> dict[str, list[Pane]]:
    """Return the closed panes that are kept."""
    found: dict[str, Any] = {
        size.name: client.lrange(f"panes:{size.name}:s", 0, -1) for size in sizes
    }
    return {size.name: [Pane.closed(one, size) for one in found[size.name]] for size in sizes}


def sensor(client: redis.Redis) -> Sensor:
    """Return what is open."""
    raw: Any = client.hmget("state", record_fields("s"))
    return Sensor.unpack(raw[0], raw[1])


WHOLE = [
    [(0, "10s,1m"), (CHANGED_S, "10s,1m,1h")],
    [(0, "10s,1h"), (CHANGED_S, "10s,1m,1h")],
    [(0, "10s,1m,1h"), (CHANGED_S, "10s"), (CHANGED_S + 130, "10s,1m,1h")],
    [(0, "10s,1m,1h"), (CHANGED_S, "10s,1m"), (CHANGED_S + 300, "10s,1m,1h")],
    [(0, "10s,1m,1h"), (CHANGED_S, "10s,1h"), (CHANGED_S + 20, "10s,1m,1h")],
    [(0, "10s,1m"), (CHANGED_S, "10s,30s,1m,5m,1h"), (CHANGED_S + 300, "10s,1m,1h")],
    [(0, "10s,1m,1h"), (CHANGED_S, "1m,1h"), (CHANGED_S + 300, "10s,1m,1h")],
]
FEWER = [(0, "10s,1h"), (CHANGED_S, "10s,1m,5m,1h 6,5,12,1")]


def ids(phases: Phases) -> str:
    """Return phases as a test's name."""
    return " to ".join(windows for _, windows in phases)


@pytest.mark.parametrize("count", [1000, 7])
@pytest.mark.parametrize("phases", WHOLE, ids=ids)
def test_a_window_is_whole_though_its_size_is_new(
    client: redis.Redis, own: Settings, phases: Phases, count: int
) -> None:
    """What it lacks is taken from the finer ones that are kept: minutes, the hour, any span."""
    own = play(client, own, phases, count)
    hours, minutes = entries(client, "1h"), entries(client, "1m")
    assert list(hours) == [0]
    check(hours[0], 0, HOUR_S)
    assert "missing_ms" not in hours[0]
    for start, one in minutes.items():
        check(one, start, start + 60)
        assert "missing_ms" not in one
    assert set(range(CHANGED_S // 60 * 60 + 360, HOUR_S, 60)) <= set(minutes)
    closed = panes(client, own.window_sizes)
    for begin in (0, HOUR_S - 120, HOUR_S):
        found = over(closed, sensor(client), own.window_sizes, begin * 1000)
        want = Moments.of([v for ts, v in values() if ts >= begin * 1000])
        assert found
        assert (found.moments.n, found.moments.s1, found.moments.s2) == (want.n, want.s1, want.s2)


@pytest.mark.parametrize("count", [1000, 1])
def test_a_window_says_what_it_lacks_where_that_is_not_kept(
    client: redis.Redis, own: Settings, count: int
) -> None:
    """60 of 10 s were kept then: the minute is whole, and the hour has them and what came later."""
    own = play(client, own, [(0, "10s"), (CHANGED_S, "10s,1m,1h")], count)
    begin = CHANGED_S // 60 * 60
    minutes, hours = entries(client, "1m"), entries(client, "1h")
    assert min(minutes) == begin
    check(minutes[begin], begin, begin + 60)
    oldest = CHANGED_S - 10 - 600  # the last one is open still
    check(hours[0], oldest, HOUR_S)
    assert ("missing_ms" in minutes[begin], hours[0]["missing_ms"]) == (False, str(oldest * 1000))
    (hour,) = panes(client, own.window_sizes)["1h"]
    assert pane_figures(hour)["missing_ms"] == oldest * 1000


def test_a_span_is_exact_at_any_time_after_a_size_was_added(
    client: redis.Redis, own: Settings
) -> None:
    """Before its first window closes, and before anything has; that window says what it lacks."""
    for end_s in (CHANGED_S, CHANGED_S + 5, CHANGED_S + 15, CHANGED_S + 75, HOUR_S - 5):
        client.flushall()
        inside = [(ts, v) for ts, v in values() if ts < end_s * 1000]
        for ts, v in inside:
            client.xadd("readings", {"sensor": "s", "value": repr(v)}, id=f"{ts}-1")
        keys = partition_keys(own)[0]
        before = own.model_copy(update={"windows": "10s,1m"})
        after = own.model_copy(update={"windows": "10s,1m,1h"})
        fold(client, before, keys, CHANGED_S // EVERY_S, now_ms=0)
        fold_all(client, after, now_ms=0)
        found = over(panes(client, after.window_sizes), sensor(client), after.window_sizes, 0)
        want = Moments.of([v for _, v in inside])
        assert found
        assert (found.moments.n, found.moments.s1, found.moments.s2) == (want.n, want.s1, want.s2)
        assert "missing_ms" not in pane_figures(found)
        for pane in sensor(client).open_at(after.window_sizes[2]):
            shown = pane_figures(pane)
            lacking = len(inside) - shown["count"]
            assert shown.get("missing_ms", 0) == lacking * EVERY_S * 1000


def test_what_a_window_takes_of_the_kept_ones_it_hands_on_when_it_closes(
    client: redis.Redis, own: Settings
) -> None:
    """Begun by a late reading after the change; they are gone when the larger one closes."""
    before, after = {"windows": "5s,10s"}, {"windows": "10s,1m,5m", "windows_keep": "6"}
    own = own.model_copy(update={"allowed_lateness_ms": 280_000, **before})
    rows = [(s, {"sensor": "s", "value": str(s), "ts": s * 1000}) for s in (5, 15, 301)]
    add(client, [row for _, row in rows], 301_000)
    fold_all(client, own, now_ms=302_000)
    late = [35, *range(60, 120, 10)]
    add(client, [{"sensor": "s", "value": str(s), "ts": s * 1000} for s in late], 302_000)
    add(client, [{"sensor": "s", "value": "600"}], 600_000)
    own = own.model_copy(update=after)
    fold_all(client, own, now_ms=600_000)
    assert len(panes(client, own.window_sizes)["10s"]) == 6
    minute, five = entries(client, "1m")[0], entries(client, "5m")[0]
    for entry, inside in ((minute, [5, 15, 35]), (five, [5, 15, *late])):
        assert float(entry["sum"]) == sum(inside)
        assert int(entry["count"]) == len(inside)
        assert "missing_ms" not in entry


@pytest.mark.parametrize("phases", [*WHOLE, FEWER], ids=ids)
def test_a_change_of_sizes_leaves_the_same_however_it_is_folded(
    client: redis.Redis, own: Settings, phases: Phases
) -> None:
    """One fold or many after it; also where lists are trimmed meanwhile."""
    found = []
    for count in (1000, 1):
        client.flushall()
        play(client, own, phases, count)
        found.append(leavings(client))
    assert found[0] == found[1]


def test_a_record_of_a_former_version_is_no_change(client: redis.Redis, own: Settings) -> None:
    """It does not say its sizes: those of its open windows were there, and nothing counts twice."""
    sizes = parse_sizes("10s,1m,1h", "")
    play(client, own, [(0, "10s,1m,1h")], 1000)
    want = leavings(client)
    client.flushall()
    rows = values()
    own = own.model_copy(update={"windows": "10s,1m,1h"})
    for n, (ts, v) in enumerate(rows):
        client.xadd("readings", {"sensor": "s", "value": repr(v)}, id=f"{ts}-1")
        if n % 100 == 99:
            fold_all(client, own, now_ms=ts)
            slow: Any = client.hget("state", "\0slow:s")
            at = slow.index(b"h" + (9 + 8 * len(sizes)).to_bytes(4, "little"))
            client.hset("state", "\0slow:s", slow[:at])
    fold_all(client, own, now_ms=rows[-1][0])
    assert leavings(client) == want
