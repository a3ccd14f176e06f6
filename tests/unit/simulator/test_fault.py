"""simulator/fault.py: each scenario does what its name says, to one sensor's readings."""

from itertools import pairwise
from random import Random

from simulator.fault import FAULTS
from simulator.kind import KINDS
from simulator.reading import Reading

KIND = KINDS[0]
EVERY = 50
HONEST = [Reading("temperature-1", n / 100, n * 1000, n + 1) for n in range(5000)]


def _through(name: str) -> list[Reading]:
    fault = FAULTS[name](KIND, Random(7), EVERY)
    return [sent for reading in HONEST for sent in fault(reading)]


def _changed(name: str) -> list[int]:
    """Return where the values differ, checking that all else is the same."""
    sent = _through(name)
    assert [(r.ts, r.seq) for r in sent] == [(r.ts, r.seq) for r in HONEST]
    return [n for n, (a, b) in enumerate(zip(HONEST, sent, strict=True)) if a.value != b.value]


def test_spike_moves_single_values_by_half_the_range() -> None:
    """About one reading in `every` is off, by half the range, up or down."""
    off = {round(r.value - HONEST[n].value, 2) for n, r in enumerate(_through("spike"))}
    assert off == {0, 40, -40}
    assert 60 < len(_changed("spike")) < 140


def test_drift_grows_step_by_step_and_ends() -> None:
    """In an episode the error grows evenly to half the range, then it is gone."""
    sent = _through("drift")
    start = _changed("drift")[0]
    errors = [round(sent[start + n].value - HONEST[start + n].value, 2) for n in range(100)]
    assert errors == [round(0.4 * (n + 1), 2) for n in range(100)]
    assert sent[start + 100] == HONEST[start + 100]


def test_stuck_repeats_one_value_a_hundred_times() -> None:
    """An episode is one value, with new seq and ts."""
    sent = _through("stuck")
    first = _changed("stuck")[0] - 1  # the value it sticks to is an honest one
    assert len({r.value for r in sent[first : first + 100]}) == 1
    assert len({r.value for r in sent[first : first + 101]}) == 2


def test_silent_is_a_long_gap() -> None:
    """Holes are two hundred readings long, or a multiple; nothing else changes."""
    sent = _through("silent")
    holes = {b.seq - a.seq - 1 for a, b in pairwise(sent) if a.seq and b.seq}
    assert {0, 200} <= holes
    assert all(hole % 200 == 0 for hole in holes)
    assert set(sent) <= set(HONEST)


def test_gap_skips_the_sequence_numbers_of_what_is_lost() -> None:
    """Holes are five numbers long, or a multiple; nothing else changes."""
    sent = _through("gap")
    seqs = {r.seq for r in sent}
    assert sent == [r for r in HONEST if r.seq in seqs]
    numbers = sorted(seq for seq in seqs if seq)
    holes = {b - a - 1 for a, b in pairwise(numbers)}
    assert {0, 5} <= holes
    assert all(hole % 5 == 0 for hole in holes)


def test_duplicate_sends_some_readings_twice_with_the_same_seq() -> None:
    """Without the repeats, the readings are the honest ones."""
    sent = _through("duplicate")
    assert list(dict.fromkeys(sent)) == HONEST
    assert 60 < len(sent) - len(HONEST) < 140


def test_out_of_order_swaps_neighbours_and_loses_none() -> None:
    """Every reading arrives once, at most one place from its own."""
    sent = _through("out-of-order")
    assert sent != HONEST
    assert sorted(sent, key=lambda r: r.seq or 0) == HONEST[: len(sent)]
    assert max(abs((r.seq or 0) - n) for n, r in enumerate(sent, 1)) == 1
