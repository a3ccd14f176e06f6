"""What docs/redis-layout.md says of readings, rejects and statistics, tried on a real server."""

import re
import shlex
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from processor.fold import fold
from processor.merge import figures
from processor.post import message
from processor.record import Moments, Own, pieces_of
from processor.rules import RuleSet
from processor.rules_text import parse_toml
from rillet.alert import from_entry
from rillet.keys import partition_keys
from rillet.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "redis-layout.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its first row."""
    (part,) = [p for p in re.split(r"^## ", PAGE, flags=re.MULTILINE) if p.startswith(heading)]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


REJECTS = {row[0].strip(" `"): row[1].strip("`") for row in rows("Rejects\n")}
FIELDS = {row[0].strip(" `") for row in rows("Statistics\n")}


def add(client: redis.Redis, words: str) -> None:
    """XADD with the words of a shell's line; a backslash and a t stand for a tab."""
    client.execute_command("XADD", "readings", "*", *shlex.split(words.replace("\\t", "\t")))


def run(client: redis.Redis, settings: Settings) -> dict[str, int]:
    return fold(client, settings, partition_keys(settings)[0]).codes


@pytest.mark.parametrize("code", REJECTS)
def test_each_code_has_a_reading_that_gets_it(
    client: redis.Redis, settings: Settings, code: str
) -> None:
    """The example of each row of the table of rejects is refused for the reason of that row."""
    add(client, REJECTS[code])
    assert run(client, settings) == {code: 1}
    ((_id, fields),) = client.xrange("rejects")  # type: ignore[misc,unused-ignore]
    assert fields[b"code"].decode() == code
    assert fields[b"id"] == client.xrange("readings")[0][0]  # type: ignore[index,unused-ignore]
    assert fields[b"reason"]


def test_the_readme_shows_the_hash_as_it_is(client: redis.Redis, settings: Settings) -> None:
    """Its reading leaves the fields and figures that stand there, but for times and ids."""
    shown = dict(re.findall(r"^(\w+)\t(\S+)$", README, re.MULTILINE))
    shown = {name: shown[name] for name in list(shown)[: list(shown).index("restarts") + 1]}
    add(client, "sensor soil-1 value 0.42")
    run(client, settings)
    found = {k.decode(): v.decode() for k, v in client.hgetall("stats:soil-1").items()}  # type: ignore[union-attr,unused-ignore]
    timed = {"last_ts", "last_id", "first_ts"}
    assert list(found) == list(shown)
    assert {k: v for k, v in found.items() if k not in timed} == {
        k: v for k, v in shown.items() if k not in timed
    }


def test_every_code_is_in_the_table() -> None:
    """No script has a code that the page does not explain."""
    include = ROOT / "lua" / "include"
    source = (include / "entry.lua").read_text() + (include / "collect.lua").read_text()
    codes = set(re.findall(r"'((?:missing|bad|future)_[a-z]+|[a-z]+_out_of_range)'", source))
    assert codes
    assert codes <= set(REJECTS)


def test_the_fields_of_the_statistics_are_those_of_the_page(
    client: redis.Redis, settings: Settings
) -> None:
    """A sensor with all there is has each documented field and no other; `results` the same."""
    for value in ("1", "2"):
        add(client, f"sensor s value {value} seq {value} ts {value} kind k unit u")
    run(client, settings)
    shown: Any = client.hgetall("stats:s")
    assert {name.decode() for name in shown} == FIELDS
    ((_id, result),) = client.xrange("results")  # type: ignore[misc,unused-ignore]
    assert next(iter(result)) == b"sensor"
    assert result == {b"sensor": b"s", **shown}


def test_a_sensor_of_bad_readings_only_has_no_figures(
    client: redis.Redis, settings: Settings
) -> None:
    """Its hash has the counts, and nothing from mean to last_id."""
    add(client, "sensor s value nan")
    run(client, settings)
    shown: Any = client.hgetall("stats:s")
    want = {"count": "0", "duplicates": "0", "gaps": "0", "late": "0", "rejected": "1"}
    want["restarts"] = "0"
    assert {k.decode(): v.decode() for k, v in shown.items()} == want


