"""Tells whether a Docker engine is here, for the tests that need one."""

import shutil
import subprocess


def missing() -> str:
    """Return why the tests cannot run here, or nothing."""
    if shutil.which("docker") is None:
        return "no docker here"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return f"`{' '.join(command)}` does not work here"
    return ""
