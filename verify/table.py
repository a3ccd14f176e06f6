"""Draws what `rillet verify` found: one sensor field by field, or many in one line each."""

from rich.console import Console
from rich.table import Table

from verify.agreement import Agreement
from verify.tail import Report


def digits_text(one: Agreement) -> str:
    """Return the digits for people."""
    if one.exact:
        return "exact"
    return f"{one.digits:.1f}" if one.right else f"[red]{one.digits:.1f}[/]"


def fields_table(report: Report) -> Table:
    """Return one sensor's fields: as shown, as they must be, and the digits that agree."""
    table = Table(title=f"{report.sensor}: against {report.against}", title_justify="left")
    for heading, side in (("field", "left"), ("in Redis", "right"), ("exact", "right")):
        table.add_column(heading, justify=side, overflow="fold")  # type: ignore[arg-type]
    table.add_column("digits", justify="right")
    for one in report.fields:
        wanted = (one.wanted or "none") if isinstance(one.wanted, str) else repr(one.wanted)
        table.add_row(one.field, one.shown or "missing", wanted, digits_text(one))
    return table


def sensors_table(reports: list[Report]) -> Table:
    """Return one line a sensor: its worst field, and how many digits of it agree."""
    table = Table()
    table.add_column("sensor", overflow="fold")
    table.add_column("held against", overflow="fold")
    for heading in ("fields", "digits"):
        table.add_column(heading, justify="right")
    table.add_column("worst field")
    for report in reports:
        worst = min(report.fields, key=lambda one: (one.right, one.digits))
        table.add_row(
            report.sensor,
            report.against,
            f"{len(report.fields)}",
            digits_text(worst),
            "" if worst.right else worst.field,
        )
    return table


def show(console: Console, reports: list[Report]) -> None:
    """Print the fields of a single sensor or of those that disagree, and one line a sensor."""
    if len(reports) > 1:
        console.print(sensors_table(reports))
    for report in reports:
        if len(reports) == 1 or not report.right:
            console.print(fields_table(report))
    console.print(verdict(reports))


def verdict(reports: list[Report]) -> str:
    """Return in words what it came to, and what was not compared."""
    wrong = sum(not report.right for report in reports)
    near = {one.field for report in reports for one in report.fields if not one.exact}
    unchecked = sorted({name for report in reports for name in report.unchecked})
    left_out = f" Not compared: {', '.join(unchecked)}." if unchecked else ""
    if wrong:
        return f"{wrong} of {len(reports)} sensors disagree.{left_out}"
    subject = "Every field compared" if unchecked else "Every field"
    doubles = f"; as near as doubles are: {', '.join(sorted(near))}" if near else ""
    return f"{subject} is exact{doubles}.{left_out}"
