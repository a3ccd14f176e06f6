"""The Dockerfile and every shell script, looked through by the linters that are made for them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
