"""Structured logs on standard error: one line per event, as JSON or as text for people."""

import logging
import sys
from typing import Annotated, Literal

import structlog
import typer

from rillet.environment import strays
from rillet.settings import Settings

LogFormat = Annotated[
    Literal["json", "text"] | None, typer.Option(help="How logs are written; `text`: for people.")
]
"""The option `--log-format` of the commands that run for long."""


def configure_logging(settings: Settings) -> None:
    """Send structlog's and the standard library's lines to standard error in one format."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)


def log_strays() -> None:
    """Warn of variables that are no settings."""
    for name, hint in strays().items():
        structlog.get_logger().warning("unknown_setting", name=name, hint=hint)
