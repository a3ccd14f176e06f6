"""The wheel: built from the sdist, installed into a clean environment, it runs the demo."""

import json
import os
import re
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import pytest

from rillet.embedded import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_runs_the_demo_with_the_page_in_it(tmp_path: Path) -> None:
    """`python -m build`, install it elsewhere, `rillet demo`: page, scripts, live figures."""
    build = [sys.executable, "-m", "build", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, cwd=tmp_path)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    install = [str(python), "-m", "pip", "install", "-q", f"rillet[demo] @ {wheel.as_uri()}"]
    subprocess.run(install, check=True, cwd=tmp_path)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RILLET_", "PYTHON"))}
    env["PATH"] = f"{tmp_path / 'env/bin'}:/usr/bin:/bin"
    demo = subprocess.Popen(
        ["rillet", "demo", "--port", str(free_port())],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        url = until(lambda: _page(demo), 60)
        page = urllib.request.urlopen(url, timeout=5).read().decode()
        assert "<title>Rillet" in page
        for script in re.findall(r'(?:src|href)="(/?[\w/.-]+\.(?:js|css))"', page):
            with urllib.request.urlopen(f"{url}/{script.lstrip('/')}", timeout=5) as answer:
                assert answer.status == 200

        def figures() -> bool:
            with urllib.request.urlopen(f"{url}/api/sensors", timeout=5) as answer:
                return any(s["count"] > 1 for s in json.load(answer)["items"])

        until(figures, 30)
    finally:
        demo.terminate()
        demo.communicate(timeout=30)


def _page(demo: "subprocess.Popen[str]") -> str | None:
    """Return the page's address from the demo's next line of output, if it is there."""
    assert demo.poll() is None
    assert demo.stdout
    found = re.search(r"(http://127\.0\.0\.1:\d+)", demo.stdout.readline())
    return found[1] if found else None
