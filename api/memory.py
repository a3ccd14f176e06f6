"""Whether Redis is at its maxmemory, so that it refuses new readings; asks by INFO."""

from typing import Any

from redis.exceptions import ResponseError

ROOM = 0.98
"""It is no longer full where it uses less than this part: folding frees a little, which is filled
at once, and what comes and goes by the second tells nobody anything."""


class Memory:
    """Remembers whether it was full, as the end of that needs some room."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._full = False

    async def full(self) -> bool:
        """Tell whether any node is full; not so where this user may not ask."""
        try:
            info = await self.client.info("memory")
        except ResponseError:
            return False
        nodes = info.values() if "used_memory" not in info else [info]
        self._full = any(is_full(node, ROOM if self._full else 1.0) for node in nodes)
        return self._full


def is_full(info: dict[str, Any], part: float = 1.0) -> bool:
    """Tell whether more than this part of maxmemory is used, without what Redis does not count.

    A policy that evicts any key makes room instead, at the cost of the statistics.
    """
    limit = int(info.get("maxmemory", 0))
    used = int(info["used_memory"]) - int(info.get("mem_not_counted_for_evict", 0))
    evicts = str(info.get("maxmemory_policy", "")).startswith("allkeys")
    return limit > 0 and not evicts and used > part * limit
