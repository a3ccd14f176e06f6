"""rillet/signals.py: the first signal acts, and nothing that comes later."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from rillet.signals import hear_once, held_back

SCRIPT = """
import os, signal
from rillet.signals import end_as_by_ctrl_c
end_as_by_ctrl_c()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
except KeyboardInterrupt:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.raise_signal(number)
    print("cleared away")
"""


def test_signals_during_the_first_are_passed_over() -> None:
    """What the first one began is not begun again in its midst."""
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    acts = []

    def act() -> None:
        acts.append(1)
        if len(acts) < 5:
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR2)

    try:
        hear_once(act, *before)
        signal.raise_signal(signal.SIGUSR2)
        signal.raise_signal(signal.SIGUSR1)
        assert acts == [1]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_clearing_away_is_not_interrupted() -> None:
    """A kill is a Ctrl-C, and the signals behind it leave what follows alone."""
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleared away\n", "")


HELD = """
import signal
from rillet.signals import end_as_by_ctrl_c, held_back
end_as_by_ctrl_c()
begun = None
try:
    with held_back():
        signal.raise_signal(signal.SIGTERM)
        begun = "a process"
    print("went on")
except KeyboardInterrupt:
    print("ended", begun)
"""


def test_what_is_begun_is_known_before_a_signal_is_heard() -> None:
    """One that comes amid the start of a process is heard once there is something to end."""
    command = [sys.executable, "-c", HELD]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended a process\n", "")


def test_what_is_ignored_stays_ignored() -> None:
    """Under nohup the processes that are started ignore a closed terminal as this one does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held_back():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_start_processes_as_well() -> None:
    """Where no handler can be set, none need be: they run in the main thread alone."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_held).result()


def _held() -> bool:
    with held_back():
        return True
