"""Turns a sensor's fields, as Redis holds them, into one JSON object; pure."""

from collections.abc import Mapping

import orjson

TEXT_FIELDS = frozenset({b"sensor", b"kind", b"unit", b"last_id"})
"""The fields that are not numbers. All others are JSON number texts and go out unparsed."""


def encode_sensor(fields: Mapping[bytes, bytes]) -> bytes:
    """Return one JSON object: number fields verbatim, so that no digit changes; text escaped.

    A value that is no JSON number (someone else wrote to the hash) goes out as a string: one
    damaged hash must not break the array that carries it.
    """
    whole = b"{" + b",".join(_pair(name, value) for name, value in fields.items()) + b"}"
    try:
        orjson.loads(whole)
    except orjson.JSONDecodeError:
        return b"{" + b",".join(_careful_pair(*pair) for pair in fields.items()) + b"}"
    return whole


def encode_array(objects: list[bytes]) -> bytes:
    """Return a JSON array of objects that are encoded already."""
    return b"[" + b",".join(objects) + b"]"


def _pair(name: bytes, value: bytes) -> bytes:
    if name in TEXT_FIELDS:
        value = _text(value)
    return b'"%s":%s' % (name, value)


def _careful_pair(name: bytes, value: bytes) -> bytes:
    try:
        number = name not in TEXT_FIELDS and isinstance(orjson.loads(value), int | float)
    except orjson.JSONDecodeError:
        number = False
    return _text(name) + b":" + (value if number else _text(value))


def _text(value: bytes) -> bytes:
    return orjson.dumps(value.decode("utf-8", "replace"))
