"""docs/simulator.md says what the simulator does: its options, its scenarios, its kinds."""

import inspect
import re
from pathlib import Path

from simulator.command import simulate
from simulator.fault import FAULTS
from simulator.kind import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()


def test_every_option_on_the_page_exists() -> None:
    """What stands there can be typed."""
    named = set(re.findall(r"--([a-z][a-z-]*)", PAGE)) - {"help"}
    known = {name.replace("_", "-") for name in inspect.signature(simulate).parameters}
    assert named <= known
    assert len(named) > 12


def test_each_scenario_has_its_row_and_no_other() -> None:
    """The table of faults is complete."""
    table = PAGE.split("### Faults")[1].split("## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == set(FAULTS)


def test_each_kind_has_its_row_with_unit_range_and_hour() -> None:
    """The table of kinds is the one in the code."""
    for kind in KINDS:
        row = (
            f"| `{kind.name}` | {kind.unit} | {kind.low} to {kind.high} | {kind.peak_hour:02}:00 |"
        )
        assert row in PAGE
