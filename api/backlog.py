"""How many readings are not yet folded; asked of Redis at most ten times a second."""

import time
from typing import Any

from redis.exceptions import ResponseError

from api.store import Store
from rillet.keys import GROUP

FRESH_S = 0.1


class Backlog:
    """The largest backlog of any partition, as producers must see it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._asked_at = float("-inf")
        self._lags: list[int] = []

    async def lags(self) -> list[int]:
        """Return the unread readings of each partition; all there are where no group reads."""
        if time.monotonic() - self._asked_at > FRESH_S:
            pipe = self.store.client.pipeline(transaction=False)
            for keys in self.store.keys:
                pipe.xlen(keys.readings)
                pipe.xinfo_groups(keys.readings)
            answers = await pipe.execute(raise_on_error=False)
            self._lags = [_lag(*answers[i : i + 2]) for i in range(0, len(answers), 2)]
            self._asked_at = time.monotonic()
        return self._lags

    async def largest(self) -> int:
        """Return the unread readings of the partition that is furthest behind."""
        return max(await self.lags())

    def add(self, readings: int) -> None:
        """Count what this process has just written, until Redis is asked again."""
        self._lags = [lag + readings for lag in self._lags]


def _lag(length: Any, groups: Any) -> int:
    if isinstance(length, Exception):
        raise length
    if isinstance(groups, Exception):
        if not isinstance(groups, ResponseError):
            raise groups
        return int(length)
    for group in groups:
        if group["name"] == GROUP.encode() and group.get("lag") is not None:
            return int(group["lag"])
    return int(length)
