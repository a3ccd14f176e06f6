"""processor/pace.py: folds stay near their set time on fast and slow servers."""

import pytest

from processor.pace import Pace


def fold(pace: Pace, weight: float, us_per_weight: float) -> float:
    """Note a fold of a long backlog of entries that weigh so much each; return its time in us."""
    entries = min(pace.count, max(1, int(-(-pace.budget // weight))))
    us = entries * weight * us_per_weight
    pace.note(entries, entries * weight, round(us))
    return us


def settle(
    us_per_weight: float, *, weight: float = 1, ceiling: int = 100_000, rounds: int = 40
) -> Pace:
    pace = Pace(target_us=2000, ceiling=ceiling)
    for _ in range(rounds):
        fold(pace, weight, us_per_weight)
    return pace


@pytest.mark.parametrize("us_per_weight", [0.5, 3, 40, 900])
@pytest.mark.parametrize("weight", [1, 1.9, 10.9])
def test_a_full_backlog_settles_at_the_target(us_per_weight: float, weight: float) -> None:
    """Whatever an entry costs, single or batched, full folds come to take about 2 ms."""
    taken_us = fold(settle(us_per_weight, weight=weight), weight, us_per_weight)
    least_us = weight * us_per_weight  # a fold takes in one entry at least
    assert max(1000, least_us) <= taken_us <= max(2900, 2000 + least_us)


def test_folds_of_batches_recover_from_a_slow_one() -> None:
    """One fold that a busy server held up does not leave the batch size low for ever."""
    pace = settle(0.5, weight=10.9)
    pace.note(pace.count, pace.budget, 500_000)
    assert pace.budget < 100
    for _ in range(20):
        fold(pace, 10.9, 0.5)
    assert fold(pace, 10.9, 0.5) > 1000


def test_no_more_entries_are_read_than_a_fold_will_take() -> None:
    """Where entries are batches, a fold reads few of them, not as many as it would single ones."""
    pace = settle(3, weight=100.9)
    assert pace.count <= pace.budget / 100.9 * 1.2 + 1


def test_a_fold_that_was_not_full_never_raises_the_budget() -> None:
    """Quiet times say nothing about how long a full fold would take."""
    pace = Pace(target_us=2000, ceiling=1000)
    pace.note(1, 1, 10)
    assert pace.budget == 64


def test_one_fold_far_over_the_target_is_answered_at_once() -> None:
    """A server that turned slow gets small folds from the next one on."""
    pace = settle(2)
    pace.note(pace.count, pace.budget, 200_000)
    assert pace.count <= 13


def test_count_and_budget_stay_within_their_bounds() -> None:
    """Never fewer than one entry, never more than the ceiling."""
    assert settle(100_000).budget == 1
    assert settle(0.001, ceiling=500).count == 500
    assert settle(0.001, ceiling=500).budget == 500


def look(pace: Pace, waiting: int, us_each: float) -> int:
    """Note folds that only look at due sensors until none is left; return how many they were."""
    folds = 0
    while waiting:
        looked_at = min(waiting, pace.due_most)
        waiting -= looked_at
        folds += 1
        pace.note(0, 0, round(looked_at * us_each), due_left=waiting > 0)
    return folds


@pytest.mark.parametrize("us_each", [1, 40, 900])
def test_looking_at_silent_sensors_settles_at_the_target(us_each: float) -> None:
    """Whatever a due sensor costs, folds that only look at many of them come to take about 2 ms."""
    pace = Pace(target_us=2000, ceiling=5000)
    look(pace, 100_000, us_each)
    assert 1000 <= pace.due_most * us_each <= 2900


def test_looking_at_silent_sensors_recovers_from_a_slow_fold() -> None:
    """One fold that a busy server held up does not make many of those that follow."""
    pace = Pace(target_us=2000, ceiling=5000)
    pace.note(0, 0, 500_000, due_left=True)
    assert pace.due_most == 1
    assert look(pace, 3000, 40) < 3000 / 50 + 10


def test_cheap_looks_at_silent_sensors_do_not_raise_the_budget() -> None:
    """What a due sensor costs says nothing of a reading, nor does a slow look lower the budget."""
    pace = settle(2)
    before = pace.budget
    look(pace, 10_000, 1)
    pace.note(0, 0, 500_000)
    assert pace.budget == before
