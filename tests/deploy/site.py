"""A real Kubernetes that the tests may write to: kubectl, and the page through its Ingress."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
NAMESPACE = "rillet"
SPARE = "rillet-elsewhere"
"""A namespace of the tests' own, for what may not reach Rillet."""


class Site:
    """One cluster, named by its kubeconfig; commands go to the namespace of Rillet."""

    def __init__(self, kubeconfig: str) -> None:
        self._env = {**os.environ, "KUBECONFIG": kubeconfig}

    def run(self, *arguments: str, check: bool = True) -> str:
        """Return what `kubectl ARGUMENTS` prints; without `check`, also where it fails."""
        done = subprocess.run(
            ["kubectl", *arguments], env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout + ("" if check else done.stderr)

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Do the same in Rillet's namespace."""
        return self.run("-n", NAMESPACE, *arguments, check=check)

    def inside(self, of: str, *command: str, check: bool = True) -> str:
        """Return what a command prints in a pod, such as `redis-0` or `deploy/rillet-api`."""
        return self("exec", of, "--", *command, check=check)

    def apply(self, folder: Path, component: str) -> None:
        """Do steps 3 and 4 of k8s/README.md with one more component, if it is named."""
        shutil.copytree(ROOT / "k8s", folder, dirs_exist_ok=True)
        overlay = folder / "overlays/k3s"
        if component:
            with (overlay / "kustomization.yaml").open("a") as written:
                written.write(f"  - ../../components/{component}\n")
        self.run("apply", "-k", str(overlay))
        self("rollout", "status", "statefulset/redis", "--timeout=180s")
        self("wait", "--for=condition=Available", "deployment", "--all", "--timeout=180s")

    def remove(self) -> None:
        """Take all of it away, and wait until it is gone."""
        for namespace in (NAMESPACE, SPARE):
            self.run("delete", "namespace", namespace, "--ignore-not-found")

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Return the pods of one part that are not going."""
        label = f"app.kubernetes.io/component={component}"
        found = json.loads(self("get", "pods", "-l", label, "-o", "json"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def token(self, name: str) -> str:
        """Return a token of the API as step 5 reads it."""
        packed = self("get", "secret", "rillet-tokens", "-o", f"jsonpath={{.data.{name}}}")
        return base64.b64decode(packed).decode()

    @property
    def url(self) -> str:
        """The page's address: the node's, as the overlay has no host."""
        path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'
        return f"http://{self.run('get', 'nodes', '-o', path)}"

    def client(self) -> httpx.Client:
        """Return a client of the API, with the read token."""
        headers = {"Authorization": f"Bearer {self.token('read')}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10)

    def exact(self) -> str:
        """Return what `rillet verify` says; fail where a figure is not right."""
        return self.inside("deploy/rillet-api", "rillet", "verify")
