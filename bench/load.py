"""Readings by the million, with an exact account: blocks of values, each sent many times."""

import random
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from processor.merge import figures
from verify.sums import Shown, Sums

BLOCK = 100
BLOCKS = 8
"""Different blocks of a sensor."""

MIX = {"packed": 0.85, "values": 0.10, "value": 0.05}
"""What part of the readings comes in which field; those in `value` are entries of their own."""

Entry = dict[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Block:
    """One block in each of the forms in which it is sent: a list of entries each."""

    values: tuple[float, ...]
    entries: dict[str, list[Entry]]


def _values(rnd: random.Random, sensor: int) -> tuple[float, ...]:
    """Return a block as one of four kinds of sensor measures it."""
    kinds = (
        lambda: round(rnd.gauss(20, 5), 2),
        lambda: 1e9 + rnd.gauss(0, 1e-3),
        rnd.random,
        lambda: rnd.gauss(0, 1) * 10 ** rnd.uniform(-3, 3),
    )
    return tuple(kinds[sensor % len(kinds)]() for _ in range(BLOCK))


def _block(rnd: random.Random, sensor: int) -> Block:
    values, name = _values(rnd, sensor), f"s{sensor}"
    return Block(
        values,
        {
            "packed": [{"sensor": name, "packed": struct.pack(f"<{BLOCK}d", *values)}],
            "values": [{"sensor": name, "values": ",".join(map(repr, values))}],
            "value": [{"sensor": name, "value": repr(value)} for value in values],
        },
    )


class Load:
    """The blocks of all sensors, and how often each has been sent."""

    def __init__(self, sensors: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._blocks = [[_block(self._random, s) for _ in range(BLOCKS)] for s in range(sensors)]
        self._sent: Counter[tuple[int, int]] = Counter()
        self._last: dict[int, int] = {}
        self.by_field: Counter[str] = Counter()

    def entries(self) -> Iterator[list[Entry]]:
        """Yield without end the entries of one block after the other, and note it as sent."""
        forms = self._random.choices(list(MIX), list(MIX.values()), k=4096)
        at = 0
        while True:
            sensor, round_number = at % len(self._blocks), at // len(self._blocks)
            block, form = round_number % BLOCKS, forms[at % len(forms)]
            self._sent[sensor, block] += 1
            self._last[sensor] = block
            self.by_field[form] += BLOCK
            yield self._blocks[sensor][block].entries[form]
            at += 1

    def figures(self) -> dict[str, Shown]:
        """Return what the hash of each sensor must say after all that was sent, exactly."""
        found = {}
        for sensor, last in self._last.items():
            sums = Sums()
            for block, values in enumerate(one.values for one in self._blocks[sensor]):
                if times := self._sent[sensor, block]:
                    sums.add(values, times)
            shown: Shown = {"last": self._blocks[sensor][last].values[-1], "duplicates": 0}
            found[f"s{sensor}"] = {**shown, **figures(sums.moments())}
        return found
