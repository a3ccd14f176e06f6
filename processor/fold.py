"""One fold of one partition: calls lua/fold.lua with the settings, returns what it did."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from math import ceil
from typing import Any, Self

import orjson

from processor.scripts import DEFAULT_REDUCERS, load_script
from rillet.keys import GROUP, Keys
from rillet.settings import Settings

ENTRIES_A_DUE = 32
"""By default a fold looks at one sensor that is due for so many entries that it may take, and at a
few more; the worker measures what they cost and says how many."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What one fold did; counts, but for `busy_us` (the server's CPU time in microseconds).

    `entries` were looked at, `readings` folded, for `sensors` sensors; `backlog` entries are still
    unread. `fault` is empty, or the error that kept copies of the state from being written.
    `codes` counts the rejected entries by reason. `closed` windows were closed and `late_readings`
    came too late for theirs, `changes` of alerts were told, `forgotten` sensors lost their state;
    `due_left` is 1 where more sensors wait for the clock or to be published, so that another fold
    is wanted at once. `weight` is what the entries weighed, in single readings.
    """

    entries: int
    readings: int
    sensors: int
    duplicates: int
    rejected: int
    backlog: int
    busy_us: int
    cursor: str
    fault: str
    codes: dict[str, int]
    closed: int
    late_readings: int
    changes: int
    forgotten: int
    due_left: int
    weight: int

    @classmethod
    def from_reply(cls, reply: dict[str, Any]) -> Self:
        """Return the reply of fold.lua with text decoded."""
        flat = reply.pop("codes")
        codes = {str(k, "ascii"): int(n) for k, n in zip(flat[::2], flat[1::2], strict=True)}
        cursor, fault = reply.pop("cursor"), reply.pop("fault")
        return cls(
            cursor=cursor.decode(), fault=fault.decode(errors="replace"), codes=codes, **reply
        )


@lru_cache(maxsize=64)
def reducers_for(settings: Settings, parting: bool = False) -> tuple[str, ...]:
    """Return the reducers that the settings ask for; what is off is not in the script at all.

    A `parting` script has the alerts in any case, so that those that fire can be resolved.
    """
    alerts = settings.alerts or parting
    windows = bool(settings.window_sizes)
    asked = {
        "moments": True,
        "sketch": settings.quantiles,
        "weights": settings.half_life_s > 0,
        "panes": windows,
        "alerts": alerts,
        "clock": windows or alerts or settings.forget_after_s > 0,
    }
    return tuple(name for name in DEFAULT_REDUCERS if asked[name])


@lru_cache(maxsize=64)
def options_for(settings: Settings, parting: bool = False) -> str:
    """Return what the reducers must know, as JSON; empty where there is only the first."""
    if reducers_for(settings, parting) == DEFAULT_REDUCERS[:1]:
        return ""
    options = {
        "sizes": [asdict(size) for size in settings.window_sizes],
        "lateness_ms": settings.allowed_lateness_ms,
        "windows_maxlen": settings.windows_maxlen,
        "late_maxlen": settings.late_maxlen,
        "quantiles": settings.quantiles,
        "sketch_buckets": settings.sketch_buckets,
        "half_life_ms": settings.half_life_s * 1000,
        "alerts": settings.alerts,
        "alerts_maxlen": settings.alerts_maxlen,
        "forget_ms": ceil(settings.forget_after_s * 1000),
    }
    return orjson.dumps(options).decode()


def fold_arguments(
    settings: Settings,
    keys: Keys,
    count: int,
    now_ms: int | None = None,
    budget: int = 0,
    *,
    due_most: int = 0,
    parting: bool = False,
) -> dict[str, Any]:
    """Return the named KEYS and ARGV of fold.lua for at most `count` entries of one partition.

    `budget` ends the fold earlier, once its entries weigh so many single readings; by default
    `count` of them. `due_most` is how many sensors at most are looked at because they are due.
    """
    return {
        "readings": keys.readings,
        "state": keys.state,
        "results": keys.results,
        "rejects": keys.rejects,
        "late": keys.late,
        "alerts_stream": keys.alerts,
        "firing": keys.firing,
        "rules": keys.rules,
        "due": keys.due,
        "group": GROUP,
        "stats_prefix": keys.stats_prefix,
        "windows_prefix": keys.windows_prefix,
        "panes_prefix": keys.panes_prefix,
        "count": count,
        "budget": budget or count,
        "due_most": due_most or (budget or count) // ENTRIES_A_DUE + 4,
        "max_batch": settings.max_batch,
        "future_skew_ms": settings.future_skew_ms,
        "readings_tail": settings.readings_tail,
        "results_maxlen": settings.results_maxlen,
        "rejects_maxlen": settings.rejects_maxlen,
        "now_ms": "" if now_ms is None else now_ms,
        "options": options_for(settings, parting),
    }


def fold(
    client: Any,
    settings: Settings,
    keys: Keys,
    count: int = 1000,
    now_ms: int | None = None,
    *,
    budget: int = 0,
    due_most: int = 0,
    parting: bool = False,
) -> Folded:
    """Fold at most `count` entries of one partition, atomically, in the server.

    `now_ms` is the wall clock; by default it is the server's. `budget` and `due_most` are those of
    fold_arguments. Where alerts are off, `parting` folds resolve those that fire still.
    """
    script = load_script("fold", reducers_for(settings, parting))
    arguments = fold_arguments(
        settings, keys, count, now_ms, budget, due_most=due_most, parting=parting
    )
    return Folded.from_reply(script.run(client, arguments))
