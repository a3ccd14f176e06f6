"""Keeps readings to their due times: the one place of the simulator that looks at a clock."""

import time
from collections.abc import Callable, Iterable
from itertools import islice

from rillet.errors import UserError
from simulator.reading import Reading
from simulator.writer import Writer

QUANTUM_S = 0.02
"""The shortest sleep: what falls due meanwhile goes out as one batch."""

SLIP_S = 1.0
"""Being later than this (the backlog was full, Redis was away) moves all that follows, rather
than sending it in one burst with event times of long ago."""


class Pace:
    """A clock that starts now and can slip."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self.start_s = clock()

    def late_s(self, due_s: float) -> float:
        """Return by how many seconds the due time has passed; negative if it is yet to come."""
        return self._clock() - self.start_s - due_s

    def wait(self, due_s: float) -> None:
        """Sleep until the due time, at least one quantum; slip if it is long past."""
        late = self.late_s(due_s)
        if late > SLIP_S:
            self.start_s += late
        elif late < 0:
            self._sleep(max(-late, QUANTUM_S))

    def ts_ms(self, due_s: float) -> int:
        """Return the event time of a reading due then, in ms since the epoch."""
        return int((self.start_s + due_s) * 1000)

    def now_ms(self, _due_s: float) -> int:
        """Return the present time in ms, for readings that are due as soon as can be."""
        return int(self._clock() * 1000)


def send(
    readings: Iterable[tuple[float, Reading]],
    writer: Writer,
    pace: Pace | None,
    count: int | None = None,
    duration_s: float | None = None,
) -> None:
    """Write the readings when due, or at once where there is no pace; stop at either limit."""
    began_s = time.monotonic()
    try:
        for due_s, reading in islice(readings, count):
            elapsed_s = due_s if pace else time.monotonic() - began_s
            if duration_s is not None and elapsed_s >= duration_s:
                break
            if pace and not 0 <= pace.late_s(due_s) <= SLIP_S:
                writer.flush()
                pace.wait(due_s)
            writer.add(reading)
    except UserError:  # a bad row: what came before it still goes
        writer.flush()
        raise
    writer.flush()
