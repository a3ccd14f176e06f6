"""What `rillet top` shows: one look at every sensor, and the table made of two. Only reads.

A look asks Redis for a few fields of each sensor's hash, so it costs about 2 us a sensor there.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from redis.exceptions import ResponseError
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rillet.alert import from_firing
from rillet.keys import GROUP, Keys, partition_keys
from rillet.settings import Settings

FIELDS = ("count", "mean", "stddev", "last", "last_ts", "unit")
CHUNK = 500

Sort = Literal["name", "count", "mean", "stddev", "last", "rate", "age", "alerts"]


@dataclass(frozen=True, slots=True)
class Row:
    """One sensor; figures are None where there are none. `age_s` is since its latest event time."""

    name: str
    count: int
    mean: float | None
    stddev: float | None
    last: float | None
    age_s: float | None
    unit: str
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """All sensors at one time: this machine's clock in s, their rows, and the unread readings."""

    at_s: float
    rows: Sequence[Row] = ()
    lag: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


def look(client: Any, settings: Settings) -> Look:
    """Ask Redis for everything once."""
    now_s, lag = time.time(), 0
    rows: list[Row] = []
    for keys in partition_keys(settings):
        lag += _lag(client, keys)
        firing = _firing(client, keys)
        names = sorted(n for n in client.hkeys(keys.state) if not n.startswith(b"\0"))
        for start in range(0, len(names), CHUNK):
            part = names[start : start + CHUNK]
            pipe = client.pipeline(transaction=False)
            for name in part:
                pipe.hmget(keys.stats_prefix.encode() + name, FIELDS)
            answers = zip(part, pipe.execute(), strict=True)
            rows += [_row(name, found, firing, now_s) for name, found in answers if found[0]]
    return Look(now_s, rows, lag, {row.name: row.count for row in rows})


def _row(name: bytes, found: Sequence[bytes | None], firing: Any, now_s: float) -> Row:
    count, mean, stddev, last, last_ts, unit = found
    text, latest = name.decode("utf-8", "replace"), _number(last_ts)
    return Row(
        text,
        int(_number(count) or 0),
        _number(mean),
        _number(stddev),
        _number(last),
        None if latest is None else now_s - latest / 1000,
        (unit or b"").decode("utf-8", "replace"),
        tuple(sorted(firing.get(text, ()))),
    )


def _number(text: bytes | None) -> float | None:
    try:
        return float(text or b"")
    except ValueError:
        return None


def _lag(client: Any, keys: Keys) -> int:
    """Return the unread readings; all there are where no group reads."""
    try:
        groups = client.xinfo_groups(keys.readings)
    except ResponseError:
        return 0  # there is no stream yet
    lags = [group["lag"] for group in groups if group["name"] == GROUP.encode()]
    return int(lags[0] if lags and lags[0] is not None else client.xlen(keys.readings))


def _firing(client: Any, keys: Keys) -> dict[str, list[str]]:
    """Return the rules that fire, by sensor."""
    found: dict[str, list[str]] = {}
    for alert in map(from_firing, client.hgetall(keys.firing).values()):
        if alert:
            found.setdefault(str(alert.get("sensor")), []).append(str(alert.get("rule")))
    return found


def rates(now: Look, before: Look | None) -> dict[str, float]:
    """Return the readings a second of each sensor between two looks."""
    if before is None or now.at_s <= before.at_s:
        return {}
    seconds = now.at_s - before.at_s
    return {
        name: max(0, count - before.counts.get(name, count)) / seconds
        for name, count in now.counts.items()
    }


def ordered(rows: Iterable[Row], rate: Mapping[str, float], sort: Sort) -> list[Row]:
    """Return the rows by name, or the largest first; ties and missing figures go by name."""
    by_name = sorted(rows, key=lambda row: row.name)
    if sort == "name":
        return by_name
    return sorted(by_name, key=lambda row: _figure(row, rate, sort), reverse=True)


def _figure(row: Row, rate: Mapping[str, float], sort: Sort) -> float:
    """Return what a row is sorted by; below all others where it lacks that."""
    if sort == "alerts":
        return len(row.alerts)
    if sort == "rate":
        found = rate.get(row.name)
    else:
        found = row.age_s if sort == "age" else getattr(row, sort)
    return float("-inf") if found is None else float(found)


def table(now: Look, before: Look | None, sort: Sort, limit: int) -> Table:
    """Return the table of the first `limit` rows, with the sums over all sensors as its title."""
    rate = rates(now, before)
    firing = sum(len(row.alerts) for row in now.rows)
    speed = f"{sum(rate.values()):,.0f} readings/s, " if rate else ""
    shown = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=f"{len(now.rows):,} sensors, {speed}lag {now.lag:,}, firing {firing}",
        title_justify="left",
        caption=f"{len(now.rows) - limit:,} more" if len(now.rows) > limit else None,
        caption_justify="left",
    )
    # Where there is little room this one and the last give way, not the figures.
    shown.add_column("sensor")
    for heading in ("count", "mean", "stddev", "last", "rate/s", "age"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("alerts", style="red", min_width=6)
    for row in ordered(now.rows, rate, sort)[:limit]:
        shown.add_row(*_cells(row, rate.get(row.name)))
    return shown


def _cells(row: Row, rate: float | None) -> list[str | Text]:
    digits = ((row.mean, 6), (row.stddev, 4), (row.last, 6))
    figures = [f"{x:.{n}g}" if x is not None else "" for x, n in digits]
    figures[2] = f"{figures[2]} {escape(row.unit)}".strip()
    speed = "" if rate is None else f"{rate:.1f}"
    return [
        Text(row.name, no_wrap=True, overflow="ellipsis"),
        f"{row.count:,}",
        *figures,
        speed,
        _age(row.age_s),
        " ".join(row.alerts),
    ]


def _age(seconds: float | None) -> str:
    """Return a time in its largest unit."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
