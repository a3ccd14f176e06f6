"""One change of an alert as programs get it, read from `alerts` or `firing`; pure."""

from collections.abc import Mapping
from typing import Any

import orjson

NUMBERS = frozenset({"value", "ts", "at", "since"})
"""The fields that are numbers. All others are text."""

Alert = dict[str, Any]


def from_entry(entry: bytes, fields: Mapping[bytes, bytes]) -> Alert:
    """Return the alert of one entry of `alerts`; `entry` is its id, whatever else is in there."""
    texts = {_text(name): _text(value) for name, value in fields.items()}
    return {n: _shown(n, value) for n, value in texts.items()} | {"entry": entry.decode()}


def from_firing(value: bytes) -> Alert | None:
    """Return the alert of one field of `firing`, or None where someone else wrote there."""
    try:
        fields = orjson.loads(value)
        return {str(n): _shown(n, value) for n, value in fields.items()} | {"entry": ""}
    except (ValueError, AttributeError):
        return None


def newest_first(alerts: list[Alert]) -> list[Alert]:
    """Return the alerts, the latest change first; ties go by sensor and rule."""
    ordered = sorted(alerts, key=lambda a: (str(a.get("sensor")), str(a.get("rule"))))
    return sorted(ordered, key=_place, reverse=True)


def _place(alert: Alert) -> tuple[float, tuple[int, ...]]:
    """Return when the change was, by the server's clock, and then in its stream."""
    entry = tuple(int(part) for part in alert["entry"].split("-") if part)
    at = alert.get("at")
    return (at if isinstance(at, int | float) else 0), entry


def _shown(name: str, value: Any) -> Any:
    """Return a field as JSON has it: a number as one, null where there is none, else the text."""
    if name not in NUMBERS:
        return value if isinstance(value, str) else str(value)
    if isinstance(value, int | float):
        return value
    try:
        number = orjson.loads(value)
    except (ValueError, TypeError):
        return None
    return number if isinstance(number, int | float) else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
