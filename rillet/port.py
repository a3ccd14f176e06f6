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


def choose_port(host: str, wanted: int) -> int:
    """Return the wanted port, or the next free one, said aloud; UserError if 20 are taken."""
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if is_free(host, port):
            if port != wanted:
                typer.echo(f"Port {wanted} is taken; using {port}.")
            return port
    raise UserError(f"Ports {wanted} to {wanted + TRIES - 1} are all taken; choose with --port.")
