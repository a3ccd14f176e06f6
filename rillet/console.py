"""Where commands print tables: as wide as the terminal, and wide enough where there is none."""

import sys

from rich.console import Console

WIDE = 200
"""Columns, where a file or another program reads: no table of Rillet's is cut at that."""


def tables() -> Console:
    """Return standard output for tables; numbers in them are not coloured by guess."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
