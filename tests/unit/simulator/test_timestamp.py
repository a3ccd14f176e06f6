"""simulator/timestamp.py: every form of time that the help names, and nothing else."""

from datetime import UTC, datetime

import pytest

from simulator.timestamp import parse_time_ms


def _ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1958", _ms(1958, 1, 1)),
        ("1700.0", _ms(1700, 1, 1)),
        ("19580329", _ms(1958, 3, 29)),
        ("1958-03", _ms(1958, 3, 1)),
        ("1958-03-29", _ms(1958, 3, 29)),
        ("2026-05-01T12:00:00Z", _ms(2026, 5, 1, 12)),
        ("2026-05-01 14:00:00+02:00", _ms(2026, 5, 1, 12)),
        ("2026-05-01T12:00:00.250", _ms(2026, 5, 1, 12) + 250),
        ("2016-12-31T23:59:60Z", _ms(2017, 1, 1)),
        ("2016-12-31 23:59:60.250", _ms(2017, 1, 1) + 250),
        ("1777636800", _ms(2026, 5, 1, 12)),
        ("1777636800.25", _ms(2026, 5, 1, 12) + 250),
        ("1777636800123", _ms(2026, 5, 1, 12) + 123),
        ("1777636800123456", _ms(2026, 5, 1, 12) + 123),
        ("1777636800123456789", _ms(2026, 5, 1, 12) + 123),
        ("-86400", -86_400_000),
        ("0", 0),
        ("99999999", 99_999_999_000),  # eight digits, but no date
    ],
)
def test_a_time_is_read_to_the_millisecond(text: str, expected: int) -> None:
    """Years, dates, ISO 8601 and four units since the epoch are told apart by their form."""
    assert parse_time_ms(text) == expected


@pytest.mark.parametrize(
    "text", ["", "noon", "1/2/2026", "12:00", "1e9", "nan", "2026-13-01", "12:00:61"]
)
def test_what_is_no_time_is_an_error(text: str) -> None:
    """Nothing is guessed: a text of another form raises ValueError."""
    with pytest.raises(ValueError, match=r".*"):
        parse_time_ms(text)
