"""What goes wrong and when, from a seed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rillet.errors import UserError


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: about how often it comes, and how long it is held, in seconds."""

    name: str
    every_s: float
    hold_s: tuple[float, float]
    says: str


KINDS = (
    Kind("kill-worker", 2, (0, 0), "SIGKILL to a worker; another is started at once"),
    Kind("stop-worker", 4, (0.3, 2), "SIGSTOP to a worker, SIGCONT later"),
    Kind("kill-server", 9, (0, 0.5), "SIGKILL to the server; started again on its files"),
    Kind("flush-scripts", 3, (0, 0), "SCRIPT FLUSH"),
    Kind("cut-workers", 5, (0, 1), "every connection of the workers reset, new ones refused"),
    Kind("cut-producers", 5, (0, 1), "the same to the producers: answers are lost"),
    Kind("delay-workers", 6, (0.5, 2), "each byte between workers and server is late"),
    Kind("delay-producers", 6, (0.5, 2), "the same for the producers"),
    Kind("fill-memory", 7, (0.3, 1.5), "maxmemory is reached (noeviction)"),
    Kind("scramble", 4, (1, 3), "producers send again, swap, and forget answers"),
)
NAMES = tuple(kind.name for kind in KINDS)


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: begun `at_s` after the start, held for `hold_s`, done to the `target`-th."""

    at_s: float
    kind: str
    hold_s: float
    target: int


def chosen(names: Sequence[str]) -> list[Kind]:
    """Return the kinds of these names, all if there is none; UserError for a name that is none."""
    for name in names:
        if name not in NAMES:
            raise UserError(f"There is no fault {name!r}: choose from {', '.join(NAMES)}.")
    return [kind for kind in KINDS if not names or kind.name in names]


def make_plan(seed: int, seconds: float, kinds: Sequence[Kind]) -> list[Step]:
    """Return the faults of a run in order; each kind comes at least once, however short it is.

    The same seed, length and kinds give the same plan.
    """
    steps = []
    for kind in kinds:
        random = Random(f"{seed}:{kind.name}")  # noqa: S311 repeatable is the point
        for _ in range(max(1, round(seconds / kind.every_s))):
            at_s = random.uniform(0.05, 0.9) * seconds
            hold_s = min(random.uniform(*kind.hold_s), seconds / 4)
            steps.append(Step(round(at_s, 3), kind.name, round(hold_s, 3), random.randrange(1000)))
    return sorted(steps, key=lambda step: step.at_s)
