"""lua/reducers/panes.lua, through the fold: explicit event times, and the test's own clock."""

import struct
from itertools import pairwise
from typing import Any

import pytest
import redis

from processor.fold import fold
from processor.pane import Pane, pane_figures
from processor.record import Moments, pieces_of
from processor.sketch import Sketch
from processor.windows import Sensor, over, record_fields
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, hashes, text

DAY_MS = 86_400_000
OPEN_HEAD = 4 * 8 + 2
SIZES = {"windows": "10s,1m", "windows_keep": "60", "allowed_lateness_ms": 5000}


@pytest.fixture
def own(settings: Settings) -> Settings:
    return settings.model_copy(update={**SIZES, "future_skew_ms": 10**16})


def send(client: redis.Redis, times: list[int], at_ms: int, sensor: str = "s") -> None:
    """Append readings with these event times, all arriving at once; each value is its time in s."""
    rows = [{"sensor": sensor, "value": repr(ts / 1000), "ts": ts} for ts in times]
    pipe = client.pipeline(transaction=False)
    for n, row in enumerate(rows):
        pipe.xadd("readings", row, id=f"{at_ms}-{n + 1}")  # type: ignore[arg-type]
    pipe.execute()


def closed_windows(client: redis.Redis, size: str = "10s") -> list[dict[str, str]]:
    """Return the entries of the windows closed so far, in order."""
    return [text(fields) for _, fields in client.xrange(f"windows:{size}")]


def starts(client: redis.Redis, size: str = "10s") -> list[int]:
    """Return the starts of the windows closed so far, in order."""
    return [int(one["start"]) for one in closed_windows(client, size)]


def state(client: redis.Redis, sensor: str = "s") -> Sensor:
    raw: Any = client.hmget("state", record_fields(sensor))
    return Sensor.unpack(raw[0], raw[1])


def test_a_window_closes_when_the_watermark_reaches_its_end(
    client: redis.Redis, own: Settings
) -> None:
    """One ms before its end and the allowed lateness it is open; at it, closed."""
    keys = partition_keys(own)[0]
    send(client, [1000, 9999, 14_999], 20_000)
    fold(client, own, keys, now_ms=20_000)
    assert starts(client) == []
    send(client, [15_000], 20_001)
    fold(client, own, keys, now_ms=20_001)
    assert starts(client) == [0]
    (closed,) = closed_windows(client)
    shown = {k: closed[k] for k in ("sensor", "end", "count", "first", "last", "sum")}
    want = {"sensor": "s", "end": "10000", "count": "2", "first": "1", "last": "9.999"}
    assert shown == {**want, "sum": "10.999"}


def test_what_is_late_counts_but_not_in_windows(client: redis.Redis, own: Settings) -> None:
    """A reading whose window is open is in it, however old; after that it is late, and noted."""
    send(client, [1000, 14_999, 9999, 15_000, 9998, 17_000, 10_500], 20_000)
    fold_all(client, own, now_ms=20_000)
    (closed,) = closed_windows(client)
    assert closed["count"] == "2"
    ((_, late),) = client.xrange("late")  # type: ignore[misc,unused-ignore]
    want = {"sensor": "s", "id": "20000-5", "ts": "9998", "count": "1", "watermark": "10000"}
    assert text(late) == want
    assert (hashes(client)["s"]["count"], hashes(client)["s"]["late"]) == ("7", "1")


def test_the_clock_closes_the_window_of_a_silent_sensor(client: redis.Redis, own: Settings) -> None:
    """Nothing arrives: the window closes at its end and the lateness, by the wall clock."""
    keys = partition_keys(own)[0]
    send(client, [1000, 2500], 2600)
    fold(client, own, keys, now_ms=2700)
    assert client.zscore("due", "s") == 15_100
    assert fold(client, own, keys, now_ms=15_099).closed == 0
    assert fold(client, own, keys, now_ms=15_100).closed == 1
    assert starts(client) == [0]
    assert fold(client, own, keys, now_ms=65_100).closed == 1
    assert starts(client, "1m") == [0]
    assert client.zscore("due", "s") is None


