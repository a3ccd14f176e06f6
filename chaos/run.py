"""One run: starts the house, carries out the plan, waits until all is folded, and judges."""

import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from chaos.events import judge_alerts, judge_late, judge_panes, judge_sketches, judge_windows
from chaos.faults import FAULTS
from chaos.house import DURABLE, House
from chaos.look import look
from chaos.plan import Step
from chaos.verdict import Verdict, judge_arrival, judge_fold
from chaos.witness import GROUP, Witness
from rillet.connect import FAULTS as AWAY
from rillet.embedded import EmbeddedServer
from rillet.keys import CURSOR_FIELD, partition_keys

POLL_S = 0.05

Say = Callable[[str], None]


@dataclass(frozen=True)
class Config:
    """What is run; `rate` is readings a second in all, `patience_s` how long it may stand still."""

    seed: int
    seconds: float
    plan: list[Step]
    workers: int = 3
    producers: int = 4
    rate: float = 2000.0
    partitions: int = 1
    binary: str | None = None
    build: Path | None = None
    server_options: dict[str, str] = field(default_factory=dict)
    patience_s: float = 30.0


@dataclass(frozen=True)
class Outcome:
    """The verdict, how often each fault was done, and what the server called itself."""

    verdict: Verdict
    done: Counter[str]
    server: str


def run(config: Config, say: Say) -> Outcome:
    """Run it all; return what came of it. `say` is told each fault as it is done."""
    options: dict[str, Any] = {**DURABLE, **config.server_options}
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(binary=config.binary, **options))
        house = House(server, config.partitions, config.build)
        stack.callback(house.close)
        total = int(config.rate * config.seconds)
        each = total // config.producers
        witness = Witness(house.settings, [each] * config.producers)
        witness.start()
        house.load_rule()
        house.workers.start(config.workers)
        until_s = time.monotonic() + config.patience_s
        _until(lambda: _group_is_there(house) or time.monotonic() > until_s, house)
        house.start_producers(config.producers, config.seed, config.rate, total)
        done = _carry_out(config.plan, house, say)
        say("every fault is over: waiting until all is folded")
        settled = _settle(house, config.patience_s) and _trim(house, config.patience_s)
        witness.stop.set()
        witness.join()
        house.workers.stop()  # the clock closes windows at rest too, and would amid the look
        info = house.client.info("server")
        verdict = _judge(house, witness, settled)
    return Outcome(verdict, done, _name_of(info))


def _name_of(info: dict[str, Any]) -> str:
    """Return the server's own name and version, of INFO."""
    name = "valkey" if "valkey_version" in info else "redis"
    return f"{name} {info[f'{name}_version']}"


def _until(condition: Callable[[], bool], house: House) -> None:
    """Wait for it, and meanwhile keep the workers running, as any service manager does."""
    while not condition():
        house.workers.supervise()
        time.sleep(POLL_S)


def _wait_until(moment: float, house: House) -> None:
    _until(lambda: time.monotonic() >= moment, house)


def _group_is_there(house: House) -> bool:
    """Tell whether a worker has made its group: then they are up."""
    keys = partition_keys(house.settings)
    return all(len(house.client.xinfo_groups(one.readings)) > 1 for one in keys)


@dataclass(slots=True)
class _Held:
    """A fault that was begun, and when it is to end."""

    until_s: float
    step: Step


def _carry_out(plan: list[Step], house: House, say: Say) -> Counter[str]:
    """Begin and end each fault at its time; one that is still held is not begun again.

    Return how often each was done; what the server was not there for is not counted.
    """
    done: Counter[str] = Counter()
    held: dict[str, _Held] = {}
    began = time.monotonic()
    for step in plan:
        _end_until(began + step.at_s, held, house)
        if step.kind in held:
            continue
        say(f"{time.monotonic() - began:6.1f} s  {step.kind}")
        if FAULTS[step.kind].begin(house, step.target) is not False:
            done[step.kind] += 1
            held[step.kind] = _Held(time.monotonic() + step.hold_s, step)
    _end_until(math.inf, held, house)
    return done


