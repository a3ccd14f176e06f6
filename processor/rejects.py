"""The rejected readings: reads `rejects`, and sends readings back to `readings`.

A replay adds a reading and deletes its reject in one transaction, so that none goes in twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rillet.errors import UserError
from rillet.keys import Keys, partition_keys, partition_of
from rillet.settings import Settings

PAGE = 500
"""Entries asked for at once."""

CUT = 4096
"""The fold keeps so many bytes of each field of a reject (lua/include/entry.lua)."""

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Reject:
    """One entry of `rejects`: its own id there, the id of the reading, why, and its fields."""

    keys: Keys
    entry_id: str
    reading_id: str
    code: str
    reason: str
    fields: dict[str, str]

    @property
    def sensor(self) -> str:
        """The sensor's name as it was sent; empty where there is none."""
        return self.fields.get("sensor", "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rejects are meant; an empty text means all."""

    code: str = ""
    sensor: str = ""

    def has(self, reject: Reject) -> bool:
        """Tell whether this one is meant."""
        return self.code in ("", reject.code) and self.sensor in ("", reject.sensor)


def _reject(keys: Keys, entry_id: bytes, raw: dict[bytes, bytes]) -> Reject:
    fields = {k.decode(): v.decode() for k, v in raw.items()}
    own = {k.removeprefix("field:"): v for k, v in fields.items() if k.startswith("field:")}
    return Reject(
        keys,
        entry_id.decode(),
        fields.get("id", ""),
        fields.get("code", ""),
        fields.get("reason", ""),
        own,
    )


def read_rejects(client: Any, settings: Settings, wanted: Wanted) -> Iterator[Reject]:
    """Yield the rejects that are meant, of each partition in turn, oldest first."""
    for keys in partition_keys(settings):
        after = "-"
        while page := client.xrange(keys.rejects, after, "+", count=PAGE):
            found = (_reject(keys, entry_id, raw) for entry_id, raw in page)
            yield from (one for one in found if wanted.has(one))
            after = f"({page[-1][0].decode()}"


def corrections(texts: list[str]) -> dict[str, str]:
    """Return field=value texts as a map; raise UserError for what is not one."""
    pairs = [text.partition("=") for text in texts]
    for field, equals, _ in pairs:
        if not field or not equals:
            raise UserError(f"--set wants field=value, such as value=21.5; not '{field}'.")
    return {field: value for field, _, value in pairs}


def _raw(text: str) -> bytes:
    r"""Return the bytes that the fold wrote as \xNN and printable text."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1")


def is_cut(reject: Reject, changes: dict[str, str]) -> bool:
    """Tell whether a field that is to be sent was too long for `rejects` to keep it whole."""
    return any(len(_raw(v)) >= CUT for k, v in reject.fields.items() if k not in changes)


def corrected(reject: Reject, changes: dict[str, str]) -> dict[bytes, bytes]:
    """Return the fields of the reading to send: its own, with the changes over them.

    A change to nothing takes the field away. A reading without `ts` of its own keeps the time at
    which it arrived.
    """
    fields = {_raw(k): _raw(v) for k, v in reject.fields.items()}
    if not fields.get(b"ts"):
        fields[b"ts"] = reject.reading_id.split("-", maxsplit=1)[0].encode()
    fields |= {k.encode(): v.encode() for k, v in changes.items()}
    return {k: v for k, v in fields.items() if v or k.decode("latin-1") not in changes}


def replay(client: Any, settings: Settings, reject: Reject, changes: dict[str, str]) -> bool:
    """Send one reading back through the fold; return whether it was still there to be sent.

    With partitions a corrected name may belong to another partition than its reject, and no
    transaction spans two: then a crash between sending and deleting leaves it on both.
    """
    fields = corrected(reject, changes)
    parts = partition_keys(settings)
    sensor = fields.get(b"sensor", b"").decode(errors="replace")
    target = parts[partition_of(sensor, len(parts))]
    if target == reject.keys:
        return bool(client.eval(_MOVE, 2, target.rejects, target.readings, *_flat(reject, fields)))
    if not client.xrange(reject.keys.rejects, reject.entry_id, reject.entry_id):
        return False
    client.execute_command("XADD", target.readings, "*", *_flat(reject, fields)[1:])
    return bool(client.xdel(reject.keys.rejects, reject.entry_id))


def _flat(reject: Reject, fields: dict[bytes, bytes]) -> list[Any]:
    return [reject.entry_id, *(part for pair in fields.items() for part in pair)]


_MOVE = """
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return redis.call('XDEL', KEYS[1], ARGV[1])
"""
