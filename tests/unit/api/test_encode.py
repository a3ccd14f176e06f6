"""JSON from Redis' own text."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from api.encode import encode_sensor


def test_numbers_go_out_as_they_stand() -> None:
    """No digit of a number changes, and text is escaped."""
    fields = {b"sensor": b'a"\\', b"mean": b"0.30000000000000004", b"sum": b"1e+16", b"unit": b"1"}
    assert encode_sensor(fields) == (
        b'{"sensor":"a\\"\\\\","mean":0.30000000000000004,"sum":1e+16,"unit":"1"}'
    )


@settings(deadline=None)  # a busy machine is no fault
@given(st.dictionaries(st.binary(max_size=9), st.binary(max_size=9), max_size=5))
def test_any_hash_becomes_good_json(fields: dict[bytes, bytes]) -> None:
    """Whatever bytes a hash holds, its object can be read."""
    assert isinstance(orjson.loads(encode_sensor(fields)), dict)
