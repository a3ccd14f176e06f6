"""The manifests: they render, fit the published schemas, and agree with the program."""

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from rillet.environment import COMPOSE
from rillet.settings import Settings
from tests.deploy.rendering import COMPONENTS, ROOT, rendered

OLDEST, NEWEST = "1.29", "1.37"
CUSTOM = {
    *("ScaledObject", "TriggerAuthentication", "Issuer"),
    *("ServiceMonitor", "PodMonitor", "PrometheusRule"),
}

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="no kubectl here: manifests are not rendered"
)


ALL = ["base", "k3s", *COMPONENTS]


def pods(objects: tuple[dict[str, Any], ...]) -> list[tuple[str, dict[str, Any]]]:
    """Return (name, pod spec) of everything that starts pods."""
    kinds = ("Deployment", "StatefulSet", "Job")
    return [(o["metadata"]["name"], o["spec"]["template"]) for o in objects if o["kind"] in kinds]


def the(objects: tuple[dict[str, Any], ...], kind: str, name: str) -> dict[str, Any]:
    hashed = r"-\w{10}$" if kind == "ConfigMap" else "$"
    found = [
        o
        for o in objects
        if o["kind"] == kind and re.sub(hashed, "", o["metadata"]["name"]) == name
    ]
    assert len(found) == 1, (kind, name)
    return found[0]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", ALL)
def test_every_object_fits_the_published_schema(name: str, version: str) -> None:
    """Base, overlay and each component validate strictly, oldest and newest Kubernetes."""
    for one in rendered(name):
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("name", ALL)
def test_every_setting_exists(name: str) -> None:
    """Every RILLET_ name in a ConfigMap or a container is a field of Settings and is valid."""
    given = dict(the(rendered(name), "ConfigMap", "rillet-settings")["data"])
    for _, pod in pods(rendered(name)):
        for container in pod["spec"]["containers"]:
            given |= {e["name"]: e.get("value", "") for e in container.get("env", [])}
    ours = {k.removeprefix("RILLET_").lower(): v for k, v in given.items() if k[:7] == "RILLET_"}
    assert set(ours) <= set(Settings.model_fields)
    Settings(**ours)


def test_compose_uses_the_same_settings() -> None:
    """Every RILLET_ name in compose.yaml is a field of Settings, but the file's own variables."""
    names = set(re.findall(r"RILLET_[A-Z_]+", (ROOT / "compose.yaml").read_text()))
    ours = {name.removeprefix("RILLET_").lower() for name in names - COMPOSE}
    assert ours <= set(Settings.model_fields)


@pytest.mark.parametrize("name", ALL)
def test_ports_and_probes_agree_with_the_program(name: str) -> None:
    """The API listens where the Service, the probes and the policies say; probe paths exist."""
    api = the(rendered(name), "Deployment", "rillet-api")["spec"]["template"]["spec"]["containers"][
        0
    ]
    port = api["args"][api["args"].index("--port") + 1]
    settings = the(rendered(name), "ConfigMap", "rillet-settings")["data"]
    assert port == settings["RILLET_PORT"] == str(api["ports"][0]["containerPort"])
    service = the(rendered(name), "Service", "rillet-api")["spec"]["ports"][0]
    assert service["targetPort"] == api["ports"][0]["name"]
    allowed = the(rendered(name), "NetworkPolicy", "to-api")["spec"]["ingress"][0]
    assert allowed["ports"][0]["port"] == int(port)
    probes = [api[p] for p in ("startupProbe", "livenessProbe", "readinessProbe")]
    paths = {p["httpGet"]["path"] for p in probes}
    source = "\n".join(p.read_text() for p in (ROOT / "api").glob("*.py"))
    assert {path for path in paths if f'"{path}"' not in source} == set()


