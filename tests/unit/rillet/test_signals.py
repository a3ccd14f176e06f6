"""rillet/signals.py: the first signal acts, and nothing that comes later."""

import signal
import subprocess
import sys

from rillet.signals import hear_once

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
