"""Runs the pods of rendered manifests as containers, where there is an engine but no Kubernetes.

What a kubelet would do with them is done here: command, arguments and environment; user, groups,
capabilities and read-only root of the security context; files of ConfigMaps and Secrets with their
modes; init containers first; probes, preStop. Names resolve as behind a headless Service. Not done:
NetworkPolicies, requests, scheduling, admission.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.api_server import ApiServer
from tests.waiting import until

NAMESPACE = "rillet"
DOMAIN = f"{NAMESPACE}.svc"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def docker(*arguments: str, check: bool = True) -> str:
    """Run `docker ARGUMENTS` and return what it says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, (arguments, done.stdout, done.stderr)
    return (done.stdout + done.stderr).strip()


@dataclass
class Node:
    """One machine: a network, the objects that were applied, and the pods that run."""

    name: str
    folder: Path
    objects: tuple[dict[str, Any], ...]
    api: ApiServer
    subnet: str
    pods: "dict[str, Pod]" = field(default_factory=dict)
    addresses: int = 10
    kept: dict[str, str] = field(default_factory=dict)

    def template(self, kind: str, name: str) -> dict[str, Any]:
        """Return the pod template of the Deployment, StatefulSet or Job of that name."""
        found = [o for o in self.objects if o["kind"] == kind and o["metadata"]["name"] == name]
        template: dict[str, Any] = found[0]["spec"]["template"]
        return template

    def config(self, name: str) -> dict[str, str]:
        """Return what a ConfigMap holds."""
        found = [
            o for o in self.objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == name
        ]
        data: dict[str, str] = found[0]["data"]
        return data

    def address(self, pod: str) -> str:
        """Return a new address, or where a Service stands for this one pod, always the same."""
        selectors = [o["spec"]["selector"] for o in self.objects if o["kind"] == "Service"]
        if pod in self.kept and {"statefulset.kubernetes.io/pod-name": pod} in selectors:
            return self.kept[pod]
        self.addresses += 1
        self.kept[pod] = f"{self.subnet}.{self.addresses}"
        return self.kept[pod]

    def run(self, kind: str, name: str, index: int | None = None) -> "Pod":
        """Start a pod; one of that name that ran before leaves its volume and not its address."""
        full = name if index is None else f"{name}-{index}"
        if full in self.pods:
            self.pods[full].remove()
        pod = self.pods[full] = Pod(self, kind, name, full)
        pod.start()
        return pod

    def close(self) -> None:
        """Remove every pod."""
        for pod in self.pods.values():
            pod.remove()


