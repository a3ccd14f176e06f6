"""chaos/verdict.py: what counts as lost and as counted twice."""

from dataclasses import replace

import pytest

from chaos.look import Left
from chaos.verdict import Verdict, judge_arrival, judge_fold
from verify.reference import Ledger


def account() -> Ledger:
    """Return what is stored in these tests: 1, 2 and a repeat of a numbered sensor; a bad one."""
    ledger = Ledger(max_batch=10, future_skew_ms=0)
    for n, seq in enumerate((1, 2, 2)):
        fields = {b"sensor": b"s", b"value": b"%d" % seq, b"seq": b"%d" % seq}
        ledger.take(f"{n}-0", fields)
    ledger.take("9-0", {b"sensor": b"bad", b"value": b"nan"})
    return ledger


def left(rejects: tuple[str, ...] = ("9-0",), lag: int = 0, **changes: str) -> Left:
    """Return what a fold leaves of that, with changes to the hash of s."""
    shown = {name: f"{want}" for name, want in account().sensors["s"].shown().items()}
    bad = {name: f"{want}" for name, want in account().sensors["bad"].shown().items()}
    hashes = {"s": shown | changes, "bad": bad}
    return Left(hashes, hashes, list(rejects), lag, dirty=False)


def judged(found: Left) -> Verdict:
    verdict = Verdict()
    judge_fold(verdict, account(), found)
    return verdict


def test_what_agrees_is_good() -> None:
    """Everything as accounted for: nothing lost, nothing twice."""
    verdict = judged(left())
    assert verdict.good
    assert (verdict.folded, verdict.duplicates, verdict.rejected) == (2, 1, 1)


@pytest.mark.parametrize(
    ("changes", "lost", "twice"),
    [
        ({"count": "1"}, 1, 0),
        ({"count": "3"}, 0, 1),
        ({"duplicates": "2"}, 0, 1),
        ({"duplicates": "0"}, 1, 0),
        ({"rejected": "1"}, 0, 1),
    ],
)
def test_a_reading_more_or_less_is_counted(changes: dict[str, str], lost: int, twice: int) -> None:
    """One folded too often, also where seq made a duplicate of it, and one too few, are found."""
    verdict = judged(left(**changes))
    assert (verdict.lost, verdict.twice) == (lost, twice)
    assert not verdict.good


def test_a_figure_that_is_off_is_not_good() -> None:
    """A wrong mean alone, with every count right, is not as promised."""
    assert not judged(left(mean="1.5000000000000002")).good


def test_rejects_and_rest_are_looked_at() -> None:
    """A reject that is missing or there twice, a lag at rest, a stale result: each is named."""
    assert "misses 1" in judged(left(rejects=())).wrong[0]
    assert "twice" in judged(left(rejects=("9-0", "9-0"))).wrong[0]
    assert "lag is 3" in judged(left(lag=3)).wrong[0]
    stale = left()
    results = {**stale.results, "s": {"count": "1"}}
    found = Left(stale.hashes, results, ["9-0"], 0, dirty=True)
    assert len(judged(found).wrong) == 2
    assert "readings are kept" in judged(replace(left(), readings=500)).wrong[0]


def test_what_was_acknowledged_must_be_stored() -> None:
    """A reading with an answer that nobody ever saw on the stream is lost."""
    verdict = Verdict()
    judge_arrival(verdict, [bytearray((1, 1, 0))], [bytearray((1, 0, 1))])
    assert (verdict.acknowledged, verdict.lost) == (2, 1)
