"""The fault scenarios: each takes one sensor's readings and returns what a faulty one sends. Pure.

A scenario of your own is one more class here with a `__call__`, and one more line in FAULTS.
"""

from collections.abc import Callable
from random import Random
from typing import Protocol

from simulator.kind import Kind
from simulator.reading import Reading


class Fault(Protocol):
    """Turns one reading of one sensor into the readings sent in its place: none, one or more."""

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return what is sent when the sensor has measured `reading`."""


class _Episode:
    """Tells for each reading whether a fault is on: it begins at random and lasts `length`."""

    def __init__(self, random: Random, every: int, length: int) -> None:
        self._random, self._every, self.length = random, every, length
        self.left = 0

    def step(self) -> bool:
        """Advance by one reading; True while the fault is on."""
        if self.left:
            self.left -= 1
        elif self._random.random() * self._every < 1:
            self.left = self.length
        return self.left > 0


class Spike:
    """One reading, now and then, is off by half of the kind's range."""

    def __init__(self, kind: Kind, random: Random, every: int) -> None:
        self._random, self._every = random, every
        self._height = (kind.high - kind.low) / 2

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return the reading, or the spike in its place."""
        if self._random.random() * self._every >= 1:
            return [reading]
        off = self._height if self._random.random() < 0.5 else -self._height  # noqa: PLR2004 a coin
        return [reading._replace(value=round(reading.value + off, 2))]


class Drift:
    """For 100 readings the value runs off, a 200th of the kind's range each; then it is reset."""

    LENGTH = 100

    def __init__(self, kind: Kind, random: Random, every: int) -> None:
        self._episode = _Episode(random, every, self.LENGTH)
        self._slope = (kind.high - kind.low) / 200

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return the reading, with the drift so far."""
        if not self._episode.step():
            return [reading]
        steps = self.LENGTH - self._episode.left + 1
        return [reading._replace(value=round(reading.value + steps * self._slope, 2))]


class Stuck:
    """For 100 readings the sensor repeats one value, with new times and sequence numbers."""

    LENGTH = 100

    def __init__(self, kind: Kind, random: Random, every: int) -> None:  # noqa: ARG002 one shape
        self._episode = _Episode(random, every, self.LENGTH)
        self._value = 0.0

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return the reading, or the stuck value in its place."""
        if not self._episode.step():
            return [reading]
        if self._episode.left == self.LENGTH:
            self._value = reading.value
        return [reading._replace(value=self._value)]


class Gap:
    """Five readings are lost on the way: their sequence numbers never arrive."""

    LENGTH = 5

    def __init__(self, kind: Kind, random: Random, every: int) -> None:  # noqa: ARG002 one shape
        self._episode = _Episode(random, every, self.LENGTH)

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return the reading, or nothing while the gap lasts."""
        return [] if self._episode.step() else [reading]


class Silent(Gap):
    """For 200 readings nothing is heard of the sensor, as if its battery were being changed."""

    LENGTH = 200


class Duplicate:
    """A reading is sent twice, as by a producer that never saw the answer: same seq, same ts."""

    def __init__(self, kind: Kind, random: Random, every: int) -> None:  # noqa: ARG002 one shape
        self._random, self._every = random, every

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return the reading once, or twice."""
        return [reading, reading] if self._random.random() * self._every < 1 else [reading]


class OutOfOrder:
    """A reading is overtaken by the sensor's next one."""

    def __init__(self, kind: Kind, random: Random, every: int) -> None:  # noqa: ARG002 one shape
        self._random, self._every = random, every
        self._held: Reading | None = None

    def __call__(self, reading: Reading) -> list[Reading]:
        """Return the reading, or nothing now and both, swapped, at the next one."""
        if self._held is not None:
            held, self._held = self._held, None
            return [reading, held]
        if self._random.random() * self._every < 1:
            self._held = reading
            return []
        return [reading]


FAULTS: dict[str, Callable[[Kind, Random, int], Fault]] = {
    "drift": Drift,
    "stuck": Stuck,
    "spike": Spike,
    "gap": Gap,
    "silent": Silent,
    "duplicate": Duplicate,
    "out-of-order": OutOfOrder,
}
"""Scenario name: its class. First what happens to the value, then what happens on the way: a
reading passes through the chosen ones in this order."""
