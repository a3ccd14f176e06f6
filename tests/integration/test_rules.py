"""`rillet rules` and RILLET_RULES_FILE on a real server: what is in force, and since when."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import Result
from typer.testing import CliRunner

from processor.rules import RuleSet
from processor.rules_store import Keeper, read_rules
from rillet.cli import app, main
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.processes import running
from tests.waiting import until

HOT = '[[rule]]\nname = "{}"\ntype = "limit"\nhigh = 30\n'


@pytest.fixture
def parts(
    server: EmbeddedServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Settings:
    monkeypatch.setenv("RILLET_REDIS_URL", server.url)
    monkeypatch.setenv("RILLET_PARTITIONS", "3")
    file = tmp_path / "rules.toml"
    return settings.model_copy(update={"partitions": 3, "rules_file": file})


def rillet(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(app, ["rules", *words], input=given, env={"COLUMNS": "200"})


def names(client: redis.Redis, settings: Settings) -> list[list[str]]:
    """Return the names of the rules of each partition."""
    found: list[Any] = [client.get(keys.rules) for keys in partition_keys(settings)]
    return [[rule.name for rule in RuleSet.read(one).rules] for one in found]


def write(settings: Settings, text: str) -> None:
    assert settings.rules_file
    settings.rules_file.write_text(text)


def test_what_is_loaded_is_in_force_everywhere_and_shown(
    client: redis.Redis, parts: Settings
) -> None:
    """`load` writes the rules to every partition; `show` has them as a table, and as JSON again."""
    write(parts, HOT.format("hot"))
    assert "1 rule is in force" in rillet("load", str(parts.rules_file)).output
    assert names(client, parts) == [["hot"]] * 3
    assert "> 30" in rillet("show").output
    listed = rillet("show", "--json").output
    again = rillet("load", "-", given='[[rule]]\nname="b"\ntype="stuck"\nafter_s=60')
    assert again.exit_code == 0
    assert names(client, parts) == [["b"]] * 3
    first, second = json.loads(listed)["version"], read_rules(client, parts).version
    assert second > first
    file = Path(str(parts.rules_file)).with_suffix(".json")
    file.write_text(listed)
    assert rillet("load", str(file)).exit_code == 0
    assert names(client, parts) == [["hot"]] * 3


def test_a_full_redis_is_said_to_be_full(
    client: redis.Redis, parts: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """`load` ends with one line that says so and what to do about it, and status 2."""
    write(parts, HOT.format("hot"))
    monkeypatch.setattr("sys.argv", ["rillet", "rules", "load", str(parts.rules_file)])
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(SystemExit, match="2"):
            main()
    finally:
        client.config_set("maxmemory", "0")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rillet: Redis is full")
    assert "maxmemory" in line


def test_a_bad_file_changes_nothing(client: redis.Redis, parts: Settings) -> None:
    """`check` and `load` end with status 2 and a line `file:line: place: reason` for each fault."""
    write(parts, HOT.format("hot"))
    rillet("load", str(parts.rules_file))
    write(parts, HOT.format("hot!") + HOT.format("b").replace("high", "hihg"))
    for command in ("check", "load"):
        told = rillet(command, str(parts.rules_file))
        assert told.exit_code == 2
        lines = [line.split(".toml:")[1] for line in told.output.splitlines()]
        assert [line.split(": ")[:2] for line in lines] == [
            ["2", "hot!.name"],
            ["8", "b.hihg"],
        ]
    assert names(client, parts) == [["hot"]] * 3


def test_a_file_is_loaded_when_it_is_news_and_only_then(
    client: redis.Redis, parts: Settings
) -> None:
    """Rules of run time outlive a restart; a changed file takes their place."""
    write(parts, HOT.format("file"))
    Keeper(parts).keep(client)
    assert names(client, parts) == [["file"]] * 3
    rillet("load", "-", given=HOT.format("later"))
    keeper = Keeper(parts)
    keeper.keep(client)
    assert names(client, parts) == [["later"]] * 3
    write(parts, HOT.format("changed"))
    keeper.keep(client)
    assert names(client, parts) == [["changed"]] * 3


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_a_file_that_no_parser_takes_changes_nothing(
    client: redis.Redis, parts: Settings, text: str
) -> None:
    """A look at such a file is logged, and the rules before it stay in force."""
    write(parts, HOT.format("hot"))
    keeper = Keeper(parts)
    keeper.look()
    write(parts, text)
    keeper.look()
    assert names(client, parts) == [["hot"]] * 3
    assert rillet("check", str(parts.rules_file)).exit_code == 2


def test_workers_whose_files_differ_do_not_fight(client: redis.Redis, parts: Settings) -> None:
    """While an update of the file spreads, the worker that still has the old one leaves it be."""
    write(parts, HOT.format("old"))
    slow = Keeper(parts)
    slow.keep(client)
    other = parts.model_copy(update={"rules_file": Path(f"{parts.rules_file}.new")})
    write(other, HOT.format("new"))
    Keeper(other).keep(client)
    slow.keep(client)
    assert names(client, parts) == [["new"]] * 3


def test_lost_rules_come_back(client: redis.Redis, parts: Settings) -> None:
    """A partition without them gets those of the others; with none left, the file's."""
    write(parts, HOT.format("file"))
    keeper = Keeper(parts)
    keeper.keep(client)
    client.delete(partition_keys(parts)[1].rules)
    keeper.keep(client)
    assert names(client, parts) == [["file"]] * 3
    client.flushall()
    keeper.keep(client)
    assert names(client, parts) == [["file"]] * 3


@pytest.mark.slow
def test_the_processor_loads_its_file_and_follows_it(
    server: EmbeddedServer, client: redis.Redis, parts: Settings
) -> None:
    """`rillet process` puts RILLET_RULES_FILE in force as it starts, and again when it changes."""
    write(parts, HOT.format("first"))
    with running(server, "process", partitions="3", rules_file=str(parts.rules_file)):
        until(lambda: names(client, parts) == [["first"]] * 3)
        write(parts, HOT.format("second"))
        until(lambda: names(client, parts) == [["second"]] * 3)


def test_the_processor_refuses_to_start_with_a_bad_file(
    server: EmbeddedServer, parts: Settings
) -> None:
    """One line with file, line and reason, and status 2."""
    write(parts, HOT.format("hot!"))
    with running(server, "process", rules_file=str(parts.rules_file)) as process:
        assert process.wait(60) == 2
        assert process.stdout
        assert "rules.toml: line 2: hot!.name" in process.stdout.read()
