"""Which alerts fire now, and their latest changes, for all streams of the process; pure.

Like the tail it is every client's queue: a client is the number up to which it has been served.
One that is new, or further back than the changes kept, gets the whole list of what fires.
"""

from collections import Counter, deque
from dataclasses import dataclass

import orjson

from rillet.alert import Alert, newest_first

KEPT = 500
"""Changes kept to be sent singly."""

NEW = -1
"""The cursor of a client that has got nothing yet."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its number, its sensor, and its event as it is sent."""

    sequence: int
    sensor: bytes
    frame: bytes


class Board:
    """See the module. Invariant: `changes` are all those with a sequence above `floor`."""

    def __init__(self) -> None:
        self.sequence = 0
        self.floor = 0
        self.changes: deque[Change] = deque()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.on_change = _nothing
        self._firing: dict[int, dict[tuple[str, str], Alert]] = {}

    def take(self, partition: int, alert: Alert) -> None:
        """Take one entry of a partition's `alerts`, in the stream's order."""
        sensor, rule, state = (str(alert.get(key, "")) for key in ("sensor", "rule", "state"))
        firing = self._firing.setdefault(partition, {})
        firing.pop((sensor, rule), None)
        if state == "firing":
            firing[sensor, rule] = alert
        self.counts[rule, state] += 1
        self.sequence += 1
        self.changes.append(Change(self.sequence, sensor.encode(), _event("alert", alert)))
        if len(self.changes) > KEPT:
            self.floor = self.changes.popleft().sequence
        self.on_change()

    def replace(self, partition: int, alerts: list[Alert]) -> None:
        """Take what fires now in a partition, where changes may have been missed."""
        self._firing[partition] = _by_key(alerts)
        self.changes.clear()
        self.sequence += 1
        self.floor = self.sequence
        self.on_change()

    def number(self, partition: int) -> int:
        """Return how many alerts fire in a partition."""
        return len(self._firing.get(partition, {}))

    def differs(self, partition: int, alerts: list[Alert]) -> bool:
        """Tell whether others fire in a partition than is known."""
        return _by_key(alerts).keys() != self._firing.get(partition, {}).keys()

    def firing(self) -> list[Alert]:
        """Return every alert that fires now, newest first."""
        return newest_first([one for part in self._firing.values() for one in part.values()])

    def news(self, cursor: int, end: int, wanted: frozenset[bytes] | None) -> bytes:
        """Return the events that bring a client from `cursor` to `end`; empty where it is there."""
        if cursor >= end:
            return b""
        if cursor < self.floor:
            alerts = self.firing()
            if wanted is not None:
                alerts = [one for one in alerts if str(one.get("sensor")).encode() in wanted]
            return _event("alerts", alerts)
        return b"".join(
            change.frame
            for change in self.changes
            if cursor < change.sequence <= end and (wanted is None or change.sensor in wanted)
        )


def _by_key(alerts: list[Alert]) -> dict[tuple[str, str], Alert]:
    return {(str(alert.get("sensor")), str(alert.get("rule"))): alert for alert in alerts}


def _nothing() -> None:
    """Stand for whoever is told of a change, until there is one."""


def _event(name: str, data: Alert | list[Alert]) -> bytes:
    """Return one SSE event without an id: a client resumes by its place in the results."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
