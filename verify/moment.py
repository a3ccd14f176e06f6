"""Reads one partition as it is at one moment: readings, hashes, records and results."""

from dataclasses import dataclass
from typing import Any

import redis

from rillet.connect import server_of
from rillet.errors import UserError
from rillet.keys import CURSOR_FIELD, Keys

MOST = 500_000
"""Entries that are read at once; a longer tail is refused, as it would hold the server up."""

Entry = tuple[str, dict[bytes, bytes]]
"""Id and fields of an entry of `readings`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One partition as it was at one moment; entries are the folded ones only.

    `whole` is set where no entry of the stream has gone and no more was folded than there is;
    `results` are oldest first, and all that there ever were if `results_whole`.
    """

    entries: list[Entry]
    whole: bool
    hashes: dict[str, dict[str, str]]
    records: dict[str, bytes]
    results: dict[str, list[dict[str, str]]]
    results_whole: bool


def read_moment(client: Any, keys: Keys, sensors: list[str]) -> Moment:
    """Read all that is needed of one partition in one transaction."""
    pipe = server_of(client, keys.state).pipeline(transaction=True)
    pipe.hget(keys.state, CURSOR_FIELD)
    pipe.xinfo_stream(keys.readings)
    pipe.xrange(keys.readings, count=MOST)
    pipe.exists(keys.results)
    pipe.xinfo_stream(keys.results)
    pipe.xrange(keys.results)
    pipe.hmget(keys.state, sensors)
    for sensor in sensors:
        pipe.hgetall(keys.stats(sensor))
    found = pipe.execute(raise_on_error=False)
    if not found[3]:
        found[4] = {"length": 0, "entries-added": -1}  # whether there were any cannot be told
    for one in found:
        if isinstance(one, redis.RedisError):
            raise one
    cursor, info, entries, _, told, results, records, *hashes = found
    if len(entries) == MOST and info["length"] > MOST:
        raise UserError(
            f"{keys.readings} holds more than {MOST:,} readings: verify a file instead."
        )
    until, read = _cursor(cursor)
    folded = [(one.decode(), fields) for one, fields in entries if _id(one) <= until]
    return Moment(
        folded,
        info["entries-added"] == info["length"] and read <= len(folded),
        {s: text_of(h) for s, h in zip(sensors, hashes, strict=True)},
        {s: r for s, r in zip(sensors, records, strict=True) if r},
        _by_sensor(results),
        told["entries-added"] == told["length"],
    )


def _cursor(saved: bytes | None) -> tuple[tuple[int, ...], int]:
    """Return the id of the last folded entry, and how many were read up to it."""
    try:
        entry_id, read = (saved or b"0-0 0").split()
        return _id(entry_id), int(read)
    except ValueError:
        raise UserError(
            "The field '\\0cursor' of `state` is damaged: set it to the last-delivered-id of the"
            " group, a blank, and its entries-read (XINFO GROUPS)."
        ) from None


def _id(entry_id: bytes) -> tuple[int, ...]:
    return tuple(map(int, entry_id.split(b"-")))


def text_of(fields: dict[bytes, bytes]) -> dict[str, str]:
    """Return fields as text, whatever bytes they are."""
    return {k.decode(errors="replace"): v.decode(errors="replace") for k, v in fields.items()}


def _by_sensor(results: Any) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for _, raw in results:
        fields = text_of(raw)
        found.setdefault(fields.pop("sensor", ""), []).append(fields)
    return found
