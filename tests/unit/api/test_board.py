"""api/board.py: a client's list of alerts is right, whatever it missed."""

import random

import orjson

from api.board import KEPT, NEW, Board
from rillet.alert import Alert

Key = tuple[str, str]


def change(sensor: str, state: str, rule: str = "r", at: int = 0) -> Alert:
    return {"entry": f"{at}-0", "sensor": sensor, "rule": rule, "state": state, "at": at}


def apply(known: set[Key], frames: bytes) -> list[str]:
    """Do to the client's list what the events say; return their names."""
    names = []
    for part in frames.decode().split("\n\n")[:-1]:
        head, data = part.split("\ndata: ")
        names.append(head.removeprefix("event: "))
        found = orjson.loads(data)
        if names[-1] == "alerts":
            known.clear()
        for one in found if isinstance(found, list) else [found]:
            key = (one["sensor"], one["rule"])
            (known.add if one["state"] == "firing" else known.discard)(key)
    return names


def test_a_new_client_gets_the_list_and_then_each_change() -> None:
    """First what fires, also when nothing does; then single changes, each once."""
    board, known = Board(), set[Key]()
    assert apply(known, board.news(NEW, board.sequence, None)) == ["alerts"]
    cursor = board.sequence
    board.take(0, change("a", "firing"))
    board.take(0, change("b", "firing"))
    board.take(0, change("a", "resolved"))
    assert apply(known, board.news(cursor, board.sequence, None)) == ["alert"] * 3
    assert known == {("b", "r")}
    assert board.news(board.sequence, board.sequence, None) == b""


def test_who_is_too_far_back_gets_the_list() -> None:
    """More changes than are kept, or a list loaded anew, are not told singly."""
    board, known = Board(), {("gone", "r")}
    board.take(0, change("a", "firing"))
    cursor = board.sequence
    for n in range(KEPT + 1):
        board.take(0, change(f"s{n}", "firing"))
    assert apply(known, board.news(cursor, board.sequence, None)) == ["alerts"]
    assert len(known) == KEPT + 2
    cursor = board.sequence
    board.replace(0, [change("b", "firing")])
    assert apply(known, board.news(cursor, board.sequence, None)) == ["alerts"]
    assert known == {("b", "r")}


def test_a_client_of_named_sensors_gets_no_others() -> None:
    """The list and the changes are limited to the sensors it wants."""
    board, wanted = Board(), frozenset({b"a"})
    board.replace(0, [change("a", "firing"), change("b", "firing")])
    known: set[Key] = set()
    apply(known, board.news(NEW, board.sequence, wanted))
    assert known == {("a", "r")}
    cursor = board.sequence
    board.take(0, change("b", "resolved"))
    assert board.news(cursor, board.sequence, wanted) == b""


def test_partitions_are_replaced_each_by_itself() -> None:
    """Loading one partition anew leaves the alerts of the others."""
    board = Board()
    board.replace(0, [change("a", "firing", at=1)])
    board.replace(1, [change("b", "firing", at=2)])
    board.replace(0, [])
    assert [alert["sensor"] for alert in board.firing()] == ["b"]


def test_any_client_ends_with_what_fires() -> None:
    """Random changes, loads and clients that read now and then: all lists agree in the end."""
    rnd = random.Random(1)
    board, clients = Board(), [(NEW, set[Key]()) for _ in range(5)]
    for step in range(3000):
        if rnd.random() < 0.002:
            board.replace(0, board.firing())
        state = rnd.choice(["firing", "resolved"])
        board.take(0, change(f"s{rnd.randrange(9)}", state, rnd.choice("ab"), step))
        for n, (cursor, known) in enumerate(clients):
            if rnd.random() < 0.3 / (n * n * n + 1):
                apply(known, board.news(cursor, board.sequence, None))
                clients[n] = (board.sequence, known)
    firing = {(alert["sensor"], alert["rule"]) for alert in board.firing()}
    for cursor, known in clients:
        apply(known, board.news(cursor, board.sequence, None))
        assert known == firing
