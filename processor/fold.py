"""One fold of one partition: calls lua/fold.lua with the settings, returns what it did."""

from dataclasses import dataclass
from typing import Any, Self

from processor.scripts import load_script
from rillet.keys import GROUP, Keys
from rillet.settings import Settings


@dataclass(frozen=True, slots=True)
class Folded:
    """What one fold did; counts, but for `busy_us` (the server's CPU time in microseconds).

    `entries` were looked at, `readings` folded, for `sensors` sensors; `backlog` entries are still
    unread. `fault` is empty, or the error that kept copies of the state from being written.
    `codes` counts the rejected entries by reason.
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

    @classmethod
    def from_reply(cls, reply: dict[str, Any]) -> Self:
        """Return the reply of fold.lua with text decoded."""
        flat = reply.pop("codes")
        codes = {str(k, "ascii"): int(n) for k, n in zip(flat[::2], flat[1::2], strict=True)}
        cursor, fault = reply.pop("cursor"), reply.pop("fault")
        return cls(
            cursor=cursor.decode(), fault=fault.decode(errors="replace"), codes=codes, **reply
        )


def fold_arguments(settings: Settings, keys: Keys, count: int) -> dict[str, Any]:
    """Return the named KEYS and ARGV of fold.lua for at most `count` entries of one partition."""
    return {
        "readings": keys.readings,
        "state": keys.state,
        "results": keys.results,
        "rejects": keys.rejects,
        "group": GROUP,
        "stats_prefix": keys.stats_prefix,
        "count": count,
        "max_batch": settings.max_batch,
        "future_skew_ms": settings.future_skew_ms,
        "readings_tail": settings.readings_tail,
        "results_maxlen": settings.results_maxlen,
        "rejects_maxlen": settings.rejects_maxlen,
    }


def fold(client: Any, settings: Settings, keys: Keys, count: int = 1000) -> Folded:
    """Fold at most `count` entries of one partition, atomically, in the server."""
    script = load_script("fold")
    return Folded.from_reply(script.run(client, fold_arguments(settings, keys, count)))