@pytest.mark.parametrize(
    "before",
    [[{}, {"windows": ""}], [{"allowed_lateness_ms": 600_000}], [{"windows": "20s,1m"}]],
    ids=["off and on again", "less lateness", "other sizes"],
)
def test_after_a_change_the_clock_closes_the_windows_of_silent_sensors(
    client: redis.Redis, own: Settings, before: list[dict[str, Any]]
) -> None:
    """No reading is needed for it, and no fold looks at many more sensors for it."""
    for n in range(300):
        send(client, [1000, 2500], 2600 + n, f"s{n}")
    for n, settings in enumerate(before):
        fold_all(client, own.model_copy(update=settings), now_ms=3000 + n * 76_000)
    keys = partition_keys(own)[0]
    folds = [fold(client, own, keys, now_ms=80_000).closed for _ in range(40)]
    assert max(folds) < 150
    assert starts(client, "1m") == [0] * 300
    assert client.zcard("due") == 0


def test_a_processor_that_was_away_makes_nothing_late(client: redis.Redis, own: Settings) -> None:
    """Folded at once or long after, readings that came in time are in their windows."""
    found = []
    for every in (1, 40):
        client.flushall()
        for n in range(40):
            at = 1_000_000 + n * 1000
            send(client, [at - 1500], at)
            if n % every == every - 1:
                fold_all(client, own, 3, now_ms=at + (0 if every == 1 else 10**7))
        fold_all(client, own, now_ms=10**8)
        found.append(closed_windows(client))
    assert found[0] == found[1]
    assert sum(int(one["count"]) for one in found[0]) == 40


def test_a_backlog_is_no_silence(client: redis.Redis, own: Settings) -> None:
    """While entries are unread the clock closes nothing, however late it is."""
    keys = partition_keys(own)[0]
    send(client, [1000], 1000)
    send(client, [2000], 2000)
    assert fold(client, own, keys, 1, now_ms=10**9).closed == 0
    assert fold(client, own, keys, 1, now_ms=10**9).closed > 0
    (closed,) = closed_windows(client)
    assert closed["count"] == "2"


def test_readings_kept_while_offline_are_not_lost_to_windows(
    client: redis.Redis, own: Settings
) -> None:
    """The clock closes only windows that have readings: others are still open when they come."""
    send(client, [1000], 1000)
    fold_all(client, own, now_ms=40_000)
    assert starts(client) == [0]
    send(client, [2000, 13_000, 24_000, 35_000], 41_000)
    fold_all(client, own, now_ms=10**6)
    assert starts(client) == [0, 10_000, 20_000, 30_000]
    assert hashes(client)["s"]["late"] == "1"
    (minute,) = closed_windows(client, "1m")
    assert minute["count"] == "4"


@pytest.mark.parametrize("begin", [-(10**12), -15_000, 0, 8_600_000_000_000_000])
def test_any_time_has_its_window(client: redis.Redis, own: Settings, begin: int) -> None:
    """Before 1970, around it, and hundreds of thousands of years ahead."""
    own = own.model_copy(update={"windows": "1s,1m"})
    begin -= begin % 60_000
    send(client, [begin, begin + 999, begin + 1000, begin + 100_000], 1000)
    fold_all(client, own, now_ms=1000)
    assert starts(client, "1s") == [begin, begin + 1000]
    assert starts(client, "1m") == [begin]
    counts = [text(fields)["count"] for _, fields in client.xrange("windows:1s")]
    assert counts == ["2", "1"]


