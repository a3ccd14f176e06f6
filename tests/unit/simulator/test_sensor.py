"""simulator/sensor.py: what one sensor can and cannot read."""

from dataclasses import replace

import pytest

from simulator.kind import KINDS, Kind
from simulator.sensor import Sensor


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_value_ends_at_the_limits_of_its_range(kind: Kind) -> None:
    """A signal beyond the range reads as its limit, as an instrument would show it."""
    narrow = replace(kind, low=kind.mean - 0.1, high=kind.mean + 0.1, site_spread=0)
    sensor = Sensor(narrow, 1, seed=1)
    values = {sensor.read(hour * 3600, 0).value for hour in range(240)}
    assert {round(narrow.low, 2), round(narrow.high, 2)} == {min(values), max(values)}


def test_a_reading_says_what_it_is() -> None:
    """Name, kind, unit and time come with the value; seq counts from 1."""
    sensor = Sensor(KINDS[1], 7, seed=1)
    sensor.read(0, 1)
    reading = sensor.read(0, 1234)
    assert reading._replace(value=0) == ("soil_nitrogen-7", 0, 1234, 2, "soil_nitrogen", "mg/kg")
