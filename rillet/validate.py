"""What makes a reading good: the same rules, codes and reasons as lua/include/entry.lua. Pure.

The API checks with these before it writes, so that a producer is told at once; the fold checks
again, as any client may write to the stream. A test runs both on the same cases.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

VALUE_LIMIT = 1e100
TS_LIMIT_MS = 8_640_000_000_000_000
SEQ_LIMIT = 2**53 - 1

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(rb"-?\d+")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a reading cannot be taken: a short machine word, and a sentence for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits a user can set, and the clock that `ts` is held against, in ms since 1970."""

    max_batch: int
    future_skew_ms: int
    now_ms: int


def check(fields: Mapping[bytes, bytes], limits: Limits) -> Fault | None:
    """Return the first fault of a reading's fields, in the order in which the fold looks."""
    return (
        check_sensor(fields.get(b"sensor"))
        or _check_ts(fields.get(b"ts"), limits)
        or _check_seq(fields.get(b"seq"))
        or _check_values(fields, limits.max_batch)
        or _check_label("kind", fields.get(b"kind", b""))
        or _check_label("unit", fields.get(b"unit", b""))
    )


def check_sensor(sensor: bytes | None) -> Fault | None:
    """Return what is wrong with a sensor's name: 1 to 128 printable ASCII bytes are right."""
    if not sensor:
        return Fault("missing_sensor", "the field sensor is missing or empty")
    if len(sensor) > 128:  # noqa: PLR2004 the contract's number
        return Fault("bad_sensor", "the sensor name is longer than 128 bytes")
    if _UNPRINTABLE.search(sensor):
        return Fault("bad_sensor", "the sensor name has bytes that are not printable ASCII")
    return None


def check_value(text: bytes) -> Fault | None:
    """Return what is wrong with a value: an optional sign, decimal digits, fraction, exponent."""
    if not _NUMBER.fullmatch(text):
        return Fault("bad_value", "the value is not a decimal number")
    if abs(float(text)) > VALUE_LIMIT:
        return Fault("value_out_of_range", "the value is not within -1e100 and 1e100")
    return None


def _integer(text: bytes) -> int | None:
    if len(text) > 16 or not _INTEGER.fullmatch(text):  # noqa: PLR2004 sign and 15 digits
        return None
    return int(text)


def _check_ts(text: bytes | None, limits: Limits) -> Fault | None:
    if text is None:
        return None
    ts = _integer(text)
    if ts is None or abs(ts) > TS_LIMIT_MS:
        return Fault("bad_ts", "ts is not an integer of milliseconds since 1970")
    if ts > limits.now_ms + limits.future_skew_ms:
        return Fault("future_ts", f"ts lies more than {limits.future_skew_ms} ms in the future")
    return None


def _check_seq(text: bytes | None) -> Fault | None:
    seq = 0 if text is None else _integer(text)
    if seq is None or not 0 <= seq <= SEQ_LIMIT:
        return Fault("bad_seq", "seq is not an integer from 0 to 2^53-1")
    return None


def _check_values(fields: Mapping[bytes, bytes], max_batch: int) -> Fault | None:
    given = [name for name in (b"value", b"values", b"packed") if name in fields]
    if not given:
        return Fault("missing_value", "the reading has no value, values or packed")
    if len(given) > 1:
        return Fault("bad_batch", "give one of value, values and packed, not several")
    if given == [b"value"]:
        return check_value(fields[b"value"])
    if given == [b"values"]:
        return _check_batch(fields[b"values"], max_batch)
    return _check_packed(fields[b"packed"], max_batch)


def _check_batch(text: bytes, max_batch: int) -> Fault | None:
    for k, one in enumerate(text.split(b","), 1):
        if check_value(one):
            return Fault("bad_batch", f"number {k} of values is not a decimal number in range")
        if k > max_batch:
            return Fault("bad_batch", f"values holds more than {max_batch} numbers")
    return None


def _check_packed(packed: bytes, max_batch: int) -> Fault | None:
    if not packed or len(packed) % 8:
        return Fault("bad_batch", "packed is not a whole number of 8-byte floats")
    if len(packed) // 8 > max_batch:
        return Fault("bad_batch", f"packed holds more than {max_batch} numbers")
    for k, (value,) in enumerate(struct.iter_unpack("<d", packed), 1):
        if not -VALUE_LIMIT <= value <= VALUE_LIMIT:  # also false for NaN
            return Fault("bad_batch", f"number {k} of packed is not finite and in range")
    return None


def _check_label(name: str, text: bytes) -> Fault | None:
    if len(text) > 64 or _CONTROL.search(text):  # noqa: PLR2004 the contract's number
        return Fault(f"bad_{name}", f"{name} is longer than 64 bytes or has control characters")
    return None
