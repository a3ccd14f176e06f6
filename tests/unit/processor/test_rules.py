"""processor/rules.py and rules_text.py: what a rule may say, and what is said of a bad one."""

import json

import orjson
import pytest

from processor.rules import RULES_MAX, RuleSet, newest, shown
from processor.rules_text import RulesError, parse_json, parse_toml

GOOD = """
# The greenhouse.
[[rule]]
name = "too-hot"
type = "limit"
kind = "temperature"
high = 30
hysteresis = 0.1

[[rule]]
name = "odd"
type = "deviation"
sensor = "greenhouse-*"
sigma = 4.0

[[rule]]
name = "stuck"
type = "stuck"
after_s = 0.25
message = "nothing moves"
"""


def faults_of(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(RulesError) as raised:
        parse_toml(text)
    return [(fault.line, fault.where, fault.reason) for fault in raised.value.faults]


def test_the_fold_gets_each_rule_as_written_and_what_it_needs_besides() -> None:
    """Compiled JSON has the rule's keys, its defaults, and what the fold cannot make itself."""
    compiled = orjson.loads(RuleSet(parse_toml(GOOD), 7, "abc").compiled())
    assert compiled == {
        "version": 7,
        "file": "abc",
        "rules": [
            {
                "name": "too-hot",
                "type": "limit",
                "kind": "temperature",
                "high": 30.0,
                "hysteresis": 0.1,
                "high_text": "> 30",
            },
            {
                "name": "odd",
                "type": "deviation",
                "sensor": "greenhouse-*",
                "sigma": 4.0,
                "warm_up": 30,
                "threshold": "4 sigma",
            },
            {
                "name": "stuck",
                "type": "stuck",
                "message": "nothing moves",
                "after_s": 0.25,
                "after_ms": 250,
                "threshold": "0.25 s",
            },
        ],
    }


def test_what_was_compiled_reads_back() -> None:
    """Read back, the rules equal those written, and their JSON is taken as rules again."""
    rules = RuleSet(parse_toml(GOOD), 7, "abc")
    assert RuleSet.read(rules.compiled()) == rules
    listed = {"version": 7, "rules": [shown(rule) for rule in rules.rules]}
    assert parse_json(json.dumps(listed)) == rules.rules


@pytest.mark.parametrize("other", [None, b"", b"rubbish", b"[]", b'{"rules":[{}]}'])
def test_what_is_not_ours_counts_as_no_rules(other: bytes | None) -> None:
    """A missing or damaged key is version 0 without rules, which any write replaces."""
    assert RuleSet.read(other) == RuleSet()


def test_the_newest_write_is_in_force() -> None:
    """Where partitions differ, the highest version counts."""
    assert newest([RuleSet(version=1), RuleSet(version=3), RuleSet(version=2)]).version == 3
    assert newest([]) == RuleSet()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("sigma = 4.0", "sigma = 4.0\nsigmma = 3", (15, "odd.sigmma", "did you mean sigma")),
        ("sigma = 4.0", "sigma = 4.0\ncolour = 3", (15, "odd.colour", "known are name, kind")),
        ("sigma = 4.0", "sigma = true", (14, "odd.sigma", "number")),
        ("sigma = 4.0", "sigma = nan", (14, "odd.sigma", "finite")),
        ("sigma = 4.0", "", (10, "odd.sigma", "missing")),
        ('"odd"', '"too-hot"', (11, "too-hot", "another rule has this name")),
        ('"odd"', '"too hot"', (11, "too hot.name", "letters, digits")),
        ('"odd"', "3", (11, "rule 2.name", "string")),
        ('"deviation"', '"sigma"', (12, "odd", "type 'sigma' is not one of limit, deviation")),
        ('type = "deviation"\n', "", (10, "odd", "type is missing")),
        ('"greenhouse-*"', '"grün*"', (13, "odd.sensor", "printable ASCII")),
        ("high = 30", "high = inf", (7, "too-hot.high", "")),
        ("high = 30", "high = 1e101", (7, "too-hot.high", "less than or equal")),
        ("high = 30", 'high = """\n\n[[rule]]"""', (9, "too-hot.high", "number")),
        ("high = 30", "", (3, "too-hot", "needs high, low or both")),
        ("high = 30", "high = 1\nlow = 1", (3, "too-hot", "low is not below high")),
        ("high = 30", "high = 1\nlow = 0.9", (3, "too-hot", "hysteresis leaves no value")),
        ('"temperature"', '"t"\nsensor = "a"', (3, "too-hot", "not both")),
        ("nothing moves", "{sensor} {x}", (20, "stuck.message", "{x} stands for nothing")),
        ("0.25", "0", (19, "stuck.after_s", "greater than or equal")),
        ("0.25", "= 0", (19, "", "not TOML: invalid value")),
        ("0.25", "", (19, "", "not TOML: invalid value")),
        ('moves"', "moves", (20, "", "not TOML: illegal character")),
        ("# The", "other = 1 #", (2, "other", "only 'rule' is known")),
        ("[[rule]]", "[rule]", (10, "", "not TOML: cannot declare")),
    ],
)
def test_a_bad_rule_is_refused_with_line_and_reason(
    old: str, new: str, fault: tuple[int, str, str]
) -> None:
    """Each fault of a rule file is told with the line to look at, the place in it, and why."""
    found = faults_of(GOOD.replace(old, new, 1) if old != "[[rule]]" else GOOD.replace(old, new))
    line, where, reason = fault
    assert [(f[0], f[1]) for f in found] == [(line, where)]
    assert reason in found[0][2]


