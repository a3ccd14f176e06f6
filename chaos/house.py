"""What a run consists of: one private server, two cables to it, workers; and ends it all."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chaos import limit
from chaos.cable import Cable
from chaos.producer import Producer
from processor.rules_store import write_rules
from processor.rules_text import parse_toml
from rillet.connect import FAULTS
from rillet.embedded import EmbeddedServer
from rillet.environment import environment_with
from rillet.settings import Settings
from rillet.signals import held_back

DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory_policy": "noeviction"}
"""The settings of Redis under which nothing may be lost."""

LIMITS: dict[str, Any] = {
    "readings_tail": 200,
    "results_maxlen": 2000,
    "rejects_maxlen": 100_000_000,
    "fold_max_count": 300,
    "windows": "10s,1m",
    "windows_keep": "60",
    "windows_maxlen": 100_000_000,
    "allowed_lateness_ms": 2000,
    "sketch_buckets": 4096,
    "late_maxlen": 100_000_000,
    "alerts_maxlen": 100_000_000,
}
"""Settings of the run: small ones where that gives trimming and folding more to do, and large ones
where each entry is counted at the end."""

NO_SERVER = 2
"""The status with which `rillet process` ends where no server answers as it starts."""


def settings_for(port: int, partitions: int) -> Settings:
    """Return settings for a server on this port that no variable of the environment changes."""
    url = f"redis://127.0.0.1:{port}/0"
    more = {"redis_url": url, "partitions": partitions, **LIMITS}
    return Settings(_env_prefix="NOT_RILLET_", **more)  # type: ignore[call-arg,unused-ignore]


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which a worker has these settings and no others of Rillet's."""
    own = {name: getattr(settings, name) for name in ("partitions", *LIMITS)}
    own |= {"redis_url": settings.redis_url.get_secret_value(), "log_level": "warning"}
    return environment_with(**own)


class Workers:
    """Processes of `rillet process`, from the code in `build` or from this one's."""

    def __init__(self, settings: Settings, folder: Path, build: Path | None) -> None:
        self.env, self.folder, self.build = environment(settings), folder, build
        self.ended: list[str] = []
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, number: int) -> None:
        """Start so many."""
        for at in range(number):
            self._start(at)

    def _start(self, at: int) -> None:
        """Start one, in the place of the one that had that number."""
        with held_back(), (self.folder / f"worker-{at}.log").open("ab") as log:
            # `python -m` puts the folder it is started in before every other.
            process = subprocess.Popen(
                [sys.executable, "-m", "rillet", "process"],
                cwd=self.build or Path(__file__).resolve().parents[1],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._running[at : at + 1] = [process]

    def kill(self, target: int) -> None:
        """SIGKILL one, and start another in its place."""
        at = target % len(self._running)
        self._running[at].kill()
        self._running[at].wait()
        self._start(at)

    def signal(self, target: int, number: signal.Signals) -> None:
        """Send one a signal."""
        self._running[target % len(self._running)].send_signal(number)

    def supervise(self) -> None:
        """Start again what gave up because no server answered when it began; note other ends."""
        for at, process in enumerate(self._running):
            code = process.poll()
            if code is not None:
                if code != NO_SERVER:
                    self.ended.append(f"worker {at} ended with status {code}")
                self._start(at)

    def stop(self) -> None:
        """SIGCONT and SIGTERM to all; SIGKILL to those that do not end."""
        for process in self._running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def tracebacks(self) -> int:
        """Return how many tracebacks are in the logs."""
        return sum(log.read_text().count("Traceback") for log in self.folder.glob("worker-*.log"))


class House:
    """All that faults may be done to. `client` goes to the server itself, past the cables."""

    def __init__(self, server: EmbeddedServer, partitions: int, build: Path | None = None) -> None:
        self.server = server
        self.workers_cable, self.producers_cable = Cable(server.port), Cable(server.port)
        self.settings = settings_for(server.port, partitions)
        # A server that is down is told at once, or the plan would fall behind.
        self.client: Any = redis.Redis(port=server.port, protocol=2, retry=Retry(NoBackoff(), 0))
        behind = settings_for(self.workers_cable.port, partitions)
        self.workers = Workers(behind, server.folder, build)
        self.producers: list[Producer] = []

    def load_rule(self) -> None:
        """Put the one alert rule of the run in force."""
        write_rules(self.client, self.settings, parse_toml(limit.RULE))

    def start_producers(self, number: int, seed: int, rate: float, total: int) -> None:
        """Start the producers, behind theirs; `rate` and `total` are of all together."""
        settings = settings_for(self.producers_cable.port, self.settings.partitions)
        each = total // number
        self.producers = [Producer(settings, p, seed, rate / number, each) for p in range(number)]
        for producer in self.producers:
            producer.start()

    def close(self) -> None:
        """End the workers and the cables, and producers that are still at it."""
        for producer in self.producers:
            producer.give_up.set()
        self.workers.stop()
        for cable in (self.workers_cable, self.producers_cable):
            cable.close()
        for producer in self.producers:
            producer.join(15)
        with contextlib.suppress(*FAULTS):
            self.client.close()
