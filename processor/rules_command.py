"""`rillet rules`: shows the alert rules in force, checks a file of them, puts one in force."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from processor.rules import LimitRule, RuleSet, shown
from processor.rules_store import parse_file, read_rules, write_rules
from processor.rules_text import RulesError
from rillet.connect import connect
from rillet.console import tables
from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.reachable import check_reachable

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="TOML, or JSON if it ends in .json; - is TOML input.")
]

rules = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Show, check and change the alert rules. docs/alerts.md says what a rule may say.",
)


@rules.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON that `load` takes.")] = False,
) -> None:
    """Show the rules in force."""
    settings = load_settings()
    check_reachable(settings)
    with connect(settings) as client:
        found = read_rules(client, settings)
    if as_json:
        listed = {"version": found.version, "rules": [shown(rule) for rule in found.rules]}
        typer.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2))
    else:
        tables().print(_table(found))


@rules.command()
def check(file: File) -> None:
    """Say whether a file of rules is good, and if not, in which lines and why. Needs no Redis."""
    number = len(_read(file))
    typer.echo(f"{file}: {number} {'rule is' if number == 1 else 'rules are'} good.")


@rules.command()
def load(file: File) -> None:
    """Check a file of rules and put it in force, in place of all rules before."""
    wanted = _read(file)
    settings = load_settings()
    check_reachable(settings)
    with connect(settings) as client:
        version = write_rules(client, settings, wanted)
    number = len(wanted)
    typer.echo(f"{number} {'rule is' if number == 1 else 'rules are'} in force, as {version}.")


def _read(file: Path) -> list[Any]:
    """Return the rules of a file; end with status 2, and a line for each fault, if it is bad."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from None
    try:
        return parse_file(file, text)
    except RulesError as error:
        for fault in error.faults:
            place = f"{file}:{fault.line}" if fault.line else str(file)
            where = f"{fault.where}: " if fault.where else ""
            typer.echo(f"{place}: {where}{fault.reason}", err=True)
        raise typer.Exit(2) from None


def _table(found: RuleSet) -> Table:
    table = Table(title=f"Alert rules: {len(found.rules)}", title_justify="left")
    for heading in ("name", "type", "for", "fires", "message"):
        table.add_column(heading, overflow="fold")
    for rule in found.rules:
        whom = f"kind {rule.kind}" if rule.kind else rule.sensor or "all"
        cells = (rule.name, rule.type, whom, _condition(rule), rule.message or "")
        table.add_row(*(escape(cell) for cell in cells))
    return table


def _condition(rule: Any) -> str:
    """Return when a rule fires, in a few words."""
    text = rule.derived()
    if isinstance(rule, LimitRule):
        limits = [text[key] for key in ("low_text", "high_text") if key in text]
        back = f", back by {rule.hysteresis:g}" if rule.hysteresis else ""
        return f"{' or '.join(limits)}{back}"
    words = {
        "deviation": "more than {} from the weighted mean",
        "stuck": "same value for {}",
        "silence": "no reading for {}",
    }
    return words[rule.type].format(text["threshold"])
