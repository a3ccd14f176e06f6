"""The `rillet` command: a table of subcommands, each loaded from its folder when it is called."""

import inspect
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from rillet import __version__
from rillet.errors import FULL, UserError

COMMANDS = {
    "demo": ("rillet.demo", "Run everything on this machine: server, simulator, processor, page."),
    "simulate": ("simulator.command", "Make readings, or replay a CSV file of real ones."),
    "process": ("processor.command", "Fold readings into statistics until stopped."),
    "serve": ("api.command", "Serve the REST routes, the SSE stream and the page."),
    "rejects": (
        "processor.rejects_command",
        "List the readings that could not be folded; send corrected ones back.",
    ),
    "top": ("processor.top_command", "Watch the sensors as a live table on the terminal."),
    "forget": ("processor.forget_command", "Forget sensors, by name or by how long unseen."),
    "rules": ("processor.rules_command", "Show, check and change the alert rules."),
    "doctor": ("rillet.doctor", "Look at the server as Rillet needs it; say what mends it."),
    "verify": ("verify.command", "Recompute statistics from the readings, and compare."),
    "chaos": ("chaos.command", "Break what may break; show that nothing is lost or counted twice."),
    "bench": ("bench.command", "Measure this machine: the relay, the fold."),
}
"""Subcommand: its module, which has a function of the same name, and its line of help.

A function named in a module that is itself a `typer.Typer` is taken as a group of commands.
"""


class LazyGroup(TyperGroup):
    """A group that imports a subcommand's module only when that subcommand is called.

    It keeps `rillet --help` quick, and lets this file start processes it may not import.
    """

    _listing = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the root's help, which needs of each command only its line."""
        self._listing = True
        super().format_help(ctx, formatter)
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 the parent's signature
        """Return the commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return one command, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, line = COMMANDS[cmd_name]
        if ctx.resilient_parsing or self._listing:
            return _placeholder(cmd_name, line)
        found = getattr(import_module(module), cmd_name)
        app = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False)
        if app is not found:
            app.command(cmd_name, help=_paragraphs(found))(found)
        return get_command(app)


def _paragraphs(function: Any) -> str:
    """Return a docstring with the lines of each paragraph joined, for the terminal to break.

    A paragraph that begins with a backspace keeps its lines: that is how examples are marked.
    """
    parts = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(p if p.startswith("\b") else p.replace("\n", " ") for p in parts)


def _placeholder(name: str, line: str) -> Any:
    """Return a command that only carries its line of help, for the root's `--help`."""
    app = typer.Typer(add_completion=False)
    app.command(name, help=line)(lambda: None)
    return get_command(app)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Settings come from the environment (RILLET_REDIS_URL, ...): docs/configuration.md. "
    "Try `rillet demo` first.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rillet {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Rillet: live, exact statistics from a Redis Stream, without Kafka."""


def main() -> None:
    """Run the command line; a UserError, or a refusal by Redis, is one line and exit status 2."""
    try:
        app()
    except UserError as error:
        said = str(error)
    except Exception as error:
        said = _said_by_redis(error)
        if not said:
            raise
    else:
        return
    typer.echo(f"rillet: {said}", err=True)
    _tell_strays()
    sys.exit(2)


def _tell_strays() -> None:
    """Name the variables that are no settings: one of them may be why it went wrong."""
    from rillet.environment import strays  # noqa: PLC0415 slow, rarely wanted

    for name, hint in strays().items():
        typer.echo(f"rillet: {name} is no setting: {hint}", err=True)


def _said_by_redis(error: Exception) -> str:
    """Return what a person is told of an error that Redis or the way to it made; else nothing."""
    from redis.exceptions import (  # noqa: PLC0415 slow, rarely wanted
        NoPermissionError,
        OutOfMemoryError,
        ResponseError,
    )

    from rillet.connect import FAULTS  # noqa: PLC0415 the same

    if not isinstance(error, FAULTS) or (isinstance(error, OSError) and error.filename):
        return ""
    if isinstance(error, OutOfMemoryError):
        return FULL
    first = str(error).partition("\n")[0].rstrip(".")
    if isinstance(error, NoPermissionError) or "can't run this command" in first:
        return f"Redis does not allow this user that: {first}. RILLET_REDIS_USERNAME names another."
    if isinstance(error, ResponseError):
        return f"Redis refuses: {first}. `rillet doctor` looks for the reason."
    return f"Redis went away: {first}. `rillet doctor` says more once it answers."
