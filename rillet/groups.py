"""The doctor's look at the consumer groups: who is behind, and who has been forgotten. Only reads.

A group is judged by age, never by how much it has in hand: a busy group always has something
pending, and where entries were deleted Redis cannot tell its lag.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoPermissionError

from rillet.finding import Finding, Patient, ok, one
from rillet.keys import GROUP, WEBHOOK_GROUP, Keys, partition_keys

OLD_MS = 3_600_000
"""An entry that waits for so long is no longer on its way."""

LATE_MS = 60_000
"""The same for the fold, where Redis cannot tell how many wait."""


@dataclass(frozen=True, slots=True)
class Group:
    """One consumer group of a stream; the ages are in ms, by the server's clock.

    `lag` is None where Redis cannot tell. `unread_ms` is the age of the oldest entry it has not
    read, by its id; None where it has read all. `stuck` tells of an entry delivered over OLD_MS
    ago and not acknowledged. `idle_ms` is how long none of its consumers has asked for more; None
    where it has none, or this user may not know.
    """

    name: str
    pending: int
    lag: int | None
    unread_ms: float | None
    stuck: bool
    idle_ms: int | None

    @property
    def ails(self) -> str:
        """Return what is wrong, in one word: forgotten, stuck or slow; or nothing."""
        if not self.stuck and (self.unread_ms is None or self.unread_ms <= OLD_MS):
            return ""
        if self.idle_ms is None or self.idle_ms > OLD_MS:
            return "forgotten"
        return "stuck" if self.stuck else "slow"

    @property
    def keeps(self) -> str:
        """Return what waits for it."""
        unread = "none" if self.unread_ms is None else "some" if self.lag is None else self.lag
        return f"{unread} unread, {self.pending} not acknowledged"


def read_groups(client: Any, stream: str) -> dict[str, Group]:
    """Return the groups of a stream by their names; none where there is no stream."""
    if not client.exists(stream):
        return {}
    seconds, micros = one(client.time())
    now_ms = int(seconds) * 1000 + int(micros) / 1000
    found = [_read(client, stream, raw, now_ms) for raw in client.xinfo_groups(stream)]
    return {group.name: group for group in found}


def _read(client: Any, stream: str, raw: dict[str, Any], now_ms: float) -> Group:
    name, pending = raw["name"].decode(errors="backslashreplace"), raw["pending"]
    unread = client.xrange(stream, f"({raw['last-delivered-id'].decode()}", "+", count=1)
    stuck = pending and client.xpending_range(stream, raw["name"], "-", "+", 1, idle=OLD_MS)
    return Group(
        name,
        pending,
        raw.get("lag"),
        now_ms - int(unread[0][0].split(b"-")[0]) if unread else None,
        bool(stuck),
        _idle_ms(client, stream, raw["name"]),
    )


def _idle_ms(client: Any, stream: str, name: bytes) -> int | None:
    try:
        return min((c["idle"] for c in client.xinfo_consumers(stream, name)), default=None)
    except NoPermissionError:
        return None


def check_groups(patient: Patient) -> Iterator[Finding]:
    """Look whether fold and webhook keep up, and no forgotten group holds readings back."""
    for keys in partition_keys(patient.settings):
        groups = read_groups(patient.client, keys.readings)
        yield _fold(patient, keys, groups.pop(GROUP, None))
        yield from (_other(keys.readings, group) for group in groups.values() if group.ails)
        webhook = read_groups(patient.client, keys.alerts).get(WEBHOOK_GROUP)
        if webhook and webhook.ails:
            yield _webhook(patient, keys.alerts, webhook)


def _fold(patient: Patient, keys: Keys, ours: Group | None) -> Finding:
    stream = keys.readings
    if ours is None:
        if not patient.client.exists(stream):
            return ok("groups", f"{stream}: no readings yet")
        said = f"{stream}: readings, but nothing folds them"
        return Finding("error", "groups", said, "rillet process")
    more = "rillet process  (one more of them)"
    if ours.lag is None and (ours.unread_ms or 0) > LATE_MS:
        said = f"{stream}: the oldest unread reading came {_hours(ours.unread_ms)} ago"
        return Finding("warning", "lag", said, more)
    lag = 0 if ours.unread_ms is None else ours.lag
    if lag is not None and lag > patient.settings.backlog_max:
        return Finding("warning", "lag", f"{stream}: {lag:,} readings behind", more)
    return ok("groups", f"{stream}: {'a few' if lag is None else lag} readings behind")


def _other(stream: str, group: Group) -> Finding:
    """Return what is wrong with a group that is not Rillet's, and a command that loses nothing."""
    names = shlex.join([stream, group.name])
    said = f"{stream}: group {group.name} ({group.keeps})"
    if group.ails == "forgotten":
        said += (
            " has no consumer: unless it was made just now, readings are kept for nobody"
            if group.idle_ms is None
            else " has not been read for over an hour: readings are kept for it"
        )
        mend = f"redis-cli XINFO CONSUMERS {names}  (who is it? only if nobody misses it: "
        mend += f"redis-cli XGROUP DESTROY {names}; what it has not read it never sees)"
    elif group.ails == "stuck":
        said += " has entries that were delivered over an hour ago and not acknowledged"
        mend = (
            f"redis-cli XPENDING {names} - + 10  (their consumers; XAUTOCLAIM gives them to others)"
        )
    else:
        said += f" is behind: the oldest came {_hours(group.unread_ms)} ago"
        mend = f"redis-cli XINFO CONSUMERS {names}  (start more of them)"
    return Finding("warning", f"{group.ails} group", said, mend)


def _webhook(patient: Patient, stream: str, group: Group) -> Finding:
    said = f"{stream}: changes wait for the webhook for over an hour ({group.keeps})"
    if patient.settings.webhook_url:
        mend = (
            "rillet process  (if one runs, its line webhook.failing says what the receiver answers)"
        )
    else:
        names = shlex.join([stream, group.name])
        mend = f"redis-cli XINFO CONSUMERS {names}  (if no worker has "
        mend += f"RILLET_WEBHOOK_URL any more: redis-cli XGROUP DESTROY {names})"
    return Finding("warning", "webhook", said, mend)


def _hours(ms: float | None) -> str:
    return f"{(ms or 0) / 3_600_000:,.1f} h"
