"""`rillet demo`: the whole house on this machine, in four processes that end together."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from rillet.embedded import EmbeddedServer, packaged_cli
from rillet.environment import load_settings, strays
from rillet.errors import UserError
from rillet.keys import partition_keys, partition_of
from rillet.log import configure_logging, log_strays
from rillet.port import listen_on
from rillet.settings import Settings
from rillet.signals import end_as_by_ctrl_c, held_back

READY_S = 20.0
"""How long the API may take to answer before the demo gives up."""

RULES = Path(__file__).with_name("demo_rules.toml")
"""The alert rules of a demo with a server of its own."""

FAULTS = {
    "drift": ("temperature", 2),
    "spike": ("soil_nitrogen", 2),
    "stuck": ("soil_moisture", 1),
    "silent": ("soil_moisture", 3),
}
"""Scenario: the kind and number of the sensor that has it; one for each type of alert."""

FAULT_EVERY = 120
"""A fault begins in about one of so many readings, so that each is seen within two minutes."""

GRACE_S = 2.0
"""How long a process may take to end by itself before it is killed."""


def demo(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the page; the next free one if it is taken."),
    ] = None,
    sensors: Annotated[int, typer.Option(min=1, help="Sensors of each kind.")] = 3,
    rate: Annotated[float, typer.Option(min=0.1, help="Readings a second, in all.")] = 50.0,
    workers: Annotated[int, typer.Option(min=1, help="Processors to start.")] = 1,
) -> None:
    """Run everything on this machine: server, simulator, processor and page.

    Needs no Redis: it uses RILLET_REDIS_URL if that is set, else a redis-server or valkey-server
    on PATH, else the one in the `demo` extra. Ctrl-C stops it all and leaves nothing behind.
    """
    settings = load_settings(log_format="text")
    configure_logging(settings)
    log_strays()
    end_as_by_ctrl_c()
    with ExitStack() as stack:
        try:
            listener = listen_on(settings.host, settings.port if port is None else port)
            stack.enter_context(listener)
            url = _server_url(settings, stack)
            own = "redis_url" not in settings.model_fields_set
            children = Children(url, with_rules=own)
            stack.callback(children.stop)
            fd = listener.fileno()
            children.start("serve", "--host", settings.host, "--fd", str(fd), hand_down=(fd,))
            for _ in range(workers):
                children.start("process")
            kinds = ("--temperature", "--soil-nitrogen", "--soil-moisture")
            wanted = [part for kind in kinds for part in (kind, str(sensors))]
            children.start("simulate", *wanted, "--rate", str(rate), *_faults(sensors))
            page = _page_address(listener)
            _wait_for(f"{page}healthz", children)
            _announce(page, url, settings)
            children.wait()
        except KeyboardInterrupt:
            typer.echo("\nStopping ...")


def _server_url(settings: Settings, stack: ExitStack) -> str:
    if "redis_url" in settings.model_fields_set:
        return settings.redis_url.get_secret_value()
    server = EmbeddedServer()
    stack.enter_context(server)
    return server.url


def _faults(sensors: int) -> list[str]:
    """Return the simulator's options for the demo's faults; few sensors share them."""
    faulty = [f"{name}:{kind}-{min(n, sensors)}" for name, (kind, n) in FAULTS.items()]
    options = [part for scenario in faulty for part in ("--scenario", scenario)]
    return [*options, "--fault-every", str(FAULT_EVERY)]


def _page_address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class Children:
    """The demo's processes: started one by one, ended together."""

    def __init__(self, url: str, *, with_rules: bool) -> None:
        # The processes read the address from their environment, as everywhere else. What is no
        # setting they need not tell again.
        told = strays()
        self._env = {name: text for name, text in os.environ.items() if name not in told}
        self._env["RILLET_REDIS_URL"] = url
        self._env.setdefault("RILLET_LOG_LEVEL", "warning")
        if with_rules:  # a Redis of the user's own keeps its own
            self._env.setdefault("RILLET_RULES_FILE", str(RULES))
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *options: str, hand_down: tuple[int, ...] = ()) -> None:
        """Start `rillet NAME OPTIONS` in a session of its own, so that Ctrl-C reaches only us."""
        args = [sys.executable, "-m", "rillet", name, *options]
        label = f"{name}-{len(self._running)}"
        with held_back():
            self._running[label] = subprocess.Popen(  # noqa: S603 our own command
                args, env=self._env, start_new_session=True, pass_fds=hand_down
            )

    def check(self) -> None:
        """Raise UserError naming a process that has ended by itself."""
        for label, process in self._running.items():
            if process.poll() is not None:
                name = label.split("-")[0]
                raise UserError(
                    f"`rillet {name}` ended with status {process.returncode}; its lines are above."
                )

    def wait(self) -> None:
        """Return never: raise UserError when a process ends, or KeyboardInterrupt on Ctrl-C."""
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Ask every process to end, and kill after the grace time what has not."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in self._running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, children: Children) -> None:
    # The page is on this machine: a proxy from the environment has no part in it.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        children.check()
        try:
            with direct.open(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise UserError(f"The API did not answer at {url} within {READY_S:.0f} s.")


def _announce(page: str, url: str, settings: Settings) -> None:
    sensor = "temperature-1"
    keys = partition_keys(settings)[partition_of(sensor, settings.partitions)]
    tool = shutil.which("redis-cli") or shutil.which("valkey-cli") or packaged_cli() or "redis-cli"
    name = Path(tool).name if shutil.which(Path(tool).name) else tool
    typer.echo(
        f"\n  Dashboard   {page}\n"
        f"  Look inside {name} -u {url} HGETALL {keys.stats(sensor)}\n"
        f"  Watch       curl -N {page}api/stream\n\n"
        "  Ctrl-C stops everything."
    )
