"""Reads the time column of a CSV file: numbers since the epoch, dates, years. Pure."""

import re
from datetime import UTC, datetime

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_YEAR = re.compile(r"[12]\d{3}(\.0*)?")
_DAY = re.compile(r"[12]\d{7}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_LEAP_SECOND = re.compile(r"(?<=:\d\d:)60(?=\D|$)")

EPOCH_UNITS = ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3), (float("inf"), 1e-6))
"""Numbers below the first figure are seconds, below the next ms, then microseconds, nanoseconds.

As seconds 1e11 is the year 5138; as ms it is March 1973.
"""


def parse_time_ms(text: str) -> int:
    """Return integer ms since the epoch; raise ValueError where the text is no time.

    Four digits from 1000 to 2999 are a year, eight that form a date are YYYYMMDD, other numbers
    count from the epoch (EPOCH_UNITS). All else is ISO 8601; without an offset it is UTC. A leap
    second, 23:59:60, has the number of the second after it, as POSIX has it.
    """
    text = text.strip()
    if _YEAR.fullmatch(text):
        text = text[:4] + "-01-01"
    elif _MONTH.fullmatch(text):
        text += "-01"
    elif _NUMBER.fullmatch(text) and not _is_day(text):
        return _since_epoch(text)
    text, leap_seconds = _LEAP_SECOND.subn("59", text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round((moment.timestamp() + leap_seconds) * 1000)


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _since_epoch(text: str) -> int:
    number = float(text)
    factor = next(factor for below, factor in EPOCH_UNITS if abs(number) < below)
    return round(number * factor)
