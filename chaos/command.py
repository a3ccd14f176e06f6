"""`rillet chaos`: its options, its progress, its tables, its exit status."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from chaos.plan import NAMES, chosen, make_plan
from chaos.readings import sensors_of
from chaos.run import Config, Outcome, run
from chaos.table import faults_table, readings_table, statistics_table
from rillet.console import tables
from rillet.errors import UserError
from rillet.signals import end_as_by_ctrl_c

WEEK = 7 * 24 * 60.0
"""Minutes."""


def chaos(
    *,
    minutes: Annotated[
        float, typer.Option(min=0.01, max=WEEK, help="How long things go wrong.")
    ] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan and readings.")] = 1,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"Only this one: {', '.join(NAMES)}. Repeatable."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that fold.")] = 3,
    producers: Annotated[int, typer.Option(min=1, help="Producers, each with 9 sensors.")] = 4,
    rate: Annotated[
        float, typer.Option(min=1, max=1e6, help="Readings a second, in all.")
    ] = 2000.0,
    partitions: Annotated[int, typer.Option(min=1, max=1024, help="Partitions.")] = 1,
    server: Annotated[str, typer.Option(help="Path of the server binary.")] = "",
    build: Annotated[
        Path | None,
        typer.Option(help="A checkout whose workers are run instead of these.", exists=True),
    ] = None,
) -> None:
    """Break everything that may break, and show that no reading is lost or counted twice.

    A private server (AOF, appendfsync always), producers, workers, and a plan of faults from the
    seed. At the end every field of every sensor is held against exact arithmetic over what was
    stored, and that against what was acknowledged.

    Exit status: 0 nothing lost, nothing counted twice, every figure as promised; else 1.
    """
    if build and not (build / "rillet" / "cli.py").exists():
        raise UserError(f"--build {build} is no checkout: it has no rillet/cli.py.")
    _check_amount(rate * minutes * 60, producers)
    end_as_by_ctrl_c()  # nothing is to outlive a kill
    seconds = minutes * 60
    plan = make_plan(seed, seconds, chosen(fault or []))
    config = Config(
        seed, seconds, plan, workers, producers, rate, partitions, server or None, build
    )
    typer.echo(f"rillet chaos --minutes {minutes:g} --seed {seed}: {len(plan)} faults")
    outcome = _run(config)
    _show(outcome)
    raise typer.Exit(0 if outcome.verdict.good else 1)


def _check_amount(readings: float, producers: int) -> None:
    """Raise UserError where some sensor would send nothing."""
    sensors = len(sensors_of(0))
    if readings < sensors * producers:
        raise UserError(
            f"{readings:.0f} readings are too few for {producers} producers with {sensors} sensors"
            " each: take more --minutes, a higher --rate, or fewer --producers."
        )


def _run(config: Config) -> Outcome:
    """Run with a bar that moves fault by fault."""
    columns = (TextColumn("{task.description:<50}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=len(config.plan) + 1)

        def say(what: str) -> None:
            progress.update(task, advance=1, description=what)

        return run(config, say)


def _show(outcome: Outcome) -> None:
    console, verdict = tables(), outcome.verdict
    for table in (faults_table(outcome.done), readings_table(verdict), statistics_table(verdict)):
        console.print(table)
    for one in verdict.wrong:
        console.print(f"[red]wrong:[/] {one}")
    if verdict.good:
        end = f"every figure of {verdict.sensors} sensors as promised"
        console.print(f"{outcome.server}: lost 0, counted twice 0, {end}.")
    else:
        said = f"lost {verdict.lost:,}, counted twice {verdict.twice:,}"
        console.print(f"{outcome.server}: [red]NOT as promised[/]: {said}.")
