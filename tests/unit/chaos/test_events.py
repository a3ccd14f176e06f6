"""chaos/events.py: windows and alert changes that are lost, there twice, or wrong."""

from typing import Any

import pytest

from chaos.events import judge_alerts, judge_late, judge_panes, judge_sketches, judge_windows
from chaos.limit import HIGH, NAME, Limit
from chaos.look import Fields
from chaos.verdict import Verdict
from verify.reference import Ledger
from verify.sums import Near

SIZE = 10_000


def account() -> Ledger:
    """Return readings of one sensor: two windows that readings closed, one open, one late."""
    ledger = Ledger(10, 0, [SIZE], 2000, buckets=100)
    for n, ts in enumerate((1_000, 2_000, 11_000, 25_000, 26_000, 3_000)):
        fields = {b"sensor": b"s", b"value": b"%d" % n, b"ts": b"%d" % ts}
        ledger.take(f"{99_000_000 + n}-0", fields)
    return ledger


def entry(start: int, *values: float) -> Fields:
    """Return the entry of a window of these values, but for its deviation."""
    windows = account().sensors["s"].windows
    assert windows
    shown = windows.shown((SIZE, start)) or {}
    figures = {
        name: f"{want.value if isinstance(want, Near) else want}" for name, want in shown.items()
    }
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


@pytest.mark.parametrize("name", ["mean", "stddev", "first", "last", "p50", "p90", "p99"])
def test_every_field_of_a_window_is_looked_at(name: str) -> None:
    """A figure, an end or a quantile that is any number is found; one within 1 % is right."""
    assert not judged(FIRST, {**SECOND, name: "777"}).good
    assert judged(FIRST, {**SECOND, "p50": "2.0199"}).good
    assert not judged(FIRST, {**SECOND, "p50": "2.0201"}).good


def test_kept_windows_are_looked_at() -> None:
    """The list of a sensor must be the newest of those told, with the same figures."""
    told = {SIZE: [FIRST, SECOND]}
    panes = [{k: float(v) for k, v in one.items() if k != "sensor"} for one in (FIRST, SECOND)]
    for found, keep, wrong in (
        (panes, 2, 0),
        (panes[1:], 1, 0),
        (panes, 1, 1),
        (panes[1:], 2, 1),
        ([panes[0], {**panes[1], "p50": 3.0}], 2, 1),
    ):
        verdict = Verdict()
        judge_panes(verdict, told, {(SIZE, "s"): found}, {SIZE: keep})
        assert len(verdict.wrong) == wrong


def test_late_readings_and_sketches_are_looked_at() -> None:
    """One note of each late reading; each value counted once in the sketch of all."""
    late = {"sensor": "s", "id": "99000005-0", "count": "1"}
    for entries, sketched, wrong in (
        ([late], 6, 0),
        ([], 6, 1),
        ([late, late], 6, 2),
        ([late], 5, 1),
    ):
        verdict = Verdict()
        judge_late(verdict, account(), entries)
        judge_sketches(verdict, account(), {"s": sketched})
        assert len(verdict.wrong) == wrong


def limited() -> Limit:
    limit = Limit()
    for n, value in enumerate((HIGH, HIGH + 1, HIGH + 2, 0.0, HIGH + 3)):
        limit.take("soil-1", [value], f"{n}-0")
    return limit


CHANGES = [
    {"sensor": "soil-1", "state": state, "value": f"{value}", "id": f"{n}-0", "ts": f"{n}"}
    for n, state, value in (
        (1, "firing", HIGH + 1),
        (3, "resolved", 0.0),
        (4, "firing", HIGH + 3),
    )
]


FIRING = {f"{NAME}:soil-1": {**CHANGES[2], "since": 4}}


def told(entries: list[Fields], firing: dict[str, dict[str, Any]]) -> Verdict:
    verdict = Verdict(sensors=1)
    judge_alerts(verdict, limited(), entries, firing)
    return verdict


def test_each_change_once_is_good() -> None:
    """One entry for each crossing of the limit, and the last one fires."""
    verdict = told(CHANGES, FIRING)
    assert verdict.good
    assert verdict.changes == 3


def test_changes_that_are_wrong_are_found() -> None:
    """One missing, one twice, two in the wrong order, and a stale `firing`."""
    assert told(CHANGES[:2], FIRING).changes_lost == 1
    assert told([*CHANGES, CHANGES[0]], FIRING).changes_twice == 1
    assert "out of order" in told([CHANGES[1], CHANGES[0], CHANGES[2]], FIRING).wrong[0]
    assert "firing" in told(CHANGES, {}).wrong[0]
    other = {f"{NAME}:soil-1": {**CHANGES[2], "value": "1", "since": 4}}
    assert "firing" in told(CHANGES, other).wrong[0]
