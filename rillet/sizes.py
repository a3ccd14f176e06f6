"""The sizes of windows and other spans of time as people write them: `10s`, `1m`, `1h`, `1d`."""

import re
from dataclasses import dataclass
from itertools import pairwise

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
LEAST_MS, MOST_MS = 1000, 400 * 86_400_000
"""The shortest and the longest window."""
MOST_KEPT = 1_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """One size of window: its name in keys, its length in ms, and how many closed ones are kept."""

    name: str
    ms: int
    keep: int


def parse_span_ms(text: str) -> int:
    """Return the milliseconds of `5m` and the like; raise ValueError for what is none."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is not a span of time such as 10s, 5m, 1h or 7d")
    return int(found[1]) * _UNITS_MS[found[2]]


def parse_sizes(windows: str, keep: str) -> tuple[Size, ...]:
    """Return the sizes, finest first; raise ValueError in a sentence that says what to do."""
    names = [name.strip() for name in windows.split(",") if name.strip()]
    counts = [int(n) if n.strip().isdigit() else 0 for n in keep.split(",")]
    counts = counts * len(names) if len(counts) == 1 else counts
    if names and len(counts) != len(names):
        raise ValueError(
            f"{len(names)} sizes need {len(names)} numbers in RILLET_WINDOWS_KEEP, or one for all"
        )
    sizes = tuple(Size(n, parse_span_ms(n), k) for n, k in zip(names, counts, strict=False))
    for size in sizes:
        if not LEAST_MS <= size.ms <= MOST_MS:
            raise ValueError(f"{size.name} is not between 1s and 400d")
        if not 1 <= size.keep <= MOST_KEPT:
            raise ValueError(f"keep 1 to {MOST_KEPT} windows of {size.name}")
    for finer, size in pairwise(sizes):
        _check_pair(finer, size)
    return sizes


def _check_pair(finer: Size, size: Size) -> None:
    """Check that a window is a whole number of finer ones, and that those are kept so long."""
    if size.ms % finer.ms or size.ms <= finer.ms:
        raise ValueError(f"{finer.name} does not divide {size.name}: give the finest size first")
    if finer.keep * finer.ms < size.ms:
        least = size.ms // finer.ms
        raise ValueError(f"keep at least {least} windows of {finer.name}: one {size.name}")
