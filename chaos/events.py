"""Holds windows, late readings and alert changes against the account: each once, exact. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

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


def judge_panes(
    verdict: Verdict,
    windows: Mapping[int, Sequence[Fields]],
    panes: Mapping[tuple[int, str], Sequence[Mapping[str, Any]]],
    keep: Mapping[int, int],
) -> None:
    """Hold the list of each sensor's windows against the newest `keep` of those that were told."""
    for (size, sensor), found in panes.items():
        told = [one for one in windows[size] if one["sensor"] == sensor][-keep[size] :]
        same = len(told) == len(found) and all(map(_is_same, told, found))
        if not same:
            verdict.wrong.append(f"the kept windows of {sensor} are not those that were told")


def _is_same(told: Fields, pane: Mapping[str, Any]) -> bool:
    """Tell whether the figures are the same; quantiles but for the rounding of a power."""
    return all(
        math.isclose(float(told.get(name, "nan")), value, rel_tol=1e-9 * (name[0] == "p"))
        for name, value in pane.items()
    )


def judge_late(verdict: Verdict, ledger: Ledger, entries: Sequence[Fields]) -> None:
    """Each late reading is noted once on `late`, with as many values as it had."""
    noted: Counter[str] = Counter()
    for entry in entries:
        noted[entry["sensor"]] += int(entry["count"])
    verdict.late += noted.total()
    if len({entry["id"] for entry in entries}) < len(entries):
        verdict.wrong.append("entries of `late` are there twice")
    for name, account in ledger.sensors.items():
        late = account.windows.late if account.windows else 0
        if noted[name] != late:
            verdict.wrong.append(f"`late` has {noted[name]} values of {name}, not {late}")


def judge_sketches(verdict: Verdict, ledger: Ledger, sketched: Mapping[str, float]) -> None:
    """Hold against the account how many values each sensor's sketch has counted."""
    for name, account in ledger.sensors.items():
        if sketched.get(name, 0) != account.sums.n:
            verdict.wrong.append(
                f"the sketch of {name} has {sketched.get(name, 0):.0f} values, not {account.sums.n}"
            )


def judge_alerts(
    verdict: Verdict,
    limit: Limit,
    entries: Sequence[Fields],
    firing: Mapping[str, Mapping[str, Any]],
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
    last = {entry["sensor"]: entry for entry in entries}
    wanted = {
        f"{NAME}:{sensor}": {**last[sensor], "since": float(last[sensor]["ts"])}
        for sensor in limit.firing & last.keys()
    }
    if firing != wanted or len(wanted) < len(limit.firing):
        verdict.wrong.append("`firing` is not what the last changes say")
