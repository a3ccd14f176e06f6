"""All simulated sensors together: whose turn it is, and which faults each one has. Pure."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random

from rillet.errors import UserError
from simulator.fault import FAULTS, Fault
from simulator.kind import KINDS
from simulator.reading import Reading
from simulator.sensor import Sensor


class Fleet:
    """The sensors of one run, read in turn.

    `sensors` is how many there are of each kind in KINDS. `scenarios` are `NAME` (every sensor) or
    `NAME:SENSOR`; an episode begins at about one in `fault_every` of a sensor's readings.
    """

    def __init__(
        self, sensors: Sequence[int], seed: int, scenarios: Sequence[str], fault_every: int
    ) -> None:
        self.sensors = [
            Sensor(kind, number, seed)
            for kind, size in zip(KINDS, sensors, strict=True)
            for number in range(1, size + 1)
        ]
        if not self.sensors:
            raise UserError("There is no sensor to simulate: give at least one of some kind.")
        wanted = self._wanted(scenarios)
        self._faults: list[list[Fault]] = [
            [
                make(sensor.kind, Random(f"{seed}:{sensor.name}:{name}"), fault_every)  # noqa: S311
                for name, make in FAULTS.items()
                if {None, sensor.name} & wanted.get(name, set())
            ]
            for sensor in self.sensors
        ]

    def _wanted(self, scenarios: Sequence[str]) -> dict[str, set[str | None]]:
        """Return scenario name: the sensors that have it, None standing for every one."""
        names = {sensor.name for sensor in self.sensors}
        wanted: dict[str, set[str | None]] = {}
        for scenario in scenarios:
            name, colon, sensor = scenario.partition(":")
            if name not in FAULTS:
                raise UserError(f"There is no scenario {name!r}: choose from {', '.join(FAULTS)}.")
            if colon and sensor not in names:
                raise UserError(
                    f"There is no sensor {sensor!r} for scenario {name}: names run from "
                    f"{self.sensors[0].name} to {self.sensors[-1].name}."
                )
            wanted.setdefault(name, set()).add(sensor if colon else None)
        return wanted

    def readings(
        self, tick_s: float, ts_ms: Callable[[float], int], day_factor: float = 1.0
    ) -> Iterator[tuple[float, Reading]]:
        """Yield (seconds since the start at which it is due, reading) without end.

        One sensor is read every `tick_s` seconds. `ts_ms` gives the event time of a due time;
        `day_factor` is how much faster than the clock the simulated day passes.
        """
        pairs = list(zip(self.sensors, self._faults, strict=True))
        for n in count():
            sensor, faults = pairs[n % len(pairs)]
            due_s = n * tick_s
            sent = [sensor.read(due_s * day_factor, ts_ms(due_s))]
            for fault in faults:
                sent = [out for reading in sent for out in fault(reading)]
            for reading in sent:
                yield due_s, reading
