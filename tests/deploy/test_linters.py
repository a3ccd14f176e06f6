"""The Dockerfile and every shell script, looked through by the linters that are made for them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendering import COMPONENTS, rendered

ROOT = Path(__file__).parents[2]


def program(name: str) -> str:
    """Return where a linter is, beside this Python or on PATH; skip where it is not."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if not found:
        pytest.skip(f"no {name} here")
    return found


def scripts() -> list[Path]:
    folders = ("k8s", "deploy", "web", ".ci")
    found = [file for name in folders for file in (ROOT / name).rglob("*") if file.is_file()]
    return [f for f in found if f.suffix == ".sh" or f.parent.name == ".ci"]


def test_shell_scripts_are_well() -> None:
    """Shellcheck finds nothing in the scripts of containers, compose, the page and CI."""
    assert len(scripts()) > 8
    done = subprocess.run(
        [program("shellcheck"), *map(str, scripts())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_is_well() -> None:
    """Hadolint finds nothing."""
    done = subprocess.run(
        [program("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


ON_PURPOSE = {
    "CKV_K8S_11": "a CPU limit throttles a processor that catches up; requests share the node",
    "CKV_K8S_15": "an image imported by `k3s ctr images import` is in no registry",
    "CKV_K8S_35": "redis-cli and the probes read the password from the environment",
    "CKV_K8S_38": "the Job that makes the Secret asks the API server for it",
    "CKV_K8S_40": "999 is the user that the official Redis image has",
    "CKV_K8S_43": "versions are named; a digest would be another for each architecture's build",
}


@pytest.mark.deploy
def test_checkov_finds_only_what_is_on_purpose(tmp_path: Path) -> None:
    """Checkov's policies hold for Dockerfile and manifests, but for those with a reason here."""
    checkov = program("checkov")  # its own environment is best: it pins what it needs
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    for name in ("base", "k3s", *COMPONENTS):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(rendered(name)))
    command = [checkov, "--skip-download", "--quiet", "-o", "json", "-d", str(tmp_path)]
    command += ["--framework", "kubernetes", "dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert {one["check_type"] for one in found} == {"kubernetes", "dockerfile"}
    assert sum(one["summary"]["passed"] for one in found) > 500
    failed = {
        (check["check_id"], check["check_name"], check["resource"])
        for one in found
        for check in one["results"]["failed_checks"]
        if check["check_id"] not in ON_PURPOSE
    }
    assert failed == set()
