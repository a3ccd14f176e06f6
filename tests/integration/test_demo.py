"""`rillet demo`: the whole house, as a newcomer starts it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.processes import hear_signals
from tests.waiting import until


@contextmanager
def demo(*options: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `rillet demo` until it has said where it is; yield it and what it printed."""
    more = {f"RILLET_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "rillet", "demo", *options],
        text=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **more},
        preexec_fn=hear_signals,  # noqa: PLW1509 the tests' own threads hold no lock of it
    )
    printed = ""
    with process:
        try:
            assert process.stdout
            while "Ctrl-C" not in printed:
                line = process.stdout.readline()
                assert line, printed
                printed += line
            yield process, printed
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def page_of(printed: str) -> str:
    found = re.search(r"http://\S+/", printed)
    assert found, printed
    return found[0]


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def descendants(pid: int) -> list[int]:
    """Return the process ids below one process, from /proc."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except OSError:
            continue
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [below for child in found for below in descendants(child)]


def test_one_command_runs_everything_and_ctrl_c_ends_it() -> None:
    """Sensors arrive at the API, redis-cli's line works, and Ctrl-C leaves no process."""
    with demo("--port", "18431", "--rate", "200") as (process, printed):
        page = page_of(printed)
        until(lambda: len(ask(f"{page}api/sensors")["items"]) == 9)
        port = re.search(r"redis://127.0.0.1:(\d+)", printed)
        assert port
        with redis.Redis(port=int(port[1]), protocol=2) as client:
            assert int(client.hget("stats:temperature-1", "count") or 0) > 0
        below = descendants(process.pid)
        assert len(below) >= 4
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_each_type_of_alert_fires_within_two_minutes() -> None:
    """The demo's faults make a limit, a deviation, a stuck value and a silence fire."""
    with demo("--port", "18461") as (_, printed):
        alerts = f"{page_of(printed)}api/alerts?limit=1000"

        def types() -> set[str]:
            fired = [one for one in ask(alerts)["recent"] if one["state"] == "firing"]
            return {one["type"] for one in fired}

        until(lambda: types() == {"limit", "deviation", "stuck", "silence"}, seconds=120)


def test_the_demos_rules_are_in_force() -> None:
    """One rule of each type, from the file that comes along."""
    with demo("--port", "18471") as (_, printed):
        page = page_of(printed)
        until(lambda: ask(f"{page}api/rules")["rules"])
        types = [rule["type"] for rule in ask(f"{page}api/rules")["rules"]]
        assert types == ["limit", "deviation", "stuck", "silence"]


def test_a_busy_port_is_said_aloud() -> None:
    """When the wanted port is taken, the demo takes the next free one and says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo("--port", str(port)) as (_, printed):
            assert f"Port {port} is taken" in printed
            assert page_of(printed) != f"http://127.0.0.1:{port}/"


def test_a_closed_terminal_leaves_nothing_behind() -> None:
    """SIGHUP ends the demo as Ctrl-C does, whatever comes behind it, and every process below it."""
    with demo("--port", "18441") as (process, _):
        below = descendants(process.pid)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        until(lambda: not [pid for pid in below if Path(f"/proc/{pid}").exists()])


def test_the_printed_line_fits_partitions_and_a_namespace() -> None:
    """The redis-cli line names a key that is there, whatever the keys' prefix."""
    with demo("--port", "18451", "--rate", "200", partitions="4", namespace="farm") as (_, printed):
        found = re.search(r"127.0.0.1:(\d+)/0 HGETALL (\S+)", printed)
        assert found
        with redis.Redis(port=int(found[1]), protocol=2) as client:
            until(lambda: client.hget(found[2], "count"))
