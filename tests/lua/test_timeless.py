"""What only years bring: large counters, clocks that jump, decades of readings."""

import struct
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis

from processor.fold import fold
from processor.merge import figures
from processor.record import Moments, pieces_of
from rillet.keys import partition_keys
from rillet.settings import Settings
from simulator.replay import Columns
from simulator.run import File, Limits, replay_file
from tests.lua.fold_support import fold_all, hashes
from verify.agreement import compare
from verify.reference import Ledger

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
LARGE = {
    "2^31": 31,
    "2^32": 32,
    "2^53 / 1000": 43,
    "nearly 2^53": 50,
}
"""What is passed, and the power of two by which five readings are multiplied to get there."""


def aged(record: bytes, power: int) -> bytes:
    """Return a record as it is when each of its readings has come 2^power times."""
    pieces = pieces_of(record)
    moments = pieces["m"]
    k1, k2, k3, n, *measured = struct.unpack_from("<BBB4d", moments)
    sums = struct.unpack_from(f"<{5 + k1 + k2 + k3}d", moments, 35)
    older = struct.pack(
        f"<BBB{4 + len(sums)}d",
        k1,
        k2,
        k3,
        n * 2**power,
        *measured,
        *(x * 2.0**power for x in sums),
    )
    flags, duplicates, rejected, *times = struct.unpack_from("<B4d", pieces["s"])
    own = struct.pack("<B4d", flags, duplicates * 2**power, rejected * 2**power, *times)
    changed = {"s": own + pieces["s"][len(own) :], "m": older}
    return b"".join(
        tag.encode() + struct.pack("<H", len(piece)) + piece
        for tag, piece in {**pieces, **changed}.items()
    )


def times(m: Moments, factor: int) -> Moments:
    return Moments(m.n * factor, m.s1 * factor, m.s2 * factor, m.low, m.high, m.last)


@pytest.mark.parametrize("name", LARGE)
def test_counters_go_past_what_an_integer_holds(
    client: redis.Redis, settings: Settings, name: str
) -> None:
    """Count, sums, duplicates and rejected go on one by one, and every figure stays exact."""
    values, more = [1e7 + 0.1, 1e7 + 0.3, 20.5, -3.0, 1e-9], [7.25, 1e7 + 0.7, 0.1]
    first = [{"sensor": "s", "value": repr(v), "seq": str(i)} for i, v in enumerate(values)]
    bad = {"sensor": "s", "value": "x"}
    for fields in [*first, first[-1], bad]:
        client.xadd("readings", fields)  # type: ignore[arg-type]
    fold_all(client, settings)
    record: Any = client.hget("state", "s")
    client.hset("state", "s", aged(record, LARGE[name]))  # type: ignore[arg-type]
    then = [{"sensor": "s", "value": repr(v), "seq": str(9 + i)} for i, v in enumerate(more)]
    for fields in [*then, then[-1], bad]:
        client.xadd("readings", fields)  # type: ignore[arg-type]
    fold_all(client, settings, 2)
    want = times(Moments.of(values), 2 ** LARGE[name]) + Moments.of(more)
    shown = hashes(client)["s"]
    counters = {"duplicates": 2 ** LARGE[name] + 1, "rejected": 2 ** LARGE[name] + 1}
    found = compare(shown, {**figures(want), **counters})
    assert [one for one in found if not one.exact] == []
    assert want.n > 2**31
    assert Fraction(shown["count"]) == want.n


