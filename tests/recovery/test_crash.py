"""A worker whose surroundings are taken away, and one with a bug: it heals, or it ends loudly."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rillet.embedded import EmbeddedServer
from tests.processes import running
from tests.waiting import until


@pytest.fixture
def login(client: redis.Redis, tmp_path: Path) -> Iterator[dict[str, str]]:
    client.execute_command("ACL", "SETUSER", "w", "reset", "on", ">pw", "+@all", "~*")
    (tmp_path / "password").write_text("pw")
    yield {"redis_username": "w", "redis_password_file": str(tmp_path / "password")}
    client.acl_deluser("w")


def test_a_password_file_that_is_missing_for_a_while_is_outlived(
    server: EmbeddedServer, client: redis.Redis, login: dict[str, str]
) -> None:
    """A connection lost while the file is not there heals in every partition once it is back."""
    file = Path(login["redis_password_file"])
    with running(server, "process", partitions="2", **login) as worker:
        until(lambda: client.exists("{0}:readings", "{1}:readings") == 2)
        file.rename(file.with_suffix(".aside"))
        client.execute_command("CLIENT", "KILL", "USER", "w", "SKIPME", "yes")
        said = ""
        while "RILLET_REDIS_PASSWORD_FILE cannot be read" not in said:
            assert worker.stdout
            said += worker.stdout.readline()
        file.with_suffix(".aside").rename(file)
        for p in range(2):
            client.xadd(f"{{{p}}}:readings", {"sensor": "s", "value": "1"})
        until(lambda: client.exists("{0}:stats:s", "{1}:stats:s") == 2)
        assert worker.poll() is None


def test_a_heartbeat_folder_that_is_gone_costs_no_reading(
    server: EmbeddedServer, client: redis.Redis, tmp_path: Path
) -> None:
    """The probe sees that the file is missing; the worker goes on folding meanwhile."""
    file = tmp_path / "folder" / "beat"
    file.parent.mkdir()
    with running(server, "process", heartbeat_file=str(file)) as worker:
        until(file.exists)
        shutil.rmtree(file.parent)
        for n in range(1, 4):
            client.xadd("readings", {"sensor": "s", "value": "1"})
            until(lambda n=n: client.hget("stats:s", "count") == b"%d" % n)
        assert worker.poll() is None


BUG = """
import sys
import {module} as module
def fail(*_):
    raise ZeroDivisionError("a bug")
module.{name} = fail
sys.argv = ["rillet", "process"]
from rillet.cli import main
main()
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("processor.metrics", "FoldMetrics.__call__"),
        ("processor.webhook", "Courier._step"),
        ("processor.rules_store", "Keeper.run"),
    ],
)
def test_a_bug_in_any_thread_ends_the_process(
    server: EmbeddedServer, client: redis.Redis, module: str, name: str
) -> None:
    """A thread that dies takes the others along, with its traceback and a status that is not 0."""
    del client  # empties the server
    own = {"REDIS_URL": server.url, "PARTITIONS": "2", "WEBHOOK_URL": "http://127.0.0.1:1/"}
    done = subprocess.run(
        [sys.executable, "-c", BUG.format(module=module, name=name)],
        env={**os.environ, **{f"RILLET_{key}": value for key, value in own.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "processor.crashed" in done.stderr
    assert "ZeroDivisionError" in done.stderr
