"""The readings that each producer sends, from a seed. Pure.

Each carries a field `n`, its number, that the fold does not look at: by it every reading is known
again, whatever became of it.
"""

import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

EPOCH_MS = 1_700_000_000_000
"""Event times begin here, in the past, one second a reading."""

LATE_EVERY, LATE_MS = 40, 60_000
"""One in so many readings of a sensor that drifts happened so much earlier: late for its window."""


class Reading(NamedTuple):
    """Number `n` of its producer; `numbered` readings have a seq, so they may be sent again."""

    n: int
    sensor: str
    numbered: bool
    fields: dict[str, str | bytes]


def _drift() -> Callable[[Random], float]:
    level = 1e6

    def step(random: Random) -> float:
        nonlocal level
        level += random.random() * 1e-6
        return level

    return step


def _outlier_first() -> Callable[[Random], float]:
    values = iter([1e60])
    return lambda random: next(values, None) or 20 + random.gauss(0, 1)


MAKERS: dict[str, Callable[[], Callable[[Random], float]]] = {
    "soil": lambda: lambda random: round(random.gauss(20, 5), 2),
    "offset": lambda: lambda random: 1e9 + random.gauss(0, 1e-3),
    "stuck": lambda: lambda _: 21.3,
    "uniform": lambda: Random.random,
    "drift": _drift,
    "outlier": _outlier_first,
    "magnitudes": lambda: lambda random: random.choice((-1, 1)) * 10.0 ** random.uniform(-30, 30),
}
"""What is measured: each of these is hard on sums in its own way."""

PLAIN = "plain"
"""A sensor without seq: what is sent again would count again, so it is not."""

FAULTY = "faulty"
"""A sensor that sends no number: each of its readings is to be rejected."""


def sensors_of(producer: int) -> list[str]:
    """Return the names of a producer's sensors."""
    return [f"{name}-{producer}" for name in (*MAKERS, PLAIN, FAULTY)]


class Source:
    """One producer's readings, one sensor after the other, without end."""

    def __init__(self, seed: int, producer: int) -> None:
        self._random = Random(f"{seed}:readings:{producer}")  # noqa: S311 repeatable
        self._producer = producer
        self._makers = {name: make() for name, make in MAKERS.items()}

    def __iter__(self) -> Iterator[Reading]:
        names = [*MAKERS, PLAIN, FAULTY]
        n = 0
        while True:
            round_number, at = divmod(n, len(names))
            yield self._reading(n, names[at], round_number)
            n += 1

    def _reading(self, n: int, name: str, seq: int) -> Reading:
        numbered = name not in {PLAIN, FAULTY}
        fields: dict[str, str | bytes] = {"sensor": f"{name}-{self._producer}"}
        fields |= {"value": "nan"} if name == FAULTY else self._value(name)
        if numbered:
            fields["seq"] = str(seq)
        if name in {"soil", "drift", "stuck"}:
            late = name == "drift" and seq % LATE_EVERY == LATE_EVERY - 1
            fields["ts"] = str(EPOCH_MS + 1000 * seq - LATE_MS * late)
        fields["n"] = f"{self._producer}:{n}"
        return Reading(n, str(fields["sensor"]), numbered, fields)

    def _value(self, name: str) -> dict[str, str | bytes]:
        """Return one value, or now and then a batch of them as text or packed."""
        make, random = self._makers.get(name, MAKERS["uniform"]()), self._random
        form = random.random()
        if form < 0.8:  # noqa: PLR2004 a fifth are batches
            return {"value": repr(make(random))}
        values = [make(random) for _ in range(random.randint(1, 8))]
        if form < 0.9:  # noqa: PLR2004 half of those
            return {"values": ",".join(map(repr, values))}
        return {"packed": struct.pack(f"<{len(values)}d", *values)}
