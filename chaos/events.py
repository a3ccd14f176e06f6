"""Holds closed windows and alert changes against the account: each once, and exact. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from chaos.limit import NAME, Change, Limit
from chaos.look import Fields
from chaos.verdict import Verdict
from verify.agreement import compare
from verify.reference import Ledger


def judge_windows(verdict: Verdict, ledger: Ledger, found: Mapping[int, Sequence[Fields]]) -> None:
    """Every window that readings closed is there once; each that is there has exact figures.

    The clock may have closed more: their figures must be right, but they need not be there.
    """
    seen: Counter[tuple[str, int, int]] = Counter()
    for size, entries in found.items():
        for entry in entries:
            seen[entry["sensor"], size, int(entry["start"])] += 1
            _judge_figures(verdict, ledger, size, entry)
    verdict.windows += seen.total()
    verdict.windows_twice += seen.total() - len(seen)
    for name, account in ledger.sensors.items():
        closed = account.windows.closed if account.windows else ()
        verdict.windows_lost += sum((name, *window) not in seen for window in closed)


def _judge_figures(verdict: Verdict, ledger: Ledger, size: int, entry: Fields) -> None:
    account = ledger.sensors.get(entry["sensor"])
    windows = account.windows if account else None
    wanted = windows.shown((size, int(entry["start"]))) if windows else None
    if wanted is None:
        verdict.wrong.append(f"a window of {entry['sensor']} has readings that nobody sent")
        return
    for one in compare(entry, wanted):
        verdict.fields.setdefault(f"{one.field} of windows", []).append(one)


def judge_alerts(
    verdict: Verdict, limit: Limit, entries: Sequence[Fields], firing: set[str]
) -> None:
    """Each change is one entry of `alerts`, in order, and `firing` has those not resolved."""
    found: dict[str, list[Change]] = {}
    for entry in entries:
        change = (entry["state"], float(entry["value"]), entry["id"])
        found.setdefault(entry["sensor"], []).append(change)
    for sensor in {*found, *limit.changes}:
        want, there = limit.changes.get(sensor, []), found.get(sensor, [])
        verdict.changes += len(there)
        verdict.changes_lost += (Counter(want) - Counter(there)).total()
        verdict.changes_twice += (Counter(there) - Counter(want)).total()
        if want != there and Counter(want) == Counter(there):
            verdict.wrong.append(f"the alert changes of {sensor} are out of order")
    if firing != {f"{NAME}:{sensor}" for sensor in limit.firing}:
        verdict.wrong.append("`firing` is not what the last changes say")
