"""Finds the line of a key in TOML text, for messages about what is wrong there. Pure.

tomllib keeps no positions, and libraries that rewrite TOML keep the text but count no lines. So
ever longer beginnings of the text are read, by halves, until the key is first there.
"""

import tomllib
from typing import Any

LOOK_BACK = 50
"""Lines that one value may take, for the line of what follows it to be found."""

Path = tuple[str | int, ...]
"""Keys, and positions in lists, from the document down: `("rule", 2, "high")`."""


class Lines:
    """Finds the line of a key in a text that is TOML, by reading ever longer beginnings of it."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._read: dict[int, Any] = {0: {}}

    def of(self, path: Path) -> int | None:
        """Return the line, from 1, at which the text has first said what stands at `path`.

        Where the path's last key is nowhere, that is the line of what it is missing from. A value
        over several lines has the last of them.
        """
        low, high = 0, len(self.lines)
        if not _holds(self._beginning(high), path):
            return self.of(path[:-1]) if path else None
        while high - low > 1:  # what a beginning has, every longer one has too
            middle = (low + high) // 2
            if _holds(self._beginning(middle), path):
                high = middle
            else:
                low = middle
        return high

    def _beginning(self, count: int) -> Any:
        """Return the longest beginning of at most so many lines that is TOML."""
        if count not in self._read:
            self._read[count] = {}
            for n in range(count, max(0, count - LOOK_BACK), -1):
                try:
                    self._read[count] = tomllib.loads("\n".join(self.lines[:n]))
                    break
                except (ValueError, RecursionError):
                    continue
        return self._read[count]


def line_too_far(text: str) -> int:
    """Return the line, from 1, at which tomllib gives up on a text for another reason than TOML.

    Such are a number of thousands of digits, and tables nested by thousands.
    """
    lines = text.split("\n")
    low, high = 0, len(lines)
    while high - low > 1:  # what ends the reading of a beginning ends that of every longer one
        middle = (low + high) // 2
        if _gives_up("\n".join(lines[:middle])):
            high = middle
        else:
            low = middle
    return high


def _gives_up(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    except (ValueError, RecursionError):
        return True
    return False


def _holds(document: Any, path: Path) -> bool:
    for step in path:
        if isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        elif isinstance(document, dict) and step in document:
            document = document[str(step)]
        else:
            return False
    return True
