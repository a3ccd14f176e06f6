"""`rillet bench fold --quick`: it runs, has each of its rows, and leaves nothing behind."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.command import bench
from rillet.embedded import EmbeddedServer
from tests.waiting import until


@pytest.mark.slow
def test_the_benchmark_of_the_fold_runs() -> None:
    """Every row is there, with figures of this machine; their size is not judged here."""
    done = CliRunner().invoke(bench, ["fold", "--quick"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    rows = ["XADD only", "fold, 1 sensor", "fold, 100 sensors", "fold, 10,000 sensors"]
    rows += ["values of 100", "packed of 100", "one EVALSHA a reading", "read, modify, write"]
    for row in [*rows, "p99.9", "1,000", "10,000", "bytes a sensor"]:
        assert row in done.output, row


@pytest.mark.parametrize("benchmark", ["fold", "soak"])
def test_a_benchmark_that_is_ended_leaves_nothing(server: EmbeddedServer, benchmark: str) -> None:
    """SIGTERM ends the private server with the benchmark, and takes its folder away."""
    command = [sys.executable, "-m", "rillet", "bench", benchmark, "--server", server.binary]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        try:
            own = until(lambda: folder_of_child(process.pid))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 130
        finally:
            process.kill()
    until(lambda: not own.exists())


def folder_of_child(pid: int) -> Path | None:
    """Return the data folder of the server that a process has started, once that writes its log."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # it has ended since
            folder = Path(f"/proc/{child}/cwd").readlink()
            if folder.name.startswith("rillet-") and (folder / "server.log").exists():
                return folder
    return None
