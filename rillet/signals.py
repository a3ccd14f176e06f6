"""How a process ends by a signal: the first one is heard, no later one. Touches the handlers.

Two in quick succession are nothing rare: `timeout` sends one to its child and one to the group. A
handler runs between any two steps of the main thread, those of an earlier handler or of the
clearing away among them.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def hear_once(act: Callable[[], object], *numbers: signal.Signals) -> None:
    """Let the first of these signals call `act` in the main thread, and later ones do nothing."""

    def hear(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, _pass_over)
        act()

    for number in numbers:
        signal.signal(number, hear)


def end_as_by_ctrl_c() -> None:
    """Take a kill and a closed terminal for a Ctrl-C, which a shell's background job ignores."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
        numbers.append(signal.SIGHUP)
    hear_once(_interrupt, *numbers)


@contextmanager
def held_back() -> Iterator[None]:
    """Hear the signals that end this process only after the block.

    Else one that comes amid the start of another process would leave that one behind, as nobody
    has its number yet. What is not heard anyway stays so, in the other process as well.
    """
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in ENDING}
    mine = [number for number in ENDING if callable(before[number])]
    if threading.current_thread() is not threading.main_thread():
        mine = []  # handlers run in the main thread alone
    for number in mine:
        signal.signal(number, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])
    for first in heard[:1]:
        signal.raise_signal(first)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; unlike SIG_IGN, not handed down to the processes that this one starts."""
