"""How much the next fold may take in, so that a fold holds the server for its set time."""

from math import ceil


class Pace:
    """Adapts the work of a fold to the measured time of each.

    `budget` is that work, in single readings: it starts low, at most doubles from fold to fold and
    stays within 1 and `ceiling`. `count` is how many entries to read for it: a batch weighs more
    than one. `due_most` is the same for sensors that the clock has something to do for; one of them
    may cost as much as one reading or as a hundred, so it is measured apart. A fold that did not
    use what it had says nothing about more of it, so it never raises it.
    """

    def __init__(self, target_us: float, ceiling: int, start: int = 64, due_start: int = 6) -> None:
        self.target_us = target_us
        self.ceiling = ceiling
        self.budget = min(start, ceiling)
        self.due_most = min(due_start, ceiling)
        self._entry_weight = 1.0

    @property
    def count(self) -> int:
        """How many entries the budget is likely to take, and a few."""
        return min(self.ceiling, ceil(self.budget / self._entry_weight * 1.1))

    def note(self, entries: int, weight: float, busy_us: int, *, due_left: bool = False) -> None:
        """Take in one fold: its entries, what they weighed, and its time in microseconds.

        With `due_left` it looked at as many due sensors as it might, and there are more.
        """
        full = weight >= self.budget * 0.9 or entries >= self.count
        if entries:
            self._entry_weight = max(0.1, weight / entries)
        slow, factor = busy_us > self.target_us, min(2.0, self.target_us / max(1, busy_us))
        if full or (slow and entries):
            self.budget = self._bounded(self.budget * factor)
        if due_left or slow:
            self.due_most = self._bounded(self.due_most * factor)

    def _bounded(self, work: float) -> int:
        return max(1, min(self.ceiling, round(work)))
