"""What a fold is made of: the script with parts of it left out, measured one after another."""

from dataclasses import dataclass, replace

from bench.cost import Bench, Cost
from processor.fold import Folded, fold_arguments, reducers_for
from processor.scripts import Script, load_script

_AS_TEXT = "'20.123456789012345'"
_NONE = "{ shown = {}, readings = 0, duplicates = 0, forgotten = 0 }"
_FOLDS_NOTHING = f"if true then return {{}}, {_NONE} end"
_PARTS: dict[str, list[tuple[str, str]]] = {
    "whole": [],
    "without HSET and XADD of the figures": [
        ("function M.sensor(keys, name, fields, f, changed)", "if true then return nil end"),
    ],
    "without turning numbers into text": [
        ("function M.shortest(x)", f"if true then return {_AS_TEXT} end"),
        ("function M.shortest_measured(x)", "if true then return '20.12' end"),
    ],
    "without working out the figures": [
        ("function M.of(m)", "if true then return 20.1, 20.2, 20.3, 20.4, 20.5 end"),
    ],
    "XRANGE, checking and sorting alone": [
        (
            "function M.fold(state, runs, now, caught_up, may_forget)",
            _FOLDS_NOTHING,
        ),
    ],
}


@dataclass(frozen=True, slots=True)
class Part:
    """One variant: what was left out, and its row."""

    name: str
    cost: Cost


def variant(script: Script, cuts: list[tuple[str, str]]) -> Script:
    """Return the script with a line put after each of these lines; ValueError if one is gone."""
    text = script.text
    for line, then in cuts:
        if text.count(line + "\n") != 1:
            raise ValueError(f"the script has no single line {line!r} to cut after")
        text = text.replace(line + "\n", f"{line}\n{then}\n")
    return replace(script, text=text)


def measure_parts(bench: Bench, n: int, sensors: int, count: int = 1000) -> list[Part]:
    """Measure each variant over n readings of so many sensors, `count` entries a fold."""
    whole = load_script("fold", reducers_for(bench.settings))
    arguments = fold_arguments(bench.settings, bench.keys, count)

    def drain(script: Script) -> None:
        while Folded.from_reply(script.run(bench.client, arguments)).backlog:
            pass

    def prepare() -> None:
        bench.feed(sensors * 3, sensors)
        drain(whole)
        bench.feed(n, sensors)

    return [
        Part(name, bench.measure(name, n, prepare, lambda cuts=cuts: drain(variant(whole, cuts))))  # type: ignore[misc]
        for name, cuts in _PARTS.items()
    ]
