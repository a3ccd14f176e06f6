"""Random times, lateness, silences and cuts into folds against a plain model over all readings."""

import math
from typing import Any

import orjson
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from processor.fold import fold
from processor.pane import Pane
from processor.record import Moments, pieces_of
from processor.sketch import Sketch
from processor.windows import Sensor, begin_of, over, record_fields
from rillet.keys import Keys, partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import examples, hashes, text
from tests.lua.model import exact_figures
from tests.lua.windows_model import Alerts, Reading, Windows, first_and_last, weighted

BEGIN = 86_400_000_000
LATENESS = 2000
HALF_LIFE_S = 4.0
RULES: list[dict[str, Any]] = [
    {"name": "hot", "type": "limit", "high": 30.0, "low": -30.0, "hysteresis": 5.0},
    {"name": "odd", "type": "deviation", "sigma": 2.718281828, "warm_up": 4},
    {"name": "stuck", "type": "stuck", "after_ms": 3000},
    {"name": "gone", "type": "silence", "after_ms": 9000},
]
delay = st.one_of(
    st.just(None),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(-900, 4000),
    st.integers(0, 30_000),
    st.sampled_from([BEGIN + 5, 3 * 10**11]),
)
value = st.one_of(
    st.floats(-50, 50).map(lambda x: round(x, 2)),
    st.sampled_from([0.0, 21.5, 21.5, 29.0]),
    # Differences below 1e-150 are none to the weights: their squares are below every double.
    st.floats(-1e6, 1e6).map(lambda x: x if abs(x) > 1e-100 else 0.0),
)
send = st.tuples(
    st.just("send"), st.sampled_from("ab"), st.lists(value, min_size=1, max_size=3), delay
)
burst = st.tuples(
    st.just("burst"), st.sampled_from("ab"), st.lists(value, min_size=4, max_size=30), st.just(20)
)
noise = st.tuples(st.just("noise"), st.sampled_from("ab"))
run = st.tuples(st.just("fold"), st.integers(1, 9))
wait = st.tuples(
    st.just("wait"),
    st.one_of(st.integers(1, 900), st.integers(1, 9000), st.sampled_from([60_000, 10**10])),
)
steps = st.lists(st.one_of(send, send, send, burst, noise, run, wait), min_size=3, max_size=40)


class Scene:
    """Readings as they are sent, folds as they come, and the model that gets the same readings."""

    def __init__(self, client: redis.Redis, settings: Settings, keys: Keys) -> None:
        self.client, self.settings, self.keys = client, settings, keys
        self.now, self.count = BEGIN, 0
        self.sent: dict[str, list[Reading]] = {}
        self.rejected: dict[str, list[Reading]] = {}

    def send(self, sensor: str, values: list[float], late_ms: int | None) -> None:
        """Send one entry."""
        self.count += 1
        entry_id = f"{self.now}-{self.count}"
        fields: dict[Any, Any] = {"sensor": sensor, "values": ",".join(map(repr, values))}
        ts = self.now if late_ms is None else self.now - late_ms
        if late_ms is not None:
            fields["ts"] = ts
        self.client.xadd(self.keys.readings, fields, id=entry_id)
        self.sent.setdefault(sensor, []).extend(Reading(ts, self.now, v, entry_id) for v in values)

    def noise(self, sensor: str) -> None:
        """Send an entry that cannot be folded."""
        self.count += 1
        entry_id = f"{self.now}-{self.count}"
        self.client.xadd(self.keys.readings, {"sensor": sensor, "value": "?"}, id=entry_id)
        bad = Reading(self.now, self.now, math.nan, entry_id)
        self.rejected.setdefault(sensor, []).append(bad)

    def burst(self, sensor: str, values: list[float], gap_ms: int) -> None:
        """Send some entries, one after the other."""
        for one in values:
            self.send(sensor, [one], None)
            self.now += gap_ms

    def fold(self, count: int) -> None:
        """Fold so many entries."""
        fault = fold(self.client, self.settings, self.keys, count, self.now).fault
        assert fault in ("", "NOSTREAM")

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now += ms

    def finish(self) -> None:
        """Fold all there is, until the clock has nothing to do either."""
        while (
            done := fold(self.client, self.settings, self.keys, 7, self.now)
        ).backlog or done.due_left:
            pass
        for _ in range(3):
            self.fold(7)

    def windows(self, sensor: str) -> Windows:
        """Return the model's windows of one sensor, as of now."""
        model = Windows(self.settings.window_sizes, self.settings.allowed_lateness_ms)
        for reading in self.sent[sensor]:
            model.take(reading)
        model.tick(self.now)
        return model

    def changes(self, sensor: str, rule: dict[str, Any]) -> list[Any]:
        """Return the changes of one rule that the model wants, as of now."""
        model = Alerts(rule, self.settings.half_life_s * 1000)
        everything = self.sent[sensor] + self.rejected.get(sensor, [])
        for reading in sorted(everything, key=lambda r: int(r.entry_id.split("-")[1])):
            if math.isnan(reading.value):
                model.hear(reading)
            else:
                model.take(reading)
        model.tick(self.now)
        return model.changes


def entries_of(client: redis.Redis, stream: str, sensor: str) -> list[dict[str, str]]:
    """Return the entries of one sensor on a stream, oldest first."""
    found = [text(fields) for _, fields in client.xrange(stream)]
    return [fields for fields in found if fields["sensor"] == sensor]


