"""The worker: drives the fold of every partition, waits when there is nothing to do, and heals.

Touches Redis through fold.lua, and `XREAD BLOCK` and `XGROUP CREATE` on `readings`.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import redis
import structlog

from processor.fold import Folded, fold
from processor.pace import Pace
from rillet.connect import FAULTS, connect
from rillet.heartbeat import beat
from rillet.keys import GROUP, Keys, partition_keys
from rillet.settings import Settings

log = structlog.get_logger("processor")

WAIT_MS = 500
"""How long one XREAD blocks. It only bounds how fast a stop or a deleted stream is noticed."""

BACKOFF_S = (0.05, 2.0)
"""First and longest pause after a failure; each pause is twice the one before."""


class Driver:
    """Drives one partition until told to stop; every failure is retried with back-off."""

    def __init__(
        self, settings: Settings, keys: Keys, stop: Event, on_fold: Callable[[Keys, Folded], None]
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.stop = stop
        self.on_fold = on_fold
        self.pace = Pace(settings.fold_target_ms * 1000, settings.fold_max_count)
        self._fault = ""
        self._pause_s = 0.0

    def run(self) -> None:
        """Fold, wait, fold; return when stopped."""
        client: Any = None
        while not self.stop.is_set():
            beat(self.settings)
            try:
                client = client or connect(self.settings)
                self._step(client)
                self._pause_s = 0.0
            except FAULTS as error:
                self._note_fault(f"{type(error).__name__}: {error}")
                client = _keep(client, error)
                self._back_off()
        if client:
            client.close()

    def _step(self, client: Any) -> None:
        """Fold once; if that took all there was, wait until more comes."""
        folded = fold(client, self.settings, self.keys, self.pace.count)
        self.pace.note(folded.entries, folded.busy_us)
        self.on_fold(self.keys, folded)
        missing = folded.fault == "NOSTREAM"
        if missing:
            self._make_group(client)
        self._note_fault("" if missing else folded.fault)
        if folded.backlog == 0 and not self.stop.is_set():
            after = "0-0" if missing else folded.cursor
            client.xread({self.keys.readings: after}, count=1, block=WAIT_MS)

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

    def _note_fault(self, fault: str) -> None:
        """Log a change between well and ill, one line each, not one per attempt."""
        if fault and not self._fault:
            log.warning("fold.failing", stream=self.keys.readings, fault=fault)
        elif self._fault and not fault:
            log.info("fold.recovered", stream=self.keys.readings)
        self._fault = fault


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
    drivers = [Driver(settings, keys, stop, on_fold) for keys in partition_keys(settings)]
    threads = [Thread(target=d.run, name=d.keys.readings, daemon=True) for d in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
