"""chaos/events.py: windows and alert changes that are lost, there twice, or wrong."""

import pytest

from chaos.events import judge_alerts, judge_windows
from chaos.limit import HIGH, NAME, Limit
from chaos.look import Fields
from chaos.verdict import Verdict
from verify.reference import Ledger

SIZE = 10_000


def account() -> Ledger:
    """Return readings of one sensor: two windows that readings closed, one open, one late."""
    ledger = Ledger(10, 0, [SIZE], 2000)
    for n, ts in enumerate((1_000, 2_000, 11_000, 25_000, 26_000, 3_000)):
        fields = {b"sensor": b"s", b"value": b"%d" % n, b"ts": b"%d" % ts}
        ledger.take(f"{99_000_000 + n}-0", fields)
    return ledger


def entry(start: int, *values: float) -> Fields:
    """Return the entry of a window of these values, but for its deviation."""
    windows = account().sensors["s"].windows
    assert windows
    shown = windows.shown((SIZE, start)) or {}
    figures = {name: f"{want}" for name, want in shown.items()}
    return {"sensor": "s", "start": f"{start}", **figures, "count": f"{len(values)}"}


FIRST, SECOND, OPEN = (entry(0, 0, 1), entry(10_000, 2), entry(20_000, 3, 4))


def judged(*entries: Fields) -> Verdict:
    verdict = Verdict(sensors=1)
    judge_windows(verdict, account(), {SIZE: entries})
    return verdict


def test_each_closed_window_once_is_good() -> None:
    """Those that readings closed must be there; one that the clock closed since may be."""
    assert judged(FIRST, SECOND).good
    assert judged(FIRST, SECOND, OPEN).good
    assert account().sensors["s"].shown()["late"] == 1


@pytest.mark.parametrize(
    ("entries", "lost", "twice"),
    [((FIRST,), 1, 0), ((FIRST, SECOND, SECOND), 0, 1), ((FIRST, OPEN, OPEN), 1, 1)],
)
def test_a_window_more_or_less_is_counted(
    entries: tuple[Fields, ...], lost: int, twice: int
) -> None:
    """One that is missing and one that was written again are told apart."""
    verdict = judged(*entries)
    assert (verdict.windows_lost, verdict.windows_twice) == (lost, twice)
    assert not verdict.good


def test_a_windows_figures_are_looked_at() -> None:
    """A late reading that was counted in, and a window of nobody's readings, are found."""
    assert not judged({**FIRST, "count": "3"}, SECOND).good
    assert judged(FIRST, SECOND, {**FIRST, "start": "50000"}).wrong


def limited() -> Limit:
    limit = Limit()
    for n, value in enumerate((HIGH, HIGH + 1, HIGH + 2, 0.0, HIGH + 3)):
        limit.take("soil-1", [value], f"{n}-0")
    return limit


CHANGES = [
    {"sensor": "soil-1", "state": state, "value": f"{value}", "id": f"{n}-0"}
    for n, state, value in (
        (1, "firing", HIGH + 1),
        (3, "resolved", 0.0),
        (4, "firing", HIGH + 3),
    )
]


def told(entries: list[Fields], firing: set[str]) -> Verdict:
    verdict = Verdict(sensors=1)
    judge_alerts(verdict, limited(), entries, firing)
    return verdict


def test_each_change_once_is_good() -> None:
    """One entry for each crossing of the limit, and the last one fires."""
    verdict = told(CHANGES, {f"{NAME}:soil-1"})
    assert verdict.good
    assert verdict.changes == 3


def test_changes_that_are_wrong_are_found() -> None:
    """One missing, one twice, two in the wrong order, and a stale `firing`."""
    firing = {f"{NAME}:soil-1"}
    assert told(CHANGES[:2], firing).changes_lost == 1
    assert told([*CHANGES, CHANGES[0]], firing).changes_twice == 1
    assert "out of order" in told([CHANGES[1], CHANGES[0], CHANGES[2]], firing).wrong[0]
    assert "firing" in told(CHANGES, set()).wrong[0]
