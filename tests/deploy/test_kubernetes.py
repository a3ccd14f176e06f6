"""The manifests on a real Kubernetes: `make test-cluster KUBECONFIG=FILE`.

It must be one that k8s/README.md speaks of (k3s, or what k3s brings: Traefik, a storage class,
network policies in force, metrics), with both images on its node, and no namespace `rillet`.
"""

import json
from collections.abc import Iterator

import httpx
import pytest
from httpx_sse import connect_sse
from playwright.sync_api import expect, sync_playwright

from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from tests.browser import chromium
from tests.deploy.site import NAMESPACE, SPARE, Site
from tests.waiting import until

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(900)]

KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
except OSError:
    print("shut")
else:
    print("open")
"""


@pytest.fixture(
    scope="module", params=["", "sentinel", "cluster"], ids=["one", "sentinel", "cluster"]
)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    kubeconfig = request.config.getoption("--kubeconfig")
    if not kubeconfig:
        pytest.skip("no cluster: --kubeconfig FILE names one that may be written to")
    made = Site(kubeconfig)
    if made.run("get", "namespace", NAMESPACE, "--ignore-not-found"):
        pytest.fail(f"there is a namespace {NAMESPACE}: these tests would delete it")
    try:
        made.apply(tmp_path_factory.mktemp("k8s"), request.param)
        yield made
    finally:
        made.remove()


def test_no_pod_dies_on_the_way_up(site: Site) -> None:
    """Pods start in any order: each waits for what it needs, and none is started again."""
    for part in ("redis", "api", "processor", "simulator"):
        for pod in site.pods(part):
            statuses = pod["status"]["containerStatuses"]
            assert [one["restartCount"] for one in statuses] == [0], pod["metadata"]["name"]


def test_the_page_is_live_behind_the_ingress(site: Site) -> None:
    """At http://<node>/ somebody with the read token sees the sensors, and the figures move."""
    if chromium.find() is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as play, chromium.launch(play) as browser:
        page = browser.new_page()
        page.goto(site.url)
        page.get_by_label("Read token").fill(site.token("read"))
        page.keyboard.press("Enter")
        card = page.locator('.card[data-sensor="temperature-1"]')
        expect(card).to_be_visible(timeout=20_000)
        before = card.inner_text()
        expect(card).not_to_have_text(before, timeout=20_000)


def test_the_ingress_passes_events_on_as_they_come(site: Site) -> None:
    """A stream through Traefik begins with a snapshot and goes on; without a token it is a 401."""
    assert httpx.get(f"{site.url}/api/sensors", timeout=10).status_code == 401
    with site.client() as client, connect_sse(client, "GET", "/api/stream") as source:
        names = []
        for event in source.iter_sse():
            names.append(event.event)
            if names.count("stats") == 3:
                break
    assert names.index("snapshot") < names.index("stats")


def test_people_look_inside_as_the_readme_says(site: Site) -> None:
    """`redis-cli HGETALL` shows a sensor's figures, `doctor` finds nothing, `verify` all exact."""
    shown = site.inside("redis-0", "redis-cli", "-c", "--user", "reader", "HGETALL", _hash(site))
    assert shown.startswith("count\n")
    site.inside("deploy/rillet-processor", "rillet", "doctor")
    assert "Every field is exact" in site.exact()
    refused = site.inside(
        "redis-0", "redis-cli", "-c", "--user", "reader", "DEL", "state", check=False
    )
    assert "NOPERM" in refused


def _hash(site: Site) -> str:
    env = site.inside("deploy/rillet-api", "env")
    partitions = int(env.split("RILLET_PARTITIONS=")[1].split()[0])
    parts = partition_keys(Settings(partitions=partitions))
    return parts[partition_of("temperature-1", partitions)].stats("temperature-1")


def test_a_redis_pod_that_goes_loses_nothing(site: Site) -> None:
    """With three processors, a deleted Redis pod comes back with its volume; figures stay exact."""
    site("scale", "deployment/rillet-processor", "--replicas=3")
    site("rollout", "status", "deployment/rillet-processor", "--timeout=120s")
    with site.client() as client:
        before = _counts(client)
        site("delete", "pod", "redis-0")
        site("wait", "--for=condition=Ready", "pod/redis-0", "--timeout=120s")
        until(lambda: _grown(client, before), 60)
    assert "CRITICAL" not in site("logs", "redis-0"), "its append-only file was not read whole"
    assert "Every field is exact" in site.exact()


def _counts(client: httpx.Client) -> dict[str, int]:
    items = client.get("/api/sensors").raise_for_status().json()["items"]
    return {one["sensor"]: one["count"] for one in items}


def _grown(client: httpx.Client, before: dict[str, int]) -> bool:
    try:
        now = _counts(client)
    except httpx.HTTPError:
        return False
    return all(now.get(name, 0) > count for name, count in before.items())


def test_nothing_talks_to_what_it_need_not_talk_to(site: Site) -> None:
    """The policies are in force: strangers reach neither Redis nor API, our pods nothing else."""
    image = site.pods("api")[0]["spec"]["containers"][0]["image"]
    site.run("create", "namespace", SPARE)
    stranger = ("run", "stranger", f"--image={image}", "--image-pull-policy=IfNotPresent")
    site.run("-n", SPARE, *stranger, "--command", "--", "sleep", "600")
    site.run("-n", SPARE, "wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")
    redis, api = (site.pods(part)[0]["status"]["podIP"] for part in ("redis", "api"))
    knock = ("python", "-c", KNOCK)
    for address, port in ((redis, "6379"), (api, "8000")):
        said = site.run("-n", SPARE, "exec", "stranger", "--", *knock, address, port)
        assert said == "shut\n", (address, port)
    for part in ("api", "processor", "simulator"):
        assert site.inside(f"deploy/rillet-{part}", *knock, redis, "6379") == "open\n"
        for address, port in (("kubernetes.default.svc.cluster.local", "443"), ("1.1.1.1", "443")):
            assert site.inside(f"deploy/rillet-{part}", *knock, address, port) == "shut\n"


def test_autoscaler_and_budgets_know_their_pods(site: Site) -> None:
    """The HPA reads the API's CPU from the metrics, and each budget allows what it is meant to."""

    def measured() -> bool:
        scaler = json.loads(site("get", "hpa", "rillet-api", "-o", "json"))
        return bool(scaler["status"].get("currentMetrics", [{}])[0].get("resource"))

    until(measured, 120)
    budgets = json.loads(site("get", "pdb", "-o", "json"))["items"]
    assert {one["metadata"]["name"] for one in budgets} >= {
        "redis",
        "rillet-api",
        "rillet-processor",
    }
    assert all(one["status"]["expectedPods"] > 0 for one in budgets)
    assert all(one["status"]["disruptionsAllowed"] > 0 for one in budgets)
