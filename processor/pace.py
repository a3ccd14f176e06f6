"""How many entries the next fold may read, so that a fold holds the server for its set time."""


class Pace:
    """Adapts the batch size to the measured time of each fold.

    `count` starts low, at most doubles from fold to fold and stays within 1 and `ceiling`. A fold
    that was not full says nothing about a larger one, so it never raises `count`.
    """

    def __init__(self, target_us: float, ceiling: int, start: int = 64) -> None:
        self.target_us = target_us
        self.ceiling = ceiling
        self.count = min(start, ceiling)

    def note(self, entries: int, busy_us: int) -> None:
        """Take in one fold: the entries it looked at and the server's time in microseconds."""
        if busy_us <= self.target_us and entries < self.count * 0.9:
            return
        factor = min(2.0, self.target_us / max(1, busy_us))
        self.count = max(1, min(self.ceiling, round(self.count * factor)))
