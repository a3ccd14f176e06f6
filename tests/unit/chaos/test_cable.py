"""chaos/cable.py, between two sockets of this machine."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Thread

import pytest

from chaos.cable import Cable


@pytest.fixture
def echo() -> Iterator[int]:
    """Give the port of a server that sends back what it gets."""

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def connect(cable: Cable) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cable.port), timeout=60)


def asked(client: socket.socket, data: bytes = b"hello") -> bytes:
    client.sendall(data)
    got = b""
    while len(got) < len(data) and (piece := client.recv(65536)):
        got += piece
    return got


def test_bytes_pass_both_ways_in_order(echo: int) -> None:
    """A megabyte comes back as it was sent, also over a slow cable."""
    data = bytes(range(256)) * 4096
    with closing(Cable(echo)) as cable, connect(cable) as client:
        sender = Thread(target=client.sendall, args=(data,))
        cable.delay_s = 0.01
        sender.start()
        got = b""
        while len(got) < len(data):
            got += client.recv(1 << 20)
        sender.join()
    assert got == data


def test_a_delay_is_kept_each_way(echo: int) -> None:
    """With 50 ms each way an answer takes 100 ms or more; without, it is there at once again."""
    with closing(Cable(echo)) as cable, connect(cable) as client:
        cable.delay_s = 0.05
        began = time.monotonic()
        assert asked(client) == b"hello"
        assert time.monotonic() - began >= 0.1
        cable.delay_s = 0.0
        assert asked(client) == b"hello"


def test_a_cut_resets_what_is_open_and_refuses_what_is_new(echo: int) -> None:
    """After a cut nothing passes until it is mended, then on the same port."""
    with closing(Cable(echo)) as cable, connect(cable) as client:
        assert asked(client) == b"hello"
        cable.cut()
        with pytest.raises(OSError):  # noqa: PT011 reset or refused, as it comes
            assert asked(client) == b"hello"
        with pytest.raises(ConnectionRefusedError):
            connect(cable)
        cable.mend()
        with connect(cable) as again:
            assert asked(again) == b"hello"


def test_connections_made_while_it_is_cut_leave_nothing_open(echo: int) -> None:
    """However connecting and cutting meet, no socket is left to be found by the collector."""
    with closing(Cable(echo)) as cable:
        for _ in range(30):
            clients = []
            for _ in range(5):
                with suppress(OSError):
                    clients.append(connect(cable))
            cable.cut()
            for client in clients:
                client.close()
            cable.mend()
