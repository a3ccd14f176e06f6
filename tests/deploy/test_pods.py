"""The manifests' pods, really run as containers: each does its job as the manifest starts it."""

import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acl import USERS
from tests.deploy import engine
from tests.deploy.api_server import api_server
from tests.deploy.pods import Node, Pod, docker
from tests.deploy.rendering import ROOT, rendered
from tests.lua.model import exact_figures
from tests.waiting import until

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    reason = engine.missing() or ("" if shutil.which("kubectl") else "no kubectl here")
    if os.geteuid():
        reason = reason or "only root can give files the owners that a kubelet gives them"
    if reason:
        pytest.skip(reason)
    docker("build", "-q", "-t", "rillet:0.1.0", str(ROOT))


@contextmanager
def node(overlay: str, folder: Path) -> Iterator[Node]:
    """Apply an overlay to a machine of its own: the Secrets are made, no other pod runs yet."""
    name = f"rillet-pods-{overlay}"
    docker("network", "rm", name, check=False)
    docker("network", "create", "--internal", name)
    gateway = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", name)
    subnet = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", name)
    docker("network", "rm", name)
    # A second time with the range named: only then may containers choose their addresses.
    docker("network", "create", "--internal", "--subnet", subnet, "--gateway", gateway, name)
    with api_server(gateway, folder) as api:
        made = Node(name, folder, rendered(overlay), api, gateway.rpartition(".")[0])
        try:
            made.run("Job", "make-secret").complete()
            yield made
        finally:
            made.close()
            docker("network", "rm", name)


