"""verify/agreement.py: digits of agreement, and what is the same."""

import math

import pytest

from verify.agreement import EXACT, agreement, compare, digits


@pytest.mark.parametrize(
    ("shown", "wanted", "expected"),
    [
        (1.0, 1.0, EXACT),
        (0.0, 0.0, EXACT),
        (1.001, 1.0, 3.0),
        (2.0, 1.0, 0.0),
        (-5.0, 1.0, 0.0),
        (1e-5, 0.0, 5.0),
        (math.inf, 1.0, 0.0),
        (math.nextafter(1.0, 2.0), 1.0, 15.65),
    ],
)
def test_digits_are_the_log_of_the_relative_error(
    shown: float, wanted: float, expected: float
) -> None:
    """As NIST has it; the same double is exact, the neighbouring one is not."""
    assert digits(shown, wanted) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("shown", "wanted", "exact"),
    [
        ("1", 1, True),
        ("9.007199254740991e+15", 2**53 - 1, True),
        ("9007199254740992", 2**53 - 1, False),
        ("0.1", 0.1, True),
        ("0.10000000000000002", 0.1, False),
        ("soil", "soil", True),
        ("soil", "Soil", False),
        (None, 1.0, False),
        ("nonsense", 1.0, False),
        ("nonsense", 1, False),
    ],
)
def test_only_the_same_is_exact(shown: str | None, wanted: float | str, exact: bool) -> None:
    """Numbers to the bit, whole numbers beyond doubles, texts by letter; nothing else."""
    assert agreement("f", shown, wanted).exact is exact
    found = compare({"f": shown} if shown else {}, {"f": wanted})
    assert [one.exact for one in found] == [exact]
    assert (found[0].difference == 0) is exact
