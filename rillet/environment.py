"""Reads the environment, once, into the settings; names what there looks like ours and is not."""

import os
import re
from difflib import get_close_matches

from pydantic import ValidationError

from rillet.errors import UserError
from rillet.settings import Settings

PREFIX = "RILLET_"
SERVICE = re.compile(r".+_(SERVICE_(HOST|PORT(_.+)?)|PORT(_[0-9]+_.+)?|ENV_.+)")
"""What Kubernetes and Docker set for a service or container whose name begins with `rillet`."""
COMPOSE = {"RILLET_VERSION", "RILLET_PUBLISHED_PORT"}
"""What compose.yaml itself asks for; a test holds the two together."""


def load_settings(**given: str | None) -> Settings:
    """Read the environment once; raise UserError naming each variable that does not fit.

    What is `given` on the command line goes before it, here and in the processes started from here.
    """
    os.environ.update(
        {f"{PREFIX}{name.upper()}": value for name, value in given.items() if value is not None}
    )
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise UserError(f"{faults}. See docs/configuration.md.") from None


def environment_with(**own: object) -> dict[str, str]:
    """Return the environment of a process that is to have these settings and no others of ours."""
    env = {k: text for k, text in os.environ.items() if not k.upper().startswith(PREFIX)}
    return env | {f"{PREFIX}{name.upper()}": str(value) for name, value in own.items()}


def strays() -> dict[str, str]:
    """Return each variable that begins as ours do and is no setting, and what to do about it.

    As settings may be written in lower case, so may these.
    """
    names = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return {name: _hint(name) for name in names if _is_stray(name.upper())}


def _is_stray(name: str) -> bool:
    known = name.removeprefix(PREFIX).lower() in Settings.model_fields
    return not known and name not in COMPOSE and not SERVICE.fullmatch(name)


def _hint(name: str) -> str:
    own = name[len(PREFIX) :].lower()
    near = get_close_matches(own, Settings.model_fields, n=1, cutoff=0.8)
    if near:
        return f"did you mean {PREFIX}{near[0].upper()}?"
    return "docs/configuration.md lists all settings"
