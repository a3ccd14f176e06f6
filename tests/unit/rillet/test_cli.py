"""rillet/cli.py as people meet it: help that teaches, and one line for what they get wrong."""

import os
import socket
import subprocess
import sys

import pytest

from rillet import __version__
from rillet.cli import COMMANDS
from rillet.embedded import free_port


def rillet(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end; no settings but those given."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RILLET_")}
    env |= {f"RILLET_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "rillet", *words],
        env={**env, "COLUMNS": "200", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_help_lists_every_command() -> None:
    """`rillet --help` has each command with its line, and where to go on."""
    told = rillet("--help")
    assert told.returncode == 0
    for name, (_module, line) in COMMANDS.items():
        assert name in told.stdout
        assert line in told.stdout
    assert "docs/configuration.md" in told.stdout
    assert "rillet demo" in told.stdout


def test_no_words_show_the_help() -> None:
    """`rillet` alone is a question, not an error without an answer."""
    told = rillet()
    assert all(name in told.stdout + told.stderr for name in COMMANDS)


def test_the_version_is_that_of_the_package() -> None:
    """`rillet --version` says it."""
    assert rillet("--version").stdout == f"rillet {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str) -> None:
    """Its `--help` needs no server, names the command, and says more than its name."""
    told = rillet(command, "--help", redis_url="redis://127.0.0.1:1")
    assert told.returncode == 0
    assert f"rillet {command}" in told.stdout
    assert len(told.stdout) > 300


def assert_one_line(told: subprocess.CompletedProcess[str], *wanted: str) -> None:
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.startswith("rillet: ")
    assert told.stderr.count("\n") == 1
    for words in wanted:
        assert words in told.stderr


@pytest.mark.parametrize("command", [["process"], ["simulate", "--count", "1"]])
def test_no_server_is_one_line(command: list[str]) -> None:
    """It says the address that was tried, and what to do."""
    port = free_port()
    told = rillet(*command, redis_url=f"redis://:sesame@127.0.0.1:{port}/0")
    assert_one_line(told, f"127.0.0.1:{port}", "RILLET_REDIS_URL", "rillet demo")
    assert "sesame" not in told.stderr


@pytest.mark.parametrize("command", [["process"], ["serve", "--port", "0"]])
def test_a_wrong_address_is_one_line(command: list[str]) -> None:
    """It says what an address looks like."""
    assert_one_line(rillet(*command, redis_url="http://h"), "'http://h'", "redis://host:6379/0")


@pytest.mark.parametrize("command", ["demo", "process", "serve"])
def test_a_setting_that_does_not_fit_is_one_line(command: str) -> None:
    """It names the variable and the page that lists them all."""
    told = rillet(command, partitions="none")
    assert_one_line(told, "RILLET_PARTITIONS: ", "docs/configuration.md")


def test_a_taken_port_is_one_line() -> None:
    """`rillet serve` says which, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_line(rillet("serve", "--port", str(port)), f"127.0.0.1:{port}", "--port")


@pytest.mark.parametrize("words", [["proces"], ["process", "--fast"]])
def test_what_there_is_not_is_said_without_a_traceback(words: list[str]) -> None:
    """An unknown command or option is named, with the way to the help."""
    told = rillet(*words)
    assert told.returncode == 2
    assert words[-1] in told.stderr
    assert "--help" in told.stderr
    assert "Traceback" not in told.stderr
