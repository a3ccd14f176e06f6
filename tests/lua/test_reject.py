"""lua/include/reject.lua, through the fold: what is kept of a reading that could not be folded."""

import struct
from typing import Any

import pytest
import redis

from processor.fold import fold
from processor.rejects import Wanted, is_cut, read_rejects
from processor.replay import send_back
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import Reading, add, fold_all, hashes, rejects

OTHERS = {f"other-{i}": str(i) for i in range(40)}


def send_all_back(client: redis.Redis, settings: Settings, changes: dict[str, str]) -> None:
    """Send every reject back with these changes, and fold."""
    for one in list(read_rejects(client, settings, Wanted())):
        send_back(client, settings, one, changes)
    fold_all(client, settings)


def test_the_fields_of_a_reading_are_kept_before_all_others(
    client: redis.Redis, settings: Settings
) -> None:
    """However many fields an entry has, sensor, value, ts and seq are among those kept."""
    good = {"sensor": "s", "seq": "1", "ts": "900"}
    add(client, [good | {"value": "1"}, OTHERS | good | {"value": "x"}])
    fold_all(client, settings)
    (kept,) = rejects(client)
    fields = [name for name in kept if name.startswith("field:")]
    assert fields[:4] == ["field:sensor", "field:seq", "field:ts", "field:value"]
    assert len(fields) == 32
    assert kept["cut"] == str(len(OTHERS) + 4 - 32)


def test_a_backslash_comes_back_as_one(client: redis.Redis, settings: Settings) -> None:
    """A name that looks like an escape is not taken for one when its reading is sent back."""
    add(client, [{"sensor": "a\\x41b", "value": "bad"}])
    fold_all(client, settings)
    send_all_back(client, settings, {"value": "1"})
    assert list(hashes(client)) == ["a\\x41b"]


@pytest.mark.parametrize("field", ["values", "packed"])
def test_a_whole_batch_is_kept(client: redis.Redis, settings: Settings, field: str) -> None:
    """A batch of a thousand with one bad name is kept whole, and can be sent back."""
    numbers = [i + 0.123456789012 for i in range(1000)]
    text = ",".join(map(repr, numbers))
    batch: Any = text if field == "values" else struct.pack("<1000d", *numbers)
    add(client, [{"sensor": "", field: batch}])
    fold_all(client, settings)
    send_all_back(client, settings, {"sensor": "s"})
    assert hashes(client)["s"]["count"] == "1000"
    assert hashes(client)["s"]["last"] == repr(numbers[-1])


def test_what_is_too_long_is_cut_and_said_to_be(client: redis.Redis, settings: Settings) -> None:
    """A field is kept to 4096 bytes, a batch to eight times as many, and `cut` counts them."""
    long: Reading = {"sensor": "x" * 5000, "values": "1," * 20_000}
    add(client, [long])
    fold_all(client, settings)
    (kept,) = rejects(client)
    assert (len(kept["field:sensor"]), len(kept["field:values"])) == (4096, 32768)
    assert kept["cut"] == "2"


def test_large_rejects_end_a_fold_early(client: redis.Redis, settings: Settings) -> None:
    """What takes long to keep weighs more, so a fold of it does not hold the server for long."""
    add(client, [{"sensor": "s", "packed": b"\xff" * 4096} for _ in range(200)])
    folded = fold(client, settings, partition_keys(settings)[0], 1000)
    assert 1 <= folded.entries < 100
    assert fold_all(client, settings).backlog == 0
    assert len(rejects(client)) == 200


def test_a_cut_field_may_be_given_anew(client: redis.Redis, settings: Settings) -> None:
    """A reject is whole enough to be sent once all that was cut is replaced, and not before."""
    add(client, [{"sensor": "x" * 5000, "value": "1"}, OTHERS | {"sensor": "", "value": "1"}])
    fold_all(client, settings)
    long, many = read_rejects(client, settings, Wanted())
    assert is_cut(long, {"value": "2"})
    assert not is_cut(long, {"sensor": "s"})
    assert is_cut(many, {"sensor": "s"})
