"""Verifies the sensors of one partition from the readings still kept in Redis. Pure.

Where every reading is still there, a sensor's whole hash is recomputed. Else it is held against the
record in `state`; and the readings of the kept tail are taken off the exact sums there, which must
leave, to the bit, what `results` said before them.
"""

from dataclasses import dataclass, field

from processor.merge import figures
from processor.record import Moments
from rillet.settings import Settings
from rillet.validate import Limits, check
from verify.agreement import Agreement, agreement, compare
from verify.kept import Kept
from verify.moment import Entry, Moment
from verify.reference import Ledger, Reference, milliseconds
from verify.resume import Result, reckon
from verify.sums import Shown, Sums


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of one sensor: where it was held against, how many readings, the fields.

    `unchecked` are the fields of its hash that could not be held against anything.
    """

    sensor: str
    against: str
    readings: int
    fields: list[Agreement]
    unchecked: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether every field is right."""
        return bool(self.fields) and all(one.right for one in self.fields)


def report(sensor: str, against: str, readings: int, shown: Result, wanted: Shown) -> Report:
    """Return the report of a hash that must say what is wanted."""
    fields = compare(shown, wanted)
    return Report(sensor, against, readings, fields, sorted(shown.keys() - wanted.keys()))


def verify_moment(moment: Moment, settings: Settings) -> list[Report]:
    """Return a report of each sensor."""
    ledger = Ledger.of(settings)
    if moment.whole:
        for entry_id, fields in moment.entries:
            ledger.take(entry_id, fields)
    ids = {entry_id for entry_id, _ in moment.entries}
    found = []
    for sensor, shown in moment.hashes.items():
        account = ledger.account(sensor)
        if moment.whole and _is_whole(sensor, account, moment, ids):
            found.append(report(sensor, "every reading", account.sums.n, shown, account.shown()))
        else:
            found.append(_part(sensor, moment, settings))
    return found


def _is_whole(sensor: str, account: Reference, moment: Moment, ids: set[str]) -> bool:
    """Tell whether a sensor has been folded from these readings alone, all of them.

    It has not if it was forgotten since, nor if `readings` was deleted and made anew.
    """
    for result in moment.results.get(sensor, ()):
        if "forgotten" in result or result.get("last_id", account.last_id) not in {*ids, ""}:
            return False
    if moment.results_whole or sensor not in moment.records:
        return True
    return Kept.of(sensor, moment.records[sensor]).entries == account.entries


def _part(sensor: str, moment: Moment, settings: Settings) -> Report:
    """Hold the hash against `state`, and `state` less the newest readings against `results`."""
    shown = moment.hashes[sensor]
    if sensor not in moment.records:
        return report(sensor, "no record in state", 0, shown, {"count": 0})
    now = Kept.of(sensor, moment.records[sensor])
    results = moment.results.get(sensor, [])
    marks = [at for at, one in enumerate(results) if "forgotten" in one]
    entries = [one for one in moment.entries if _is_good(sensor, one, settings)]
    before, newest = reckon(entries, results[marks[-1] + 1 if marks else 0 :], now.own)
    if before is None or newest is None:
        return report(
            sensor, "its record in state; too few readings are kept", 0, shown, now.shown()
        )
    found = report(sensor, f"the newest {newest.n} readings", newest.n, shown, now.shown())
    for name, want in figures(_without(now.moments, newest)).items():
        if name not in {"min", "max"}:  # what was the least before cannot be told from after
            found.fields.append(agreement(f"{name} before", before.get(name), want))
    return found


def _is_good(sensor: str, entry: Entry, settings: Settings) -> bool:
    entry_id, fields = entry
    limits = Limits(settings.max_batch, settings.future_skew_ms, milliseconds(entry_id))
    return fields.get(b"sensor") == sensor.encode() and not check(fields, limits)


def _without(now: Moments, newest: Sums) -> Moments:
    part = newest.moments()
    return Moments(now.n - part.n, now.s1 - part.s1, now.s2 - part.s2, now.low, now.high)
