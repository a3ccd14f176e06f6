"""The Dockerfile and .dockerignore, read as text: quick, without an engine."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_goes_into_the_image() -> None:
    """What the wheel is made of is let into the build and copied there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {*wheel["packages"], *wheel["force-include"]}
    assert {f"!{name}" for name in wanted} <= set((ROOT / ".dockerignore").read_text().split())
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert {name for name in wanted if f"COPY {name} {name}\n" not in dockerfile} == set()
