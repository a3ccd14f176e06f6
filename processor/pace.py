"""How much the next fold may take in, so that a fold holds the server for its set time."""

from math import ceil


class Pace:
    """Adapts the work of a fold to the measured time of each.

    `budget` is that work, in single readings: it starts low, at most doubles from fold to fold and
    stays within 1 and `ceiling`. `count` is how many entries to read for it: a batch weighs more
    than one. A fold that did not use its budget says nothing about a larger one, so it never raises
    it.
    """

    def __init__(self, target_us: float, ceiling: int, start: int = 64) -> None:
        self.target_us = target_us
        self.ceiling = ceiling
        self.budget = min(start, ceiling)
        self._entry_weight = 1.0

    @property
    def count(self) -> int:
        """How many entries the budget is likely to take, and a few."""
        return min(self.ceiling, ceil(self.budget / self._entry_weight * 1.1))

    def note(self, entries: int, weight: float, busy_us: int) -> None:
        """Take in one fold: its entries, what they weighed, and its time in microseconds."""
        full = weight >= self.budget * 0.9 or entries >= self.count
        if entries:
            self._entry_weight = max(0.1, weight / entries)
        if busy_us <= self.target_us and not full:
            return
        factor = min(2.0, self.target_us / max(1, busy_us))
        self.budget = max(1, min(self.ceiling, round(self.budget * factor)))
