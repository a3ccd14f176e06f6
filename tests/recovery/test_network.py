"""A worker whose network is cut, by a relay between it and the server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Thread

import redis

from rillet.embedded import EmbeddedServer
from tests.processes import running
from tests.recovery.test_worker import assert_exact, feed, lag
from tests.waiting import until


class Cable:
    """Relays TCP to a server; `cut` drops every connection and refuses new ones until `mend`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener: socket.socket | None = None
        self._stop = Event()
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Listen again, on the same port."""
        self._stop = Event()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._run, args=(self._listener, self._stop), daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drop every connection and listen no more."""
        self._stop.set()
        self._thread.join()

    def _run(self, listener: socket.socket, stop: Event) -> None:
        peers: dict[socket.socket, socket.socket] = {}
        with DefaultSelector() as ready, listener:
            ready.register(listener, EVENT_READ)
            while not stop.is_set():
                for key, _ in ready.select(0.02):
                    if key.fileobj is listener:
                        near, far = (
                            listener.accept()[0],
                            socket.create_connection(("127.0.0.1", self._to)),
                        )
                        peers |= {near: far, far: near}
                        ready.register(near, EVENT_READ)
                        ready.register(far, EVENT_READ)
                        continue
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = source.recv(65536)
                    if data:
                        peers[source].sendall(data)
                    else:
                        ready.unregister(source)
            for peer in peers:
                peer.close()


@contextmanager
def cable_to(server: EmbeddedServer) -> Iterator[Cable]:
    cable = Cable(server.port)
    try:
        yield cable
    finally:
        cable.cut()


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
            said = worker.communicate(timeout=10)[0]
        assert said.count("fold.failing") == said.count("fold.recovered") == 1