def check_windows(scene: Scene, sensor: str) -> None:
    """Compare closed panes, on the stream and kept, and late readings with the model's."""
    model, client, keys = scene.windows(sensor), scene.client, scene.keys
    late = entries_of(client, keys.late, sensor)
    assert sum(int(one["count"]) for one in late) == len(model.late)
    assert {one["id"] for one in late} == {r.entry_id for r in model.late}
    assert hashes(client)[sensor]["late"] == str(len(model.late))
    for size in scene.settings.window_sizes:
        shown = entries_of(client, keys.windows(size.name), sensor)
        assert [int(one["start"]) for one in shown] == model.closed[size.ms]
        raw: Any = client.lrange(keys.panes(size.name, sensor), 0, -1)
        kept = [Pane.closed(one, size) for one in raw]
        assert [one.start for one in kept] == model.closed[size.ms][-size.keep :]
        by_start = {one.start: one for one in kept}
        for one in shown:
            readings = model.within(int(one["start"]), size.ms)
            check_entry(one, readings)
            if int(one["start"]) in by_start:
                check_pane(by_start[int(one["start"])], readings)


def check_entry(shown: dict[str, str], readings: list[Reading]) -> None:
    """Compare an entry's figures with those of its readings, to the bit."""
    want = exact_figures([r.value for r in readings])
    names = ("count", "mean", "stddev", "min", "max", "sum")
    assert {n: float(shown[n]) for n in names} == {n: want[n] for n in names}
    assert (float(shown["first"]), float(shown["last"])) == first_and_last(readings)
    ordered = sorted(r.value for r in readings)
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        exact = ordered[math.floor(q * (len(ordered) - 1))]
        assert float(shown[name]) == pytest.approx(exact, rel=0.01 + 1e-9, abs=1e-180)


def check_pane(pane: Pane, readings: list[Reading]) -> None:
    """Check that a pane has its readings' sums without loss, and each in its bucket."""
    want = Moments.of([r.value for r in readings])
    got = pane.moments
    assert (got.n, got.s1, got.s2, got.low, got.high) == (
        want.n,
        want.s1,
        want.s2,
        want.low,
        want.high,
    )
    assert (pane.first, pane.last) == first_and_last(readings)
    assert pane.sketch == Sketch.of(r.value for r in readings)


def check_state(scene: Scene, sensor: str) -> None:
    """Compare quantiles, open panes and sliding figures with those of their readings."""
    sizes, readings = scene.settings.window_sizes, scene.sent[sensor]
    raw: Any = scene.client.hmget(scene.keys.state, record_fields(sensor))
    state = Sensor.unpack(raw[0], raw[1])
    assert state.sketch == Sketch.of(r.value for r in readings)
    assert Moments.unpack(pieces_of(raw[0])["m"]).n == len(readings)
    model = scene.windows(sensor)
    lists: dict[str, list[Pane]] = {}
    for size in sizes:
        kept: Any = scene.client.lrange(scene.keys.panes(size.name, sensor), 0, -1)
        lists[size.name] = [Pane.closed(one, size) for one in kept]
        begun = {model.start(r.ts, size.ms) for r in model.accepted}
        still = sorted(begun - set(model.closed[size.ms]))
        held = state.open_at(size)
        assert [pane.start for pane in held] == still
        for pane in held:
            check_pane(pane, model.within(pane.start, size.ms))
    for span in (3000, 20_000, 200_000):
        begin = begin_of(sizes, span, scene.now)
        inside = [r for r in model.accepted if r.ts >= begin]
        found = over(lists, state, sizes, begin)
        assert (found is None) == (not inside)
        if found:
            check_pane(found, inside)


def check_weights(scene: Scene, sensor: str) -> None:
    """Compare mean and deviation by age with those of all readings, but for rounding."""
    readings, shown = scene.sent[sensor], hashes(scene.client)[sensor]
    mean, variance = weighted(readings, HALF_LIFE_S * 1000)
    scale = max(abs(r.value) for r in readings) * 1e-12
    assert float(shown["ewm_mean"]) == pytest.approx(float(mean), rel=1e-9, abs=scale)
    wanted = math.sqrt(variance)
    assert float(shown["ewm_stddev"]) == pytest.approx(wanted, rel=1e-6, abs=scale)


def check_alerts(scene: Scene, sensor: str) -> None:
    """Check that each change is told once, in order, and `firing` has what fires."""
    told = entries_of(scene.client, scene.keys.alerts, sensor)
    firing = text(scene.client.hgetall(scene.keys.firing))
    for rule in RULES:
        found = [
            (
                one["state"],
                float(one["value"]) if one["value"] else None,
                int(one["ts"]),
                one["id"],
            )
            for one in told
            if one["rule"] == rule["name"]
        ]
        want = scene.changes(sensor, rule)
        assert found == want, rule
        field = f"{rule['name']}:{sensor}"
        fires = bool(want) and want[-1][0] == "firing"
        assert (field in firing) == fires
        if fires:
            assert orjson.loads(firing[field])["ts"] == str(want[-1][2])


@given(steps, st.integers(0, 20_000))
@examples(150)
def test_whatever_comes_when_however_it_is_folded_is_what_the_model_says(
    client: redis.Redis, settings: Settings, steps: list[Any], rest_ms: int
) -> None:
    """Windows, late readings, quantiles, weights and alerts follow from the readings alone."""
    client.flushall()
    settings = settings.model_copy(
        update={
            "windows": "1s,5s,20s",
            "windows_keep": "20,10,10",
            "allowed_lateness_ms": LATENESS,
            "half_life_s": HALF_LIFE_S,
            "readings_tail": 100_000,
        }
    )
    (keys,) = partition_keys(settings)
    client.set(keys.rules, orjson.dumps({"version": 1, "rules": RULES}))
    scene = Scene(client, settings, keys)
    for name, *arguments in steps:
        getattr(scene, name)(*arguments)
    scene.wait(rest_ms)
    scene.finish()
    for sensor in scene.sent:
        check_windows(scene, sensor)
        check_state(scene, sensor)
        check_weights(scene, sensor)
        check_alerts(scene, sensor)