def _end_until(moment: float, held: dict[str, _Held], house: House) -> None:
    """Wait until a moment, and end what is to end before; where all is late, all that is due.

    Else a server would stay down under everything that is done to it late.
    """
    while held:
        first = min(held.values(), key=lambda one: one.until_s)
        if first.until_s > max(moment, time.monotonic()):
            break
        _wait_until(first.until_s, house)
        FAULTS[first.step.kind].end(house, first.step.target)
        del held[first.step.kind]
    if moment < math.inf:
        _wait_until(moment, house)


def _settle(house: House, patience_s: float) -> bool:
    """Wait for the producers and the fold; return False if they stand still for too long."""
    seen, since = _state(house), time.monotonic()

    def settled_or_stuck() -> bool:
        nonlocal seen, since
        state = _state(house)
        if state != seen:
            seen, since = state, time.monotonic()
        return _is_settled(house, state) or time.monotonic() > since + patience_s

    _until(settled_or_stuck, house)
    return _is_settled(house, seen)


def _trim(house: House, patience_s: float) -> bool:
    """Have the fold trim, as nothing is in anybody's way: it does so as it folds.

    One fold takes away 10,000 entries at most (XTRIM's own bound), so until none takes any.
    """
    until_s = time.monotonic() + patience_s
    every = partition_keys(house.settings)
    before, kept = math.inf, _kept(house)
    while kept < before:
        _until(lambda: _is_read(house) or time.monotonic() > until_s, house)
        for keys in every:
            house.client.xadd(keys.readings, {"sensor": ""})
        if not _settle(house, patience_s):
            return False
        before, kept = kept, _kept(house)
    return True


def _kept(house: House) -> int:
    """Return how many readings are kept, in all."""
    return sum(house.client.xlen(keys.readings) for keys in partition_keys(house.settings))


def _is_read(house: House) -> bool:
    """Tell whether the witness has read all there is."""
    try:
        for keys in partition_keys(house.settings):
            end = house.client.xinfo_stream(keys.readings)["last-generated-id"]
            groups = {one["name"]: one for one in house.client.xinfo_groups(keys.readings)}
            if groups[GROUP.encode()]["last-delivered-id"] != end:
                return False
    except (*AWAY, redis.ResponseError, KeyError):
        return False
    return True


def _is_settled(house: House, state: tuple[list[bytes], list[bytes]] | None) -> bool:
    idle = not any(producer.is_alive() for producer in house.producers)
    return idle and state is not None and state[0] == state[1]


def _state(house: House) -> tuple[list[bytes], list[bytes]] | None:
    """Return how far each partition is folded, and its end; None while the server is away."""
    cursors, ends = [], []
    try:
        for keys in partition_keys(house.settings):
            cursors.append((house.client.hget(keys.state, CURSOR_FIELD) or b"0-0").split()[0])
            found = house.client.exists(keys.readings)
            info = house.client.xinfo_stream(keys.readings) if found else {}
            ends.append(info.get("last-generated-id", b"0-0"))
    except AWAY:
        return None
    return cursors, ends


def _judge(house: House, witness: Witness, settled: bool) -> Verdict:
    verdict = Verdict()
    producers = house.producers
    if not settled:
        verdict.wrong.append("it stood still before everything was acknowledged and folded")
    verdict.wrong += house.workers.ended
    if found := house.workers.tracebacks():
        verdict.wrong.append(f"{found} tracebacks in the workers' logs")
    faults = [*(one.fault for one in producers), witness.fault]
    for fault in filter(None, faults):
        raise fault
    for one in producers:
        verdict.planned += one.total
        verdict.sent += one.sent
        verdict.refused += one.refused
        verdict.retried += one.retried
        verdict.doubtful += len(one.doubtful)
        verdict.doubtful_stored += sum(witness.stored[one.number][n] for n in one.doubtful)
    judge_arrival(verdict, [one.acknowledged for one in producers], witness.stored)
    for keys, ledger in witness.ledgers.items():
        left = look(house.client, keys, house.settings)
        judge_fold(verdict, ledger, left, house.settings.readings_tail)
        judge_windows(verdict, ledger, left.windows)
        keep = {size.ms: size.keep for size in house.settings.window_sizes}
        judge_panes(verdict, left.windows, left.panes, keep)
        judge_late(verdict, ledger, left.late)
        judge_sketches(verdict, ledger, left.sketched)
        judge_alerts(verdict, witness.limits[keys], left.alerts, left.firing)
    return verdict
