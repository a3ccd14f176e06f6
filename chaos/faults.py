"""How each fault of a plan is begun and ended; each is done to a House."""

import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import redis

from chaos.cable import Cable
from chaos.house import House
from rillet.connect import FAULTS as AWAY

Deed = Callable[[House, int], bool | None]
"""Does it; returns False where it could not be done, as the server is down."""

BALLAST = "ballast"
ROOM_BYTES = 2 << 20
PIECE_BYTES = 256 << 10
DELAY_S = 0.15


@dataclass(frozen=True, slots=True)
class Fault:
    """What begins it and what ends it; the number is the target of the plan's step."""

    begin: Deed
    end: Deed = lambda _house, _target: None


def flush_scripts(house: House, _target: int) -> bool:
    """Make the server forget every script."""
    with contextlib.suppress(*AWAY):
        house.client.script_flush()
        return True
    return False


def fill_memory(house: House, _target: int) -> bool:
    """Leave little room under maxmemory, fill that until the server refuses, and take it away.

    Else what is trimmed meanwhile makes room again, and the producers notice nothing.
    """
    with contextlib.suppress(*AWAY):
        used = house.client.info("memory")["used_memory"]
        house.client.config_set("maxmemory", used + ROOM_BYTES)
        with contextlib.suppress(redis.OutOfMemoryError):
            for _ in range(4 * ROOM_BYTES // PIECE_BYTES):
                house.client.append(BALLAST, b"\0" * PIECE_BYTES)
        house.client.config_set("maxmemory", used)
        return True
    return False


def free_memory(house: House, _target: int) -> None:
    """Take the ballast and the limit away."""
    with contextlib.suppress(*AWAY):
        house.client.delete(BALLAST)
        house.client.config_set("maxmemory", 0)


def kill_server(house: House, _target: int) -> None:
    """SIGKILL the server. What it wrote is still the kernel's to keep: no power is cut."""
    house.server.kill()


def start_server(house: House, _target: int) -> None:
    """Start it again on what it left, and see that no limit is left either."""
    house.server.start()
    free_memory(house, 0)


def workers_cable(house: House) -> Cable:
    """Return the cable of the workers."""
    return house.workers_cable


def producers_cable(house: House) -> Cable:
    """Return the cable of the producers."""
    return house.producers_cable


def cut(which: Callable[[House], Cable], house: House, _target: int) -> None:
    """Cut a cable."""
    which(house).cut()


def mend(which: Callable[[House], Cable], house: House, _target: int) -> None:
    """Mend it."""
    which(house).mend()


def delay(which: Callable[[House], Cable], seconds: float, house: House, _target: int) -> None:
    """Set the delay of a cable, each way."""
    which(house).delay_s = seconds


def scramble(on: bool, house: House, _target: int) -> None:
    """Make every producer careless, or careful again."""
    for producer in house.producers:
        (producer.scrambling.set if on else producer.scrambling.clear)()


FAULTS: dict[str, Fault] = {
    "kill-worker": Fault(lambda house, target: house.workers.kill(target)),
    "stop-worker": Fault(
        lambda house, target: house.workers.signal(target, signal.SIGSTOP),
        lambda house, target: house.workers.signal(target, signal.SIGCONT),
    ),
    "kill-server": Fault(kill_server, start_server),
    "flush-scripts": Fault(flush_scripts),
    "cut-workers": Fault(partial(cut, workers_cable), partial(mend, workers_cable)),
    "cut-producers": Fault(partial(cut, producers_cable), partial(mend, producers_cable)),
    "delay-workers": Fault(
        partial(delay, workers_cable, DELAY_S), partial(delay, workers_cable, 0.0)
    ),
    "delay-producers": Fault(
        partial(delay, producers_cable, DELAY_S), partial(delay, producers_cable, 0.0)
    ),
    "fill-memory": Fault(fill_memory, free_memory),
    "scramble": Fault(partial(scramble, True), partial(scramble, False)),
}
"""By the name in the plan."""
