"""How the API's process ends with a bug: in order, as by SIGTERM, but with a status that says so.

Touches the handler of SIGTERM. uvicorn stops at a SIGTERM and then raises it once more: that ends
the process as a plain stop, and as a container's first process, which is immune, not at all.
"""

import signal
import sys
from threading import Event
from types import FrameType

BROKEN = 1
"""The exit status after a bug."""

_broken = Event()


def end_broken() -> None:
    """End this process: whoever runs it starts another."""
    _broken.set()
    signal.raise_signal(signal.SIGTERM)


def hear_end() -> None:
    """Have the SIGTERM that is raised when all has ended tell a bug from a stop."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    if _broken.is_set():
        sys.exit(BROKEN)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
