"""Alerts as programs get them (rillet/alert.py)."""

import orjson
import pytest

from rillet.alert import from_entry, from_firing, newest_first


@pytest.mark.parametrize("entry", ["abc", None, "1-x", 7, ["1-0"]])
def test_what_someone_calls_an_entry_is_none(entry: object) -> None:
    """The place of a change is its id, or unknown, whatever a field of that name says."""
    firing = from_firing(orjson.dumps({"sensor": "y", "rule": "x", "entry": entry}))
    assert firing
    told = from_entry(b"5-1", {b"sensor": b"z", b"entry": str(entry).encode(), b"at": b"9"})
    assert (firing["entry"], told["entry"]) == ("", "5-1")
    assert newest_first([firing, told]) == [told, firing]


@pytest.mark.parametrize("value", [b"not json", b"[]", b"7", b"null", b'"text"'])
def test_what_is_no_alert_is_passed_over(value: bytes) -> None:
    """A field of `firing` that someone else wrote is none of ours."""
    assert from_firing(value) is None