@pytest.mark.parametrize("text", ["21.5", "-3", ".5", "1e-7", "+1", "5.", "1E5"])
def test_plain_decimal_numbers_are_taken(
    client: redis.Redis, settings: Settings, text: str
) -> None:
    """What the page shows as a value, and its near kin, is one."""
    add(client, f"sensor s value {text}")
    run(client, settings)
    assert float(client.hget("stats:s", "last") or "nan") == float(text)


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "0x10", "'1 '", "''", "1,5", "1e", "--1"])
def test_other_numbers_are_not(client: redis.Redis, settings: Settings, text: str) -> None:
    """No infinities, blanks, hexadecimal, decimal commas, nor half a number."""
    add(client, f"sensor s value {text}")
    assert run(client, settings) == {"bad_value": 1}


SEQUENCES = {
    "a repeat": ("5 6 6", {"count": 2, "duplicates": 1}),
    "numbers left out": ("1 2 5", {"count": 3, "gaps": 2}),
    "late ones fill the gap": ("1 2 5 4 3", {"count": 5, "gaps": 0}),
    "late ones, once": ("1 2 5 4 4", {"count": 4, "gaps": 1, "duplicates": 1}),
    "before the first": ("10 7", {"count": 2, "gaps": 2}),
    "far below without ts": ("100 101 1 2", {"count": 4, "restarts": 1, "duplicates": 0}),
    "from one again, with ts": ("1@1 2@2 3@3 1@4 2@5", {"count": 5, "restarts": 1}),
    "sent again, with ts": ("1@1 2@2 3@3 2@2", {"count": 3, "duplicates": 1, "restarts": 0}),
    "far below, old ts": ("1@1 100@9 1@1", {"count": 2, "duplicates": 1, "restarts": 0}),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_rule_of_seq_is_the_documented_one(
    client: redis.Redis, settings: Settings, name: str
) -> None:
    """Repeats, gaps, late arrivals and restarts are told apart as the page says, in any fold."""
    numbers, want = SEQUENCES[name]
    for at, one in enumerate(numbers.split()):
        seq, _, ts = one.partition("@")
        add(client, f"sensor s value 1 seq {seq}" + (f" ts {ts}" if ts else ""))
        if at % 2:
            run(client, settings)
    run(client, settings)
    assert {field: int(client.hget("stats:s", field) or -1) for field in want} == want


def test_the_record_has_the_documented_layout(client: redis.Redis, settings: Settings) -> None:
    """A record reads, with seq and labels, as the page and processor/record.py say."""
    for seq, value in ((1, "1.5"), (4, "1e-200"), (4, "7")):
        add(client, f"sensor s value {value} seq {seq} ts {seq} kind k unit °C")
    run(client, settings)
    record: Any = client.hget("state", "s")
    pieces = pieces_of(record)
    assert set(pieces) == {"s", "m", "q", "e", "w", "d"}
    own, moments = Own.unpack(pieces["s"]), Moments.unpack(pieces["m"])
    assert (own.duplicates, own.rejected, own.gaps, own.restarts) == (1, 0, 2, 0)
    assert (own.first_ts, own.last_ts, own.kind, own.unit) == (1, 4, "k", "°C")
    assert moments == Moments.of([1.5, 1e-200])
    assert figures(moments)["count"] == 2


def test_the_cursor_is_a_field_of_state(client: redis.Redis, settings: Settings) -> None:
    """It holds the last folded id and the number read; at rest there is no list of dirty ones."""
    add(client, "sensor s value 1")
    add(client, "sensor s value 2")
    run(client, settings)
    last = client.xrevrange("readings", count=1)[0][0]  # type: ignore[index,unused-ignore]
    assert client.hget("state", "\0cursor") == last + b" 2"
    assert not client.hexists("state", "\0dirty")


def test_the_webhook_posts_what_the_page_shows(client: redis.Redis, settings: Settings) -> None:
    """The example of docs/alerts.md, made of its first rule and a reading."""
    page = (ROOT / "docs" / "alerts.md").read_text()
    (toml, *_) = re.findall(r"^    (\[\[rule\]\]\n.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^    (\{\"text\".*?\})\n\n", page, re.MULTILINE | re.DOTALL)
    client.set("rules", RuleSet(parse_toml(toml), 1).compiled())
    reading = {"sensor": "greenhouse-1", "value": "31.5", "kind": "temperature"}
    client.xadd("readings", reading | {"ts": "1795484873000"}, id="1795484873101-0")  # type: ignore[arg-type]
    fold(client, settings, partition_keys(settings)[0], now_ms=1795484873101)
    ((_, fields),) = client.xrange("alerts")  # type: ignore[union-attr, misc]
    assert orjson.loads(message(from_entry(b"1795484873101-0", fields))) == orjson.loads(shown)
