"""The tail: one compacted queue that every client shares."""

from api.tail import Position, Tail


def _tail(limit: int = 10, partitions: int = 1) -> Tail:
    return Tail(partitions, limit)


def _put(tail: Tail, place: int, sensor: str, partition: int = 0) -> None:
    tail.add(partition, f"{place}-0", {b"sensor": sensor.encode(), b"count": b"%d" % place})


async def test_a_sensor_stands_once_with_its_newest_value() -> None:
    """Whoever is behind gets one object a sensor, in the order of the newest changes."""
    tail = _tail()
    for place, sensor in enumerate("abab", 1):
        _put(tail, place, sensor)
    _put(tail, 5, "c")
    assert tail.since(0, tail.sequence, None) == [
        b'{"sensor":"a","count":3}',
        b'{"sensor":"b","count":4}',
        b'{"sensor":"c","count":5}',
    ]
    assert tail.since(0, tail.sequence, frozenset({b"b"})) == [b'{"sensor":"b","count":4}']
    assert tail.since(4, tail.sequence, None) == [b'{"sensor":"c","count":5}']


async def test_the_tail_is_bounded_and_knows_what_it_forgot() -> None:
    """Past its limit the oldest go; positions before them are no longer known, later ones are."""
    tail = _tail(limit=3)
    for place, sensor in enumerate("abcde", 1):
        _put(tail, place, sensor)
    assert len(tail.entries) == 3
    assert not tail.knows(Position([(1, 0)]))
    assert tail.knows(Position([(2, 0)]))
    assert tail.floor == 2


async def test_resuming_takes_each_partition_from_its_own_place() -> None:
    """What follows a position is judged by the id of the entry's own partition."""
    tail = _tail(partitions=2)
    _put(tail, 10, "a", 0)
    _put(tail, 5, "b", 1)
    _put(tail, 11, "c", 0)
    position = Position.parse("10-0,4-0", 2)
    assert position is not None
    assert tail.after(position, None) == [b"b", b"c"]
    assert tail.after(position, frozenset({b"a", b"c"})) == [b"c"]
    assert str(tail.position) == "11-0,5-0"


async def test_only_our_own_ids_are_positions() -> None:
    """Text of another shape, or of another number of partitions, is no position."""
    for text in ("", "x", "1", "1-2-3", "1-1,", "\uff11-1", "1-1,2-2,3-3"):
        assert Position.parse(text, 2) is None
    assert Position.parse("1-1,2-2", 2) == ((1, 1), (2, 2))


async def test_a_restart_makes_every_earlier_place_unknown() -> None:
    """After results were lost every cursor lies below the floor."""
    tail = _tail()
    _put(tail, 1, "a")
    cursor = tail.sequence
    tail.restart(Position([(7, 0)]))
    assert cursor < tail.floor
    assert not tail.knows(Position([(6, 9)]))
