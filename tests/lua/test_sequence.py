"""lua/include/sequence.lua, through the fold, against a model that remembers numbers in a set."""

import redis
from hypothesis import given
from hypothesis import strategies as st

from rillet.settings import Settings
from tests.lua.fold_support import add, examples, fold_all, hashes
from verify.sequence import Sequence

near = st.integers(0, 60)
far = st.integers(0, 400) | st.sampled_from([2**53 - 1, 2**53 - 2, 2**52])
reading = st.tuples(near | far, st.none() | st.integers(0, 50))


@given(st.lists(st.lists(reading, max_size=12), min_size=1, max_size=5))
@examples(60)
def test_repeats_gaps_and_restarts_are_those_of_the_model(
    client: redis.Redis, settings: Settings, folds: list[list[tuple[int, int | None]]]
) -> None:
    """However numbers come, and in whatever folds, count and counters are the model's."""
    client.flushall()
    model, taken, repeats, last_ts, at = Sequence(), 0, 0, float("-inf"), 1000
    for part in folds:
        for seq, ts in part:
            stamp = {} if ts is None else {"ts": str(ts)}
            add(client, [{"sensor": "s", "value": "1", "seq": str(seq), **stamp}], at)
            if model.take(seq, ts, last_ts):
                taken, last_ts = taken + 1, max(last_ts, at if ts is None else ts)
            else:
                repeats += 1
            at += 1
        if part:
            fold_all(client, settings)
    if not taken:
        return
    shown = hashes(client)["s"]
    got = [int(shown[f]) for f in ("count", "duplicates", "gaps", "restarts")]
    assert got == [taken, repeats, model.gaps, model.restarts]
    assert model.gaps >= 0


def test_any_order_within_the_window_counts_each_number_once(
    client: redis.Redis, settings: Settings
) -> None:
    """52 numbers backwards, then again: 52 readings, 52 duplicates, no gap, no restart."""
    numbers = [*range(51, -1, -1), *range(52)]
    add(client, [{"sensor": "s", "value": "1", "seq": str(n)} for n in numbers])
    fold_all(client, settings, 9)
    shown = hashes(client)["s"]
    got = [shown[f] for f in ("count", "duplicates", "gaps", "restarts")]
    assert got == ["52", "52", "0", "0"]


def test_a_batch_is_one_number(client: redis.Redis, settings: Settings) -> None:
    """A batch sent again is a duplicate as a whole: as many duplicates as it has values."""
    batch = {"sensor": "s", "values": "1,2,3", "seq": "7"}
    add(client, [batch, {"sensor": "s", "value": "9", "seq": "8"}, batch])
    fold_all(client, settings)
    shown = hashes(client)["s"]
    assert [shown[f] for f in ("count", "duplicates", "sum", "gaps")] == ["4", "3", "15", "0"]


def test_without_numbers_each_entry_counts(client: redis.Redis, settings: Settings) -> None:
    """A reading that is sent again without `seq` is another reading."""
    add(client, [{"sensor": "s", "value": "5", "ts": "7"}] * 2)
    fold_all(client, settings)
    shown = hashes(client)["s"]
    assert [shown[f] for f in ("count", "duplicates", "sum")] == ["2", "0", "10"]


def test_last_is_the_last_to_arrive(client: redis.Redis, settings: Settings) -> None:
    """`last` goes by the order of the stream, `first_ts` and `last_ts` by the times of events."""
    add(client, [{"sensor": "s", "value": str(v), "ts": str(t)} for v, t in ((1, 9), (2, 5))])
    fold_all(client, settings)
    shown = hashes(client)["s"]
    assert [shown[f] for f in ("last", "first_ts", "last_ts")] == ["2", "5", "9"]
