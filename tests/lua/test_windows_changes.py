"""Sizes and quantiles that change at random moments, against a plain model over all readings.

Each value is another power of two, so that an exact sum says which readings it is of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from hypothesis import example, given
from hypothesis import strategies as st

from processor.fold import fold
from processor.missing import missing
from processor.pane import Pane
from processor.record import Moments
from processor.sketch import Sketch
from processor.spans import length
from processor.windows import Sensor, begin_of, over, record_fields
from rillet.keys import partition_keys
from rillet.settings import Settings
from rillet.sizes import Size, parse_sizes
from tests.lua.fold_support import examples, hashes, text
from tests.lua.model import exact_figures

LATENESS = 2000
BEGIN = 86_400_000_000
FOREVER_MS = 10**9
MOST_SENT = 200
"""Values of which larger ones would not be taken, nor added without rounding."""
SIZES = ["1s,5s,20s", "5s,20s", "20s", "1s,20s", "1s", "2s,10s", "4s,20s", "3s", "3s,15s,60s"]
# All times are whole tenths: the clock may look at a sensor a moment (50 ms) late.
tenths = st.integers(0, 60).map(lambda n: n * 100)
send = st.tuples(
    st.just("send"),
    st.sampled_from("ab"),
    st.integers(1, 3),
    st.one_of(st.just(0), st.just(0), tenths),
)
wait = st.tuples(st.just("wait"), st.one_of(tenths, tenths, st.just(40_000)))
run = st.tuples(st.just("fold"), st.integers(1, 9))
STAYS = ["1s", "1s,5s", "1s,20s", "1s,5s,20s", "1s,5s,20s,60s", "1s,2s,60s", "1s,60s", "1s,4s,20s"]
ALL = [*SIZES, *STAYS]
change = st.tuples(st.just("change"), st.sampled_from(SIZES), st.booleans())
enlarge = st.tuples(st.just("change"), st.sampled_from(STAYS), st.just(True))
one = [("send", "a", 1, 0), ("fold", 1), ("wait", 300)]
steps = st.lists(
    st.one_of(send, send, send, wait, wait, run, run, change), min_size=12, max_size=60
)
change_kept = st.tuples(
    st.just("change"), st.sampled_from(SIZES), st.just(True), st.sampled_from(["60", "70"])
)
many = st.tuples(st.just("each_second"), st.sampled_from("ab"), st.integers(1, 40))
few_kept = st.lists(
    st.one_of(send, many, many, wait, run, run, change_kept), min_size=12, max_size=40
)
finest_stays = st.lists(
    st.one_of(send, send, send, wait, wait, run, run, enlarge), min_size=12, max_size=60
)


@dataclass(frozen=True)
class Reading:
    """One reading: event time and arrival in ms, its value, and whether quantiles were on."""

    ts: int
    arrival: int
    value: int
    sketched: bool


Place = tuple[int, int]
"""A window: its size in ms, and its start."""


@dataclass
class Model:
    """One sensor: in which open window each reading lies, and which were in each when it closed."""

    placed: list[tuple[Place, Reading]] = field(default_factory=list)
    written: dict[Place, list[Reading]] = field(default_factory=dict)
    taken: list[Reading] = field(default_factory=list)
    late: list[Reading] = field(default_factory=list)
    high: float = float("-inf")
    closed_until: float = float("-inf")

    def larger(self, place: Place, sizes: Sequence[int]) -> list[Place]:
        """Return the windows around a window, the next larger one first."""
        size, start = place
        wider = [(z, start // z * z) for z in sizes if z > size]
        return [(z, begin) for z, begin in wider if start + size <= begin + z]

    def notice(self, sizes: Sequence[int]) -> None:
        """Mind a change of sizes: what lies in one that is gone goes to the next larger, if any."""
        placed, self.placed = self.placed, []
        for place, reading in placed:
            around = [place] if place[0] in sizes else self.larger(place, sizes)
            self.placed += [(one, reading) for one in around[:1]]

    def close(self, watermark: float, sizes: Sequence[int]) -> None:
        """Close what ends by then, in order: each reading goes on to the next window it fits in."""
        if any(s + z <= watermark for (z, s), _ in self.placed):
            self.notice(sizes)
        while ends := [(s + z, z, s) for (z, s), _ in self.placed if s + z <= watermark]:
            end, size, start = min(ends)
            inside = [r for place, r in self.placed if place == (size, start)]
            self.placed = [one for one in self.placed if one[0] != (size, start)]
            if size in sizes:
                assert (size, start) not in self.written
                self.written[size, start] = inside
                self.closed_until = max(self.closed_until, end)
                larger = self.larger((size, start), sizes)
                self.placed += [(larger[0], r) for r in inside] if larger else []

    def tick(self, now: int, sizes: Sequence[int]) -> None:
        """Let the clock go on."""
        if self.taken:
            waited = max(0, now - self.taken[-1].arrival)
            self.close(self.high + waited - LATENESS, sizes)

    def begin(self, sizes: Sequence[int]) -> None:
        """Mind a change of the finest size."""
        if self.finest != sizes[0]:
            self.notice(sizes)
        self.finest = sizes[0]

    def take(self, reading: Reading, sizes: Sequence[int]) -> None:
        """Take one reading."""
        self.begin(sizes)
        self.tick(reading.arrival, sizes)
        finest, floor = sizes[0], self.closed_until
        if self.taken:
            floor = max(floor, (self.high - LATENESS) // finest * finest)
        self.taken.append(reading)
        if reading.ts < floor:
            self.late.append(reading)
        else:
            self.placed.append(((finest, reading.ts // finest * finest), reading))
        self.high = max(self.high, reading.ts)
        self.close(self.high - LATENESS, sizes)

    def within(self, size: int, start: int) -> list[Reading]:
        """Return all readings of a window that were in time."""
        return [r for r in self.taken if start <= r.ts < start + size and r not in self.late]

    finest: int = 0


@dataclass
class Scene:
    """Readings as they are sent, settings as they change, and a model for each sensor."""

    client: redis.Redis
    settings: Settings
    now: int = BEGIN
    count: int = 0
    sent: int = 0
    waiting: list[tuple[str, int, list[int], int]] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)

    def send(self, sensor: str, count: int, late_ms: int) -> None:
        """Send one entry of so many readings."""
        values = [2**n for n in range(self.sent, self.sent + count)]
        self.sent += count
        self.count += 1
        fields = {"sensor": sensor, "values": ",".join(map(str, values)), "ts": self.now - late_ms}
        self.client.xadd("readings", fields, id=f"{self.now}-{self.count}")  # type: ignore[arg-type]
        self.waiting.append((sensor, self.now - late_ms, values, self.now))

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now += ms

    def each_second(self, sensor: str, count: int) -> None:
        """Send so many entries of one reading, one a second, while values are not too large."""
        for _ in range(min(count, MOST_SENT - self.sent)):
            self.wait(1000)
            self.send(sensor, 1, 0)

    def change(self, sizes: str, quantiles: bool, keep: str = "1000") -> None:
        """Change the settings of the next folds."""
        more = {"windows": sizes, "quantiles": quantiles, "windows_keep": keep}
        self.settings = self.settings.model_copy(update=more)

    def fold(self, count: int = 1000) -> None:
        """Fold so many entries, and let the models take the same."""
        done = fold(self.client, self.settings, partition_keys(self.settings)[0], count, self.now)
        assert done.fault in ("", "NOSTREAM")
        sizes = [size.ms for size in self.settings.window_sizes]
        for sensor, ts, values, arrival in self.waiting[: done.entries]:
            model = self.models.setdefault(sensor, Model())
            for value in values:
                model.take(Reading(ts, arrival, value, self.settings.quantiles), sizes)
        del self.waiting[: done.entries]
        if not self.waiting:
            for model in self.models.values():
                model.begin(sizes)
                model.tick(self.now, sizes)

    def finish(self) -> None:
        """Fold all there is, and what the clock demands."""
        while self.waiting:
            self.fold()
        for _ in range(3):
            self.fold()


def readings_of(pane: Pane, model: Model) -> list[Reading]:
    """Return the readings that are in a pane: each once, and its sums are exactly theirs."""
    total = pane.moments.s1
    assert total.denominator == 1
    inside = [r for r in model.taken if r.value & total.numerator]
    want = Moments.of([float(r.value) for r in inside])
    assert (pane.moments.n, total, pane.moments.s2) == (want.n, want.s1, want.s2)
    return inside


def panes_of(scene: Scene, sensor: str, size: Size) -> list[Pane]:
    """Return the closed panes of one size."""
    kept: Any = scene.client.lrange(f"panes:{size.name}:{sensor}", 0, -1)
    return [Pane.closed(one, size) for one in kept]


def check_written(scene: Scene, sensor: str, model: Model) -> None:
    """Check windows on the streams and in the lists, to the bit.

    Each has all that the model has in it, and may have more that was kept: only of what lay in it.
    """
    for size in {size.name: size for sizes in ALL for size in parse_sizes(sizes, "1000")}.values():
        want = [(s, inside) for (z, s), inside in model.written.items() if z == size.ms]
        found: Any = scene.client.xrange(f"windows:{size.name}")
        shown = [one for one in (text(fields) for _, fields in found) if one["sensor"] == sensor]
        panes = panes_of(scene, sensor, size)
        assert [int(one["start"]) for one in shown] == [start for start, _ in want]
        assert [pane.start for pane in panes] == [start for start, _ in want]
        for one, pane, (start, own) in zip(shown, panes, want, strict=True):
            inside = readings_of(pane, model)
            assert {r.value for r in own} <= {r.value for r in inside}
            assert {r.value for r in inside} <= {r.value for r in model.within(size.ms, start)}
            check_entry(one, inside)
            shown_ms = int(one.get("missing_ms", 0))
            assert shown_ms == length(pane.missing)
            check_missing(shown_ms, size, inside, model.within(size.ms, start))


def check_missing(
    missing_ms: float, size: Size, inside: list[Reading], every: list[Reading]
) -> None:
    """Check that a window that lacks a reading which was in time says so."""
    whole = {r.value for r in inside} == {r.value for r in every}
    assert whole or missing_ms > 0
    assert 0 <= missing_ms <= size.ms


def check_kept(scene: Scene, sensor: str, model: Model) -> None:
    """Check that each window that is kept is whole or says it is not; so each span that is kept."""
    for size in {size.name: size for sizes in ALL for size in parse_sizes(sizes, "1000")}.values():
        for pane in panes_of(scene, sensor, size):
            inside = readings_of(pane, model)
            check_missing(length(pane.missing), size, inside, model.within(size.ms, pane.start))
    sizes, state = scene.settings.window_sizes, state_of(scene, sensor)
    closed = {size.name: panes_of(scene, sensor, size) for size in sizes}
    for span_ms in range(1000, (sizes[-1].keep - 1) * sizes[-1].ms, 7000):
        begin = begin_of(sizes, span_ms, scene.now)
        found = over(closed, state, sizes, begin)
        want = {r.value for r in model.taken if r.ts >= begin and r not in model.late}
        inside = readings_of(found, model) if found else []
        assert {r.value for r in inside} <= want
        whole = len(inside) == len(want)
        assert whole or length(missing(closed, state, sizes, begin)) > 0


def check_entry(shown: dict[str, str], inside: list[Reading]) -> None:
    """Compare what an entry says with its readings."""
    figures = exact_figures([float(r.value) for r in inside])
    for figure in ("count", "mean", "stddev", "min", "max", "sum"):
        assert float(shown[figure]) == figures[figure]
    first, last = min(r.ts for r in inside), max(r.ts for r in inside)
    assert float(shown["first"]) in [r.value for r in inside if r.ts == first]
    assert float(shown["last"]) in [r.value for r in inside if r.ts == last]
    assert ("p50" in shown) == all(r.sketched for r in inside)


def state_of(scene: Scene, sensor: str) -> Sensor:
    """Return what `state` holds of a sensor."""
    raw: Any = scene.client.hmget("state", record_fields(sensor))
    return Sensor.unpack(raw[0], raw[1])


def check_state(scene: Scene, sensor: str, model: Model) -> None:
    """Compare what is open, and the sketch of all values."""
    state = state_of(scene, sensor)
    assert state.sketch == Sketch.of(r.value for r in model.taken if r.sketched)
    assert hashes(scene.client)[sensor]["count"] == str(len(model.taken))
    assert hashes(scene.client)[sensor]["late"] == str(len(model.late))
    for size in scene.settings.window_sizes:
        groups: dict[int, list[Reading]] = {}
        for (ms, start), reading in model.placed:
            begin = start // size.ms * size.ms
            if start + ms <= begin + size.ms:
                groups.setdefault(begin, []).append(reading)
        held = state.open_at(size)
        assert [pane.start for pane in held] == sorted(groups)
        for pane in held:
            want = {r.value for r in groups[pane.start]}
            inside = readings_of(pane, model)
            assert want <= {r.value for r in inside}
            assert pane.sketch == Sketch.of(r.value for r in inside if r.sketched)
            check_missing(length(pane.missing), size, inside, model.within(size.ms, pane.start))


def check_spans(scene: Scene, sensor: str, model: Model) -> None:
    """Check that a span has each reading once that any of its windows has, open or kept.

    If it lacks any that was in time, it says so.
    """
    sizes, state = scene.settings.window_sizes, state_of(scene, sensor)
    closed = {size.name: panes_of(scene, sensor, size) for size in sizes}
    panes = [*state.open, *(pane for some in closed.values() for pane in some)]
    for begin in {pane.start for pane in panes} | {0}:
        inside = [pane for pane in panes if pane.start >= begin]
        want = {r.value for pane in inside for r in readings_of(pane, model)}
        found = over(closed, state, sizes, begin)
        assert (found is None) == (not want)
        if found:
            assert {r.value for r in readings_of(found, model)} == want
        every = {r.value for r in model.taken if r.ts >= begin and r not in model.late}
        assert want == every or length(missing(closed, state, sizes, begin)) > 0


@given(steps)
@example([*one, ("change", "5s,20s", True), *one, *one])
@example([*one, ("change", SIZES[0], False), *one, ("change", SIZES[0], True), *one] * 3)
@examples(80)
def test_sizes_and_quantiles_may_change_at_any_moment(
    client: redis.Redis, settings: Settings, steps: list[Any]
) -> None:
    """Each window is written once, with all that was to come into it; each value counts once."""
    for scene, sensor, model in played(client, settings, SIZES[0], steps):
        check_state(scene, sensor, model)


def played(
    client: redis.Redis, settings: Settings, windows: str, steps: list[Any]
) -> Iterator[tuple[Scene, str, Any]]:
    """Do the steps on windows of these sizes, and check all spans after each fold.

    Each sensor is given once all is folded, and again once all has closed; each of its windows is
    written once.
    """
    client.flushall()
    more = {"windows": windows, "windows_keep": "1000", "allowed_lateness_ms": LATENESS}
    scene = Scene(client, settings.model_copy(update=more))
    for name, *arguments in steps:
        getattr(scene, name)(*arguments)
        if name in ("fold", "change"):  # an API may know of a change before a fold does
            for sensor, model in scene.models.items():
                check_spans(scene, sensor, model)
    for wait_ms in (0, FOREVER_MS):
        scene.wait(wait_ms)
        scene.finish()
        for sensor, model in scene.models.items():
            check_written(scene, sensor, model)
            yield scene, sensor, model


@given(few_kept)
@examples(20)
def test_what_is_kept_no_more_is_told(
    client: redis.Redis, settings: Settings, steps: list[Any]
) -> None:
    """Few windows are kept, in changing numbers: each, and each span, is whole or says so."""
    client.flushall()
    more = {"windows": SIZES[0], "windows_keep": "60", "allowed_lateness_ms": LATENESS}
    scene = Scene(client, settings.model_copy(update=more))
    for name, *arguments in steps:
        getattr(scene, name)(*arguments)
        if name in ("fold", "change"):
            for sensor, model in scene.models.items():
                check_kept(scene, sensor, model)


@given(finest_stays)
@examples(60)
def test_windows_are_whole_where_the_finest_size_stays(
    client: redis.Redis, settings: Settings, steps: list[Any]
) -> None:
    """Whatever larger sizes come and go: a window has all readings in it, from when it was none.

    Only the time before the first window that is kept may count as missing: nothing is known of it.
    """
    (finest,) = parse_sizes(STAYS[0], "1000")
    for scene, sensor, model in played(client, settings, STAYS[0], steps):
        for size in parse_sizes("1s,5s,20s,60s", "1000"):
            first = panes_of(scene, sensor, finest)[0].start if model.written else BEGIN
            for pane in panes_of(scene, sensor, size):
                want = {r.value for r in model.within(size.ms, pane.start)}
                assert {r.value for r in readings_of(pane, model)} == want
                assert all(to <= first for _, to in pane.missing)
        everything = {r.value for r in model.taken if r not in model.late}
        sizes = scene.settings.window_sizes
        closed = {size.name: panes_of(scene, sensor, size) for size in sizes}
        state = state_of(scene, sensor)
        assert missing(closed, state, sizes, 0) == ()
        found = over(closed, state, sizes, 0)
        assert (found is None) == (not everything)
        if found:
            assert {r.value for r in readings_of(found, model)} == everything
