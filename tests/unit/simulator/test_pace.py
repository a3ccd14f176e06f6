"""simulator/pace.py: readings keep to their due times, on a clock that the test moves."""

from typing import TYPE_CHECKING, Any, cast

from simulator.pace import QUANTUM_S, Pace, send
from simulator.reading import Reading

if TYPE_CHECKING:
    from simulator.writer import Writer


class Clock:
    """A clock that only sleeping, or the test, moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.now += seconds


class Recorder:
    """Stands where a writer does, and notes when each reading left its hands."""

    def __init__(self, clock: Clock, stall_s: float = 0) -> None:
        self.clock, self.stall_s = clock, stall_s
        self.held: list[Any] = []
        self.sent: list[float] = []

    def add(self, reading: Reading) -> None:
        """Hold a reading."""
        self.held.append(reading)

    def flush(self) -> None:
        """Note the time for what is held, and stall once."""
        self.sent += [self.clock.now - 1000.0] * len(self.held)
        if self.held:
            self.clock.now, self.stall_s = self.clock.now + self.stall_s, 0
        self.held.clear()


def _send(dues: list[float], stall_s: float = 0, **limits: Any) -> list[float]:
    clock = Clock()
    recorder = Recorder(clock, stall_s)
    due = ((due_s, Reading("a", 1)) for due_s in dues)
    send(due, cast("Writer", recorder), Pace(clock, clock.sleep), **limits)
    return recorder.sent


def test_a_reading_leaves_when_due_and_not_before() -> None:
    """At a low rate each reading goes alone, within a quantum of its time."""
    dues = [0.0, 0.5, 1.0, 3.0]
    for due_s, sent_s in zip(dues, _send(dues), strict=True):
        assert due_s <= sent_s <= due_s + 2 * QUANTUM_S or due_s == 0.0


def test_readings_closer_than_a_quantum_share_a_batch() -> None:
    """A thousand a second make about fifty batches, not a thousand."""
    sent = _send([n / 1000 for n in range(1000)])
    assert len(set(sent)) < 60


def test_lost_time_moves_what_follows_instead_of_a_burst() -> None:
    """After a stall of a minute readings go on at their rate."""
    sent = _send([float(n) for n in range(10)], stall_s=60)
    later = [at for at in sent if at > 60]
    assert len(later) >= 8
    assert later[-1] - later[0] >= len(later) - 2


def test_limits_end_the_run() -> None:
    """`count` is exact; nothing due at or after `duration_s` is sent."""
    dues = [n / 2 for n in range(100)]
    assert len(_send(dues, count=7)) == 7
    assert len(_send(dues, duration_s=5)) == 10
