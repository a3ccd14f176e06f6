"""rillet/environment.py: what is read, and what is told of variables that nobody reads."""

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rillet.cli import main
from rillet.environment import COMPOSE, load_settings, strays
from rillet.finding import Patient
from rillet.log import log_strays
from rillet.settings import Settings
from rillet.unused import check_environment

PASSWORD = "RILLET_REDIS_PASSWORD"
MEANT = "did you mean RILLET_REDIS_PASSWORD_FILE?"


def test_a_variable_that_is_no_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting it is most like, if any."""
    monkeypatch.setenv(PASSWORD, "secret")
    monkeypatch.setenv("RILLET_COLOUR", "red")
    monkeypatch.setenv("rillet_partition", "3")
    assert strays() == {
        "RILLET_COLOUR": "docs/configuration.md lists all settings",
        PASSWORD: MEANT,
        "rillet_partition": "did you mean RILLET_PARTITIONS?",
    }


@pytest.mark.parametrize("name", ["RILLET_PARTITIONS", "rillet_partitions", "RILLET_partitions"])
def test_a_setting_is_none_in_any_case(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Settings are read in capitals and in small letters."""
    monkeypatch.setenv(name, "3")
    assert load_settings().partitions == 3
    assert strays() == {}


@pytest.mark.parametrize(
    "name",
    [
        "RILLET_API_SERVICE_HOST",
        "RILLET_API_SERVICE_PORT_HTTP",
        "RILLET_API_PORT",
        "RILLET_API_PORT_80_TCP_ADDR",
        "RILLET_REDIS_ENV_REDIS_VERSION",
        *sorted(COMPOSE),
    ],
)
def test_what_others_set_is_passed_over(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Kubernetes' variables for services, and those of the compose file."""
    monkeypatch.setenv(name, "1")
    assert strays() == {}


def test_the_compose_files_own_variables_are_known() -> None:
    """All that it asks for and no process reads."""
    asked = set(re.findall(r"\$\{(RILLET_\w+)", Path("compose.yaml").read_text()))
    assert asked == COMPOSE


def test_the_log_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process starts, with a hint."""
    monkeypatch.setenv(PASSWORD, "secret")
    with capture_logs() as lines:
        log_strays()
    assert [(line["event"], line["name"], line["hint"]) for line in lines] == [
        ("unknown_setting", PASSWORD, MEANT)
    ]


def test_the_doctor_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what takes it away."""
    monkeypatch.setenv(PASSWORD, "secret")
    (found,) = check_environment(Patient(None, Settings(), {}))
    assert (found.level, found.said) == ("warning", f"{PASSWORD} is no setting: {MEANT}")
    assert found.mend == f"unset {PASSWORD}"


def test_a_command_that_fails_tells_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be why."""
    monkeypatch.setenv(PASSWORD, "secret")
    monkeypatch.setenv("RILLET_REDIS_URL", "nowhere")
    monkeypatch.setattr("sys.argv", ["rillet", "verify"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.splitlines()[-1] == f"rillet: {PASSWORD} is no setting: {MEANT}"
