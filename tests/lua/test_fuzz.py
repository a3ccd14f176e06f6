"""Entries of random fields and bytes, on a real server: each folded or rejected, none stuck."""

import struct
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from processor.fold import fold
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import text
from verify.agreement import compare
from verify.reference import Ledger

pytestmark = pytest.mark.timeout(600)  # for the long profile

KNOWN = ("sensor", "value", "values", "packed", "ts", "seq", "kind", "unit")
FUTURE_SKEW_MS, MAX_BATCH, BATCHES = 1000, 8, 4

digits = st.text("0123456789", min_size=1, max_size=22)
nearly_number = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-", "+", " ", "--", "0x"]),
    digits,
    st.sampled_from(
        ["", ".", ".5", "e", "e5", "e-400", "e99", "E+100", ",", ",,1", "\0", "\n", "f"]
    ),
    st.sampled_from(["", "", "1", "nan", "inf", "e1"]),
).map(str.encode)
packed = st.lists(st.floats(), max_size=MAX_BATCH + 2).map(lambda v: struct.pack(f"<{len(v)}d", *v))
anything = st.binary(max_size=20) | st.binary(min_size=120, max_size=140)
value = nearly_number | packed | anything | st.floats().map(lambda v: repr(v).encode())
name = st.sampled_from(KNOWN).map(str.encode) | st.binary(max_size=8)
sensor = st.tuples(st.just(b"sensor"), st.sampled_from([b"a", b"a", b"b", b"\x80", b"stats:a"]))
good = st.tuples(st.just(b"value"), st.floats(-1e100, 1e100).map(lambda v: repr(v).encode()))
pairs = st.one_of(
    st.lists(st.tuples(name, value), min_size=1, max_size=8),
    st.builds(
        lambda s, v, rest: [s, v, *rest], sensor, good, st.lists(st.tuples(name, value), max_size=3)
    ),
    st.builds(
        lambda s, rest: [*rest, s], sensor, st.lists(st.tuples(name, value), min_size=1, max_size=4)
    ),
)


def add(client: redis.Redis, ledger: Ledger, entry: list[tuple[bytes, bytes]]) -> None:
    """Append one entry, fields in this order and as often as given, and note it."""
    flat = [part for pair in entry for part in pair]
    entry_id: Any = client.execute_command("XADD", "readings", "*", *flat)  # type: ignore[no-untyped-call]
    ledger.take(entry_id.decode(), dict(entry))


def assert_accounted(client: redis.Redis, ledger: Ledger) -> None:
    """Every sensor's hash is what the account says, and every other entry is on `rejects`."""
    for sensor_name, account in ledger.sensors.items():
        shown: Any = client.hgetall(f"stats:{sensor_name}")
        decoded = {k.decode(): v.decode(errors="replace") for k, v in shown.items()}
        assert [one for one in compare(decoded, account.shown()) if not one.exact] == []
    rejected = [text(fields)["id"] for _, fields in client.xrange("rejects")]
    assert rejected == ledger.rejects
    assert len(client.keys("stats:*")) == len(ledger.sensors)


@given(st.lists(pairs, min_size=1, max_size=30), st.integers(1, 30))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_entries_are_folded_or_rejected(
    client: redis.Redis, settings: Settings, entries: list[Any], count: int
) -> None:
    """Whatever bytes come in whatever fields, the fold ends, and accounts for every entry."""
    settings = settings.model_copy(
        update={"max_batch": MAX_BATCH, "future_skew_ms": FUTURE_SKEW_MS}
    )
    client.flushall()
    keys, ledger = partition_keys(settings)[0], Ledger(MAX_BATCH, FUTURE_SKEW_MS)
    for entry in entries:
        add(client, ledger, entry)
    for _ in range(len(entries)):
        folded = fold(client, settings, keys, count)
        assert not folded.fault
    assert folded.backlog == 0
    [group] = client.xinfo_groups("readings")
    assert (group["lag"], group["pending"]) == (0, 0)
    assert_accounted(client, ledger)


def test_the_fuzz_finds_a_reading_that_is_not_accounted_for(
    client: redis.Redis, settings: Settings
) -> None:
    """The account itself can fail: one entry that it was not told of is noticed."""
    ledger = Ledger(MAX_BATCH, FUTURE_SKEW_MS)
    add(client, ledger, [(b"sensor", b"a"), (b"value", b"1")])
    client.xadd("readings", {"sensor": "a", "value": "1"})
    fold(client, settings, partition_keys(settings)[0])
    try:
        assert_accounted(client, ledger)
    except AssertionError:
        return
    raise AssertionError("a reading more went unnoticed")
