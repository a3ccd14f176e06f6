"""Renders what is in k8s/ with `kubectl kustomize`; needs no cluster."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPONENTS = sorted(p.name for p in (ROOT / "k8s/components").iterdir() if p.is_dir())


@cache
def rendered(name: str) -> tuple[dict[str, Any], ...]:
    """Return the objects of `base`, `k3s`, or the k3s overlay with one more component."""
    folder = ROOT / ("k8s/base" if name == "base" else "k8s/overlays/k3s")
    if name not in ("base", "k3s"):
        trial = ROOT / "k8s" / f".trial-{name}"
        trial.mkdir(exist_ok=True)
        components = "" if name == "simulator" else f"components: [../components/{name}]\n"
        (trial / "kustomization.yaml").write_text(f"resources: [../overlays/k3s]\n{components}")
        try:
            return _render(trial)
        finally:
            shutil.rmtree(trial)
    return _render(folder)


def _render(folder: Path) -> tuple[dict[str, Any], ...]:
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))
