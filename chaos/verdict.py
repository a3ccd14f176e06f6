"""What a run came to: what was acknowledged against what was stored, and that against the hashes.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chaos.look import Left
from verify.agreement import Agreement, compare
from verify.reference import Ledger, Reference


@dataclass(slots=True)
class Verdict:
    """Counts of readings, but for `entries`; what must be nothing is in `wrong`, in words."""

    planned: int = 0
    sent: int = 0
    refused: int = 0
    retried: int = 0
    acknowledged: int = 0
    doubtful: int = 0
    doubtful_stored: int = 0
    entries: int = 0
    folded: int = 0
    duplicates: int = 0
    rejected: int = 0
    lost: int = 0
    twice: int = 0
    late: int = 0
    windows: int = 0
    windows_lost: int = 0
    windows_twice: int = 0
    changes: int = 0
    changes_lost: int = 0
    changes_twice: int = 0
    sensors: int = 0
    fields: dict[str, list[Agreement]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing counted twice, and every figure is right."""
        right = all(one.right for all_of_it in self.fields.values() for one in all_of_it)
        events = (self.windows_lost, self.windows_twice, self.changes_lost, self.changes_twice)
        bad = self.lost or self.twice or any(events) or self.wrong
        return not bad and right and self.sensors > 0


def judge_arrival(
    verdict: Verdict, acknowledged: Iterable[bytearray], stored: Iterable[bytearray]
) -> None:
    """Count the readings that were acknowledged, and those of them that were never stored."""
    for acks, found in zip(acknowledged, stored, strict=True):
        verdict.acknowledged += sum(acks)
        verdict.lost += sum(1 for ack, there in zip(acks, found, strict=True) if ack and not there)


TRIM_SLACK = 228
"""Readings that may be kept beyond the tail: what trimming waits for, and a node of the stream."""


def judge_fold(verdict: Verdict, ledger: Ledger, left: Left, tail: int = 0) -> None:
    """Hold what the fold left of one partition against the account of what was stored there."""
    verdict.entries += ledger.entries
    for name in {*ledger.sensors, *left.hashes}:
        _judge_sensor(verdict, ledger.account(name), left.hashes.get(name, {}))
        if left.results.get(name, left.hashes.get(name)) != left.hashes.get(name):
            verdict.wrong.append(f"the newest result of {name} is not its hash")
    _judge_rejects(verdict, ledger.rejects, left.reject_ids)
    if left.lag != 0:
        verdict.wrong.append(f"at rest the group's lag is {left.lag}, not 0")
    if left.readings > tail + TRIM_SLACK:
        verdict.wrong.append(f"at rest {left.readings} readings are kept, not about {tail}")
    if left.dirty:
        verdict.wrong.append("at rest something is still marked as not published")


def _judge_sensor(verdict: Verdict, want: Reference, shown: dict[str, str]) -> None:
    count, duplicates, rejected = (
        int(shown.get(name, "0")) for name in ("count", "duplicates", "rejected")
    )
    verdict.sensors += 1
    verdict.folded += count
    verdict.duplicates += duplicates
    verdict.rejected += rejected
    # Folded again, a numbered reading shows as a duplicate: so both sums are held against.
    over = count - want.sums.n
    handled = over + duplicates - want.duplicates + rejected - want.rejected
    verdict.twice += max(over, handled, 0)
    verdict.lost += max(-over, -handled, 0)
    for one in compare(shown, want.shown()):
        verdict.fields.setdefault(one.field, []).append(one)


def _judge_rejects(verdict: Verdict, want: list[str], found: list[str]) -> None:
    if len(found) > len(set(found)):
        verdict.wrong.append(f"{len(found) - len(set(found))} entries of `rejects` are there twice")
    missing = set(want) - set(found)
    if missing or set(found) - set(want):
        verdict.wrong.append(
            f"`rejects` misses {len(missing)} of {len(want)} entries, or has others"
        )
