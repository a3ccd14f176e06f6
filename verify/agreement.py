"""How far what Redis shows agrees with the reference, in decimal digits. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from verify.sums import ABSENT, Near, Shown

EXACT = 17.0
"""Digits of numbers that are the same double: 17 digits tell any two doubles apart."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One field: what is shown, what it must be, and the digits in which the two agree."""

    field: str
    shown: str
    wanted: float | str
    digits: float
    within: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether the two are the same."""
        return self.digits == EXACT

    @property
    def right(self) -> bool:
        """Whether it is exact, or as near as what is kept in doubles must be."""
        return self.exact or self.difference <= self.within

    @property
    def difference(self) -> float:
        """The absolute difference; infinite where one of the two is no number."""
        number = as_number(self.shown)
        if self.exact:
            return 0.0
        return abs(number - as_number(self.wanted))


def as_number(given: float | str | None) -> float:
    """Return the number that is given or written, infinity where it is none."""
    try:
        return float(given) if given is not None else math.inf
    except ValueError:
        return math.inf


def digits(shown: float, wanted: float) -> float:
    """Return the log relative error, -log10(|shown - wanted| / |wanted|), from 0 to EXACT.

    Where `wanted` is 0 it is the log absolute error, as NIST's own tables have it.
    """
    if shown == wanted:
        return EXACT
    error = abs(shown - wanted) / abs(wanted or 1.0)
    if not math.isfinite(error):
        return 0.0
    # A difference below the last place of a double is one of rounding alone.
    return min(max(0.0, -math.log10(error)), EXACT - 0.1) if error else EXACT - 0.1


def agreement(field: str, shown: str | None, wanted: float | str | Near) -> Agreement:
    """Return how far one field agrees; text must be the same, a missing field agrees in nothing."""
    if isinstance(wanted, Near):
        return replace(agreement(field, shown, wanted.value), within=wanted.within)
    if shown is None:
        return Agreement(field, "", wanted, 0.0)
    if isinstance(wanted, str):
        return Agreement(field, shown, wanted, EXACT if shown == wanted else 0.0)
    if isinstance(wanted, int):  # beyond 2^53 a double would hide a difference
        same = math.isfinite(as_number(shown)) and Fraction(shown) == wanted
        near = digits(as_number(shown), wanted)
        return Agreement(field, shown, wanted, EXACT if same else min(near, EXACT - 0.1))
    return Agreement(field, shown, wanted, digits(as_number(shown), wanted))


def compare(shown: Mapping[str, str], wanted: Shown) -> list[Agreement]:
    """Compare every field that is wanted, in that order, and those that must not be there."""
    return [
        agreement(name, shown.get(name), want)
        for name, want in wanted.items()
        if name in shown or want != ABSENT
    ]