@pytest.mark.parametrize("name", ALL)
def test_every_pod_is_restricted(name: str) -> None:
    """No root, no privilege, a read-only root, requests and a memory limit, for every container."""
    for owner, pod in pods(rendered(name)):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], owner
        assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", owner
        assert spec["automountServiceAccountToken"] is (owner == "make-secret"), owner
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"]
            assert not context["allowPrivilegeEscalation"]
            assert context["capabilities"]["drop"] == ["ALL"]
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", ALL)
def test_what_selects_pods_finds_some(name: str) -> None:
    """Every Service, PodDisruptionBudget and Deployment selects labels that some pod carries."""
    objects = rendered(name)
    labels = [pod["metadata"]["labels"] for _, pod in pods(objects)]
    for one in objects:
        if one["kind"] == "StatefulSet":
            name = one["metadata"]["name"]
            numbers = range(one["spec"]["replicas"])
            labels += [{"statefulset.kubernetes.io/pod-name": f"{name}-{i}"} for i in numbers]
    for one in objects:
        if one["kind"] == "Service":
            wanted = one["spec"]["selector"]
        elif one["kind"] in ("PodDisruptionBudget", "Deployment", "StatefulSet"):
            wanted = one["spec"]["selector"]["matchLabels"]
        else:
            continue
        assert any(wanted.items() <= have.items() for have in labels), one["metadata"]["name"]


@pytest.mark.parametrize("name", ALL)
def test_every_volume_mount_and_reference_exists(name: str) -> None:
    """Mounts name volumes of their pod; ConfigMaps named by pods are rendered too."""
    objects = rendered(name)
    maps = {o["metadata"]["name"] for o in objects if o["kind"] == "ConfigMap"}
    for owner, pod in pods(objects):
        volumes = {v["name"] for v in pod["spec"].get("volumes", [])} | {"data"}
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
            assert {m["name"] for m in container.get("volumeMounts", [])} <= volumes, owner
            refs = [e["configMapRef"]["name"] for e in container.get("envFrom", [])]
            assert set(refs) <= maps, owner
        used = {v["configMap"]["name"] for v in pod["spec"].get("volumes", []) if "configMap" in v}
        assert used <= maps, owner


def test_no_password_stands_in_a_manifest() -> None:
    """Secrets are generated in the cluster: none is rendered, with or without a value."""
    for name in ALL:
        assert not [o for o in rendered(name) if o["kind"] == "Secret"]


@pytest.mark.parametrize("name", ALL)
def test_nobody_is_let_in_without_a_token(name: str) -> None:
    """The API asks for both tokens, from files of a Secret that the Job makes."""
    objects = rendered(name)
    assert "RILLET_ALLOW_ANONYMOUS" not in the(objects, "ConfigMap", "rillet-settings")["data"]
    spec = the(objects, "Deployment", "rillet-api")["spec"]["template"]["spec"]
    env = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
    mounts = {m["mountPath"]: m["name"] for m in spec["containers"][0]["volumeMounts"]}
    made = the(objects, "Job", "make-secret")["spec"]["template"]["spec"]["containers"][0]["args"]
    for which in ("read", "write"):
        file = Path(env[f"RILLET_{which.upper()}_TOKEN_FILE"])
        volume = next(v for v in spec["volumes"] if v["name"] == mounts[str(file.parent)])
        assert f"{volume['secret']['secretName']}=read,write" in made
        assert file.name == which


def test_compose_asks_for_both_tokens() -> None:
    """No service of compose.yaml lets anybody in without a token."""
    text = (ROOT / "compose.yaml").read_text()
    assert "ANONYMOUS" not in text
    for which in ("READ", "WRITE"):
        assert text.count(f"RILLET_{which}_TOKEN_FILE: /run/secrets/tokens/") == 3


def test_each_profile_of_compose_has_its_own_store_and_parts() -> None:
    """A part is in one profile and its address names that profile's stores; no name has two."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    stores: dict[str, set[str]] = {}
    for name, one in services.items():
        if any(":/data" in mount for mount in one["volumes"]):
            stores.setdefault(*one["profiles"], set()).add(name)
        # A list names networks alone; aliases would need a mapping.
        assert isinstance(one.get("networks", []), list), name
    assert set(stores) == {"redis", "valkey", "cluster"}
    parts = [one for one in services.values() if "RILLET_REDIS_URL" in one.get("environment", {})]
    assert len(parts) == 9
    for one in parts:
        (profile,) = one["profiles"]
        hosts = set(re.findall(r"([\w-]+):6379", one["environment"]["RILLET_REDIS_URL"]))
        assert hosts == stores[profile]


def test_compose_gives_files_of_the_clone_to_root_alone() -> None:
    """Only the service that runs as root mounts the clone: it may be closed to everybody else."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    mounting = {
        name for name, one in services.items() if any(m.startswith("./") for m in one["volumes"])
    }
    assert mounting == {"secrets"}
    assert services["secrets"]["user"] == "0:0"