@pytest.mark.parametrize("before", [2**31 - 10, 2**32 - 10, 2**53 // 1000, 2**53 - 1000])
def test_the_streams_own_counter_goes_past_them_too(
    client: redis.Redis, settings: Settings, before: int
) -> None:
    """After so many readings ever, lag and trimming are still right to the entry."""
    settings = settings.model_copy(update={"readings_tail": 50})
    client.xadd("readings", {"sensor": "s", "value": "1"})
    fold_all(client, settings)
    [(last, _)] = client.xrevrange("readings", count=1)
    client.execute_command("XSETID", "readings", last, "ENTRIESADDED", before)  # type: ignore[no-untyped-call]
    client.hset("state", "\0cursor", last + b" %d" % before)
    for i in range(1000):
        client.xadd("readings", {"sensor": "s", "value": repr(float(i)), "seq": str(i)})
    keys = partition_keys(settings)[0]
    folded = fold(client, settings, keys, 300)
    [group] = client.xinfo_groups("readings")
    assert (folded.backlog, group["lag"]) == (700, 700)
    assert client.xlen("readings") >= 700
    fold_all(client, settings, 300)
    [group] = client.xinfo_groups("readings")
    assert (group["entries-read"], group["lag"]) == (before + 1000, 0)
    assert client.xlen("readings") < 300
    assert hashes(client)["s"]["count"] == "1001"


def test_a_clock_that_jumps_back_costs_nothing(client: redis.Redis, settings: Settings) -> None:
    """Ids never go back: readings after the jump keep the old time, their order and their count."""
    server_ms = int(client.time()[0]) * 1000
    ahead_ms = server_ms + 5 * HOUR_MS
    ledger = Ledger(settings.max_batch, settings.future_skew_ms)
    for n in range(20):
        fields = {"sensor": "s", "value": str(n), "seq": str(n)}
        if n % 3 == 1:  # a producer whose own clock was right all along
            fields["ts"] = str(server_ms + n)
        entry_id = f"{ahead_ms}-0" if n == 0 else "*"
        added: Any = client.xadd("readings", fields, id=entry_id)  # type: ignore[arg-type]
        assert added.startswith(b"%d-" % ahead_ms)
        ledger.take(added.decode(), {k.encode(): v.encode() for k, v in fields.items()})
        if n % 4 == 0:
            fold_all(client, settings)
    fold_all(client, settings)
    found = compare(hashes(client)["s"], ledger.sensors["s"].shown())
    assert [one for one in found if not one.exact] == []
    assert hashes(client)["s"]["count"] == "20"


def test_ids_that_jump_back_with_a_new_stream_are_read(
    client: redis.Redis, settings: Settings
) -> None:
    """A stream that was deleted and begins at lower ids is folded from its start, once."""
    for first in (3_000_000, 2_000_000, 1_000_000):
        client.delete("readings")
        for n in range(10):
            client.xadd("readings", {"sensor": "s", "value": "1"}, id=f"{first + n}-0")
        fold_all(client, settings, 4)
    assert hashes(client)["s"]["count"] == "30"


def live(client: redis.Redis, settings: Settings, years: int, every_h: int) -> Ledger:
    """Send a reading every so many hours for years, on a stream whose ids are of those years."""
    ledger, keys = Ledger(settings.max_batch, settings.future_skew_ms), partition_keys(settings)[0]
    start = 1_700_000_000_000
    for day in range(years * 365):
        pipe = client.pipeline(transaction=False)
        for hour in range(0, 24, every_h):
            at_ms = start + (day * 24 + hour) * HOUR_MS
            value, seq = 10 + hour * 0.1 + day * 1e-3, (day * 24 + hour) // every_h
            fields = {"sensor": "s", "value": repr(value), "seq": str(seq), "ts": str(at_ms)}
            pipe.xadd("readings", fields, id=f"{at_ms}-0")  # type: ignore[arg-type]
            raw = {k.encode(): v.encode() for k, v in fields.items()}
            ledger.take(f"{at_ms}-0", raw)
        pipe.execute()
        if day % 30 == 0:
            fold(client, settings, keys, 5000)
    fold_all(client, settings)
    return ledger


@pytest.mark.parametrize(
    ("years", "every_h"), [(2, 1), pytest.param(30, 6, marks=pytest.mark.slow)]
)
def test_years_pass_in_moments(
    client: redis.Redis, settings: Settings, years: int, every_h: int
) -> None:
    """Readings of years, some a day, leave exact figures, no gap, no repeat, and a short stream.

    Each closes three windows at least, which is what takes time: it is the years that count here.
    """
    ledger = live(client, settings, years, every_h)
    shown = hashes(client)["s"]
    found = compare(shown, ledger.sensors["s"].shown())
    assert [one for one in found if not one.exact] == []
    assert (shown["gaps"], shown["duplicates"], shown["restarts"]) == ("0", "0", "0")
    assert int(shown["last_ts"]) - int(shown["first_ts"]) == (years * 365 * 24 - every_h) * HOUR_MS
    assert client.xlen("readings") < settings.readings_tail + 300


LOCAL = {
    "spring, an hour is left out": (
        ["2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"],
        [0, HOUR_MS, 2 * HOUR_MS],
    ),
    "autumn, an hour comes twice": (
        ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"],
        [0, HOUR_MS, 2 * HOUR_MS],
    ),
    "a leap second": (
        ["2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"],
        [0, 1000, 1000],
    ),
    "a leap second, elsewhere": (
        ["2017-01-01T05:29:59+05:30", "2017-01-01T05:29:60+05:30", "2017-01-01T05:30:00.5+05:30"],
        [0, 1000, 1500],
    ),
    "a leap day": (["2028-02-28T12:00", "2028-02-29T12:00"], [0, 24 * HOUR_MS]),
}


@pytest.mark.parametrize("name", LOCAL)
def test_no_hour_and_no_second_is_lost_or_counted_twice(
    client: redis.Redis, settings: Settings, tmp_path: Path, name: str
) -> None:
    """Readings at the turns of daylight saving and leap seconds are each folded, at their time."""
    stamps, offsets = LOCAL[name]
    path = tmp_path / "local.csv"
    path.write_text("t,v\n" + "".join(f"{stamp},{n}\n" for n, stamp in enumerate(stamps)))
    generous = settings.model_copy(update={"future_skew_ms": 100 * YEAR_MS})
    file = File(path, Columns("t"), with_seq=True, encoding="utf-8-sig")
    replay_file(generous, file, None, None, Limits())
    sent = [int(fields[b"ts"]) for _, fields in client.xrange("readings")]
    assert [ts - sent[0] for ts in sent] == offsets
    fold_all(client, generous)
    shown = hashes(client)["v"]
    wanted = (str(len(stamps)), "0", "0", str(max(sent)))
    assert (shown["count"], shown["duplicates"], shown["restarts"], shown["last_ts"]) == wanted


@pytest.mark.parametrize(("local_day", "hours_of_it"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_windows_are_of_utc_and_each_has_its_length(
    client: redis.Redis, settings: Settings, local_day: str, hours_of_it: int
) -> None:
    """At the turns of daylight saving each hour is one window, and a day is 24 of them, of UTC."""
    berlin = ZoneInfo("Europe/Berlin")
    midnight = datetime.fromisoformat(local_day).replace(tzinfo=berlin)
    first_ms = int(midnight.timestamp()) * 1000
    last_ms = int((midnight + timedelta(days=1)).timestamp()) * 1000  # 23 or 25 hours on
    times = list(range(first_ms, last_ms, HOUR_MS))
    own = settings.model_copy(
        update={"windows": "1h,1d", "windows_keep": "60", "future_skew_ms": 100 * YEAR_MS}
    )
    for ts in times:
        client.xadd("readings", {"sensor": "s", "value": 1, "ts": ts}, id=f"{ts}-1")
    fold_all(client, own, now_ms=last_ms)
    fold_all(client, own, now_ms=last_ms + 2 * 24 * HOUR_MS)
    hours = [one for _, one in client.xrange("windows:1h")]
    assert len(times) == hours_of_it
    assert [int(one[b"start"]) for one in hours] == times
    assert {(int(one[b"end"]) - int(one[b"start"]), one[b"count"]) for one in hours} == {
        (HOUR_MS, b"1")
    }
    days = [one for _, one in client.xrange("windows:1d")]
    assert len(days) == 2  # local midnight is not that of UTC
    assert {int(one[b"start"]) % (24 * HOUR_MS) for one in days} == {0}
    assert sum(int(one[b"count"]) for one in days) == len(times)


def test_ids_beyond_exact_times_are_folded_and_rounded(
    client: redis.Redis, settings: Settings
) -> None:
    """The last possible id: its reading counts, its id is kept whole, its time is a double."""
    last = f"{2**64 - 1}-{2**64 - 2}"
    client.xadd("readings", {"sensor": "s", "value": "1"}, id=last)
    fold_all(client, settings)
    shown = hashes(client)["s"]
    assert (shown["count"], shown["last_id"]) == ("1", last)
    assert float(shown["last_ts"]) == float(2**64 - 1)
