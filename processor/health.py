"""What ails the drivers of one process, told in few lines: an outage meets them all at once."""

import re
from threading import Lock

import structlog

log = structlog.get_logger("processor")


_LINE = re.compile(r"@user_script:(\d+)")


def cause_of(fault: str) -> str:
    """Return the first words of a fault, and which line of the script met it, if one did.

    The words are an error's class, and of what the server answered its code. The rest, such as an
    address or a key, differs between drivers and attempts.
    """
    words = fault.split(maxsplit=2)
    first = words[:2] if words[:1] == ["ResponseError:"] else words[:1]
    return " ".join([*first, *_LINE.findall(fault)])


class Health:
    """Logs each cause of an outage once, and its end once every driver is well again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._causes: dict[str, set[str]] = {}

    def ill(self, stream: str, fault: str) -> None:
        """Note that the driver of this stream met a fault."""
        cause = cause_of(fault)
        with self._lock:
            known = any(cause in causes for causes in self._causes.values())
            self._causes.setdefault(stream, set()).add(cause)
        if not known:
            log.warning("fold.failing", stream=stream, fault=fault)

    def well(self, stream: str) -> None:
        """Note that this stream's driver did a whole step without a fault."""
        with self._lock:
            recovered = self._causes.pop(stream, None) and not self._causes
        if recovered:
            log.info("fold.recovered", stream=stream)
