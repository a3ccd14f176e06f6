"""Pages of sensors: sorts, filters, and the cursor between pages; pure."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Iterable
from typing import Literal

import orjson

from api.store import Fields

SortField = Literal[
    "name", "count", "mean", "stddev", "min", "max", "sum", "last", "last_ts", "rejected"
]
Key = tuple[int, float, bytes]
"""(1 where the sensor lacks the field, the signed figure, the name): sorts lacking ones last."""


class CursorError(ValueError):
    """The cursor is not one that a page gave."""


def sort_key(name: bytes, fields: Fields, field: str, *, descending: bool) -> Key:
    """Return what a sensor is sorted by; ties go by name, so that pages never overlap."""
    if field == "name":
        return 0, 0.0, name
    try:
        figure = float(fields[field.encode()])
    except (KeyError, ValueError):
        return 1, 0.0, name
    return 0, -figure if descending else figure, name


def page(keys: Iterable[Key], cursor: str, limit: int) -> tuple[list[bytes], str | None]:
    """Return the names of the page after the cursor, and the next cursor."""
    ordered = sorted(keys)
    start = bisect_right(ordered, read_cursor(cursor)) if cursor else 0
    taken = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return [name for _, _, name in taken], write_cursor(taken[-1]) if more and taken else None


def write_cursor(key: Key) -> str:
    """Return the cursor after the sensor with this key."""
    lacks, figure, name = key
    packed = orjson.dumps([lacks, figure, name.decode("latin-1")])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(cursor: str) -> Key:
    """Return the key of a cursor; raise CursorError where it is none."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        lacks, figure, name = orjson.loads(packed)
        return int(lacks), float(figure), str(name).encode("latin-1")
    except (binascii.Error, ValueError, TypeError) as error:
        raise CursorError("cursor is not one that a page gave") from error
