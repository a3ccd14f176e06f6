"""Turns the JSON of a reading into the fields of a stream entry; pure."""

from typing import Any

import orjson

from rillet.validate import Fault

FIELDS = ("sensor", "value", "values", "ts", "seq", "kind", "unit")
INTEGERS = frozenset({"ts", "seq"})


def parse_reading(document: Any) -> dict[bytes, bytes] | Fault:
    """Return the fields of one reading, or what is wrong with its shape.

    Numbers may be JSON numbers or text. Members that a reading does not have are left out.
    """
    if not isinstance(document, dict):
        return Fault("not_an_object", "a reading is a JSON object with sensor and value")
    fields: dict[bytes, bytes] = {}
    for name in FIELDS:
        given = document.get(name)
        if given is None:
            continue
        text = _text(name, given)
        if isinstance(text, Fault):
            return text
        fields[name.encode()] = text
    return fields


def parse_line(line: bytes) -> dict[bytes, bytes] | Fault:
    """Return the fields of one line of NDJSON, or what is wrong with it."""
    try:
        return parse_reading(orjson.loads(line))
    except orjson.JSONDecodeError:
        return Fault("bad_json", "the line is not JSON")


def _text(name: str, given: Any) -> bytes | Fault:
    if isinstance(given, str):
        return given.encode("utf-8", "surrogatepass")
    if name in INTEGERS and isinstance(given, int) and not isinstance(given, bool):
        return str(given).encode()
    if name == "value" and _is_number(given):
        return orjson.dumps(given)
    if name == "values" and isinstance(given, list) and all(map(_is_number, given)):
        return b",".join(map(orjson.dumps, given))
    code = {"values": "bad_batch", "sensor": "bad_sensor"}.get(name, f"bad_{name}")
    wanted = {"value": "a number", "values": "a list of numbers"}.get(name, "text")
    return Fault(code, f"{name} is not {'an integer' if name in INTEGERS else wanted}")


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)
