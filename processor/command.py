"""`rillet process`: one worker, until Ctrl-C or SIGTERM."""

import signal
import threading
from threading import Event, Thread

import structlog
import typer

from processor.metrics import FoldMetrics, serve_metrics
from processor.rules_store import Keeper
from processor.webhook import join, start_couriers
from processor.worker import work
from rillet.environment import load_settings
from rillet.log import LogFormat, configure_logging, log_strays
from rillet.reachable import await_reachable
from rillet.signals import hear_once

log = structlog.get_logger("processor")

JOIN_S = 1.0
"""How long a stop waits for the webhook's receiver."""


def process(log_format: LogFormat = None) -> None:
    """Fold readings into statistics until stopped.

    Start as many as you like, on any machine: each fold is one atomic step in the server, so
    workers share a partition without coordination and one that dies leaves nothing behind.
    Everything is set by the environment, such as RILLET_REDIS_URL.
    """
    settings = load_settings(log_format=log_format)
    configure_logging(settings)
    log_strays()
    await_reachable(settings)
    serve_metrics(settings)
    keeper = Keeper(settings)
    keeper.check_file()
    keeper.look()
    stop = Event()
    hear_once(stop.set, signal.SIGINT, signal.SIGTERM)  # a second set() would wait for the first
    crashed = _stop_on_crash(stop)
    couriers = start_couriers(settings, stop)
    Thread(target=keeper.run, args=(stop,), name="rules", daemon=True).start()
    log.info("processor.started", partitions=settings.partitions)
    work(settings, stop, FoldMetrics(settings))
    join(couriers, JOIN_S)
    if crashed.is_set():
        raise typer.Exit(1)
    log.info("processor.stopped")


def _stop_on_crash(stop: Event) -> Event:
    """Let a thread that dies of a bug end the process; return what is set when one did.

    Otherwise the threads that are left would look like a process in good health.
    """
    crashed = Event()

    def note(died: threading.ExceptHookArgs) -> None:
        if died.exc_value:
            name = died.thread.name if died.thread else ""
            log.critical("processor.crashed", thread=name, exc_info=died.exc_value)
        crashed.set()
        stop.set()

    threading.excepthook = note
    return crashed
