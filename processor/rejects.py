"""The rejected readings: reads `rejects`, and what may be sent of them. Writes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from rillet.errors import UserError
from rillet.keys import Keys, partition_keys
from rillet.settings import Settings

PAGE = 500
"""Entries asked for at once."""

ESCAPED = "backslashreplace"

CUT = 4096
"""The fold keeps so many bytes of each field of a reject, of a batch eight times as many
(lua/include/reject.lua)."""

_ID = re.compile(r"\d+-\d+")
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
    cut: int = 0
    """How many fields are left out, or not kept whole."""

    @property
    def sensor(self) -> str:
        """The sensor's name as it was sent; empty where there is none."""
        return self.fields.get("sensor", "")

    @property
    def foreign(self) -> bool:
        """Tell whether this names no reading, so that it is not the fold's."""
        return not _ID.fullmatch(self.reading_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rejects are meant; an empty text means all."""

    code: str = ""
    sensor: str = ""

    def has(self, reject: Reject) -> bool:
        """Tell whether this one is meant."""
        return self.code in ("", reject.code) and self.sensor in ("", reject.sensor)


def _reject(keys: Keys, entry_id: bytes, raw: dict[bytes, bytes]) -> Reject:
    # The fold writes printable ASCII; of others' entries each byte that is no text is escaped.
    fields = {k.decode(errors=ESCAPED): v.decode(errors=ESCAPED) for k, v in raw.items()}
    own = {k.removeprefix("field:"): v for k, v in fields.items() if k.startswith("field:")}
    return Reject(
        keys,
        entry_id.decode(),
        fields.get("id", ""),
        fields.get("code", ""),
        fields.get("reason", ""),
        own,
        int(fields["cut"]) if fields.get("cut", "").isdecimal() else 0,
    )


def read_rejects(client: Any, settings: Settings, wanted: Wanted) -> Iterator[Reject]:
    """Yield the rejects that are meant, of each partition in turn, oldest first."""
    for keys in partition_keys(settings):
        after = "-"
        while page := _page(client, keys.rejects, after):
            found = (_reject(keys, entry_id, raw) for entry_id, raw in page)
            yield from (one for one in found if wanted.has(one))
            after = f"({page[-1][0].decode()}"


def _page(client: Any, stream: str, after: str) -> Any:
    try:
        return client.xrange(stream, after, "+", count=PAGE)
    except redis.ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        raise UserError(
            f"{stream} is no stream: another program uses it. RENAME it or set RILLET_NAMESPACE."
        ) from None


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
    """Tell whether something that is to be sent is not on `rejects`, or not whole."""
    limits = {"values": CUT * 8, "packed": CUT * 8}
    at_limit = (k for k, v in reject.fields.items() if len(_raw(v)) >= limits.get(k, CUT))
    return reject.cut > sum(k in changes for k in at_limit)


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
