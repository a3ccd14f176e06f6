"""Starts Rillet's own commands as real processes, and ends them whatever the test does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rillet.embedded import EmbeddedServer


def hear_signals() -> None:
    """Undo, in a child, what `nohup` or a background job has set: signals that are ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def running(
    server: EmbeddedServer, *command: str, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """Run `rillet COMMAND ...` against a server; `settings` go without their RILLET_ prefix."""
    more = {f"RILLET_{name.upper()}": value for name, value in settings.items()}
    env = {**os.environ, "RILLET_REDIS_URL": server.url, **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "rillet", *command],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=hear_signals,  # noqa: PLW1509 the tests' own threads hold no lock of it
    )
    try:
        with process:
            try:
                yield process
            finally:
                process.kill()
                if process.stdout and not process.stdout.closed:
                    process.stdout.read()
    finally:
        process.wait()


def said_by(server: EmbeddedServer, *command: str, **settings: str) -> str:
    """Return what `rillet COMMAND ...` says; fail unless it ends well."""
    with running(server, *command, **settings) as process:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said


def said_by_looks(server: EmbeddedServer, **settings: str) -> dict[str, str]:
    """Return what each command says that only looks, by its name; fail unless all end well."""
    looks = ("verify", "top --once", "rejects", "rules show")
    return {one: said_by(server, *one.split(), **settings) for one in looks}
