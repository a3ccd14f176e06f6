"""One simulated sensor: its daily cycle, slow weather and noise, from a seed of its own. Pure."""

import math
from random import Random

from simulator.kind import Kind
from simulator.reading import Reading

DAWN_S = 6 * 3600
"""Where in its day, of 86,400 s, every run begins."""

WEATHER_MEMORY = 0.99
"""The share of the slow deviation that stays from one reading to the next (AR(1) process)."""


class Sensor:
    """Makes the honest readings of one sensor; the same seed and name give the same values."""

    def __init__(self, kind: Kind, number: int, seed: int) -> None:
        self.kind = kind
        self.name = f"{kind.name}-{number}"
        # Seeded by name: one more sensor leaves the values of all others as they were.
        self._random = Random(f"{seed}:{self.name}")  # noqa: S311 repeatable, no secret
        self._level = self._random.gauss(kind.mean, kind.site_spread)
        self._weather = self._random.gauss(0, kind.weather_spread)
        self._seq = 0

    def read(self, day_s: float, ts: int) -> Reading:
        """Return the next reading; `day_s` seconds of simulated time have passed, `ts` in ms."""
        self._seq += 1
        kind = self.kind
        value = round(min(max(self._signal(day_s), kind.low), kind.high), 2)
        return Reading(self.name, value, ts, self._seq, kind.name, kind.unit)

    def _signal(self, day_s: float) -> float:
        kind, gauss = self.kind, self._random.gauss
        step = math.sqrt(1 - WEATHER_MEMORY**2) * kind.weather_spread
        self._weather = WEATHER_MEMORY * self._weather + gauss(0, step)
        hour = (DAWN_S + day_s) / 3600
        cycle = kind.daily_swing * math.cos((hour - kind.peak_hour) / 24 * math.tau)
        return self._level + cycle + self._weather + gauss(0, kind.noise_spread)
