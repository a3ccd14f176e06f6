"""Verifies from the readings still kept in Redis: reads a partition at one moment, checks it.

Where every reading is still there, a sensor's whole hash is recomputed. Else the readings of the
kept tail are taken off the exact sums in `state`, which must leave, to the bit, what `results` said
before them.
"""

from dataclasses import dataclass
from typing import Any

from processor.merge import figures
from processor.record import Moments, pieces_of
from rillet.errors import UserError
from rillet.keys import Keys
from rillet.settings import Settings
from verify.agreement import Agreement, agreement, compare
from verify.reference import Ledger, Reference, values_of
from verify.sequence import WINDOW
from verify.sums import Sums

MOST = 500_000
"""Entries that are read at once; a longer tail is refused, as it would hold the server up."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One partition as it was at one moment; entries are (id, fields), folded ones only."""

    entries: list[tuple[str, dict[bytes, bytes]]]
    whole: bool
    hashes: dict[str, dict[str, str]]
    records: dict[str, bytes]
    results: dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of one sensor: where it was held against, how many readings, the fields."""

    sensor: str
    against: str
    readings: int
    fields: list[Agreement]

    @property
    def exact(self) -> bool:
        """Whether every field is right."""
        return bool(self.fields) and all(one.exact for one in self.fields)


def read_moment(client: Any, keys: Keys, sensors: list[str]) -> Moment:
    """Read all that is needed of one partition in one transaction."""
    pipe = client.pipeline(transaction=True)
    pipe.hget(keys.state, "\0cursor")
    pipe.xinfo_stream(keys.readings)
    pipe.xrange(keys.readings, count=MOST)
    pipe.xrange(keys.results)
    pipe.hmget(keys.state, sensors)
    for sensor in sensors:
        pipe.hgetall(keys.stats(sensor))
    cursor, info, entries, results, records, *hashes = pipe.execute()
    if len(entries) == MOST and info["length"] > MOST:
        raise UserError(
            f"{keys.readings} holds more than {MOST:,} readings: verify a file instead."
        )
    until = _id(cursor.split()[0] if cursor else b"0-0")
    return Moment(
        [(one.decode(), fields) for one, fields in entries if _id(one) <= until],
        info["entries-added"] == info["length"],
        {s: _text(h) for s, h in zip(sensors, hashes, strict=True)},
        {s: r for s, r in zip(sensors, records, strict=True) if r},
        _by_sensor(results),
    )


def _id(entry_id: bytes) -> tuple[int, ...]:
    return tuple(map(int, entry_id.split(b"-")))


def _text(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {k.decode(): v.decode(errors="replace") for k, v in fields.items()}


def _by_sensor(results: Any) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for _, raw in results:
        fields = _text(raw)
        found.setdefault(fields.pop("sensor"), []).append(fields)
    return found


def verify_moment(moment: Moment, settings: Settings) -> list[Report]:
    """Return a report of each sensor."""
    if moment.whole:
        ledger = Ledger(settings.max_batch, settings.future_skew_ms)
        for entry_id, fields in moment.entries:
            ledger.take(entry_id, fields)
        return [
            _whole(sensor, moment.hashes[sensor], ledger.sensors.get(sensor, Reference()))
            for sensor in moment.hashes
        ]
    return [_part(sensor, moment, settings) for sensor in moment.hashes]


def _whole(sensor: str, shown: dict[str, str], account: Reference) -> Report:
    return Report(sensor, "every reading", account.sums.n, compare(shown, account.shown()))


def _part(sensor: str, moment: Moment, settings: Settings) -> Report:
    """Hold the hash against `state`, and `state` less the newest readings against `results`."""
    shown, record = moment.hashes[sensor], moment.records.get(sensor)
    if record is None:
        return Report(sensor, "no record in state", 0, [agreement("count", shown.get("count"), 0)])
    now = Moments.unpack(pieces_of(record)["m"])
    found = compare(shown, {**figures(now), **({"last": now.last} if now.n else {})})
    before, newest = _split(sensor, moment, settings)
    if before is None:
        return Report(sensor, "its exact sums; too few readings are kept", 0, found)
    then = _without(now, newest)
    for name, want in figures(then).items():
        if name not in {"min", "max"}:  # what was the least before cannot be told from after
            found.append(agreement(f"{name} before", before.get(name), want))
    return Report(sensor, f"the newest {newest.n} readings", newest.n, found)


def _without(now: Moments, newest: Sums) -> Moments:
    part = newest.moments()
    return Moments(now.n - part.n, now.s1 - part.s1, now.s2 - part.s2, now.low, now.high)


def _split(sensor: str, moment: Moment, settings: Settings) -> tuple[dict[str, str] | None, Sums]:
    """Return the oldest result that the tail can be reckoned from, and what was folded after it."""
    ledger, taken = Ledger(settings.max_batch, settings.future_skew_ms), []
    for entry_id, fields in moment.entries:
        if fields.get(b"sensor") == sensor.encode():
            new = ledger.take(entry_id, fields)
            taken.append((entry_id, fields, new, b"seq" in fields))
    wanted = {
        result.get("last_id", ""): result for result in reversed(moment.results.get(sensor, []))
    }
    numbered = 0
    for at, (entry_id, _, new, has_seq) in enumerate(taken):
        numbered += has_seq
        # Repeats are known by their numbers only once a whole window of them has been seen.
        if new and entry_id in wanted and (numbered == 0 or numbered > WINDOW):
            newest = Sums()
            for _, fields, is_new, _ in taken[at + 1 :]:
                newest.add(values_of(fields) if is_new else ())
            return wanted[entry_id], newest
    return None, Sums()
