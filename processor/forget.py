"""Forgets sensors of one partition: calls lua/forget.lua with the settings."""

from collections.abc import Sequence
from typing import Any

from processor.fold import fold_arguments, reducers_for
from processor.scripts import load_script
from rillet.errors import UserError
from rillet.keys import Keys
from rillet.settings import Settings
from rillet.validate import check_sensor

MOST = 500
"""Names of one call, so that it holds the server for a few milliseconds."""


def forget(
    client: Any,
    settings: Settings,
    keys: Keys,
    sensors: Sequence[str],
    seen_before_ms: int | None = None,
    *,
    now_ms: int | None = None,
) -> list[str]:
    """Take away all that is kept of these sensors, atomically; return those that there were.

    With `seen_before_ms` only those whose last reading, good or not, came before it. A sensor that
    sends again begins anew. Raise UserError where Redis refuses a write that must come first.
    """
    script = load_script("forget", reducers_for(settings, parting=True))
    known = fold_arguments(settings, keys, 0, now_ms, parting=True)
    forgotten: list[str] = []
    sensors = [name for name in sensors if _is_name(name)]
    for first in range(0, len(sensors), MOST):
        named = known | {
            "sensors": "\n".join(sensors[first : first + MOST]),
            "seen_before_ms": "" if seen_before_ms is None else seen_before_ms,
        }
        reply = script.run(client, named)
        forgotten += [name.decode() for name in reply["forgotten"]]
        if reply["fault"]:
            said = reply["fault"].decode(errors="replace")
            raise UserError(f"Redis refuses a write: {said}. Mend that, then forget again.")
    return forgotten


def _is_name(name: str) -> bool:
    """Tell whether a sensor can have this name: of one with a line break Lua would make two."""
    return name.isascii() and check_sensor(name.encode()) is None
