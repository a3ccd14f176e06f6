"""processor/windows.py: merging panes is exact, whatever is open or closed."""

import random

import pytest

from processor.merge import figures
from processor.pane import Pane, pane_figures, total
from processor.record import Moments
from processor.sketch import Sketch
from processor.windows import Sensor, begin_of, counts_needed, over, record_fields
from rillet.sizes import Size, parse_sizes

SIZES = parse_sizes("1s,5s,30s", "30,20,10")
Reading = tuple[int, float]


def pane(size: Size, start: int, readings: list[Reading], *, is_open: bool = False) -> Pane:
    """Return the pane of readings in order of time."""
    values = [v for _, v in readings]
    return Pane(
        start,
        start + size.ms,
        Moments.of(values),
        values[0],
        values[-1],
        readings[0][0],
        readings[-1][0],
        Sketch.of(values),
        open=is_open,
    )


def kept(readings: list[Reading], until: list[int]) -> tuple[dict[str, list[Pane]], Sensor]:
    """Return what a fold keeps that has closed each size up to its time in `until`."""
    closed: dict[str, list[Pane]] = {}
    held: list[Pane] = []
    below = 10**9
    for size, end in zip(SIZES, until, strict=True):
        groups: dict[int, list[Reading]] = {}
        for ts, value in readings:
            groups.setdefault(ts // size.ms * size.ms, []).append((ts, value))
        found = [(s, groups[s]) for s in sorted(groups)]
        closed[size.name] = [pane(size, s, r) for s, r in found if s + size.ms <= end]
        for start, inside in found:
            passed_on = [one for one in inside if one[0] < below]
            if start + size.ms > end and passed_on:
                held.append(pane(size, start, passed_on, is_open=True))
        below = end
    return closed, Sensor(held, Sketch.of(v for _, v in readings))


@pytest.mark.parametrize("seed", range(40))
def test_any_span_is_exactly_its_readings(seed: int) -> None:
    """Whatever is open, a span's figures are those of its readings, to the bit."""
    rnd = random.Random(seed)
    now = rnd.randrange(40_000, 100_000)
    times = sorted(rnd.sample(range(now), 150))
    readings = [(ts, rnd.gauss(20, 5)) for ts in times]
    late = now - rnd.randrange(3000)
    closed, sensor = kept(readings, [late // size.ms * size.ms for size in SIZES])
    for span in (2000, 10_000, 45_000, 100_000):
        begin = begin_of(SIZES, span, now)
        assert now - span - SIZES[-1].ms < begin <= now - span
        need = counts_needed(SIZES, begin, now)
        newest = {s.name: closed[s.name][-n:] for s, n in zip(SIZES, need, strict=True)}
        values = [v for ts, v in readings if ts >= begin]
        found = over(newest, sensor, SIZES, begin)
        assert found
        assert found.moments == Moments.of(values)
        assert (found.first, found.last) == (values[0], values[-1])
        assert found.sketch == Sketch.of(values)


def test_a_span_without_readings_is_nothing() -> None:
    """There is no pane of no readings."""
    assert over({}, Sensor([], Sketch()), SIZES, 0) is None
    assert total([]) is None


def test_open_panes_of_a_size_hold_the_finer_ones() -> None:
    """What a size shows as open is all that is not closed of it."""
    readings = [(ts, float(ts)) for ts in range(0, 12_000, 250)]
    _, sensor = kept(readings, [11_000, 10_000, 0])
    (whole,) = sensor.open_at(SIZES[2])
    assert whole.moments == Moments.of([v for _, v in readings])
    assert (whole.start, whole.end, whole.open) == (0, 30_000, True)
    (part,) = sensor.open_at(SIZES[1])
    assert part.moments == Moments.of([v for ts, v in readings if ts >= 10_000])


def test_figures_are_those_of_the_readings() -> None:
    """A pane shows its bounds, count to sum, first and last, and quantiles if it has a sketch."""
    values = [3.0, 1.0, 2.0]
    shown = pane_figures(pane(SIZES[0], 5000, list(enumerate(values, 5000))))
    want = figures(Moments.of(values))
    del want["variance"], want["stddev_sample"]
    assert {k: shown[k] for k in want} == want
    assert (shown["start"], shown["end"], shown["first"], shown["last"]) == (5000, 6000, 3.0, 2.0)
    assert shown["p50"] == pytest.approx(2.0, rel=0.01)
    assert "open" not in shown


def test_both_fields_of_a_sensor_are_named() -> None:
    """The record, and the one that changes more slowly."""
    assert record_fields("soil-1") == ["soil-1", "\0slow:soil-1"]
