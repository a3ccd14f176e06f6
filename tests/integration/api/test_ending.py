"""How `rillet serve` ends."""

import os
import signal
import subprocess
import sys

from rillet.embedded import EmbeddedServer, free_port
from tests.serving import serving

BUG = """
import sys
from api.reader import Reader
async def fail(*_):
    raise ZeroDivisionError("a bug")
Reader._read = fail
sys.argv = ["rillet", "serve", "--port", sys.argv[1]]
from rillet.cli import main
main()
"""


def test_a_bug_ends_the_process_with_a_status_that_is_not_0(server: EmbeddedServer) -> None:
    """It stops in order, with the traceback, and not as one that was asked to: that is no fault."""
    done = subprocess.run(
        [sys.executable, "-c", BUG, str(free_port())],
        env={**os.environ, "RILLET_REDIS_URL": server.url, "RILLET_PARTITIONS": "2"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "process.broken" in said
    assert "ZeroDivisionError: a bug" in said
    assert "Application shutdown complete." in said


def test_a_stop_is_told_as_one(server: EmbeddedServer) -> None:
    """After SIGTERM the parent sees that signal, or as the first process of a container 0."""
    with serving(server) as api:
        api.process.terminate()
        assert api.process.wait(60) == -signal.SIGTERM
