"""The worker: drives the fold of every partition, waits when there is nothing to do, and heals.

Touches Redis through fold.lua, `XREAD BLOCK` and `XGROUP CREATE` on `readings`, EXISTS on `firing`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import redis

from processor.fold import Folded, fold
from processor.health import Health
from processor.pace import Pace
from rillet.connect import FAULTS, connect
from rillet.errors import UserError
from rillet.heartbeat import Pulse
from rillet.keys import GROUP, Keys, partition_keys
from rillet.settings import Settings

WAIT_MS = 500
"""How long one XREAD blocks. It only bounds how fast a stop or a deleted stream is noticed."""

LOOK_S = 5.0
"""How often a worker without alerts looks whether some fire still."""

JOIN_S = 1.0
"""How long the main thread sleeps at a time: an endless join may sleep through two signals at once
(seen with CPython 3.11 on Linux), and their handlers run in that thread."""

BACKOFF_S = (0.05, 2.0)
"""First and longest pause after a failure; each pause is twice the one before."""


class Driver:
    """Drives one partition until told to stop; every failure is retried with back-off.

    What people put right while a worker runs is such a failure too: a password file that is
    missing during a reconnect raises UserError. Anything else is a bug, and ends the process.
    """

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        stop: Event,
        on_fold: Callable[[Keys, Folded], None],
        *,
        health: Health,
        pulse: Pulse,
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.stop = stop
        self.on_fold = on_fold
        self.health = health
        self.pulse = pulse
        self.pace = Pace(settings.fold_target_ms * 1000, settings.fold_max_count)
        self._pause_s = 0.0
        self._look_at_s = 0.0
        self._parting = False

    def run(self) -> None:
        """Fold, wait, fold; return when stopped."""
        client: Any = None
        while not self.stop.is_set():
            self.pulse.beat(self.keys.readings)
            try:
                client = client or connect(self.settings)
                self._step(client)
            except (UserError, *FAULTS) as error:
                self.health.ill(self.keys.readings, f"{type(error).__name__}: {error}")
                client = _keep(client, error)
                self._back_off()
        if client:
            client.close()

    def _step(self, client: Any) -> None:
        """Fold once; if that took all there was, wait until more comes."""
        pace = self.pace
        parting = self._is_parting(client)
        folded = fold(
            client,
            self.settings,
            self.keys,
            pace.count,
            budget=pace.budget,
            due_most=pace.due_most,
            parting=parting,
        )
        pace.note(folded.entries, folded.weight, folded.busy_us, due_left=bool(folded.due_left))
        self.on_fold(self.keys, folded)
        missing = folded.fault == "NOSTREAM"
        if missing:
            self._make_group(client)
        elif folded.fault:
            self.health.ill(self.keys.readings, folded.fault)
            if folded.entries == 0:
                self._back_off()
            return
        if folded.backlog == 0 and not folded.due_left and not self.stop.is_set():
            after = "0-0" if missing else folded.cursor
            client.xread({self.keys.readings: after}, count=1, block=WAIT_MS)
        self.health.well(self.keys.readings)
        self._pause_s = 0.0

    def _is_parting(self, client: Any) -> bool:
        """Tell whether alerts are off and some fire still; another worker may yet have them on."""
        if not self.settings.alerts and (self._parting or time.monotonic() >= self._look_at_s):
            self._parting = bool(client.exists(self.keys.firing))
            self._look_at_s = time.monotonic() + LOOK_S
        return self._parting

    def _make_group(self, client: Any) -> None:
        """Make stream and group, so that people and producers can see the lag from the start."""
        try:
            client.xgroup_create(self.keys.readings, GROUP, id="0-0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _back_off(self) -> None:
        first, longest = BACKOFF_S
        self._pause_s = min(longest, self._pause_s * 2 or first)
        self.stop.wait(self._pause_s)


def _keep(client: Any, error: Exception) -> Any:
    """Return the client if the server answered, else nothing: then a new one is made.

    A Cluster's client goes on asking the node it chose first, even where that one is gone.
    """
    if client is None or isinstance(error, redis.ResponseError):
        return client
    with suppress(*FAULTS):
        client.close()
    return None


def ignore(_keys: Keys, _folded: Folded) -> None:
    """Do nothing with a fold's outcome."""


def work(settings: Settings, stop: Event, on_fold: Callable[[Keys, Folded], None] = ignore) -> None:
    """Drive every partition, each in a thread with a connection of its own, until `stop` is set."""
    parts = partition_keys(settings)
    health, pulse = Health(), Pulse(settings, [keys.readings for keys in parts])
    drivers = [Driver(settings, keys, stop, on_fold, health=health, pulse=pulse) for keys in parts]
    threads = [Thread(target=d.run, name=d.keys.readings, daemon=True) for d in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(JOIN_S)
