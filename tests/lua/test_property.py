"""Random mixes of readings, split at random between folds, against a plain model in exact terms."""

import struct
from typing import Any

import redis
from hypothesis import given
from hypothesis import strategies as st

from processor.fold import fold
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.lua.fold_support import examples, text
from tests.lua.plain import as_numbers, plain_fold

DAY_MS = 86_400_000
good = st.floats(-1e100, 1e100) | st.floats(-50, 50).map(lambda x: round(x, 2))
bad_texts = st.sampled_from(["", "nan", "inf", "1e101", "0x1", "x", "1 ", "1,", "--1", "1e", "."])
value = st.one_of(
    st.builds(lambda v: {"value": repr(v)}, good),
    st.builds(lambda v: {"value": repr(v)}, good),
    st.builds(lambda v: {"value": v}, bad_texts),
    st.builds(lambda v: {"values": ",".join(map(repr, v))}, st.lists(good, min_size=1, max_size=9)),
    st.builds(lambda v, b: {"values": f"{v!r},{b},3"}, good, bad_texts),
    st.builds(
        lambda v: {"packed": struct.pack(f"<{len(v)}d", *v)},
        st.lists(good, min_size=1, max_size=9),
    ),
    st.builds(lambda v: {"packed": struct.pack("<2d", 1, v)}, st.floats()),
    st.sampled_from([{}, {"packed": b"1234567"}, {"value": "1", "values": "1"}]),
)
sensor = st.one_of(
    st.sampled_from(["a", "b"]).map(lambda s: {"sensor": s}),
    st.sampled_from(["a", "b"]).map(lambda s: {"sensor": s}),
    st.sampled_from([{}, {"sensor": ""}, {"sensor": "x" * 129}, {"sensor": "tab\t"}]),
)
more = st.fixed_dictionaries(
    {},
    optional={
        "seq": st.one_of(
            st.integers(0, 8).map(str),
            st.integers(0, 120).map(str),
            st.sampled_from(["-1", "1.0", "", str(2**53)]),
        ),
        "ts": st.one_of(
            st.integers(DAY_MS - 9, DAY_MS + 60).map(str),
            st.integers(-(10**12), DAY_MS).map(str),
            st.sampled_from(["", "now", "8640000000000001", str(2 * DAY_MS)]),
        ),
        "kind": st.sampled_from(["soil", "air", "", "x" * 65, "a\tb"]),
        "unit": st.sampled_from(["°C", "%", "", "\n"]),
    },
)
good_value = st.one_of(
    st.builds(lambda v: {"value": repr(v)}, good),
    st.builds(lambda v: {"values": ",".join(map(repr, v))}, st.lists(good, min_size=1, max_size=8)),
    st.builds(lambda v: {"packed": struct.pack("<3d", *v)}, st.tuples(good, good, good)),
)
good_more = st.fixed_dictionaries(
    {},
    optional={
        "seq": st.integers(0, 8).map(str) | st.integers(0, 120).map(str),
        "ts": st.integers(DAY_MS - 9, DAY_MS + 60).map(str) | st.integers(-9, 9).map(str),
        "kind": st.sampled_from(["soil", "air"]),
    },
)
good_sensor = st.sampled_from(["a", "b"]).map(lambda s: {"sensor": s})


def joined(*parts: dict[str, Any]) -> dict[str, Any]:
    return {k: v for part in parts for k, v in part.items()}


good_reading = st.builds(joined, good_sensor, good_value, good_more)
any_reading = st.builds(joined, sensor, value, more)
reading = st.one_of(good_reading, good_reading, good_reading, any_reading)


def send(client: redis.Redis, keys: list[Any], readings: list[tuple[str, Any]]) -> None:
    pipe = client.pipeline(transaction=False)
    for entry_id, fields in readings:
        part = keys[partition_of(fields.get("sensor", ""), len(keys))]
        pipe.execute_command(
            "XADD", part.readings, entry_id, *(x for p in fields.items() for x in p)
        )
    pipe.execute()


@given(
    st.lists(reading, min_size=4, max_size=40),
    st.lists(st.integers(1, 12), max_size=12),
    st.booleans(),
)
@examples(60)
def test_any_mix_in_any_cut_is_what_the_plain_model_says(
    client: redis.Redis, settings: Settings, readings: list[Any], cuts: list[int], two: bool
) -> None:
    """Every field of every hash, and each reject, is right, however readings meet folds."""
    settings = settings.model_copy(
        update={"partitions": 1 + two, "max_batch": 8, "future_skew_ms": 1000}
    )
    keys = partition_keys(settings)
    client.flushall()
    entries = [(f"{DAY_MS + i}-0", {**fields}) for i, fields in enumerate(readings) if fields]
    rest = entries
    for cut in cuts:
        send(client, keys, rest[:cut])
        rest = rest[cut:]
        fold(client, settings, keys[cut % len(keys)], cut)
    send(client, keys, rest)
    for part in keys:
        while fold(client, settings, part, 5).backlog:
            pass
    want, refused = plain_fold(entries, max_batch=8, future_skew_ms=1000)
    found: dict[str, Any] = {}
    rejected = []
    for part in keys:
        for key in client.keys(f"{part.stats_prefix}*"):
            hash_of: Any = client.hgetall(key)
            decoded = {k.decode(): v.decode() for k, v in hash_of.items()}
            found[key.decode().split("stats:")[1]] = as_numbers(decoded)
        rejected += [text(fields) for _, fields in client.xrange(part.rejects)]
    assert found == want
    by_id = sorted((r["id"], r["code"], r["reason"]) for r in rejected)
    assert by_id == sorted(refused)
