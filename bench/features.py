"""What windows, quantiles, weights and alerts cost beside the plain fold, and what they keep."""

from dataclasses import dataclass
from typing import Any

from bench.cost import Bench, Cost
from processor.rules import LimitRule, RuleSet, SilenceRule, StuckRule
from processor.windows import record_fields
from rillet.settings import Settings

OFF: dict[str, Any] = {"windows": "", "quantiles": False, "half_life_s": 0.0, "alerts": False}
"""The plain fold: count to deviation alone."""

FEATURES: dict[str, dict[str, Any]] = {
    "plain": {},
    "windows": {"windows": Settings.model_fields["windows"].default},
    "quantiles": {"quantiles": True},
    "weights": {"half_life_s": 300.0},
    "alerts, 3 rules": {"alerts": True},
    "all together": {
        "windows": Settings.model_fields["windows"].default,
        "quantiles": True,
        "half_life_s": 300.0,
        "alerts": True,
    },
}
RULES = (
    LimitRule(name="hot", type="limit", high=45.0, hysteresis=1.0),
    StuckRule(name="stuck", type="stuck", after_s=60),
    SilenceRule(name="gone", type="silence", after_s=30),
)


def plain(settings: Settings) -> Settings:
    """Return the settings with everything off that can be."""
    return settings.model_copy(update=OFF)


def measure_features(bench: Bench, n: int, sensors: int = 100) -> list[Cost]:
    """Measure n single readings of busy sensors with each feature on alone, and all."""
    rows = []
    settings = bench.settings
    for name, more in FEATURES.items():
        bench.settings = settings.model_copy(update=OFF | more)
        cost = bench.folded(n, sensors, _with_rules if more.get("alerts") else _without)
        rows.append(Cost(name, cost.server_us, cost.client_us, cost.per_second))
    bench.settings = settings
    return rows


def _without(_bench: Bench) -> None:
    pass


def _with_rules(bench: Bench) -> None:
    bench.client.set(bench.keys.rules, RuleSet(RULES, 1).compiled())


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes of one sensor: of its two fields in `state`, and of its lists by size of window."""

    record: int
    slow: int
    lists: dict[str, tuple[int, int]]
    """Windows kept, and the memory that Redis says its list takes."""


def measure_kept(bench: Bench, readings: int) -> Kept:
    """Fold so many readings of one sensor, one a second, with all there is on; return its bytes."""
    client, settings, keys = bench.client, bench.settings, bench.keys
    bench.settings = settings.model_copy(update={"future_skew_ms": 10**12})
    client.flushall()
    client.set(keys.rules, RuleSet(RULES, 1).compiled())
    values = bench.values(readings)
    for first in range(0, readings, 1000):
        pipe = client.pipeline(transaction=False)
        for i in range(first, min(first + 1000, readings)):
            fields = {"sensor": "s", "value": values[i], "ts": i * 1000}
            pipe.xadd(keys.readings, fields)
        pipe.execute()
        bench.fold_all(1000)
    record, slow = client.hmget(keys.state, record_fields("s"))
    lists = {}
    for size in settings.window_sizes:
        key = keys.panes(size.name, "s")
        used = client.memory_usage(key, samples=0) or 0
        lists[size.name] = (client.llen(key), used)
    bench.settings = settings
    return Kept(len(record), len(slow), lists)


def as_text(kept: Kept) -> str:
    """Return the bytes as a line for people."""
    lists = ", ".join(f"{n} x {name} {used:,}" for name, (n, used) in kept.lists.items())
    return f"state: {kept.record:,} + {kept.slow:,} bytes a sensor; windows kept: {lists} bytes"
