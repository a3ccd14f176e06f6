"""The image and compose.yaml, really run: built, driven, restarted, scaled, compared."""

import json
import os
import random
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from rillet.embedded import free_port
from tests.lua.model import exact_figures
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PROJECT = "rillet-test"


def _no_engine() -> str:
    """Return why the tests cannot run here, or nothing."""
    if shutil.which("docker") is None:
        return "no docker here"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return f"`{' '.join(command)}` does not work here"
    return ""


# The engine is asked only when these tests were chosen: everyday runs leave them out.
pytestmark = [pytest.mark.deploy, pytest.mark.timeout(900)]


class Compose:
    """One running project; `figures` gathers what docs/operations.md tells."""

    def __init__(self, profile: str) -> None:
        self.port = free_port()
        self.profile = profile
        self.figures: dict[str, Any] = {}
        self.env = {**os.environ, "RILLET_PUBLISHED_PORT": str(self.port)}

    def __call__(self, *arguments: str) -> str:
        """Run `docker compose ARGUMENTS` and return its output."""
        command = ["docker", "compose", "-p", PROJECT, "--profile", self.profile, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module", params=["redis", "valkey", "cluster"])
def compose(request: pytest.FixtureRequest) -> Iterator[Compose]:
    reason = _no_engine()
    if reason:
        pytest.skip(reason)
    running = Compose(request.param)
    worker = "cluster-processor" if request.param == "cluster" else "processor"
    try:
        running("build", "-q")
        started = time.monotonic()
        running("up", "-d", "--wait", "--scale", f"{worker}=3")
        running.figures["seconds until all is healthy"] = round(time.monotonic() - started, 1)
        yield running
        print(json.dumps({request.param: running.figures}))  # noqa: T201 for docs/operations.md
    finally:
        running("down", "-v", "--timeout", "5")


def post(url: str, readings: list[dict[str, Any]]) -> bool:
    """Send readings; False if they have to be sent again."""
    body = json.dumps(readings).encode()
    request = urllib.request.Request(
        f"{url}/api/readings", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status < 300)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_only_the_page_is_published_and_nothing_runs_as_root(compose: Compose) -> None:
    """One port is published; every long-lived container is read-only, unprivileged, no root."""
    published = []
    for line in compose("ps", "--format", "json").splitlines():
        one = json.loads(line)
        published += [p["PublishedPort"] for p in one["Publishers"] or [] if p["PublishedPort"]]
        inspected = subprocess.run(
            ["docker", "inspect", one["ID"]], capture_output=True, check=True
        )
        box = json.loads(inspected.stdout)[0]
        assert box["HostConfig"]["ReadonlyRootfs"], one["Name"]
        assert box["HostConfig"]["CapDrop"] == ["ALL"], one["Name"]
        assert box["Config"]["User"] not in ("", "0", "0:0", "root"), one["Name"]
    assert set(published) == {compose.port}


def test_every_statistic_is_exact_across_a_restart_of_the_store(compose: Compose) -> None:
    """Ingest with three processors, restart the store in the middle: every figure is exact."""
    rnd = random.Random(5)
    sent: dict[str, list[float]] = {f"probe-{i}": [] for i in range(6)}
    stores = {"cluster": ["node-1", "node-2", "node-3"]}.get(compose.profile, [compose.profile])
    restart: subprocess.Popen[bytes] | None = None
    retries, started = 0, time.monotonic()
    for batch in range(120):
        readings = []
        for sensor, values in sent.items():
            for _ in range(10):
                values.append(rnd.gauss(1e9, 1e-3))
                readings.append({"sensor": sensor, "value": values[-1], "seq": len(values)})
        if batch == 40:
            command = ["docker", "compose", "-p", PROJECT, "--profile", compose.profile, "restart"]
            restart = subprocess.Popen([*command, *stores], cwd=ROOT, env=compose.env, stderr=-3)
        while not post(compose.url, readings):
            retries += 1
            time.sleep(0.1)
    assert restart
    assert restart.wait(60) == 0
    compose.figures["readings a second, by POST"] = round(7200 / (time.monotonic() - started))
    compose.figures["POSTs repeated around the restart"] = retries

    def figures() -> dict[str, Any]:
        return {s: get(f"{compose.url}/api/sensors/{s}") for s in sent}

    def all_there() -> bool:
        try:
            return all(f["count"] >= 1200 for f in figures().values())
        except (urllib.error.URLError, ConnectionError):
            return False

    until(all_there, 60)
    for sensor, got in figures().items():
        want = exact_figures(sent[sensor])
        assert {name: got[name] for name in want} == want, sensor


def test_the_page_and_the_live_stream_work(compose: Compose) -> None:
    """The page is served, and its stream brings the simulator's sensors live."""
    with urllib.request.urlopen(compose.url, timeout=10) as page:
        assert b"<title>Rillet" in page.read()
    with (
        httpx.Client(timeout=20) as client,
        connect_sse(client, "GET", f"{compose.url}/api/stream") as stream,
    ):
        live = (event.json() for event in stream.iter_sse() if event.event == "stats")
        assert any(one["sensor"].startswith("temperature") for frame in live for one in frame)


def test_people_can_look_inside_and_nobody_can_write(compose: Compose) -> None:
    """`look` reads a sensor as the user who may only read; the doctor finds no error."""
    store = "node-1" if compose.profile == "cluster" else compose.profile
    worker = "cluster-processor" if compose.profile == "cluster" else "processor"
    if compose.profile != "cluster":
        assert "mean" in compose("exec", "-T", store, "look", "HGETALL", "stats:temperature-1")
    refused = compose("exec", "-T", store, "look", "FLUSHALL")
    assert "NOPERM" in refused
    assert compose("exec", "-T", worker, "rillet", "doctor")


def test_the_image_is_small_and_runs_every_command(compose: Compose) -> None:
    """Every command has its help in the image, and there is no compiler and no package cache."""
    run = ["docker", "run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none"]
    image = "rillet:0.1.0"
    for command in ("simulate", "process", "serve", "doctor"):
        subprocess.run([*run, image, command, "--help"], check=True, capture_output=True)
    look = "! command -v gcc cc make && ! ls /root/.cache/pip /var/cache/apt/archives/*.deb"
    subprocess.run([*run, "--entrypoint", "sh", image, "-c", look], check=True, capture_output=True)
    size = subprocess.run(
        ["docker", "image", "inspect", "-f", "{{.Size}}", image], check=True, capture_output=True
    )
    compose.figures["image, MB"] = round(int(size.stdout) / 1e6)
    assert compose.figures["image, MB"] < 300
