"""The sizes of windows and other spans of time as people write them: `10s`, `1m`, `1h`, `1d`."""

import re
from dataclasses import dataclass
from itertools import pairwise

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
LEAST_MS, MOST_MS = 1000, 400 * 86_400_000
"""The shortest and the longest window."""
MOST_KEPT = 1_000_000
LEAST_KEPT = 60
"""Of each size, where no number is given."""
MOST_OPEN = 1000
"""The most windows of the finest size that the allowed lateness may keep open in a record."""

_COUNT = re.compile(r"[0-9]{1,7}")
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_CHARTS_MS = ((_MINUTE, 10 * _MINUTE), (_HOUR, 4 * _HOUR), (_DAY, 8 * _DAY), (2 * MOST_MS, MOST_MS))
"""Windows shorter than the first are kept for the second, where no number is given."""


@dataclass(frozen=True, slots=True)
class Size:
    """One size of window: its name in keys, its length in ms, and how many closed ones are kept.

    The name follows from the length, however it was written: else `60s` in the place of `1m` would
    leave behind what was kept.
    """

    name: str
    ms: int
    keep: int


def parse_span_ms(text: str) -> int:
    """Return the milliseconds of `5m` and the like; raise ValueError for what is none."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is not a span of time such as 10s, 5m, 1h or 7d")
    return int(found[1]) * _UNITS_MS[found[2]]


def name_of(ms: int) -> str:
    """Return the span in the largest unit of which it is a whole number."""
    unit = next(unit for unit in reversed(_UNITS_MS) if ms % _UNITS_MS[unit] == 0)
    return f"{ms // _UNITS_MS[unit]}{unit}"


def parse_sizes(windows: str, keep: str) -> tuple[Size, ...]:
    """Return the sizes, finest first; raise ValueError in a sentence that says what to do.

    Where `keep` is empty, how many are kept follows from the sizes.
    """
    names = [name.strip() for name in windows.split(",") if name.strip()]
    if not names:
        return ()
    spans = {name: parse_span_ms(name) for name in names}
    for name, ms in spans.items():
        if not LEAST_MS <= ms <= MOST_MS:
            raise ValueError(f"{name} is not between 1s and 400d")
    for finer, larger in pairwise(names):
        _check_pair(finer, spans[finer], larger, spans[larger])
    counts = _counts(keep, len(names)) if keep.strip() else _enough(list(spans.values()))
    sizes = tuple(
        Size(name_of(spans[name]), spans[name], n) for name, n in zip(names, counts, strict=True)
    )
    for size in sizes:
        if not 1 <= size.keep <= MOST_KEPT:
            raise ValueError(f"keep 1 to {MOST_KEPT} windows of {size.name}")
    for size, larger_size in pairwise(sizes):
        if size.keep * size.ms < larger_size.ms:
            least = larger_size.ms // size.ms
            raise ValueError(
                f"keep at least {least} windows of {size.name}: one {larger_size.name}"
            )
    return sizes


def _check_pair(finer: str, finer_ms: int, larger: str, larger_ms: int) -> None:
    """Check that a window is a whole number of finer ones, which can all be kept."""
    if larger_ms % finer_ms or larger_ms <= finer_ms:
        raise ValueError(f"{finer} does not divide {larger}: give the finest size first")
    if larger_ms // finer_ms > MOST_KEPT:
        raise ValueError(f"{larger} is too long to be made of {finer}: give a size in between")


def _counts(keep: str, sizes: int) -> list[int]:
    """Return the numbers of `keep`, one for each size; 0 for what is none."""
    counts = [int(n) if _COUNT.fullmatch(n.strip()) else 0 for n in keep.split(",")]
    if len(counts) == 1:
        return counts * sizes
    if len(counts) != sizes:
        numbers = f"{sizes} number{'s' if sizes > 1 else ''}"
        raise ValueError(
            f"give {numbers} in RILLET_WINDOWS_KEEP, or none: they follow from the sizes"
        )
    return counts


def _enough(spans_ms: list[int]) -> list[int]:
    """Return how many to keep: for a chart, and for one window of the next larger size."""
    counts = []
    for ms, larger_ms in zip(spans_ms, [*spans_ms[1:], 0], strict=True):
        chart_ms = next(span for below, span in _CHARTS_MS if ms < below)
        counts.append(max(LEAST_KEPT, chart_ms // ms, larger_ms // ms))
    return counts
