"""processor/health.py: what the log says of an outage that many drivers share."""

import pytest
from structlog.testing import capture_logs

from processor.health import Health, cause_of

AWAY = "ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused."


def test_one_outage_is_one_line_each_way() -> None:
    """However many drivers see it, an outage is named once, and its end when all are well."""
    health = Health()
    with capture_logs() as lines:
        for _ in range(3):
            for p in range(8):
                health.ill(f"{{{p}}}:readings", AWAY)
        health.ill("{3}:readings", "ConnectionError: Connection closed by server.")
        for p in range(7):
            health.well(f"{{{p}}}:readings")
        assert [line["event"] for line in lines] == ["fold.failing"]
        for p in range(8):
            health.well(f"{{{p}}}:readings")
    assert [line["event"] for line in lines] == ["fold.failing", "fold.recovered"]
    assert lines[0]["fault"] == AWAY


def test_another_cause_is_named() -> None:
    """A fault that turns into another is named again; one that alternates with it is not."""
    health = Health()
    with capture_logs() as lines:
        for _ in range(3):
            health.ill("readings", AWAY)
            health.ill("readings", "ResponseError: WRONGTYPE Operation against a key")
            health.ill("readings", "ResponseError: MISCONF Errors writing to the AOF file")
        health.well("readings")
        health.ill("readings", AWAY)
    faults = [line.get("fault", "").split()[:2] for line in lines]
    assert faults == [
        ["ConnectionError:", "Error"],
        ["ResponseError:", "WRONGTYPE"],
        ["ResponseError:", "MISCONF"],
        [],
        ["ConnectionError:", "Error"],
    ]


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (AWAY, "ConnectionError:"),
        ("ResponseError: WRONGTYPE Operation against", "ResponseError: WRONGTYPE"),
        ("WRONGTYPE Operation against a key", "WRONGTYPE"),
        ("ResponseError: ", "ResponseError:"),
        (
            "ResponseError: WRONGTYPE Operation against a key script: 0e9d, on @user_script:1002.",
            "ResponseError: WRONGTYPE 1002",
        ),
    ],
)
def test_the_cause_is_in_the_first_words(fault: str, cause: str) -> None:
    """An error's class tells its cause; of an answer its code, and the line of the script."""
    assert cause_of(fault) == cause