def test_windows_that_end_together_close_from_the_finest_on(
    client: redis.Redis, own: Settings
) -> None:
    """Each is whole when it is written, and written once."""
    own = own.model_copy(update={"windows": "1s,5s,20s"})
    send(client, [1000, 16_000, 19_500, 60_000], 1000)
    fold_all(client, own, now_ms=1000)
    assert starts(client, "5s") == [0, 15_000]
    (whole,) = closed_windows(client, "20s")
    assert (whole["start"], whole["count"]) == ("0", "3")


def test_years_of_silence_take_no_time(client: redis.Redis, own: Settings) -> None:
    """No window without readings is written, or even thought of."""
    keys = partition_keys(own)[0]
    send(client, [0, 200 * 365 * DAY_MS], 1000)
    folded = fold(client, own, keys, now_ms=1000)
    assert folded.closed == 2
    assert folded.busy_us < 1_000_000


def test_kept_windows_are_bounded(client: redis.Redis, own: Settings) -> None:
    """Each list has the newest, as many as are set, in order."""
    own = own.model_copy(update={"windows_keep": "6"})
    send(client, [n * 10_000 for n in range(40)], 1000)
    fold_all(client, own, 7, now_ms=1000)
    raw: Any = client.lrange("panes:10s:s", 0, -1)
    kept = [Pane.closed(one, own.window_sizes[0]).start for one in raw]
    assert kept == [n * 10_000 for n in range(32, 38)]
    assert client.llen("panes:1m:s") == 6


def test_more_open_windows_than_a_short_length_can_tell(client: redis.Redis, own: Settings) -> None:
    """With a day of allowed lateness hundreds are open; the record holds them all."""
    own = own.model_copy(update={"allowed_lateness_ms": DAY_MS})
    times = [n * 10_000 for n in range(900)]
    send(client, times, 1000)
    fold_all(client, own, 250, now_ms=1000)
    record: Any = client.hget("state", "s")
    assert len(pieces_of(record)["w"]) > 65_535
    assert len(state(client).open) == 900
    send(client, [2 * DAY_MS], 1001)
    fold_all(client, own, now_ms=1001)
    assert starts(client) == times


def test_any_number_of_open_windows_is_kept(client: redis.Redis, own: Settings) -> None:
    """Settings keep them few; should there be more than an uint16 can tell, none is lost."""
    own = own.model_copy(update={"allowed_lateness_ms": 10 * DAY_MS, "quantiles": False})
    send(client, [5000], 1000)
    fold_all(client, own, now_ms=1000)
    record: Any = client.hget("state", "s")
    piece = pieces_of(record)["w"]
    one = piece[OPEN_HEAD + 8 :]  # of the only one: the length of its body, and that
    panes = b"".join(struct.pack("<d", n * 10_000) + one for n in range(65_534))
    many = piece[: OPEN_HEAD - 2] + struct.pack("<H", 65_534) + panes
    at = record.index(piece)
    head = struct.pack("<cHI", b"w", 65_535, len(many))
    client.hset("state", "s", record[: at - 3] + head + many + record[at + len(piece) :])
    send(client, [(65_534 + n) * 10_000 for n in range(3)], 2000)
    for _ in range(2):
        fold_all(client, own, now_ms=2000)
    assert [pane.start for pane in state(client).open] == [n * 10_000 for n in range(65_537)]


def test_sizes_may_change(client: redis.Redis, own: Settings) -> None:
    """What is open of a size that is gone goes into the next larger one; nothing is lost."""
    send(client, [1000, 12_000], 1000)
    fold_all(client, own, now_ms=1000)
    coarse = own.model_copy(update={"windows": "1m,1h", "windows_keep": "60"})
    send(client, [14_000], 2000)
    fold_all(client, coarse, now_ms=2000)
    fine = own.model_copy(update={"windows": "5s,1m,1h", "windows_keep": "60"})
    send(client, [16_000, 130_000], 3000)
    fold_all(client, fine, now_ms=3000)
    (minute,) = closed_windows(client, "1m")
    assert (minute["count"], minute["sum"]) == ("4", "43")
    assert state(client).sketch == Sketch.of([1.0, 12.0, 14.0, 16.0, 130.0])


