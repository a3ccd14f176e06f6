"""api/memory.py: when Redis counts as full."""

from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from api.memory import Memory, is_full


class Answering:
    """A client whose INFO answers what it is given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def info(self, _section: str) -> Any:
        """Answer, or raise, the next."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def used(used_bytes: int, limit_bytes: int = 1000, **more: Any) -> dict[str, Any]:
    return {"used_memory": used_bytes, "maxmemory": limit_bytes, **more}


@pytest.mark.parametrize(
    ("info", "full"),
    [
        (used(1001), True),
        (used(1000), False),
        (used(1001, 0), False),
        (used(1100, mem_not_counted_for_evict=200), False),
        (used(1001, maxmemory_policy="allkeys-lru"), False),
        (used(1001, maxmemory_policy="volatile-lru"), True),
    ],
)
def test_full_is_what_redis_refuses_writes_at(info: dict[str, Any], full: bool) -> None:
    """Above maxmemory, without what Redis itself leaves out; not where it evicts instead."""
    assert is_full(info) is full


async def test_it_ends_with_some_room() -> None:
    """What comes and goes at the limit is one time of being full, not many."""
    memory = Memory(Answering(*(used(n) for n in (990, 1001, 990, 979, 990))))
    assert [await memory.full() for _ in range(5)] == [False, True, True, False, False]


async def test_one_full_node_is_enough() -> None:
    """In a Cluster readings of some sensors are refused where one node is full."""
    assert await Memory(Answering({"a:1": used(1), "b:1": used(1001)})).full()


async def test_who_may_not_ask_is_told_nothing() -> None:
    """An ACL without INFO leaves the rest of the status as it is."""
    assert not await Memory(Answering(NoPermissionError("no INFO"))).full()
