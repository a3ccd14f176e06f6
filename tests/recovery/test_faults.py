"""The faults of a stress run: that each is felt, whatever else goes on."""

import pytest
import redis

from chaos.faults import FAULTS, PIECE_BYTES
from chaos.house import House
from rillet.embedded import EmbeddedServer


def test_a_full_memory_stays_full_until_it_is_freed(server: EmbeddedServer) -> None:
    """What others free meanwhile makes no room: readings are refused until the fault ends."""
    with EmbeddedServer(binary=server.binary, maxmemory_policy="noeviction") as full:
        house = House(full, 1)
        house.client.set("backlog", b"\0" * (6 * PIECE_BYTES))
        assert FAULTS["fill-memory"].begin(house, 0)
        house.client.delete("backlog")
        with pytest.raises(redis.OutOfMemoryError):
            house.client.xadd("readings", {"sensor": "a", "value": "1"})
        FAULTS["fill-memory"].end(house, 0)
        assert house.client.xadd("readings", {"sensor": "a", "value": "1"})
        house.client.close()
        for cable in (house.workers_cable, house.producers_cable):
            cable.close()