CHANGES = [
    ("10s,1m,1h", "1m,1h"),
    ("10s,1m,1h", "1h"),
    ("10s,1m,1h", "20s,1m,1h"),
    ("10s,1m,1h", "5s,1m,1h"),
    ("10s,1m,1h", "10s,1h"),
    ("10s,1m", "10s"),
    ("10s", "1m"),
    ("10s,1m", "10s,1m,1h"),
    ("10s,1m", "3s,30s"),
    ("10s,1m,1h", "7s"),
    ("1m,1h", "10s,1m,1h"),
]


@pytest.mark.parametrize("cuts", [(45,), (130,), (45, 48), (55, 230)], ids=str)
@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_sizes_that_change_leave_each_window_once(
    client: redis.Redis, own: Settings, before: str, after: str, cuts: tuple[int, ...]
) -> None:
    """Whatever is open then; a size that stays has all readings, and each value counts once."""
    for n, (begin, end) in enumerate(pairwise((0, *cuts, 400))):
        windows = before if n % 2 == 0 else after
        own = own.model_copy(update={"windows": windows, "windows_keep": "360"})
        pipe = client.pipeline(transaction=False)
        for second in range(begin, end):
            pipe.xadd("readings", {"sensor": "s", "value": second}, id=f"{second * 1000}-1")
        pipe.execute()
        fold_all(client, own, now_ms=end * 1000 - 1000)
    assert state(client).sketch == Sketch.of([float(n) for n in range(400)])
    fold_all(client, own, now_ms=DAY_MS)
    assert state(client).open == []
    assert state(client).sketch == Sketch.of([float(n) for n in range(400)])
    for size in {*before.split(","), *after.split(",")}:
        closed = closed_windows(client, size)
        begun = [int(one["start"]) for one in closed]
        assert begun == sorted(set(begun))
        raw: Any = client.lrange(f"panes:{size}:s", 0, -1)
        assert [struct.unpack_from("<d", one, 3)[0] for one in raw] == begun
        if size in before.split(",") and size in after.split(","):
            assert sum(int(one["count"]) for one in closed) == 400
        for one in closed:
            readings = Moments.of([n for n in range(400) if in_entry(n * 1000, one)])
            assert int(one["count"]) <= readings.n
            if int(one["count"]) == readings.n:
                assert (float(one["first"]), float(one["last"])) == (readings.low, readings.high)


def in_entry(ts: int, entry: dict[str, str]) -> bool:
    """Tell whether an event time lies in the window of an entry."""
    return int(entry["start"]) <= ts < int(entry["end"])


def test_an_open_window_in_two_parts_is_one(client: redis.Redis, own: Settings) -> None:
    """After a change of sizes its earlier readings lie with larger ones; first and last hold."""
    coarse = own.model_copy(update={"windows": "1m"})
    send(client, [11_000, 12_000], 1000)
    fold_all(client, own, now_ms=1000)
    send(client, [10_500, 13_000], 2000)
    fold_all(client, coarse, now_ms=2000)
    send(client, [13_500, 10_700], 3000)
    fold_all(client, own, now_ms=3000)
    (minute,) = state(client).open_at(own.window_sizes[1])
    assert (minute.moments.n, minute.first, minute.last) == (6, 10.5, 13.5)
    send(client, [70_000], 4000)
    fold_all(client, own, now_ms=4000)
    (closed,) = closed_windows(client, "1m")
    assert (closed["count"], closed["first"], closed["last"]) == ("6", "10.5", "13.5")


def test_a_size_that_is_gone_makes_nothing_late(client: redis.Redis, own: Settings) -> None:
    """What is open of it ends, but its end is that of no window."""
    coarse = own.model_copy(update={"windows": "1m"})
    send(client, [1000, 32_000], 1000)
    fold_all(client, own, now_ms=1000)
    send(client, [46_000, 38_000], 2000)
    fold_all(client, coarse, now_ms=2000)
    assert hashes(client)["s"]["late"] == "0"
    (minute,) = state(client).open_at(coarse.window_sizes[0])
    assert (minute.moments.n, minute.first, minute.last) == (4, 1.0, 46.0)


