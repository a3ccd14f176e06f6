"""A file whose age tells a probe that a process without a port still makes progress."""

from rillet.settings import Settings


def beat(settings: Settings) -> None:
    """Touch RILLET_HEARTBEAT_FILE, where one is set."""
    if settings.heartbeat_file:
        settings.heartbeat_file.touch()