def bearer(made: Node, which: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {made.api.secrets['rillet-tokens'][which].decode()}"}


def apps(made: Node) -> Pod:
    """Start processor and API, and return the API once both are ready."""
    worker = made.run("Deployment", "rillet-processor")
    api = made.run("Deployment", "rillet-api").ready()
    worker.ready()
    return api


class Load:
    """Posts readings and remembers each that was taken; what was refused is sent again."""

    def __init__(self, made: Node, api: Pod) -> None:
        self.made, self.api = made, api
        self.random = random.Random(11)
        self.sent: dict[str, list[float]] = {f"probe-{i}": [] for i in range(12)}

    def send(self, rounds: int, seconds: float = 90) -> None:
        """Send so many readings of each sensor."""
        for _ in range(rounds):
            readings = []
            for sensor, values in self.sent.items():
                values.append(self.random.gauss(1e6, 0.1))
                readings.append({"sensor": sensor, "value": values[-1], "seq": len(values)})
            until(lambda r=readings: self._post(r), seconds)

    def _post(self, readings: list[dict[str, Any]]) -> bool:
        try:
            answer = httpx.post(
                f"http://{self.api.ip}:8000/api/readings",
                json=readings,
                headers=bearer(self.made, "write"),
                timeout=10,
            )
        except httpx.TransportError:
            return False
        assert answer.status_code != 401
        return answer.is_success

    def figures(self, sensor: str) -> dict[str, Any]:
        """Return what the API says of a sensor; nothing while it cannot."""
        try:
            answer = httpx.get(
                f"http://{self.api.ip}:8000/api/sensors/{sensor}",
                headers=bearer(self.made, "read"),
                timeout=10,
            )
        except httpx.TransportError:
            return {}
        return answer.json() if answer.is_success else {}

    def check(self, seconds: float = 60) -> None:
        """Wait until all is folded; compare every figure with exact arithmetic."""
        for sensor, values in self.sent.items():
            count = len(values)
            until(lambda s=sensor, n=count: self.figures(s).get("count") == n, seconds)
            want, got = exact_figures(values), self.figures(sensor)
            assert {name: got[name] for name in want} == want, sensor


def test_the_k3s_overlay_runs(tmp_path: Path) -> None:
    """Every pod starts, passes its probes, stays below its memory limit, ends in its grace."""
    with node("k3s", tmp_path) as made:
        first = dict(made.api.secrets)
        assert set(first["rillet-redis"]) == set(USERS)
        made.run("Job", "make-secret").complete()
        assert made.api.secrets == first
        redis = made.run("StatefulSet", "redis", 0).ready()
        api = apps(made)
        processor, simulator = (
            made.pods["rillet-processor"],
            made.run("Deployment", "rillet-simulator"),
        )
        load = Load(made, api)
        assert httpx.get(f"http://{api.ip}:8000/api/sensors").status_code == 401
        assert "<title>Rillet" in httpx.get(f"http://{api.ip}:8000/").text
        load.send(50)
        load.check()
        until(lambda: "mean" in look(redis, "HGETALL", "stats:temperature-1"))
        assert "NOPERM" in look(redis, "FLUSHALL")
        simulator.ready()
        for pod in (redis, processor, simulator, api):
            assert pod.probe("livenessProbe"), pod.name
        assert "error" not in processor.exec("rillet", "doctor", check=False)
        redis = made.run("StatefulSet", "redis", 0).ready()
        load.send(50)
        load.check()
        for pod in (api, processor, simulator):
            assert not pod.state()["OOMKilled"], pod.name
            assert pod.stop() == 0, pod.log()
        assert redis.stop() == 0


def look(redis: Pod, *command: str) -> str:
    """Look inside as k8s/README.md says."""
    return redis.exec("redis-cli", "--user", "reader", *command, check=False)


def test_the_secret_job_waits_for_its_rights(tmp_path: Path) -> None:
    """A Job that is refused at first tries again, and makes what it was told."""
    with node("external-redis", tmp_path) as made:
        assert set(made.api.secrets) == {"rillet-tokens"}
        made.api.secrets.clear()
        made.api.refusals = 2
        assert "said 403" in made.run("Job", "make-secret").complete().log()
        assert set(made.api.secrets["rillet-tokens"]) == {"read", "write"}


def test_the_sentinel_component_survives_failover_and_power_cut(tmp_path: Path) -> None:
    """A dead master is replaced; when all pods start at once, the last master is master again."""
    with node("sentinel", tmp_path) as made:
        for i in range(3):
            made.run("StatefulSet", "redis", i)
            made.run("StatefulSet", "sentinel", i)
        for i in range(3):
            made.pods[f"redis-{i}"].ready()
            made.pods[f"sentinel-{i}"].ready()
        # They ask the master for its replicas every 10 s.
        until(lambda: all(sees_all(made.pods[f"sentinel-{i}"]) for i in range(3)), 40)
        assert master(made) == "redis-0"
        refused = made.pods["sentinel-1"].exec(
            "redis-cli", "-p", "26379", "sentinel", "failover", "mymaster", check=False
        )
        assert "NOPERM" in refused
        load = Load(made, apps(made))
        load.send(30)
        load.check()
        docker("kill", made.pods["redis-0"].box)
        started = time.monotonic()
        until(lambda: master(made) in ("redis-1", "redis-2"), 60)
        load.send(30)
        load.check()
        print("seconds without a master:", round(time.monotonic() - started, 1))  # noqa: T201
        made.run("StatefulSet", "redis", 0).ready()
        until(lambda: "role:slave" in role(made.pods["redis-0"]))
        last = master(made)
        stores = [(kind, i) for kind in ("redis", "sentinel") for i in range(3)]
        for kind, i in stores:
            docker("kill", made.pods[f"{kind}-{i}"].box)
        for one in [made.run("StatefulSet", kind, i) for kind, i in stores]:
            one.ready()
        assert master(made) == last
        load.send(30)
        load.check()


def sees_all(sentinel: Pod) -> bool:
    """Tell whether a Sentinel knows both replicas and both other Sentinels."""
    lines = sentinel.exec("redis-cli", "-p", "26379", "sentinel", "master", "mymaster").split("\n")
    known = dict(zip(lines[::2], lines[1::2], strict=True))
    return known["num-slaves"] == known["num-other-sentinels"] == "2"


def master(made: Node) -> str:
    """Return the pod that a Sentinel names as the master."""
    command = ["redis-cli", "-p", "26379", "sentinel", "get-master-addr-by-name", "mymaster"]
    address = made.pods["sentinel-0"].exec(*command, check=False).partition("\n")[0]
    return next(name for name, pod in made.pods.items() if pod.ip == address)


def role(redis: Pod) -> str:
    return look(redis, "INFO", "replication")


def interrupted(made: Node, nodes: list[Pod]) -> None:
    """Leave two of the nodes as a Job that was killed leaves them: with slots, and acquainted."""
    secret = made.api.secrets["rillet-redis"]["admin"].decode()
    admin = ["env", f"REDISCLI_AUTH={secret}", "redis-cli", "--user", "admin", "CLUSTER"]
    assert nodes[0].exec(*admin, "ADDSLOTSRANGE", "0", "5460") == "OK"
    assert nodes[0].exec(*admin, "MEET", nodes[1].ip, "6379") == "OK"
    until(lambda: "cluster_known_nodes:2" in look(nodes[1], "CLUSTER", "INFO"))


def test_the_cluster_component_finds_together_after_all_moved(tmp_path: Path) -> None:
    """Six nodes become one Cluster, though begun before, and again after all got new addresses."""
    with node("cluster", tmp_path) as made:
        nodes = [made.run("StatefulSet", "redis", i) for i in range(6)]
        for one in nodes:
            one.ready()
        interrupted(made, nodes)
        made.run("Job", "make-cluster").complete()
        until(lambda: role(nodes[0]).count("state=online") == 1)
        assert ["role:master" in role(n) for n in nodes] == [True] * 3 + [False] * 3
        load = Load(made, apps(made))
        worker = made.pods["rillet-processor"]
        load.send(30)
        load.check()
        made.run("Job", "make-cluster").complete()
        until(lambda: all("cluster_known_nodes:6" in look(n, "CLUSTER", "INFO") for n in nodes))
        for one in nodes:
            docker("stop", "-t", "60", one.box)
        nodes = [made.run("StatefulSet", "redis", i) for i in range(6)]
        for one in nodes:
            one.ready()
        until(lambda: all("cluster_state:ok" in look(n, "CLUSTER", "INFO") for n in nodes), 120)
        load.send(30)
        load.check()
        nodes[0].remove()
        load.send(30)
        load.check()
        failing = worker.log(10_000).count("fold.failing")
        load.send(30)
        load.check()
        assert worker.log(10_000).count("fold.failing") == failing, worker.log()
