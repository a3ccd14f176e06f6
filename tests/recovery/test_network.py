"""A worker whose network is cut, by a relay between it and the server."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from chaos.cable import Cable
from rillet.embedded import EmbeddedServer
from tests.processes import running
from tests.recovery.test_worker import assert_exact, feed, lag
from tests.waiting import until


@contextmanager
def cable_to(server: EmbeddedServer) -> Iterator[Cable]:
    cable = Cable(server.port)
    try:
        yield cable
    finally:
        cable.close()


def test_a_network_cut_is_healed_without_a_restart(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """The worker outlives the cut, says so in one line each way, and every figure is exact."""
    with cable_to(server) as cable:
        url = f"redis://127.0.0.1:{cable.port}/0"
        with running(server, "process", redis_url=url) as worker:
            until(lambda: lag(client) == 0)
            cable.cut()
            sent = feed(client, 500)
            assert lag(client) == 500
            cable.mend()
            until(lambda: lag(client) == 0)
            assert_exact(client, sent)
            worker.terminate()
            said = worker.communicate(timeout=60)[0]
        assert said.count("fold.failing") == said.count("fold.recovered") == 1
