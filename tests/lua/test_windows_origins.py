"""What a change of the finest size leaves in larger windows alone: each that lacks it says so."""

from typing import Any

import pytest
import redis

from processor.missing import missing
from processor.pane import Pane, pane_figures
from processor.spans import length
from processor.windows import Sensor, over, record_fields
from rillet.settings import Settings
from tests.lua.fold_support import fold_all, text


@pytest.fixture
def own(settings: Settings) -> Settings:
    return settings.model_copy(update={"windows_keep": "", "allowed_lateness_ms": 0})


def play(client: redis.Redis, own: Settings, windows: str, seconds: range) -> Settings:
    """Send and fold a reading at each of these seconds, with windows of these sizes."""
    own = own.model_copy(update={"windows": windows})
    for s in seconds:
        client.xadd("readings", {"sensor": "s", "value": str(s)}, id=f"{s * 1000}-1")
    fold_all(client, own, now_ms=0)
    return own


def told(client: redis.Redis, size: str) -> dict[int, tuple[int, int]]:
    """Return by their start in s how many readings closed windows have, and their `missing_ms`."""
    found = [text(fields) for _, fields in client.xrange(f"windows:{size}")]
    return {
        int(one["start"]) // 1000: (int(one["count"]), int(one.get("missing_ms", 0)))
        for one in found
    }


def sensor(client: redis.Redis) -> Sensor:
    """Return what is open."""
    raw: Any = client.hmget("state", record_fields("s"))
    return Sensor.unpack(raw[0], raw[1])