def test_keda_reaches_what_it_asks() -> None:
    """KEDA's namespace is let in to Redis and to the Sentinels, at the port of each."""
    policy = the(rendered("keda"), "NetworkPolicy", "redis-from-keda")["spec"]
    (selector,) = policy["podSelector"]["matchExpressions"]
    for component, kind in (("k3s", "redis"), ("sentinel", "sentinel")):
        spec = the(rendered(component), "StatefulSet", kind)["spec"]["template"]
        assert spec["metadata"]["labels"][selector["key"]] in selector["values"]
        (port,) = spec["spec"]["containers"][0]["ports"]
        assert {"port": port["containerPort"]} in policy["ingress"][0]["ports"]


def test_prometheus_reaches_the_processors() -> None:
    """They serve their metrics to other pods, at the port that its policy opens and it asks."""
    objects = rendered("servicemonitor")
    pod = the(objects, "Deployment", "rillet-processor")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    (port,) = container["ports"]
    monitor = the(objects, "PodMonitor", "rillet-processor")["spec"]
    policy = the(objects, "NetworkPolicy", "processor-from-prometheus")["spec"]
    assert env["RILLET_METRICS_HOST"] == "0.0.0.0"  # noqa: S104 a pod's own network
    assert env["RILLET_METRICS_PORT"] == str(port["containerPort"])
    assert policy["ingress"][0]["ports"] == [{"port": port["containerPort"]}]
    assert monitor["podMetricsEndpoints"][0]["port"] == port["name"]
    for selector in (monitor["selector"], policy["podSelector"]):
        assert selector["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_prometheus_is_given_the_alert_rules() -> None:
    """Those of docs/alerts.rules.yml."""
    given = the(rendered("servicemonitor"), "PrometheusRule", "rillet")["spec"]
    assert given == yaml.safe_load((ROOT / "docs/alerts.rules.yml").read_text())


def test_the_guide_counts_the_objects() -> None:
    """The number of lines that `kubectl apply` prints is the one in k8s/README.md."""
    said = re.search(r"each of (\d+) objects", (ROOT / "k8s/README.md").read_text())
    assert said
    assert int(said[1]) == len(rendered("k3s"))


def test_a_release_waits_for_the_tests_and_the_charts() -> None:
    """What is published needs both test workflows first, and is not built without charts."""
    folder = ROOT / ".github/workflows"
    release = yaml.safe_load((folder / "release.yml").read_text())["jobs"]
    called = {name: Path(job["uses"]).name for name, job in release.items() if "uses" in job}
    assert set(called.values()) == {"tests.yml", "image.yml"}
    for name in ("wheel", "image"):
        assert set(release[name]["needs"]) == set(called)
    steps = [step.get("run") for step in release["wheel"]["steps"]]
    assert "test -e web/vendor/uPlot.iife.min.js" in steps
    assert "CHARTS=required" in (folder / "release.yml").read_text()
    # PyYAML reads the key `on` as true.
    for file in called.values():
        assert "workflow_call" in yaml.safe_load((folder / file).read_text())[True]


def test_the_version_is_the_same_everywhere() -> None:
    """Package, image, compose and manifests name one version."""
    from rillet import __version__  # noqa: PLC0415 only this test needs it

    images = {c["image"] for _, p in pods(rendered("k3s")) for c in p["spec"]["containers"]}
    assert f"docker.io/library/rillet:{__version__}" in images
    for file in ("Dockerfile", ".env", "compose.yaml"):
        assert __version__ in (ROOT / file).read_text(), file
