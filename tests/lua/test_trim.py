"""lua/include/trim.lua, through the fold: what anybody still needs stays, the rest goes."""

from typing import Any

import redis
from hypothesis import given
from hypothesis import strategies as st

from processor.fold import fold
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.lua.fold_support import add, examples, fold_all, hashes

ADD = """
for i = 1, tonumber(ARGV[2]) do
  redis.call('XADD', KEYS[1], (ARGV[1] + i) .. '-1', 'sensor', 's', 'value', '1')
end"""


def key_of(entry_id: bytes | str) -> tuple[int, ...]:
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    return tuple(int(part) for part in text.split("-"))


class Stream:
    """The stream under test, and what was ever added to it and not deleted by hand."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self.client, self.settings, self.at = client, settings, 1000
        self.keys = partition_keys(settings)[0]
        self.added: set[tuple[int, ...]] = set()
        self.total = 0

    def add(self, n: int) -> None:
        """Append n readings."""
        self.client.eval(ADD, 1, "readings", self.at, n)
        self.added |= {(self.at + i, 1) for i in range(1, n + 1)}
        self.at, self.total = self.at + n, self.total + n

    def read(self, n: int) -> None:
        """Let the other group read n entries and acknowledge every second one."""
        if self.client.exists("readings") and self.client.xinfo_groups("readings"):
            groups: Any = self.client.xinfo_groups("readings")
            for name in [g["name"] for g in groups if g["name"] != b"stats"]:
                found: Any = self.client.xreadgroup(name, "one", {"readings": ">"}, count=n)
                ids = [entry_id for entry_id, _ in found[0][1]] if found else []
                if ids[::2]:
                    self.client.xack("readings", name, *ids[::2])

    def join(self, at: int) -> None:
        """Add another group that begins somewhere; what is gone by then it does not miss."""
        if self.client.exists("readings"):
            self.client.xgroup_destroy("readings", f"g{at}")
            self.client.xgroup_create("readings", f"g{at}", f"{1000 + at}-1")
            self.added &= self.there()

    def delete(self, n: int) -> None:
        """Delete one entry by hand, unread or not."""
        entries: Any = self.client.xrange("readings", count=n)
        if entries:
            self.client.xdel("readings", entries[-1][0])
            self.added.discard(key_of(entries[-1][0]))

    def fold(self, n: int) -> None:
        """Fold at most n."""
        fold(self.client, self.settings, self.keys, n)

    def there(self) -> set[tuple[int, ...]]:
        """Return what is on the stream."""
        return {key_of(entry_id) for entry_id, _ in self.client.xrange("readings")}

    def missing(self) -> set[tuple[int, ...]]:
        """Return what some group has not read, or not acknowledged, and is gone all the same."""
        gone, lost = self.added - self.there(), set()
        groups: Any = self.client.xinfo_groups("readings") if self.client.exists("readings") else []
        for group in groups:
            read = key_of(group["last-delivered-id"])
            lost |= {one for one in gone if one > read}
            pending: Any = self.client.xpending_range("readings", group["name"], "-", "+", 9999)
            lost |= gone & {key_of(one["message_id"]) for one in pending}
        return lost


step = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 400)),
    st.tuples(st.just("add"), st.integers(1, 400)),
    st.tuples(st.just("fold"), st.integers(1, 500)),
    st.tuples(st.just("fold"), st.integers(1, 500)),
    st.tuples(st.just("read"), st.integers(1, 300)),
    st.tuples(st.just("join"), st.integers(0, 900)),
    st.tuples(st.just("delete"), st.integers(1, 400)),
)


@given(st.lists(step, max_size=16), st.sampled_from([0, 50, 1000]))
@examples(40)
def test_nothing_goes_that_a_group_still_needs(
    client: redis.Redis, settings: Settings, steps: list[tuple[str, int]], tail: int
) -> None:
    """Whatever groups read, acknowledge, leave pending or forget: what they need is there."""
    client.flushall()
    stream = Stream(client, settings.model_copy(update={"readings_tail": tail}))
    for name, n in steps:
        getattr(stream, name)(n)
        assert stream.missing() == set(), name


def test_the_stream_is_bounded_and_keeps_its_tail(client: redis.Redis, settings: Settings) -> None:
    """Folded readings go but for the tail and at most a few nodes, however many there were."""
    stream = Stream(client, settings.model_copy(update={"readings_tail": 300}))
    for _ in range(20):
        stream.add(400)
        stream.fold(1000)
        assert min(300, stream.total) <= client.xlen("readings") <= 300 + 128 + 100 + 400


def test_a_group_that_has_read_all_does_not_cost_the_tail(
    client: redis.Redis, settings: Settings
) -> None:
    """Beside another group that keeps up the stream is bounded just the same."""
    stream = Stream(client, settings.model_copy(update={"readings_tail": 300}))
    stream.add(1)
    client.xgroup_create("readings", "other", "0-0")
    for _ in range(10):
        stream.add(400)
        found: Any = client.xreadgroup("other", "one", {"readings": ">"}, noack=True)
        assert found
        stream.fold(1000)
    assert 300 <= client.xlen("readings") <= 300 + 128 + 100


def test_a_forgotten_group_keeps_everything_until_it_is_destroyed(
    client: redis.Redis, settings: Settings
) -> None:
    """A group that nobody reads loses nothing; with it the stream shrinks at the next fold."""
    stream = Stream(client, settings.model_copy(update={"readings_tail": 0}))
    stream.add(1)
    client.xgroup_create("readings", "forgotten", "0-0")
    for _ in range(3):
        stream.add(500)
        stream.fold(1000)
    assert client.xlen("readings") == 1501
    client.xgroup_destroy("readings", "forgotten")
    stream.add(1)
    stream.fold(1000)
    assert client.xlen("readings") <= 100


def test_a_stream_made_anew_is_not_taken_for_read(client: redis.Redis, settings: Settings) -> None:
    """DEL readings while the worker is away: what comes after it is folded to the last."""
    settings = settings.model_copy(update={"readings_tail": 0})
    stream = Stream(client, settings)
    stream.add(2000)
    fold_all(client, settings)
    client.delete("readings")
    stream.add(3000)
    fold_all(client, settings, 100)
    assert hashes(client)["s"]["count"] == "5000"


def test_what_is_delivered_but_not_acknowledged_stays(
    client: redis.Redis, settings: Settings
) -> None:
    """A consumer that crashed over its entries finds them; once acknowledged they go."""
    stream = Stream(client, settings.model_copy(update={"readings_tail": 0}))
    stream.add(700)
    client.xgroup_create("readings", "other", "0-0")
    found: Any = client.xreadgroup("other", "one", {"readings": ">"})
    ids = [entry_id for entry_id, _ in found[0][1]]
    client.xack("readings", "other", *ids[:300])
    stream.fold(1000)
    assert stream.missing() == set()
    assert 400 <= client.xlen("readings") < 700
    client.xack("readings", "other", *ids)
    stream.add(1)
    stream.fold(1000)
    assert client.xlen("readings") <= 100


def test_a_stream_made_anew_under_old_ids_goes_on_from_the_cursor(
    client: redis.Redis, settings: Settings
) -> None:
    """Readings added again under ids up to the cursor are taken for read; later ones are folded."""
    add(client, [{"sensor": "s", "value": "1"}] * 5)
    fold_all(client, settings)
    client.delete("readings")
    add(client, [{"sensor": "s", "value": "1"}] * 7)
    fold_all(client, settings)
    assert hashes(client)["s"]["count"] == "7"
