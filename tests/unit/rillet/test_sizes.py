"""rillet/sizes.py: which sizes of windows may be set."""

import pytest

from rillet.sizes import Size, parse_sizes, parse_span_ms


def test_sizes_are_read_finest_first() -> None:
    """Lengths are in ms, and each has its number to keep."""
    assert parse_sizes("10s,1m", "60,240") == (Size("10s", 10_000, 60), Size("1m", 60_000, 240))
    assert parse_sizes(" 1h , 1d ", "48") == (
        Size("1h", 3_600_000, 48),
        Size("1d", 86_400_000, 48),
    )


def test_a_size_has_one_name() -> None:
    """However it is written, so that what was kept under it is found."""
    sizes = parse_sizes("10000ms,60s,90m,36h,30d", "1000")
    assert [size.name for size in sizes] == ["10s", "1m", "90m", "36h", "30d"]
    assert [size.name for size in parse_sizes("1500ms,3600s,24h", "2400")] == ["1500ms", "1h", "1d"]
    with pytest.raises(ValueError, match="1m does not divide 60s"):
        parse_sizes("1m,60s", "60")


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
        ("10s", "²", "keep 1 to 1000000"),
        ("10s", "9" * 5000, "keep 1 to 1000000"),
        ("10s", "1,²", "1 number in RILLET_WINDOWS_KEEP"),
        ("10s,15s", "", "10s does not divide 15s"),
        ("10s,15s", "60,240,192,400", "10s does not divide 15s"),
        ("1w", "60,240,192,400", "not a span"),
        ("0s,1m", "60,240,192,400", "not a span"),
        ("1s,400d", "", "400d is too long to be made of 1s"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(windows: str, keep: str, told: str) -> None:
    """Each mistake is told in a sentence."""
    with pytest.raises(ValueError, match=told):
        parse_sizes(windows, keep)


@pytest.mark.parametrize(
    ("windows", "keep"),
    [
        ("10s,1m,1h,1d", [60, 240, 192, 400]),
        ("1m,1h", [240, 192]),
        ("1h", [192]),
        ("1s,1m", [600, 240]),
        ("10s,1h,7d", [360, 192, 60]),
        ("15m,6h", [60, 60]),
        ("1d,400d", [400, 60]),
    ],
)
def test_how_many_are_kept_follows_from_the_sizes(windows: str, keep: list[int]) -> None:
    """Enough for a chart, for hours, days or a year, and for one window of the next size."""
    assert [size.keep for size in parse_sizes(windows, "")] == keep


def test_spans_have_a_unit() -> None:
    """ms, s, m, h and d are known."""
    spans = ("1ms", "2s", "3m", "4h", "5d")
    assert [parse_span_ms(one) for one in spans] == [1, 2000, 180_000, 14_400_000, 432_000_000]
