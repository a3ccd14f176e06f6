"""Writes readings to the stream: pipelined, within the backlog's bound, through lost connections.

It appends to `readings` and asks for its length and its group's lag; it trims nothing.
"""

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from redis.exceptions import ClusterDownError, MasterDownError, TryAgainError

from rillet.connect import FAULTS, connect
from rillet.errors import UserError
from rillet.heartbeat import beat
from rillet.keys import GROUP, Keys, partition_keys, partition_of
from rillet.settings import Settings
from simulator.reading import Reading

BATCH = 500
"""Readings sent in one pipeline; more gains nothing that can be measured."""

BACKOFF_S = (0.05, 2.0)
"""The first and the longest wait before another try."""

PASSING = (
    redis.OutOfMemoryError,
    redis.ReadOnlyError,
    MasterDownError,
    ClusterDownError,
    TryAgainError,
)
"""Error replies that a later try may get over, besides those in PASSING_CODES."""

PASSING_CODES = ("BUSY", "MISCONF", "NOREPLICAS")
"""First words of error replies that redis-py has no class of its own for."""

log = structlog.get_logger("simulator")


class Writer:
    """Sends readings, each once unless a connection breaks before the answer.

    `sent` counts the readings that Redis has acknowledged. A batch whose answer was lost is sent
    again, so some of it may be there twice: `seq` makes that harmless. While more than
    `settings.backlog_max` readings of a partition are not yet folded, sending waits.
    """

    def __init__(
        self,
        settings: Settings,
        batch: int = BATCH,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._client: Any = connect(settings)  # what no waiting mends is said at once
        self._keys = partition_keys(settings)
        self._batch = max(1, min(batch, settings.backlog_max // 4))
        self._sleep = sleep
        self._pending: list[list[list[str]]] = [[] for _ in self._keys]
        self._backlog: list[int | None] = [None for _ in self._keys]
        self._partition: dict[str, int] = {}
        self._waiting = False
        self.sent = 0

    def close(self) -> None:
        """Close the connection; what was added and not flushed is dropped."""
        if self._client:
            self._client.close()
        self._client = None  # a Cluster's client that was closed cannot be used again

    def _connected(self) -> Any:
        self._client = self._client or connect(self._settings)
        return self._client

    def add(self, reading: Reading) -> None:
        """Take one reading; a full batch is sent at once."""
        partition = self._partition.get(reading.sensor)
        if partition is None:
            partition = partition_of(reading.sensor, len(self._keys))
            self._partition[reading.sensor] = partition
        pending = self._pending[partition]
        pending.append(reading.fields())
        if len(pending) >= self._batch:
            self._send(partition)

    def flush(self) -> None:
        """Send everything in hand and return when Redis has acknowledged it."""
        for partition, pending in enumerate(self._pending):
            if pending:
                self._send(partition)

    def _send(self, partition: int) -> None:
        """Send one partition's readings; wait for room and for a connection as long as it takes."""
        lost, wait_s = "", BACKOFF_S[0]
        while self._pending[partition]:
            try:
                self._hold_back(partition)
                self._append(partition)
            except FAULTS as error:
                if not _passing(error):
                    raise UserError(f"Redis refused a reading: {error}.") from None
                if not lost:
                    lost = str(error)
                    log.warning("redis_lost", error=lost, in_hand=len(self._pending[partition]))
                self._backlog[partition] = None
                self.close()  # behind the address there may be another primary by now
                self._sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_S[1])
        if lost:
            log.info("redis_back")

    def _append(self, partition: int) -> None:
        """Send the batch and, in the same round trip, ask how large the backlog has become.

        What Redis refused stays in hand, in its order; the first refusal is raised.
        """
        pending, keys = self._pending[partition], self._keys[partition]
        pipe: Any = self._connected().pipeline(transaction=False)
        for fields in pending:
            pipe.execute_command("XADD", keys.readings, "*", *fields)
        _ask_backlog(pipe, keys)
        replies = pipe.execute(raise_on_error=False)
        refused = [reply for reply in replies[:-2] if isinstance(reply, Exception)]
        self.sent += len(pending) - len(refused)
        self._pending[partition] = [
            fields
            for fields, reply in zip(pending, replies, strict=False)
            if isinstance(reply, Exception)
        ]
        self._backlog[partition] = _backlog(replies)
        beat(self._settings)
        if refused:
            raise refused[0]

    def _hold_back(self, partition: int) -> None:
        """Return when the batch fits under the bound; say once that, and why, it must wait."""
        room = self._settings.backlog_max - len(self._pending[partition])
        backlog, wait_s = self._backlog[partition], 0.01
        while backlog is None or backlog > room:
            pipe = self._connected().pipeline(transaction=False)
            _ask_backlog(pipe, self._keys[partition])
            backlog = _backlog(pipe.execute(raise_on_error=False))
            if backlog <= room:
                break
            self._say_waiting(backlog)
            self._sleep(wait_s)
            wait_s = min(wait_s * 2, 0.25)
        if self._waiting:
            self._waiting = False
            log.info("backlog_cleared", unread=backlog)

    def _say_waiting(self, backlog: int) -> None:
        if self._waiting:
            return
        self._waiting = True
        log.warning(
            "backlog_full",
            unread=backlog,
            backlog_max=self._settings.backlog_max,
            hint="waiting for `rillet process` to fold; nothing is trimmed unread",
        )


def _ask_backlog(pipe: Any, keys: Keys) -> None:
    pipe.xlen(keys.readings)
    pipe.xinfo_groups(keys.readings)


def _backlog(replies: list[Any]) -> int:
    """Return the unread readings: the lag of the group, or all there are where none is known."""
    length, groups = replies[-2:]
    if isinstance(length, Exception):
        raise length
    if not isinstance(groups, Exception):  # an error is the answer where there is no stream yet
        for group in groups:
            if group["name"] == GROUP.encode() and group.get("lag") is not None:
                return int(group["lag"])
    return int(length)


def _passing(error: Exception) -> bool:
    """Tell whether a later try may succeed; a refused login or a wrong key type will not."""
    if isinstance(error, redis.ResponseError):
        return isinstance(error, PASSING) or str(error).startswith(PASSING_CODES)
    return not isinstance(error, redis.AuthenticationError)
