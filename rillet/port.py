"""Chooses the port the page is served on."""

import socket

import typer

from rillet.errors import UserError

TRIES = 20


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def listen_on(host: str, wanted: int) -> socket.socket:
    """Return a listening socket on the wanted port, or the next free one, said aloud.

    It listens at once, so that no other program can take the port in between. UserError if 20
    ports in a row are taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(wanted, min(wanted + TRIES, 65536)):
        try:
            listener = socket.create_server((host, port), family=family, backlog=4096)
        except OSError:
            continue
        if port != wanted:
            typer.echo(f"Port {wanted} is taken; using {listener.getsockname()[1]}.")
        return listener
    raise UserError(
        f"Cannot listen on {host}, ports {wanted} to {wanted + TRIES - 1}: all are taken, or that "
        "is not this machine's address. Choose with --port or RILLET_HOST."
    )
