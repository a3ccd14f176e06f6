"""Bad readings: each is kept and explained, and holds nothing up."""

import struct
from typing import Any

import pytest
import redis

from processor.fold import fold
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all, hashes, rejects

FAR = str(2**52)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no sensor": ({"value": "1"}, "missing_sensor"),
    "empty sensor": ({"sensor": "", "value": "1"}, "missing_sensor"),
    "long sensor": ({"sensor": "s" * 129, "value": "1"}, "bad_sensor"),
    "unprintable sensor": ({"sensor": b"s\x00\xff", "value": "1"}, "bad_sensor"),
    "no value": ({"sensor": "s"}, "missing_value"),
    "empty value": ({"sensor": "s", "value": ""}, "bad_value"),
    "text": ({"sensor": "s", "value": "warm"}, "bad_value"),
    "not a number": ({"sensor": "s", "value": "nan"}, "bad_value"),
    "infinity": ({"sensor": "s", "value": "inf"}, "bad_value"),
    "minus infinity": ({"sensor": "s", "value": "-Infinity"}, "bad_value"),
    "hexadecimal": ({"sensor": "s", "value": "0x1p3"}, "bad_value"),
    "too large": ({"sensor": "s", "value": "1.0000001e100"}, "value_out_of_range"),
    "beyond doubles": ({"sensor": "s", "value": "-1e999"}, "value_out_of_range"),
    "bad ts": ({"sensor": "s", "value": "1", "ts": "today"}, "bad_ts"),
    "fraction of a ts": ({"sensor": "s", "value": "1", "ts": "1.5"}, "bad_ts"),
    "future ts": ({"sensor": "s", "value": "1", "ts": FAR}, "future_ts"),
    "negative seq": ({"sensor": "s", "value": "1", "seq": "-1"}, "bad_seq"),
    "seq beyond doubles": ({"sensor": "s", "value": "1", "seq": "9007199254740992"}, "bad_seq"),
    "hole in a batch": ({"sensor": "s", "values": "1,,2"}, "bad_batch"),
    "empty batch": ({"sensor": "s", "values": ""}, "bad_batch"),
    "last of a batch": ({"sensor": "s", "values": "1,2,nan"}, "bad_batch"),
    "batch too long": ({"sensor": "s", "values": ",".join(["1"] * 1001)}, "bad_batch"),
    "torn packed": ({"sensor": "s", "packed": b"\x00" * 15}, "bad_batch"),
    "empty packed": ({"sensor": "s", "packed": b""}, "bad_batch"),
    "packed nan": ({"sensor": "s", "packed": struct.pack("<2d", 1, float("nan"))}, "bad_batch"),
    "packed inf": ({"sensor": "s", "packed": struct.pack("<2d", 1, float("inf"))}, "bad_batch"),
    "packed too long": ({"sensor": "s", "packed": b"\x00" * 8008}, "bad_batch"),
    "two kinds of value": ({"sensor": "s", "value": "1", "values": "1"}, "bad_batch"),
    "long kind": ({"sensor": "s", "value": "1", "kind": "k" * 65}, "bad_kind"),
    "control in unit": ({"sensor": "s", "value": "1", "kind": "ok", "unit": "\n"}, "bad_unit"),
}


def printable(value: Any) -> str:
    """Return a field's text as `rejects` shows it."""
    raw = value if isinstance(value, bytes) else value.encode()
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in raw)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_reading_is_kept_and_explained(
    client: redis.Redis, settings: Settings, name: str
) -> None:
    """It goes to rejects with id, code, reason and its fields; its good neighbours are folded."""
    fields, code = BAD[name]
    good = {"sensor": "s", "value": "2"}
    add(client, [good, fields, good])
    fold_all(client, settings)
    (found,) = rejects(client)
    assert found.pop("reason").count(" ") > 2
    kept = {f"field:{k}": printable(v) for k, v in fields.items()}
    assert found == {"id": "1001-1", "code": code} | kept
    hash_of = hashes(client)["s"]
    assert (hash_of["count"], hash_of["sum"], hash_of["stddev"]) == ("2", "4", "0")
    assert hash_of["rejected"] == str(int("sensor" not in code))
    assert "kind" not in hash_of


def test_all_bad_readings_in_one_fold(client: redis.Redis, settings: Settings) -> None:
    """A fold of nothing but bad readings keeps them in order, counts each code, and goes on."""
    add(client, [fields for fields, _ in BAD.values()])
    folded = fold(client, settings, partition_keys(settings)[0])
    codes = [code for _, code in BAD.values()]
    assert [r["code"] for r in rejects(client)] == codes
    assert folded.codes == {code: codes.count(code) for code in codes}
    assert (folded.rejected, folded.readings, folded.backlog) == (len(BAD), 0, 0)


def test_rejects_is_bounded_and_its_trimming_can_be_counted(
    client: redis.Redis, settings: Settings
) -> None:
    """It keeps about rejects_maxlen; entries-added says how many there ever were."""
    settings = settings.model_copy(update={"rejects_maxlen": 200})
    add(client, [{"sensor": "s", "value": "x"}] * 1500)
    fold_all(client, settings, 170)
    info: Any = client.xinfo_stream("rejects")
    assert 200 <= info["length"] <= 300
    assert info["entries-added"] == 1500
    assert hashes(client)["s"]["rejected"] == "1500"
    assert rejects(client)[-1]["id"] == "2499-1"


def test_a_broken_off_fold_repeats_no_reject_whatever_the_count(
    client: redis.Redis, settings: Settings
) -> None:
    """Rejects written by a fold that failed before its commit are known to a smaller one."""
    add(client, [{"sensor": "s", "value": "x"}] * 20)
    user = ["on", ">w", "+@all", "-hset", "~*"]
    client.execute_command("ACL", "SETUSER", "half", "reset", *user)
    port = client.connection_pool.connection_kwargs["port"]
    half = redis.Redis(port=port, protocol=2, username="half", password="w")
    with half, pytest.raises(redis.RedisError):
        fold(half, settings, partition_keys(settings)[0])
    client.execute_command("ACL", "DELUSER", "half")
    assert len(rejects(client)) == 20
    fold_all(client, settings, 3)
    assert [r["id"] for r in rejects(client)] == [f"{1000 + i}-1" for i in range(20)]
