"""The one alert rule of a run, and the changes that it must make of the readings. Pure."""

from dataclasses import dataclass, field

NAME, HIGH = "too-wet", 28.0
RULE = f"""
[[rule]]
name = "{NAME}"
type = "limit"
sensor = "soil-*"
high = {HIGH}
"""

Change = tuple[str, float, str]
"""State, the value that made it, and the id of its entry."""


@dataclass(slots=True)
class Limit:
    """The changes of each sensor, in order; `firing` are the sensors above the limit now."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    firing: set[str] = field(default_factory=set)

    def take(self, sensor: str, values: list[float], entry_id: str) -> None:
        """Judge the values of one entry, in order."""
        if not sensor.startswith("soil-"):
            return
        for value in values:
            if (value > HIGH) != (sensor in self.firing):
                self.firing ^= {sensor}
                state = "firing" if sensor in self.firing else "resolved"
                self.changes.setdefault(sensor, []).append((state, value, entry_id))
