"""An invented field of sensors whose every value is chosen: a week of past, then faults at will."""

import math
import random
from collections.abc import Iterator

import redis

Reading = dict[str, str | int]

KINDS = {  # number of sensors, unit, base, swing over a day, noise
    "temperature": (8, "°C", 19.0, 5.0, 0.35),
    "soil_moisture": (6, "%", 31.0, 1.5, 0.3),
    "soil_nitrogen": (6, "mg/kg", 38.0, 1.0, 0.4),
}
DAY_MS = 86_400_000
MINUTE_MS = 60_000
PAST = ((7 * DAY_MS, 10 * MINUTE_MS), (70 * MINUTE_MS, 10_000), (6 * MINUTE_MS, 2000))
"""How long ago from where on, and how far apart the readings are from there, in ms."""

RULES = """
[[rule]]
name = "too-hot"
type = "limit"
kind = "temperature"
high = 30.0
hysteresis = 0.5

[[rule]]
name = "dry"
type = "limit"
kind = "soil_moisture"
low = 15.0
hysteresis = 1.0

[[rule]]
name = "unusual"
type = "deviation"
kind = "soil_nitrogen"
sigma = 8.0
warm_up = 100

[[rule]]
name = "stuck"
type = "stuck"
after_s = 60

[[rule]]
name = "gone"
type = "silence"
sensor = "soil_*"
after_s = 12
"""


class Field:
    """Values of all sensors at any time; `offsets` adds to a sensor's, `silent` stops one."""

    def __init__(self, seed: int = 5) -> None:
        self.random = random.Random(seed)
        self.offsets: dict[str, float] = {}
        self.silent: set[str] = set()
        self.base: dict[str, tuple[str, float]] = {}
        for kind, (number, _, base, swing, _) in KINDS.items():
            for i in range(1, number + 1):
                self.base[f"{kind}-{i}"] = (kind, base + self.random.gauss(0, swing / 4))

    def readings(self, at_ms: int) -> Iterator[Reading]:
        """Yield one reading of each sensor that is not silent."""
        for sensor, (kind, base) in self.base.items():
            if sensor in self.silent:
                continue
            _, unit, _, swing, noise = KINDS[kind]
            day = math.sin((at_ms / DAY_MS - 0.375) * math.tau)
            hour = math.sin(at_ms / (23 * MINUTE_MS) + len(sensor)) / 6
            value = base + swing * (day + hour) + self.random.gauss(0, noise)
            value += self.offsets.get(sensor, 0.0)
            yield {
                "sensor": sensor,
                "value": f"{value:.2f}",
                "ts": at_ms,
                "kind": kind,
                "unit": unit,
            }

    def send(self, client: redis.Redis, at_ms: int) -> None:
        """Add the readings of one moment."""
        pipe = client.pipeline(transaction=False)
        for reading in self.readings(at_ms):
            pipe.xadd("readings", dict(reading))
        pipe.execute()

    def send_past(self, client: redis.Redis, now_ms: int) -> int:
        """Add a week of readings, closer together the nearer they are; return how many of each."""
        sent = 0
        ends = [*(ago for ago, _ in PAST[1:]), 0]
        for (ago, step), until in zip(PAST, ends, strict=True):
            for at_ms in range(now_ms - ago, now_ms - until, step):
                self.send(client, at_ms)
                sent += 1
        return sent
