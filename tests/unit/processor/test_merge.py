"""processor/merge.py: figures of merged parts, against plain exact arithmetic."""

from fractions import Fraction
from math import sqrt

from hypothesis import given
from hypothesis import strategies as st

from processor.merge import figures, merge, root
from processor.record import Moments

values_of = st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=30)


@given(st.lists(values_of, min_size=1, max_size=5))
def test_parts_merge_to_the_figures_of_the_whole(parts: list[list[float]]) -> None:
    """However readings are spread over partitions, the merged figures are those of all of them."""
    whole = [value for part in parts for value in part]
    assert figures(merge(map(Moments.of, parts))) == figures(Moments.of(whole))


@given(st.fractions(min_value=0, max_value=10**30), st.integers(-200, 200))
def test_the_root_is_the_nearest_double(x: Fraction, exponent: int) -> None:
    """No double lies nearer to the true square root: its square's neighbours straddle x."""
    scaled = x * Fraction(4) ** exponent
    got = Fraction(root(scaled))
    ulp = Fraction(2) ** -52 * got
    assert (got - ulp / 2) ** 2 <= scaled <= (got + ulp / 2) ** 2


def test_the_root_of_a_square_is_exact() -> None:
    """Perfect squares, which decide ties, come back whole."""
    for n in (1, 2, 3, 10**8, 2**52 + 1):
        assert root(Fraction(n * n)) == n
    assert root(Fraction(2)) == sqrt(2)


def test_nothing_has_only_a_count() -> None:
    """Of no values there is no mean to show."""
    assert figures(merge([])) == {"count": 0}
