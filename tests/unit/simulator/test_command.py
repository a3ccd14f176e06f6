"""simulator/command.py and run.py: options that do not go together, and numbers that are none."""

import pytest
from typer.testing import CliRunner

from rillet.cli import app
from rillet.errors import UserError
from simulator.run import factor


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--speed", "3"], "need --replay"),
        (["--sensor-column", "x"], "need --replay"),
        (["--replay", "x.csv", "--speed", "3"], "--time-column"),
        (["--replay", "x.csv", "--scenario", "spike"], "--scenario is for invented"),
        (["--replay", "x.csv", "--time-column", "t", "--speed", "2", "--rate", "9"], "not both"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], message: str) -> None:
    """No option is ignored in silence."""
    result = CliRunner().invoke(app, ["simulate", *options])
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
def test_a_rate_or_speed_is_a_positive_number_or_max(text: str) -> None:
    """`max` is None: without a pace."""
    assert factor("--rate", "max") is None
    assert factor("--rate", "2.5") == 2.5
    with pytest.raises(UserError, match="--rate"):
        factor("--rate", text)
