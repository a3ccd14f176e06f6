"""`rillet bench`: a group of benchmarks, each in a module of its own."""

import typer

from bench.fold import fold
from bench.soak import soak
from bench.sse import sse
from rillet.signals import end_as_by_ctrl_c

bench = typer.Typer(
    no_args_is_help=True, help="Measure this machine; docs/performance.md has the tables."
)
bench.command()(fold)
bench.command()(soak)
bench.command()(sse)


@bench.callback()
def group() -> None:
    """Measure this machine; docs/performance.md has the tables."""
    end_as_by_ctrl_c()  # so that the private server ends too
