"""Sizes and quantiles that change at random moments, against a plain model over all readings."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from processor.fold import fold
from processor.record import Moments
from processor.sketch import Sketch
from processor.windows import Pane, Sensor, record_fields
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import hashes, text
from tests.lua.model import exact_figures

LATENESS = 2000
BEGIN = 86_400_000_000
FOREVER_MS = 10**9
SIZES = ["1s,5s,20s", "5s,20s", "20s", "1s,20s", "1s", "2s,10s", "4s,20s", "3s", "3s,15s,60s"]
# All times are whole tenths: the clock may look at a sensor a moment (50 ms) late.
tenths = st.integers(0, 60).map(lambda n: n * 100)
send = st.tuples(
    st.just("send"),
    st.sampled_from("ab"),
    st.lists(st.integers(-500, 500), min_size=1, max_size=3),
    st.one_of(st.just(0), st.just(0), tenths),
)
wait = st.tuples(st.just("wait"), st.one_of(tenths, tenths, st.just(40_000)))
run = st.tuples(st.just("fold"), st.integers(1, 9))
change = st.tuples(st.just("change"), st.sampled_from(SIZES), st.booleans())
one = [("send", "a", [1], 0), ("fold", 1), ("wait", 300)]
steps = st.lists(
    st.one_of(send, send, send, wait, wait, run, run, change), min_size=12, max_size=60
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
    """One sensor: in which window each reading lies, and what was in each that was written."""

    placed: list[tuple[Place, Reading]] = field(default_factory=list)
    written: dict[Place, list[Reading]] = field(default_factory=dict)
    taken: list[Reading] = field(default_factory=list)
    late: int = 0
    high: float = float("-inf")
    closed_until: float = float("-inf")

    def close(self, watermark: float, sizes: Sequence[int]) -> None:
        """Close what ends by then, in order: each reading goes on to the next window it fits in."""
        while ends := [(s + z, z, s) for (z, s), _ in self.placed if s + z <= watermark]:
            end, size, start = min(ends)
            inside = [r for place, r in self.placed if place == (size, start)]
            self.placed = [one for one in self.placed if one[0] != (size, start)]
            if size in sizes:
                assert (size, start) not in self.written
                self.written[size, start] = inside
                self.closed_until = max(self.closed_until, end)
            larger = [(z, start // z * z) for z in sizes if z > size and end <= start // z * z + z]
            self.placed += [(larger[0], r) for r in inside] if larger else []

    def tick(self, now: int, sizes: Sequence[int]) -> None:
        """Let the clock go on."""
        if self.taken:
            waited = max(0, now - self.taken[-1].arrival)
            self.close(self.high + waited - LATENESS, sizes)

    def take(self, reading: Reading, sizes: Sequence[int]) -> None:
        """Take one reading."""
        self.tick(reading.arrival, sizes)
        finest, floor = sizes[0], self.closed_until
        if self.taken:
            floor = max(floor, (self.high - LATENESS) // finest * finest)
        self.taken.append(reading)
        if reading.ts < floor:
            self.late += 1
        else:
            self.placed.append(((finest, reading.ts // finest * finest), reading))
        self.high = max(self.high, reading.ts)
        self.close(self.high - LATENESS, sizes)


@dataclass
class Scene:
    """Readings as they are sent, settings as they change, and a model for each sensor."""

    client: redis.Redis
    settings: Settings
    now: int = BEGIN
    count: int = 0
    waiting: list[tuple[str, int, list[int], int]] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)

    def send(self, sensor: str, values: list[int], late_ms: int) -> None:
        """Send one entry."""
        self.count += 1
        fields = {"sensor": sensor, "values": ",".join(map(str, values)), "ts": self.now - late_ms}
        self.client.xadd("readings", fields, id=f"{self.now}-{self.count}")  # type: ignore[arg-type]
        self.waiting.append((sensor, self.now - late_ms, values, self.now))

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now += ms

    def change(self, sizes: str, quantiles: bool) -> None:
        """Change the settings of the next folds."""
        self.settings = self.settings.model_copy(update={"windows": sizes, "quantiles": quantiles})

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
                model.tick(self.now, sizes)

    def finish(self) -> None:
        """Fold all there is, and what the clock demands."""
        while self.waiting:
            self.fold()
        for _ in range(3):
            self.fold()


def check_written(client: redis.Redis, sensor: str, model: Model) -> None:
    """Compare windows on the streams and in the lists with those of the model, to the bit."""
    for name in {name for sizes in SIZES for name in sizes.split(",")}:
        ms = int(name[:-1]) * 1000
        want = [(s, inside) for (z, s), inside in model.written.items() if z == ms]
        shown = [text(fields) for _, fields in client.xrange(f"windows:{name}")]
        shown = [one for one in shown if one["sensor"] == sensor]
        assert [int(one["start"]) for one in shown] == [start for start, _ in want]
        kept: Any = client.lrange(f"panes:{name}:{sensor}", 0, -1)
        assert [struct.unpack_from("<d", one, 3)[0] for one in kept] == [start for start, _ in want]
        for one, (_, inside) in zip(shown, want, strict=True):
            figures = exact_figures([float(r.value) for r in inside])
            for figure in ("count", "mean", "stddev", "min", "max", "sum"):
                assert float(one[figure]) == figures[figure]
            first, last = min(r.ts for r in inside), max(r.ts for r in inside)
            assert int(one["first"]) in [r.value for r in inside if r.ts == first]
            assert int(one["last"]) in [r.value for r in inside if r.ts == last]
            assert ("p50" in one) == all(r.sketched for r in inside)


def check_state(scene: Scene, sensor: str, model: Model) -> None:
    """Compare what is open, and the sketch of all values."""
    raw: Any = scene.client.hmget("state", record_fields(sensor))
    state = Sensor.unpack(raw[0], raw[1])
    assert state.sketch == Sketch.of(r.value for r in model.taken if r.sketched)
    assert hashes(scene.client)[sensor]["count"] == str(len(model.taken))
    assert hashes(scene.client)[sensor]["late"] == str(model.late)
    for size in scene.settings.window_sizes:
        groups: dict[int, list[Reading]] = {}
        for (ms, start), reading in model.placed:
            begin = start // size.ms * size.ms
            if start + ms <= begin + size.ms:
                groups.setdefault(begin, []).append(reading)
        held = state.open_at(size)
        assert [pane.start for pane in held] == sorted(groups)
        for pane in held:
            check_pane(pane, groups[pane.start])


def check_pane(pane: Pane, inside: list[Reading]) -> None:
    """Check that an open pane has its readings' sums without loss, and what was sketched."""
    want = Moments.of([float(r.value) for r in inside])
    assert (pane.moments.n, pane.moments.s1, pane.moments.s2) == (want.n, want.s1, want.s2)
    assert pane.sketch == Sketch.of(r.value for r in inside if r.sketched)


@given(steps)
@example([*one, ("change", "5s,20s", True), *one, *one])
@example([*one, ("change", SIZES[0], False), *one, ("change", SIZES[0], True), *one] * 3)
@hypothesis_settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_sizes_and_quantiles_may_change_at_any_moment(
    client: redis.Redis, settings: Settings, steps: list[Any]
) -> None:
    """Each window is written once, with all that was to come into it; each value counts once."""
    client.flushall()
    more = {"windows": SIZES[0], "windows_keep": "1000", "allowed_lateness_ms": LATENESS}
    scene = Scene(client, settings.model_copy(update=more))
    for name, *arguments in steps:
        getattr(scene, name)(*arguments)
    for wait_ms in (0, FOREVER_MS):
        scene.wait(wait_ms)
        scene.finish()
        for sensor, model in scene.models.items():
            check_written(client, sensor, model)
            check_state(scene, sensor, model)
