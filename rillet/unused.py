"""The doctor's look at variables that are no settings, and keys these pass over. Only reads."""

import shlex
from collections.abc import Iterator
from typing import Any

import orjson
from redis.exceptions import NoPermissionError, ResponseError

from rillet.environment import strays
from rillet.finding import Finding, Patient, ok
from rillet.keys import GROUP, Keys, partition_keys


def check_environment(_: Patient) -> Iterator[Finding]:
    """Look for variables that are no settings."""
    found = [
        Finding("warning", "environment", f"{name} is no setting: {hint}", f"unset {name}")
        for name, hint in strays().items()
    ]
    yield from found or [ok("environment", "every RILLET_ variable is a setting")]


def check_settings(patient: Patient) -> Iterator[Finding]:
    """Look for readings, windows and rules that no process with these settings minds."""
    found: list[Finding] = []
    for look in (_other_partitions, _other_sizes, _idle_rules):
        try:
            found += look(patient)
        except NoPermissionError:
            continue  # keys of another layout are none of this user's
    yield from found or [ok("settings", "nothing lies on the server that they pass over")]


def _other_partitions(patient: Patient) -> Iterator[Finding]:
    """Find readings that wait under another number of partitions."""
    space = f"{patient.settings.namespace}:" if patient.settings.namespace else ""
    number = patient.settings.partitions
    strangers = [(1, Keys(space))] if number > 1 else []
    strangers += [(number + 1, Keys(f"{space}{{{0 if number == 1 else number}}}:"))]
    for least, keys in strangers:
        if _holds_unread(patient.client, keys.readings):
            said = (
                f"{keys.readings} has unread readings that RILLET_PARTITIONS={number} passes over"
            )
            mend = f"RILLET_PARTITIONS={least} rillet process  (or more; until its lag is 0)"
            yield Finding("error", "partitions", said, mend)


def _holds_unread(client: Any, stream: str) -> bool:
    if not client.exists(stream):
        return False
    try:
        groups = {one["name"]: one for one in client.xinfo_groups(stream)}
    except ResponseError:  # no stream at all
        return False
    ours = groups.get(GROUP.encode())
    after = f"({ours['last-delivered-id'].decode()}" if ours else "-"
    return bool(client.xrange(stream, after, "+", count=1))


def _other_sizes(patient: Patient) -> Iterator[Finding]:
    """Find windows of sizes that are no longer kept."""
    kept = {size.name for size in patient.settings.window_sizes}
    for keys in partition_keys(patient.settings):
        prefix = keys.windows_prefix
        for key in patient.client.scan_iter(match=f"{prefix}*", count=1000, _type="stream"):
            size = key.decode(errors="backslashreplace").removeprefix(prefix)
            if size not in kept:
                said = f"{prefix}{size} is no size of RILLET_WINDOWS: it stays as it is"
                panes, stream = (
                    shlex.quote(one) for one in (f"{keys.panes_prefix}{size}:*", f"{prefix}{size}")
                )
                mend = f"redis-cli --scan --pattern {panes} | "
                mend += f"xargs -rd '\\n' -n 1 redis-cli UNLINK; redis-cli UNLINK {stream}"
                yield Finding("warning", "windows", said, mend)


def _idle_rules(patient: Patient) -> Iterator[Finding]:
    """Find rules that need a baseline where none is kept."""
    raw = patient.client.get(partition_keys(patient.settings)[0].rules)
    if patient.settings.half_life_s or not raw:
        return
    try:
        rules = orjson.loads(raw)["rules"]
        names = [rule["name"] for rule in rules if rule["type"] == "deviation"]
    except (orjson.JSONDecodeError, KeyError, TypeError):  # not ours, and the fold goes without
        return
    if names:
        said = f"{', '.join(names)}: rules of type deviation do nothing with RILLET_HALF_LIFE_S=0"
        yield Finding("warning", "rules", said, "export RILLET_HALF_LIFE_S=300")
