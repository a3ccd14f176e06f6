"""The image and compose.yaml, really run: built, driven, restarted, scaled, compared."""

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse
from playwright.sync_api import expect, sync_playwright

from rillet.cli import COMMANDS
from rillet.embedded import free_port
from tests.browser import chromium
from tests.deploy import engine
from tests.lua.model import exact_figures
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PROJECT = "rillet-test"


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

    def part(self, name: str) -> str:
        """Return the service of that name in this profile."""
        return name if self.profile == "redis" else f"{self.profile}-{name}"

    @property
    def stores(self) -> list[str]:
        """The services that hold the data."""
        nodes = ["node-1", "node-2", "node-3"]
        return nodes if self.profile == "cluster" else [self.profile]

    def up(self) -> None:
        """Start all with three processors, and wait until it is healthy."""
        self("up", "-d", "--wait", "--scale", f"{self.part('processor')}=3")

    @cache  # noqa: B019 one object a module
    def token(self, which: str) -> str:
        """Return the generated `read` or `write` token, read as the documents say."""
        return self("exec", "-T", self.part("api"), "cat", f"/run/secrets/tokens/{which}").strip()

    def bearer(self, which: str) -> dict[str, str]:
        """Return the header that shows that token."""
        return {"Authorization": f"Bearer {self.token(which)}"}

    def get(self, path: str) -> Any:
        """Return the JSON that the API answers to who has the read token."""
        answer = httpx.get(self.url + path, headers=self.bearer("read"), timeout=10)
        return answer.raise_for_status().json()

    def post(self, readings: list[dict[str, Any]]) -> bool:
        """Send readings with the write token; False if they have to be sent again."""
        try:
            answer = httpx.post(
                f"{self.url}/api/readings", json=readings, headers=self.bearer("write"), timeout=10
            )
        except httpx.TransportError:
            return False
        return answer.is_success


@pytest.fixture(scope="module", params=["redis", "valkey", "cluster"])
def compose(request: pytest.FixtureRequest) -> Iterator[Compose]:
    reason = engine.missing()
    if reason:
        pytest.skip(reason)
    running = Compose(request.param)
    try:
        running("build", "-q")
        started = time.monotonic()
        running.up()
        running.figures["seconds until all is healthy"] = round(time.monotonic() - started, 1)
        yield running
        print(json.dumps({request.param: running.figures}))  # noqa: T201 for docs/operations.md
    finally:
        running("down", "-v", "--timeout", "5")


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
            restart = subprocess.Popen(
                [*command, *compose.stores], cwd=ROOT, env=compose.env, stderr=-3
            )
        while not compose.post(readings):
            retries += 1
            time.sleep(0.1)
    assert restart
    assert restart.wait(60) == 0
    compose.figures["readings a second, by POST"] = round(7200 / (time.monotonic() - started))
    compose.figures["POSTs repeated around the restart"] = retries

    def figures() -> dict[str, Any]:
        return {s: compose.get(f"/api/sensors/{s}") for s in sent}

    def all_there() -> bool:
        try:
            return all(f["count"] >= 1200 for f in figures().values())
        except httpx.HTTPError:
            return False

    until(all_there, 60)
    for sensor, got in figures().items():
        want = exact_figures(sent[sensor])
        assert {name: got[name] for name in want} == want, sensor


def test_the_store_reads_all_of_its_file_back(compose: Compose) -> None:
    """Nothing in the append-only file is refused as the store starts anew, as after the restart."""
    said = compose("logs", *compose.stores)
    assert said.count("Ready to accept connections") >= 2 * len(compose.stores)
    assert "CRITICAL" not in said


TEAR = r"""
for last in /data/appendonlydir/*.incr.aof; do :; done
printf '*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn' >> "$last"
"""


