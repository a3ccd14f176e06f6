"""The width of tables (rillet/console.py)."""

import os
import pty
import subprocess
import sys

from rillet.console import WIDE

SHOW = "from rillet.console import tables; print(tables().width)"


def test_tables_are_not_cut_where_nobody_looks() -> None:
    """A file or another program gets whole tables, whatever width the shell has."""
    env = {**os.environ, "COLUMNS": "40"}
    said = subprocess.run(
        [sys.executable, "-c", SHOW], env=env, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [str(WIDE)]


def test_tables_fit_the_terminal() -> None:
    """A terminal gets tables of its own width."""
    env = {**os.environ, "COLUMNS": "91"}
    near, far = pty.openpty()
    with os.fdopen(far, "wb"), os.fdopen(near, "rb", 0) as terminal:
        subprocess.run([sys.executable, "-c", SHOW], env=env, stdout=far, check=True)
        assert terminal.read(100).split() == [b"91"]
