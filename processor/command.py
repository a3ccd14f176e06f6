"""`rillet process`: one worker, until Ctrl-C or SIGTERM."""

import signal
from threading import Event, Thread

import structlog

from processor.metrics import FoldMetrics, serve_metrics
from processor.rules_store import Keeper
from processor.webhook import join, start_couriers
from processor.worker import work
from rillet.connect import check_reachable
from rillet.log import LogFormat, configure_logging
from rillet.settings import load_settings

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
    check_reachable(settings)
    serve_metrics(settings)
    keeper = Keeper(settings)
    keeper.check_file()
    keeper.look()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    couriers = start_couriers(settings, stop)
    Thread(target=keeper.run, args=(stop,), name="rules", daemon=True).start()
    log.info("processor.started", partitions=settings.partitions)
    work(settings, stop, FoldMetrics(settings))
    join(couriers, JOIN_S)
    log.info("processor.stopped")