def test_what_follows_a_torn_fold_outlives_the_next_kill(compose: Compose) -> None:
    """A store killed in the midst of writing cuts that off as it starts; later writes stay."""

    def count() -> int:
        try:
            return int(compose.get("/api/sensors/after-the-kill")["count"])
        except httpx.HTTPError:
            return 0

    compose("kill", *compose.stores)
    for store in compose.stores:
        compose("run", "--rm", "-T", "--no-deps", "--entrypoint", "sh", store, "-c", TEAR)
    compose.up()
    for seq in range(1, 51):
        until(lambda seq=seq: compose.post([{"sensor": "after-the-kill", "value": 1, "seq": seq}]))
    until(lambda: count() == 50, 60)
    compose("kill", *compose.stores)
    compose.up()
    until(lambda: count() > 0, 60)
    assert count() == 50
    said = compose("logs", *compose.stores)
    assert said.count("was not written to its end: it is cut off") == len(compose.stores)


def test_nobody_reads_or_writes_without_its_token(compose: Compose) -> None:
    """The generated tokens are asked for, differ, and each opens its own side only."""
    reading = {"sensor": "nobody", "value": 1}
    assert httpx.get(f"{compose.url}/api/sensors").status_code == 401
    assert httpx.post(f"{compose.url}/api/readings", json=reading).status_code == 401
    wrong = httpx.post(f"{compose.url}/api/readings", json=reading, headers=compose.bearer("read"))
    assert wrong.status_code == 401
    assert len(compose.token("read")) == len(compose.token("write")) == 48
    assert compose.token("read") != compose.token("write")


def test_the_live_stream_works(compose: Compose) -> None:
    """The stream brings the simulator's sensors live."""
    with (
        httpx.Client(timeout=20, headers=compose.bearer("read")) as client,
        connect_sse(client, "GET", f"{compose.url}/api/stream") as stream,
    ):
        live = (event.json() for event in stream.iter_sse() if event.event == "stats")
        assert any(one["sensor"].startswith("temperature") for frame in live for one in frame)


def test_the_page_logs_in_once_and_is_live(compose: Compose) -> None:
    """A browser is asked for the read token, shows live cards, and after a reload still does."""
    if chromium.find() is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as play:
        browser = chromium.launch(play)
        page = browser.new_page()
        page.goto(compose.url)
        page.get_by_label("Read token").fill(compose.token("read"))
        page.get_by_role("button", name="Log in").click()
        for _ in "12":
            expect(page.locator("#link-text")).to_have_text("Live", timeout=20_000)
            expect(page.locator('.card[data-sensor="temperature-1"]')).to_have_count(1)
            page.reload()
        browser.close()


def test_people_can_look_inside_and_nobody_can_write(compose: Compose) -> None:
    """`look` reads a sensor as the user who may only read; the doctor finds no error."""
    store = compose.stores[0]
    if compose.profile != "cluster":
        assert "mean" in compose("exec", "-T", store, "look", "HGETALL", "stats:temperature-1")
    refused = compose("exec", "-T", store, "look", "FLUSHALL")
    assert "NOPERM" in refused
    assert "NOPERM" in compose("exec", "-T", store, "look", "CONFIG", "GET", "masterauth")
    worker = compose.part("processor")
    assert compose("exec", "-T", worker, "rillet", "doctor")
    assert "Rejected readings" in compose("exec", "-T", worker, "rillet", "rejects")


def test_the_image_is_small_and_runs_every_command(compose: Compose) -> None:
    """Every command starts in the image, and there is no compiler and no package cache."""
    run = ["docker", "run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none"]
    image = "rillet:0.1.0"
    for command in COMMANDS:
        subprocess.run([*run, image, command, "--help"], check=True, capture_output=True)
    look = "! command -v gcc cc make && ! ls /root/.cache/pip /var/cache/apt/archives/*.deb"
    subprocess.run([*run, "--entrypoint", "sh", image, "-c", look], check=True, capture_output=True)
    about = subprocess.run(
        ["docker", "image", "inspect", "-f", "{{json .Config}}", image],
        check=True,
        capture_output=True,
    )
    config = json.loads(about.stdout)
    assert config["User"] == "10001:10001"
    assert "/healthz" in " ".join(config["Healthcheck"]["Test"])
    assert {"title", "version", "revision", "licenses", "source"} <= {
        name.removeprefix("org.opencontainers.image.") for name in config["Labels"]
    }
    size = subprocess.run(
        ["docker", "image", "inspect", "-f", "{{.Size}}", image], check=True, capture_output=True
    )
    compose.figures["image, MB"] = round(int(size.stdout) / 1e6)
    assert compose.figures["image, MB"] < 300
