"""Append-only files as a kill leaves them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from chaos.house import DURABLE
from rillet.embedded import EmbeddedServer


def command(*words: str) -> bytes:
    """Return a command as it stands in the file."""
    parts = (f"${len(word)}\r\n{word}\r\n" for word in words)
    return (f"*{len(words)}\r\n" + "".join(parts)).encode()


BEFORE = command("SELECT", "0") + command("SET", "before", "MULTI\r\n")
WHOLE = b"".join(
    [
        command("MULTI"),
        command("SET", "torn", "1"),
        command("SET", "torn too", "one\r\n*1\r\n$5\r\nMULTI\r\n"),
        command("EXEC"),
    ]
)
"""A transaction, as a script leaves it; one of its values looks like the beginning of another."""


@contextmanager
def writing(
    binary: str, folder: Path | None = None
) -> Iterator[tuple[EmbeddedServer, "redis.Redis"]]:
    """Run a server that writes each command out at once, and a client of it."""
    with (
        EmbeddedServer(binary=binary, folder=folder, **DURABLE) as own,
        redis.Redis(port=own.port, protocol=2) as client,
    ):
        yield own, client


def last_file(folder: Path) -> Path:
    """Return the file that the server in this folder writes to."""
    return max((folder / "appendonlydir").glob("*.incr.aof"))


def log_of(folder: Path, content: bytes, more: str = "") -> Path:
    """Write a log of one file into a folder; return that file. `more` stands in its manifest."""
    (folder / "appendonlydir").mkdir(exist_ok=True)
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text(
        "file appendonly.aof.1.base.rdb seq 1 type b\n"
        f"file appendonly.aof.1.incr.aof seq 1 type i{more}\n"
    )
    log = manifest.with_name("appendonly.aof.1.incr.aof")
    log.write_bytes(content)
    return log