def opened(client: redis.Redis, own: Settings, level: int) -> dict[int, tuple[int, int]]:
    """Return the same as `told` of the open windows of one of the sizes."""
    shown = [pane_figures(one) for one in sensor(client).open_at(own.window_sizes[level])]
    return {one["start"] // 1000: (one["count"], one.get("missing_ms", 0)) for one in shown}


def span(client: redis.Redis, own: Settings, begin_s: int) -> tuple[int, float]:
    """Return how many readings a span has that begins then, and its `missing_ms`."""
    closed: dict[str, list[Pane]] = {}
    for size in own.window_sizes:
        kept: Any = client.lrange(f"panes:{size.name}:s", 0, -1)
        closed[size.name] = [Pane.closed(one, size) for one in kept]
    found = over(closed, sensor(client), own.window_sizes, begin_s * 1000)
    lost = missing(closed, sensor(client), own.window_sizes, begin_s * 1000)
    return found.moments.n if found else 0, length(lost)


def test_a_window_finer_than_the_open_ones_says_what_only_those_have(
    client: redis.Redis, own: Settings
) -> None:
    """From minutes to 10 s: the first of 10 s lacks what the open minute had; no other does."""
    own = play(client, own, "1m,1h", range(0, 95, 5))
    own = play(client, own, "10s,1m,1h", range(95, 305, 5))
    fine, minutes = told(client, "10s"), told(client, "1m")
    assert fine == {90: (1, 1)} | dict.fromkeys(range(100, 300, 10), (2, 0))
    assert minutes == dict.fromkeys(range(0, 300, 60), (12, 0))
    assert opened(client, own, 2) == {0: (61, 0)}
    assert [span(client, own, s) for s in (60, 70, 90, 100)] == [
        (49, 0),
        (42, 20_001),
        (42, 1),
        (41, 0),
    ]


def test_an_open_window_says_what_it_will_lack(client: redis.Redis, own: Settings) -> None:
    """From 20 s to 1 s and 5 s: that of 5 s lacks what was there before, also while it is open."""
    own = play(client, own, "20s", range(13))
    assert span(client, own.model_copy(update={"windows": "1s,5s,20s"}), 5) == (0, 7001)
    own = play(client, own, "1s,5s,20s", range(13, 15))
    assert opened(client, own, 0) == {14: (1, 0)}
    assert opened(client, own, 1) == {10: (2, 2001)}
    assert opened(client, own, 2) == {0: (15, 0)}
    assert [span(client, own, s) for s in (0, 5, 13)] == [(15, 0), (2, 7001), (2, 0)]
    own = play(client, own, "1s,5s,20s", range(15, 42))
    assert told(client, "1s") == dict.fromkeys(range(13, 41), (1, 0))
    assert told(client, "5s") == {10: (2, 2001)} | dict.fromkeys(range(15, 40, 5), (5, 0))
    assert told(client, "20s") == {0: (20, 0), 20: (20, 0)}


def test_a_size_that_was_away_says_what_its_open_window_lost(
    client: redis.Redis, own: Settings
) -> None:
    """5 s, 3 s and 5 s again: what it had lay in no window of 3 s, so it is in none any more."""
    for windows, seconds in (("5s", range(2)), ("3s", range(2, 3)), ("5s", range(3, 12))):
        own = play(client, own, windows, seconds)
    assert told(client, "5s") == {0: (3, 1001), 5: (5, 0)}
    assert [span(client, own, s) for s in (0, 5)] == [(10, 1001), (7, 0)]


@pytest.mark.parametrize("sizes", ["10s,1m", "10s,1m,5m", "10s,5m"])
def test_what_a_kept_window_lacks_the_larger_one_made_of_it_lacks_too(
    client: redis.Redis, own: Settings, sizes: str
) -> None:
    """A minute and 5 minutes come when 20 s are gone, which alone had 12 readings."""
    play(client, own, "10s", range(21))
    play(client, own, "20s", range(21, 32))
    play(client, own, "10s,20s", range(32, 45))
    play(client, own, sizes, range(45, 302))
    for size, inside in (("1m", 60), ("5m", 300)):
        if size in sizes:
            assert told(client, size)[0] == (inside - 12, 11_001)
    some = {start: one for start, one in told(client, "10s").items() if start < 50}
    assert some == {0: (10, 0), 10: (10, 0), 30: (8, 1001), 40: (10, 0)}
    assert told(client, "20s") == {20: (20, 0)}


def test_a_kept_window_knows_by_itself_what_it_lacks(client: redis.Redis, own: Settings) -> None:
    """So does a larger one made of it long after; of the time before, nothing is known then."""
    few = own.model_copy(update={"windows_keep": "6,2"})
    play(client, own, "20s", range(12))
    play(client, few, "10s,20s", range(12, 15))
    play(client, few, "10s,20s", range(200, 225))
    raw: Any = client.hget("state", "\0slow:s")
    assert Sensor.unpack(None, raw).origins == {}
    play(client, own, "10s,5m", range(225, 302))
    assert told(client, "5m")[0] == (3 + 100, 11_001)


def test_a_span_says_what_it_lacks_of_sizes_that_are_gone(
    client: redis.Redis, own: Settings
) -> None:
    """Before a fold knows that they are, and afterwards; more of 10 s may be kept from now on."""
    own = play(client, own, "10s,1m", range(0, 900, 5))
    for windows in ("10s", "10s,1h"):
        after = own.model_copy(update={"windows": windows})
        assert span(client, after, 0) == (122, 290_000)
        assert span(client, after, 290) == (122, 0)
    assert span(client, own.model_copy(update={"windows": "1m"}), 0) == (180, 0)
    assert span(client, own.model_copy(update={"windows": "1h"}), 0) == (12, 840_000)
    after = play(client, own, "10s", range(900, 1000, 5))
    assert span(client, after, 0) == (122, 390_000)
    assert span(client, after, 390) == (122, 0)


def test_before_its_first_reading_a_sensor_lacks_none(client: redis.Redis, own: Settings) -> None:
    """Nor where no size was changed, however far back a span may begin."""
    own = play(client, own, "1m", range(1000, 1100, 5))
    assert span(client, own, 0) == (20, 0)
    own = play(client, own, "10s", range(1100, 1900, 5))
    assert told(client, "10s")[1100] == (2, 0)
    assert span(client, own, 1100)[1] == 190_000
    client.flushall()
    own = play(client, own, "1m", range(1000, 1100, 5))
    own = play(client, own, "10s", range(1100, 1200, 5))
    assert span(client, own, 0) == (20, 95_001)
    client.flushall()
    own = play(client, own, "10s", range(0, 900, 5))
    assert span(client, own, 0) == (122, 0)


def test_an_added_size_lacks_what_the_open_windows_in_it_lack(
    client: redis.Redis, own: Settings
) -> None:
    """Also before a fold has noticed it: 1h lacks what closed in 30s alone, and so does 2h."""
    own = play(client, own, "30s", [290, 350])
    own = play(client, own, "15s,1h", [383])
    after = own.model_copy(update={"windows": "15s,1h,2h"})
    sensor = Sensor.unpack(*client.hmget("state", record_fields("s")))  # type: ignore[misc]
    hour, two = (sensor.open_at(size)[0] for size in after.window_sizes[1:])
    assert (hour.moments.n, two.moments.n) == (2, 2)
    assert pane_figures(two)["missing_ms"] == pane_figures(hour)["missing_ms"] > 0


def test_where_the_finest_size_stays_nothing_is_noted(client: redis.Redis, own: Settings) -> None:
    """The state grows by nothing; and where another was, it is as before once that is long ago."""
    slow = "\0slow:s"
    own = play(client, own, "10s,1m", range(0, 200, 5))
    own = play(client, own, "10s,1m,1h", range(200, 400, 5))
    raw: Any = client.hget("state", slow)
    assert Sensor.unpack(None, raw).origins == {}
    own = own.model_copy(update={"windows_keep": "6,2"})
    own = play(client, own, "5s,10s", range(400, 435, 5))
    raw = client.hget("state", slow)
    assert Sensor.unpack(None, raw).origins == {10_000: ((390_000, 395_001),)}
    play(client, own, "5s,10s", range(435, 500, 5))
    raw = client.hget("state", slow)
    assert Sensor.unpack(None, raw).origins == {}


def test_changes_without_end_take_bounded_room(client: redis.Redis, own: Settings) -> None:
    """Of many changes the oldest are told as one span, that of no window at all if need be."""
    own = own.model_copy(update={"windows_keep": "1000"})
    names = ("2s", "3s", "5s", "7s", "11s", "13s", "17s", "19s", "23s")
    for n in range(400):
        name = names[n // 2 % len(names)]
        play(client, own, f"1s,{name}" if n % 2 else name, range(3 * n, 3 * n + 2))
    raw: Any = client.hget("state", "\0slow:s")
    origins = Sensor.unpack(None, raw).origins
    assert (len(origins), max(origins)) == (8, float("inf"))
    assert max(len(spans) for spans in origins.values()) == 16