def test_no_span_has_a_size_that_is_gone_twice(client: redis.Redis, own: Settings) -> None:
    """What is open of it holds finer ones that are closed."""
    own = own.model_copy(update={"windows": "10s,1m,1h", "windows_keep": "360"})
    send(client, [1000, 12_000, 45_000], 1000)
    fold_all(client, own, now_ms=1000)
    own = own.model_copy(update={"windows": "10s,1h"})
    send(client, [46_000, 47_000], 2000)
    fold_all(client, own, now_ms=2000)
    raw: Any = client.lrange("panes:10s:s", 0, -1)
    closed = {"10s": [Pane.closed(one, own.window_sizes[0]) for one in raw]}
    found = over(closed, state(client), own.window_sizes, 0)
    assert found
    assert found.moments.n == 5


def test_windows_may_be_off_for_a_while(client: redis.Redis, own: Settings) -> None:
    """What is open meanwhile waits in the record, and goes on afterwards."""
    send(client, [1000], 1000)
    fold_all(client, own, now_ms=1000)
    off = own.model_copy(update={"windows": "", "quantiles": False, "half_life_s": 0.0})
    send(client, [2000], 2000)
    fold_all(client, off, now_ms=2000)
    assert "late" in hashes(client)["s"]
    send(client, [3000, 16_000], 3000)
    fold_all(client, own, now_ms=3000)
    (closed,) = closed_windows(client)
    assert (closed["count"], closed["sum"]) == ("2", "4")
    assert hashes(client)["s"]["count"] == "4"


def test_quantiles_may_be_turned_on_later(client: redis.Redis, own: Settings) -> None:
    """The window that is open then has none, as its sketch would lack readings; the next has."""
    off = own.model_copy(update={"quantiles": False})
    send(client, [1000], 1000)
    fold_all(client, off, now_ms=1000)
    send(client, [2000, 12_000, 13_000, 26_000], 2000)
    fold_all(client, own, now_ms=2000)
    first, second = closed_windows(client)
    assert (first["count"], first.get("p50")) == ("2", None)
    assert float(second["p50"]) == pytest.approx(12.0, rel=0.01)
    raw: Any = client.lrange("panes:10s:s", 0, -1)
    shown = [pane_figures(Pane.closed(one, own.window_sizes[0])) for one in raw]
    assert ["p50" in one for one in shown] == [False, True]
    assert state(client).sketch == Sketch.of([2.0, 12.0, 13.0, 26.0])


@pytest.mark.parametrize("last", [True, False])
def test_a_window_whose_sketch_lacks_readings_has_no_quantiles(
    client: redis.Redis, own: Settings, last: bool
) -> None:
    """On, off and on, or off again, within one window; all that came while on is in that of all."""
    off = own.model_copy(update={"quantiles": False})
    for n, settings in enumerate((own, off, own if last else off)):
        send(client, [n * 1000], n + 1)
        fold_all(client, settings, now_ms=n + 1)
    (still,) = state(client).open_at(own.window_sizes[0])
    assert "p50" not in pane_figures(still)
    send(client, [17_000], 10)
    fold_all(client, own if last else off, now_ms=10)
    (closed,) = closed_windows(client)
    assert (closed["count"], closed.get("p50")) == ("3", None)
    assert state(client).sketch == Sketch.of([0.0, 2.0, 17.0] if last else [0.0])


def test_quantiles_of_all_values_go_on_without_windows(client: redis.Redis, own: Settings) -> None:
    """What is in an open window as they are turned off is still among all values."""
    send(client, [1000, 2000], 1000)
    fold_all(client, own, now_ms=1000)
    off = own.model_copy(update={"windows": ""})
    send(client, [3000], 2000)
    fold_all(client, off, now_ms=2000)
    assert state(client).sketch == Sketch.of([1.0, 2.0, 3.0])


