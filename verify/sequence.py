"""The rule of `seq`, told plainly with a set of numbers; docs/redis-layout.md has the words. Pure.

lua/include/sequence.lua keeps the same in 52 bits; tests hold the two together.
"""

from dataclasses import dataclass, field

WINDOW = 52
"""How many of the highest numbers are remembered one by one."""

MOST = 2**53 - 1


@dataclass(slots=True)
class Sequence:
    """The numbers of one sensor: which are new, which repeats, how many were left out."""

    high: int | None = None
    low: int = 0
    seen: set[int] = field(default_factory=set)
    gaps: int = 0
    restarts: int = 0

    def begin(self, seq: int) -> bool:
        """Take seq as the first of a new count."""
        self.high = self.low = seq
        self.seen = {seq}
        return True

    def restart(self, seq: int) -> bool:
        """Take seq as the first after a restart."""
        self.restarts += 1
        return self.begin(seq)

    def take(self, seq: int, ts: int | None, last_ts: float) -> bool:
        """Tell whether a reading with this seq is new, and note it."""
        if self.high is None:
            return self.begin(seq)
        newer = ts is not None and ts > last_ts
        forgotten = self.high - seq >= WINDOW
        if forgotten and (newer or ts is None):
            return self.restart(seq)
        if not forgotten and seq in self.seen:
            return newer and self.restart(seq)
        if forgotten and seq >= self.low:
            return False
        self._note(seq, self.high)
        return True

    def _note(self, seq: int, high: int) -> None:
        """Take in a new number of the same count."""
        if seq > high:
            self.gaps += seq - high - 1
        elif seq < self.low:
            self.gaps += self.low - seq - 1
        else:
            self.gaps -= 1
        self.gaps = min(self.gaps, MOST)
        self.seen.add(seq)
        self.high, self.low = max(high, seq), min(self.low, seq)
        if len(self.seen) > 4 * WINDOW:
            self.seen = {one for one in self.seen if self.high - one < WINDOW}
