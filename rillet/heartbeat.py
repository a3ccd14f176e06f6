"""A file whose age tells a probe that a process without a port still makes progress."""

from collections.abc import Iterable
from threading import Lock

import structlog

from rillet.settings import Settings

log = structlog.get_logger("rillet")


def beat(settings: Settings) -> None:
    """Touch RILLET_HEARTBEAT_FILE, where one is set."""
    if settings.heartbeat_file:
        settings.heartbeat_file.touch()


class Pulse:
    """The heartbeat of a process of several threads: the file is touched when all made progress.

    So a thread that died or stands still lets the file grow old, however lively the others are.
    """

    def __init__(self, settings: Settings, members: Iterable[str]) -> None:
        self._settings = settings
        self._members = frozenset(members)
        self._awaited = set(self._members)
        self._fault = ""
        self._lock = Lock()

    def beat(self, member: str) -> None:
        """Note a member's progress. A file that cannot be touched is logged: work goes on."""
        with self._lock:
            self._awaited.discard(member)
            if not self._awaited:
                self._awaited = set(self._members)
                self._touch()

    def _touch(self) -> None:
        try:
            beat(self._settings)
        except OSError as error:
            if not self._fault:
                log.warning("heartbeat.failing", fault=str(error))
            self._fault = str(error)
        else:
            self._fault = ""