class Pod:
    """One pod: its init containers run to their end, then its one container."""

    def __init__(self, node: Node, kind: str, owner: str, name: str) -> None:
        self.node, self.kind, self.owner, self.name = node, kind, owner, name
        self.spec = node.template(kind, owner)["spec"]
        self.main = self.spec["containers"][0]
        self.box = f"{node.name}-{name}"
        self.ip = node.address(name)
        self.home = node.folder / f"{name}-{self.ip}"
        for volume in self.spec.get("volumes", []):
            self._make_volume(volume)

    def start(self) -> None:
        """Run the init containers, then start the container."""
        for container in self.spec.get("initContainers", []):
            docker("run", "--rm", *self._arguments(container))
        # As behind a Service without cluster address, and one for this pod alone.
        names = [self.owner, f"{self.owner}.{DOMAIN}", f"{self.name}.{DOMAIN}"]
        names += [f"{self.name}.{self.owner}", f"{self.name}.{self.owner}.{DOMAIN}"]
        aliases = [part for name in names for part in ("--network-alias", name)]
        where = ["--network", self.node.name, "--ip", self.ip, "--hostname", self.name, *aliases]
        docker("run", "-d", "--name", self.box, *where, *self._arguments(self.main))

    def _make_volume(self, volume: dict[str, Any]) -> None:
        """Put a volume's files where the container will see them, with owner and mode."""
        folder, spec = self.home / volume["name"], self.spec["securityContext"]
        folder.mkdir(parents=True)
        group = spec.get("fsGroup", 0)
        if "emptyDir" in volume:
            os.chown(folder, 0, group)
            folder.chmod(0o2777)
        elif "configMap" in volume:
            for name, text in self.node.config(volume["configMap"]["name"]).items():
                (folder / name).write_text(text)
                (folder / name).chmod(0o644)
        else:
            secret = volume["secret"]
            values = self.node.api.secrets[secret["secretName"]]
            items = secret.get("items") or [{"key": k, "path": k} for k in values]
            for item in items:
                file = folder / item["path"]
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(values[item["key"]])
                os.chown(file, 0, group)
                file.chmod(secret.get("defaultMode", 0o644))

    def _arguments(self, container: dict[str, Any]) -> list[str]:
        """Return what `docker run` is told so that it does what the manifest says."""
        pod, own = self.spec["securityContext"], container["securityContext"]
        told = ["--user", f"{pod['runAsUser']}:{pod['runAsGroup']}"]
        told += ["--group-add", str(pod["fsGroup"])] if "fsGroup" in pod else []
        told += ["--read-only"] if own["readOnlyRootFilesystem"] else []
        told += [f"--cap-drop={cap}" for cap in own["capabilities"]["drop"]]
        told += [] if own["allowPrivilegeEscalation"] else ["--security-opt", "no-new-privileges"]
        told += ["--memory", container["resources"]["limits"]["memory"].removesuffix("i")]
        for name, value in self._environment(container).items():
            told += ["-e", f"{name}={value}"]
        for mount in container.get("volumeMounts", []):
            source = self.home / mount["name"]
            if (
                not source.exists()
            ):  # a volume claim: it outlives the pod, open to all as k3s makes it
                source = self.node.folder / f"claim-{mount['name']}-{self.name}"
                source.mkdir(exist_ok=True)
                source.chmod(0o777)
            mode = ":ro" if mount.get("readOnly") else ""
            told += ["-v", f"{source}:{mount['mountPath']}{mode}"]
        if self.spec["automountServiceAccountToken"]:
            told += ["-v", f"{self.node.api.account}:{ACCOUNT}:ro"]
        command = container.get("command", [])
        told += ["--entrypoint", command[0]] if command else []
        return [*told, container["image"], *command[1:], *container.get("args", [])]

    def _environment(self, container: dict[str, Any]) -> dict[str, str]:
        host, port = self.node.api.server_address[:2]
        given = {"KUBERNETES_SERVICE_HOST": str(host), "KUBERNETES_SERVICE_PORT": str(port)}
        for source in container.get("envFrom", []):
            given |= self.node.config(source["configMapRef"]["name"])
        fields = {"metadata.namespace": NAMESPACE, "status.podIP": self.ip}
        for one in container.get("env", []):
            if "value" in one:
                given[one["name"]] = one["value"]
            elif "fieldRef" in one["valueFrom"]:
                given[one["name"]] = fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
            else:
                ref = one["valueFrom"]["secretKeyRef"]
                given[one["name"]] = self.node.api.secrets[ref["name"]][ref["key"]].decode()
        return given

    def exec(self, *command: str, check: bool = True) -> str:
        """Run a command in the container, as `kubectl exec` and exec probes do."""
        return docker("exec", self.box, *command, check=check)

    def probe(self, which: str) -> bool:
        """Tell whether the manifest's probe of that name succeeds now."""
        probe = self.main.get(which)
        if probe is None or "tcpSocket" in probe:
            return self.state()["Running"] is True
        if "exec" in probe:
            command = ["docker", "exec", self.box, *probe["exec"]["command"]]
            return not subprocess.run(command, capture_output=True, check=False).returncode
        port = next(p["containerPort"] for p in self.main["ports"])
        try:
            with urllib.request.urlopen(
                f"http://{self.ip}:{port}{probe['httpGet']['path']}", timeout=3
            ):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def ready(self, seconds: float = 60) -> "Pod":
        """Wait until its startup and readiness probes succeed; else fail with its log."""
        try:
            for which in ("startupProbe", "readinessProbe"):
                until(lambda w=which: self.probe(w), seconds)
        except AssertionError:
            raise AssertionError(f"{self.name} is not ready:\n{self.log()}") from None
        return self

    def log(self, lines: int = 40) -> str:
        """Return its last lines."""
        return docker("logs", "--tail", str(lines), self.box, check=False)

    def state(self) -> dict[str, Any]:
        """Return what the engine knows of it: Running, ExitCode, OOMKilled."""
        known: dict[str, Any] = json.loads(docker("inspect", "-f", "{{json .State}}", self.box))
        return known

    def stop(self) -> int:
        """End it as a kubelet does, with SIGKILL only after its grace; return its exit status."""
        hook = self.main.get("lifecycle", {}).get("preStop")
        if hook:
            self.exec(*hook["exec"]["command"])
        docker("stop", "-t", str(self.spec["terminationGracePeriodSeconds"]), self.box)
        return int(self.state()["ExitCode"])

    def complete(self) -> "Pod":
        """Wait until a Job's pod has done its work; fail with its log if it did not."""
        assert docker("wait", self.box) == "0", self.log()
        return self

    def remove(self) -> None:
        """Kill it and forget all but its claims."""
        docker("rm", "-f", "-v", self.box, check=False)
        shutil.rmtree(self.home, ignore_errors=True)
