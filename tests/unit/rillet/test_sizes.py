"""rillet/sizes.py: which sizes of windows may be set."""

import pytest

from rillet.sizes import Size, parse_sizes, parse_span_ms


def test_sizes_are_read_finest_first() -> None:
    """Names stay as written, lengths are in ms, and each has its number to keep."""
    assert parse_sizes("10s,1m", "60,240") == (Size("10s", 10_000, 60), Size("1m", 60_000, 240))
    assert parse_sizes(" 1h , 1d ", "48") == (
        Size("1h", 3_600_000, 48),
        Size("1d", 86_400_000, 48),
    )


def test_no_size_is_no_windows() -> None:
    """An empty text turns windows off."""
    assert parse_sizes("", "60,240,192,400") == ()


@pytest.mark.parametrize(
    ("windows", "keep", "told"),
    [
        ("10x", "60", "not a span"),
        ("0s", "60", "not a span"),
        ("500ms", "60", "between 1s and 400d"),
        ("401d", "60", "between 1s and 400d"),
        ("10s,15s", "60", "10s does not divide 15s"),
        ("1m,10s", "60", "finest size first"),
        ("10s,10s", "60", "does not divide"),
        ("10s,1m", "60,240,1", "2 numbers"),
        ("10s", "0", "keep 1 to 1000000"),
        ("10s", "many", "keep 1 to 1000000"),
        ("10s,1d", "60,400", "at least 8640 windows of 10s"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(windows: str, keep: str, told: str) -> None:
    """Each mistake is told in a sentence."""
    with pytest.raises(ValueError, match=told):
        parse_sizes(windows, keep)


def test_spans_have_a_unit() -> None:
    """ms, s, m, h and d are known."""
    spans = ("1ms", "2s", "3m", "4h", "5d")
    assert [parse_span_ms(one) for one in spans] == [1, 2000, 180_000, 14_400_000, 432_000_000]
