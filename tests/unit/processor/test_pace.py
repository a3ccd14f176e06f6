"""processor/pace.py: folds stay near their set time on fast and slow servers."""

import pytest

from processor.pace import Pace


def settle(us_per_entry: float, *, ceiling: int = 100_000, rounds: int = 40) -> Pace:
    pace = Pace(target_us=2000, ceiling=ceiling)
    for _ in range(rounds):
        pace.note(pace.count, round(pace.count * us_per_entry))
    return pace


@pytest.mark.parametrize("us_per_entry", [0.5, 3, 40, 900])
def test_a_full_backlog_settles_at_the_target(us_per_entry: float) -> None:
    """Whatever an entry costs, full folds come to take about 2 ms."""
    taken_us = settle(us_per_entry).count * us_per_entry
    assert 1000 <= taken_us <= 2900


def test_a_fold_that_was_not_full_never_raises_the_count() -> None:
    """Quiet times say nothing about how long a full fold would take."""
    pace = Pace(target_us=2000, ceiling=1000)
    pace.note(1, 10)
    assert pace.count == 64


def test_one_fold_far_over_the_target_is_answered_at_once() -> None:
    """A server that turned slow gets small folds from the next one on."""
    pace = settle(2)
    pace.note(pace.count, 200_000)
    assert pace.count <= 12


def test_the_count_stays_within_its_bounds() -> None:
    """Never fewer than one entry, never more than the ceiling."""
    assert settle(100_000).count == 1
    assert settle(0.001, ceiling=500).count == 500