def test_all_faults_are_told_at_once() -> None:
    """Nobody has to mend a file fault by fault."""
    text = GOOD.replace("high = 30", 'high = "x"').replace("sigma = 4.0", "sigma = 0")
    assert [fault[:2] for fault in faults_of(text)] == [(7, "too-hot.high"), (14, "odd.sigma")]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[rule]\nname = 1", 1, "with two brackets"),
        ("rule = 3", 1, "with two brackets"),
        ("rule = [3]", 1, "a rule is a table"),
        ("[[rule]]\n" * (RULES_MAX + 1), RULES_MAX + 1, "at most 200"),
        ("#" * 70_000, None, "longer than"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, line: int | None, reason: str) -> None:
    """What is TOML but no list of rules is said to be so."""
    found = faults_of(text)
    assert found[0][0] == line
    assert reason in found[0][2]


@pytest.mark.parametrize(
    ("text", "line", "where", "reason"),
    [
        ('{"rules": [\n}', 2, "", "not JSON"),
        ("[]", None, "", "an object with the list 'rules'"),
        ('{"rules": 3}', None, "rules", "not a list"),
        ('{"rules": [{"name": "a", "type": "stuck"}]}', None, "a.after_s", "missing"),
        ('{"rule": []}', None, "rule", "only 'rules'"),
        ("[" * 60_000, None, "", "nested too deeply"),
    ],
)
def test_bad_json_is_refused_too(text: str, line: int | None, where: str, reason: str) -> None:
    """JSON has a line for its syntax; a rule's place is told in either form."""
    with pytest.raises(RulesError) as raised:
        parse_json(text)
    fault = raised.value.faults[0]
    assert (fault.line, fault.where) == (line, where)
    assert reason in fault.reason


def test_no_rules_are_good_rules() -> None:
    """An empty file takes all rules away."""
    assert parse_toml("") == parse_json('{"rules": []}') == []


DEEP, LONG = "[" * 5000 + "]" * 5000, "9" * 5000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"# one\nx = {DEEP}", "nested too deeply"),
        ("# one\nx = [\n" + "[\n" * 3000 + "]\n" * 3001, "nested too deeply"),
        (f'# one\n[[rule]]\nname = "a"\ntype = "limit"\nhigh = {LONG}', "too many digits"),
    ],
)
def test_what_no_parser_can_take_is_refused_with_its_line(text: str, said: str) -> None:
    """Nested by thousands, or a number of thousands of digits: a reason, and the line of it."""
    ((line, _, reason),) = faults_of(text)
    assert said in reason
    assert line == 5 if said == "too many digits" else line and line >= 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{{"rules":[{{"name":"a","type":"limit","high":{LONG}}}]}}', "too many digits"),
        (f'{{"rules":{DEEP}}}', "nested too deeply"),
        (r'{"\ud800":1}', r"\ud800"),
        (r'{"rules":[{"name":"\ud800"},{"name":"\ud800"}]}', r"\ud800"),
        (r'{"rules":[{"name":"a","type":"\ud800"}]}', r"\ud800"),
        (r'{"rules":[{"name":"a","type":"silence","after_s":1,"\ud800":1}]}', "unicode"),
        ('{"rules":[{"name":"a","type":' + "[" * 900 + "]" * 900 + "}]}", "type"),
    ],
)
def test_no_json_is_too_odd_to_be_refused(text: str, said: str) -> None:
    """What is said of it is text that can be sent as JSON, halves of characters among it."""
    with pytest.raises(RulesError) as raised:
        parse_json(text)
    sent = orjson.dumps([str(fault) for fault in raised.value.faults])
    assert said in " ".join(orjson.loads(sent))
