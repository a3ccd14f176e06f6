"""The alert rules: what each may say, and the JSON that every fold reads. Pure.

A rule names the sensors it is for by `kind`, by a glob over their names, or not at all: then it is
for every sensor. A rule of a type of your own is one more class here and one more line in Rule.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from rillet.validate import VALUE_LIMIT

RULES_MAX = 200
"""Rules in all: every fold reads them, so that their number costs every fold."""

PLACES = ("sensor", "value", "threshold", "rule")
"""What may stand in braces in a message; the fold puts in what it names."""

_PLACE = re.compile(r"\{(\w+)\}")
_LISTED = ", ".join(f"{{{name}}}" for name in PLACES)
_Value = Annotated[float, Field(ge=-VALUE_LIMIT, le=VALUE_LIMIT, allow_inf_nan=False)]
_Seconds = Annotated[float, Field(ge=0.001, le=400 * 86400, allow_inf_nan=False)]


class _Rule(BaseModel):
    """What a rule of each type may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["too-hot"])
    kind: str | None = Field(
        None, min_length=1, max_length=64, description="Only sensors of this kind."
    )
    sensor: str | None = Field(
        None,
        pattern=r"^[ -~]{1,128}$",
        description="Only sensors whose name fits this pattern: `*` any text, `?` one character.",
        examples=["greenhouse-*"],
    )
    message: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Said by its alerts in place of their own; {sensor}, {value}, {threshold} and "
        "{rule} stand for what they name.",
    )

    @field_validator("message")
    @classmethod
    def _known_places(cls, message: str | None) -> str | None:
        for place in _PLACE.findall(message or ""):
            if place not in PLACES:
                raise ValueError(f"{{{place}}} stands for nothing; known are {_LISTED}")
        return message

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.kind is not None and self.sensor is not None:
            raise ValueError("give kind or sensor, not both")
        return self

    def derived(self) -> dict[str, Any]:
        """Return what the fold needs besides the rule as it was written."""
        return {}


class LimitRule(_Rule):
    """Fires while a value is above `high` or below `low`, until it is back by `hysteresis`."""

    type: Literal["limit"]
    high: _Value | None = Field(None, description="In the sensor's unit.", examples=[30.0])
    low: _Value | None = Field(None, description="In the sensor's unit.", examples=[-5.0])
    hysteresis: float = Field(
        0.0,
        ge=0,
        le=VALUE_LIMIT,
        allow_inf_nan=False,
        description="How far a value must be back; in the unit.",
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.high is None and self.low is None:
            raise ValueError("a limit rule needs high, low or both")
        if self.high is not None and self.low is not None:
            if self.low >= self.high:
                raise ValueError("low is not below high")
            if self.high - self.hysteresis < self.low + self.hysteresis:
                raise ValueError("hysteresis leaves no value between low and high to resolve at")
        return self

    def derived(self) -> dict[str, Any]:
        """Add the limits as text."""
        texts: dict[str, Any] = super().derived()
        if self.high is not None:
            texts["high_text"] = f"> {_shown(self.high)}"
        if self.low is not None:
            texts["low_text"] = f"< {_shown(self.low)}"
        return texts


class DeviationRule(_Rule):
    """Fires while a value is further from the exponentially weighted mean than `sigma` deviations.

    Mean and deviation are those before the reading, so that a value cannot hide in its own figures.
    """

    type: Literal["deviation"]
    sigma: float = Field(
        gt=0, le=1000, allow_inf_nan=False, description="In standard deviations.", examples=[4.0]
    )
    warm_up: int = Field(30, ge=2, le=1_000_000, description="Readings before it may fire.")

    def derived(self) -> dict[str, Any]:
        """Add the threshold as text."""
        return super().derived() | {"threshold": f"{_shown(self.sigma)} sigma"}


class _TimedRule(_Rule):
    after_s: _Seconds = Field(description="In seconds.", examples=[60.0])

    def derived(self) -> dict[str, Any]:
        """Add the time in whole milliseconds, and as text."""
        ms, text = math.ceil(self.after_s * 1000), f"{_shown(self.after_s)} s"
        return super().derived() | {"after_ms": ms, "threshold": text}


class StuckRule(_TimedRule):
    """Fires once all values of the last `after_s` seconds of event time were the same."""

    type: Literal["stuck"]


class SilenceRule(_TimedRule):
    """Fires once nothing came for `after_s` seconds by the clock of the server, good or not."""

    type: Literal["silence"]


Rule = Annotated[LimitRule | DeviationRule | StuckRule | SilenceRule, Field(discriminator="type")]
TYPES: dict[str, type[_Rule]] = {
    "limit": LimitRule,
    "deviation": DeviationRule,
    "stuck": StuckRule,
    "silence": SilenceRule,
}
RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force: their version, and the digest of the file that was last loaded.

    A version is the time of the write in ms; 0 where there never was one. `file` is empty where no
    file was ever loaded, and stays where rules come from elsewhere later.
    """

    rules: Sequence[Any] = ()
    version: int = 0
    file: str = ""

    def replaced(self, rules: Sequence[Any], now_ms: int, file: str | None = None) -> Self:
        """Return the rules that come after these; `file` is the digest of the file they are of."""
        version = max(now_ms, self.version + 1)
        return replace(self, rules=rules, version=version, file=self.file if file is None else file)

    def compiled(self) -> bytes:
        """Return the JSON that the fold reads: each rule as it was written, and `derived`."""
        rules = [shown(rule) | rule.derived() for rule in self.rules]
        return orjson.dumps({"version": self.version, "file": self.file, "rules": rules})

    @classmethod
    def read(cls, compiled: bytes | None) -> Self:
        """Return the rules of such JSON; none where there is nothing, or nothing of ours."""
        try:
            document = orjson.loads(compiled or b"")
            rules = [
                {key: value for key, value in rule.items() if key in _KEYS[rule["type"]]}
                for rule in document["rules"]
            ]
            return cls(RULES.validate_python(rules), int(document["version"]), document["file"])
        except (ValueError, TypeError, KeyError):
            return cls()


def shown(rule: Any) -> dict[str, Any]:
    """Return a rule's keys as they were written, and its defaults."""
    found: dict[str, Any] = rule.model_dump(exclude_none=True)
    return {"name": found.pop("name"), "type": found.pop("type"), **found}


def newest(found: Sequence[RuleSet]) -> RuleSet:
    """Return the rules in force, where the partitions may differ: those written last."""
    return max(found, key=lambda one: one.version, default=RuleSet())


def _shown(number: float) -> str:
    """Return a number without the `.0` of a whole one."""
    return repr(number).removesuffix(".0")


_KEYS = {name: frozenset(model.model_fields) for name, model in TYPES.items()}
