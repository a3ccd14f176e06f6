"""simulator/fleet.py: which sensors there are, and that a run can be repeated."""

from itertools import islice

import pytest

from rillet.errors import UserError
from simulator.fleet import Fleet
from simulator.kind import KINDS, Kind
from simulator.reading import Reading

THREE = (3, 3, 3)


def _run(
    count: int,
    seed: int = 1,
    sensors: tuple[int, ...] = THREE,
    scenarios: tuple[str, ...] = (),
    day_factor: float = 1.0,
) -> list[Reading]:
    fleet = Fleet(sensors, seed, scenarios, fault_every=20)
    readings = fleet.readings(0.5, lambda due_s: int(due_s * 1000), day_factor)
    return [reading for _, reading in islice(readings, count)]


def test_the_same_seed_repeats_every_reading_and_another_does_not() -> None:
    """A seed stands for one sequence of readings, with faults and all."""
    faulty = ("spike", "drift", "stuck", "gap", "silent", "duplicate", "out-of-order")
    assert _run(3000, scenarios=faulty) == _run(3000, scenarios=faulty)
    values = {reading.value for reading in _run(9)}
    assert values.isdisjoint({reading.value for reading in _run(9, seed=2)})


def test_one_kind_less_leaves_the_values_of_the_others() -> None:
    """A sensor's values depend on its name, the seed and the time alone."""
    few = [r.value for r in _run(60, sensors=(3, 3, 0), day_factor=0)]
    more = [r.value for r in _run(90, day_factor=0) if r.kind != "soil_moisture"]
    assert more == few


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_values_lie_in_the_range_of_their_kind_and_follow_the_day(kind: Kind) -> None:
    """Honest readings stay in the kind's range, and are higher at its peak hour than opposite."""
    run = _run(4000, sensors=tuple(5 * (other is kind) for other in KINDS), day_factor=432)
    assert {reading.unit for reading in run} == {kind.unit}
    assert all(kind.low <= reading.value <= kind.high for reading in run)
    assert len({reading.value for reading in run}) > 100
    hours = [(6 + n * 0.5 * 432 / 3600) % 24 for n in range(4000)]
    apart = [(hour - kind.peak_hour + 12) % 24 - 12 for hour in hours]
    peak = [r.value for r, off in zip(run, apart, strict=True) if abs(off) < 3]
    trough = [r.value for r, off in zip(run, apart, strict=True) if abs(off) > 9]
    assert sum(peak) / len(peak) > sum(trough) / len(trough)


def test_readings_are_numbered_per_sensor_and_evenly_spaced() -> None:
    """Each sensor counts from 1 without a hole, and is read at even steps of time."""
    run = [r for r in _run(900) if r.sensor == "temperature-2"]
    assert [r.seq for r in run] == list(range(1, 101))
    assert [r.ts for r in run] == list(range(500, 450_500, 4500))


@pytest.mark.parametrize("scenario", ["smoke", "spike:temperature-9", "spike:"])
def test_an_unknown_scenario_or_sensor_is_refused_with_the_names(scenario: str) -> None:
    """The message names what there is to choose from."""
    with pytest.raises(UserError, match=r"out-of-order|temperature-1"):
        _run(1, scenarios=(scenario,))


def test_a_scenario_for_one_sensor_leaves_the_others_honest() -> None:
    """`stuck:temperature-1` touches temperature-1 alone."""
    honest, stuck = _run(9000), _run(9000, scenarios=("stuck:temperature-1",))
    touched = {b.sensor for a, b in zip(honest, stuck, strict=True) if a != b}
    assert touched == {"temperature-1"}


def test_no_sensor_at_all_is_refused() -> None:
    """A run without sensors would never write anything."""
    with pytest.raises(UserError, match="at least one"):
        _run(1, sensors=(0, 0, 0))
