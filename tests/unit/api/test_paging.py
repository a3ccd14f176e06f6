"""Pages and their cursors."""

from hypothesis import given, settings
from hypothesis import strategies as st

from api.paging import CursorError, page, read_cursor, sort_key, write_cursor

NAMES = st.binary(min_size=1, max_size=8)
FIGURES = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


@settings(deadline=None)  # a busy machine is no fault
@given(st.dictionaries(NAMES, FIGURES, max_size=20), st.integers(1, 7), st.booleans())
def test_pages_partition_the_sensors(
    figures: dict[bytes, float | None], limit: int, descending: bool
) -> None:
    """Every sensor is on one page, those without the figure on the last ones."""
    keys = [
        sort_key(n, {} if f is None else {b"mean": repr(f).encode()}, "mean", descending=descending)
        for n, f in figures.items()
    ]
    seen: list[bytes] = []
    names, cursor = page(keys, "", limit)
    while True:
        seen += names
        if cursor is None:
            break
        names, cursor = page(keys, cursor, limit)
    assert sorted(seen) == sorted(figures)
    lacking = [figures[name] is None for name in seen]
    assert lacking == sorted(lacking)


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(0, 1), st.floats(allow_nan=False, allow_infinity=False), NAMES)
def test_a_cursor_reads_back(lacks: int, figure: float, name: bytes) -> None:
    """What a page gives is what the next request means."""
    assert read_cursor(write_cursor((lacks, figure, name))) == (lacks, figure, name)


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(max_size=30))
def test_rubbish_is_a_cursor_error_and_nothing_else(text: str) -> None:
    """Any text either is a cursor or raises CursorError."""
    try:
        read_cursor(text)
    except CursorError:
        return
