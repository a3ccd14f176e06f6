"""Reads what the fold left of one partition, for the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from processor.pane import Pane, pane_figures
from processor.windows import Sensor, record_fields
from rillet.keys import GROUP, OUTBOX_FIELD, Keys
from rillet.settings import Settings

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """What is in one partition, as text; `lag` is that of the fold's group.

    `windows` has by their size in ms the entries of each stream of closed windows, `panes` by size
    and sensor the figures of the list. `firing` has the change of each alert that fires, `sketched`
    how many values a sensor's sketch has counted; `readings` entries are kept.
    """

    hashes: dict[str, Fields]
    results: dict[str, Fields]
    reject_ids: list[str]
    lag: Any
    dirty: bool
    windows: dict[int, list[Fields]] = field(default_factory=dict)
    panes: dict[tuple[int, str], list[dict[str, Any]]] = field(default_factory=dict)
    late: list[Fields] = field(default_factory=list)
    alerts: list[Fields] = field(default_factory=list)
    firing: dict[str, dict[str, Any]] = field(default_factory=dict)
    sketched: dict[str, float] = field(default_factory=dict)
    readings: int = 0


def look(client: Any, keys: Keys, settings: Settings) -> Left:
    """Read it all."""
    names = [k.decode() for k in client.hkeys(keys.state) if k[:1] != b"\0"]
    groups = client.xinfo_groups(keys.readings) if client.exists(keys.readings) else []
    lags = [group["lag"] for group in groups if group["name"] == GROUP.encode()]
    results = _entries(client, keys.results)
    return Left(
        {name: _text(client.hgetall(keys.stats(name))) for name in names},
        {fields.pop("sensor"): fields for fields in results},
        [fields["id"] for fields in _entries(client, keys.rejects)],
        lags[0] if lags else None,
        any(client.hexists(keys.state, name) for name in ("\0dirty", OUTBOX_FIELD)),
        {one.ms: _entries(client, keys.windows(one.name)) for one in settings.window_sizes},
        {
            (size.ms, name): [
                pane_figures(Pane.closed(packed, size))
                for packed in client.lrange(keys.panes(size.name, name), 0, -1)
            ]
            for size in settings.window_sizes
            for name in names
        },
        _entries(client, keys.late),
        _entries(client, keys.alerts),
        {name.decode(): orjson.loads(told) for name, told in client.hgetall(keys.firing).items()},
        {name: _sketched(client, keys, name) for name in names},
        client.xlen(keys.readings),
    )


def _sketched(client: Any, keys: Keys, sensor: str) -> float:
    record, slow = client.hmget(keys.state, record_fields(sensor))
    return Sensor.unpack(record, slow).sketch.count


def _entries(client: Any, stream: str) -> list[Fields]:
    return [_text(fields) for _, fields in client.xrange(stream)]


def _text(fields: Mapping[bytes, bytes]) -> Fields:
    return {k.decode(): v.decode() for k, v in fields.items()}
