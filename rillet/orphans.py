"""The doctor's look at alerts that no record knows of, so that nothing resolves them. Only reads.

A record that is deleted by hand takes with it what fired; `firing` keeps it, also once the sensor
sends again.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from rillet.finding import Finding, Patient, ok
from rillet.keys import OUTBOX_FIELD, Keys, partition_keys
from rillet.validate import check_sensor

CHUNK = 500
"""Fields that are looked at in one step."""

SHOWN = 20
"""Fields of one command."""


def check_alerts(patient: Patient) -> Iterator[Finding]:
    """Look for alerts that fire for ever."""
    found = False
    for keys in partition_keys(patient.settings):
        fields = list(_orphans(patient.client, keys))
        if fields:
            found = True
            number = "1 alert fires" if len(fields) == 1 else f"{len(fields):,} alerts fire"
            said = f"{number} for ever: {keys.state} has no record of that, so nothing resolves it"
            mend = shlex.join(["redis-cli", "HDEL", keys.firing, *fields[:SHOWN]])
            more = len(fields) - SHOWN
            mend += f"  (then look again: {more:,} more)" if more > 0 else ""
            yield Finding("warning", "alerts", said, mend)
    if not found:
        yield ok("alerts", "what fires can be resolved")


def _orphans(client: Any, keys: Keys) -> Iterator[str]:
    """Return the fields of `firing` whose sensor has no record, or one in which the rule rests."""
    fields = sorted(field for field in client.hkeys(keys.firing) if _sensor(field))
    for first in range(0, len(fields), CHUNK):
        some = fields[first : first + CHUNK]
        before = client.hmget(keys.firing, some)
        waiting, *records = client.hmget(keys.state, [OUTBOX_FIELD, *map(_sensor, some)])
        if waiting:
            return  # the fold has still to write what fires and what does not
        after = client.hmget(keys.firing, some)
        for field, record, was, now in zip(some, records, before, after, strict=True):
            # one that was resolved while this looked is gone; one that fired again says when
            if was and was == now and not _fires(record or b"", field):
                yield field.decode()


def _sensor(field: bytes) -> bytes:
    """Return the sensor of a field; empty where the fold has not written it."""
    sensor = field.partition(b":")[2]
    return b"" if check_sensor(sensor) else sensor


def _fires(record: bytes, field: bytes) -> bool:
    """Tell whether the rule fires by a record: there is its state, not 0, its length, its name."""
    rule = field.partition(b":")[0]
    return bool(re.search(rb"[\1\2]" + re.escape(bytes([len(rule) % 256]) + rule), record))