def test_what_is_off_leaves_nothing(client: redis.Redis, own: Settings) -> None:
    """With all of it off there are no keys, no fields and no pieces of it."""
    off = {"windows": "", "quantiles": False, "half_life_s": 0.0, "alerts": False}
    add(client, [{"sensor": "s", "value": "1"}] * 50)
    fold_all(client, own.model_copy(update=off))
    assert sorted(text(client.keys("*"))) == ["readings", "results", "state", "stats:s"]
    assert not {"late", "ewm_mean", "ewm_stddev"} & set(hashes(client)["s"])
    record: Any = client.hget("state", "s")
    assert set(pieces_of(record)) == {"s", "m"}


def test_a_sketch_is_bounded(client: redis.Redis, own: Settings) -> None:
    """Of more buckets than are set the smallest magnitudes merge; large quantiles stay right."""
    own = own.model_copy(update={"sketch_buckets": 50})
    values = [1.03**n * (-1) ** n for n in range(600)]
    add(client, [{"sensor": "s", "values": ",".join(map(repr, values))}], 10**6)
    fold_all(client, own, now_ms=10**6)
    fold_all(client, own, now_ms=10**9)
    sketch = state(client).sketch
    assert len(sketch.counts) <= 2 * 50 + 1
    assert sketch.count == 600
    for q in (0.01, 0.05, 0.95, 0.99):
        exact = sorted(values)[int(q * 599)]
        assert sketch.quantile(q) == pytest.approx(exact, rel=0.0101)


def test_the_sums_of_windows_are_those_of_all(client: redis.Redis, own: Settings) -> None:
    """Windows, late readings and what is open add up to the all-time sums, without loss."""
    send(client, [int(n * 777 % 90_000) for n in range(400)], 100_000)
    fold_all(client, own, 37, now_ms=100_000)
    raw: Any = client.lrange("panes:10s:s", 0, -1)
    parts = [Pane.closed(one, own.window_sizes[0]).moments for one in raw]
    parts += [p.moments for p in state(client).open if p.end - p.start == 10_000]
    late = sum(int(text(fields)["count"]) for _, fields in client.xrange("late"))
    record: Any = client.hget("state", "s")
    whole = Moments.unpack(pieces_of(record)["m"])
    assert late > 0
    assert sum(part.n for part in parts) + late == whole.n == 400


def test_who_gives_ids_says_when_they_arrived(client: redis.Redis, own: Settings) -> None:
    """Ids of the past let the clock close at once what is open; what comes then is late."""
    send(client, [1000], 1000)
    fold_all(client, own, now_ms=10**9)
    send(client, [2000], 2000)
    fold_all(client, own, now_ms=10**9)
    assert starts(client) == [0]
    assert hashes(client)["s"]["late"] == "1"


def test_as_many_windows_as_a_fold_has_sensors_may_close_at_once(
    client: redis.Redis, own: Settings
) -> None:
    """Thousands of sensors, whose windows close in one fold and by the clock: none fails."""
    keys = partition_keys(own)[0]
    waiting = [{"sensor": f"t{n}", "value": "1", "ts": "5000"} for n in range(2500)]
    add(client, waiting, 5000)
    while fold(client, own, keys, 5000, 8000).backlog:
        pass
    assert client.zcard("due") == 2500
    pairs = [
        {"sensor": f"s{n}", "value": "1", "ts": ts} for n in range(1899) for ts in (10_000, 30_000)
    ]
    add(client, pairs, 30_000)
    while (done := fold(client, own, keys, 5000, 10**9)).backlog or done.due_left:
        assert not done.fault
    assert client.xinfo_stream("windows:10s")["entries-added"] == 2500 + 2 * 1899  # type: ignore[index]
    assert client.zcard("due") == 0
