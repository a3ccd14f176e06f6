"""`rillet serve`: runs the API under uvicorn."""

import resource
import socket
from contextlib import suppress
from typing import Annotated, Any

import structlog
import typer
import uvicorn

from api.access import check_exposure
from api.ending import hear_end
from rillet.address import parse_address
from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.log import LogFormat, configure_logging, log_strays
from rillet.port import is_free
from rillet.settings import Settings

APP = "api.app:create_app_from_environment"

GRACE_S = 2
"""How long open streams may take to end after SIGTERM; then they are cut."""

OTHER_FILES = 100
"""Open files besides the streams: connections of other requests, to Redis, and a few more."""

log = structlog.get_logger()


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
    log_format: LogFormat = None,
    fd: Annotated[
        int | None, typer.Option(hidden=True, help="A listening socket that was handed down.")
    ] = None,
) -> None:
    """Serve the REST routes, the SSE stream and the page.

    Any number of these may run beside each other, without sticky sessions: a client resumes on
    each of them. Settings: RILLET_REDIS_URL, RILLET_SSE_HZ, ... (docs/configuration.md).
    """
    settings = load_settings(log_format=log_format, host=host)
    configure_logging(settings)
    log_strays()
    parse_address(settings.redis_url.get_secret_value())
    host, port = settings.host, settings.port if port is None else port
    check_exposure(settings, host)
    _allow_open_files(settings)
    if fd is None and not is_free(host, port):
        raise UserError(
            f"Cannot listen on {host}:{port}: it is taken, or not this machine's address. "
            "Choose with --host and --port."
        )
    options: dict[str, Any] = {
        "factory": True,
        "http": "api.protocol:StreamProtocol",
        "loop": "auto",
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_graceful_shutdown": GRACE_S,
        "backlog": 4096,
    }
    hear_end()
    if fd is None:
        uvicorn.run(APP, host=host, port=port, workers=workers, **options)
    else:
        server = uvicorn.Server(uvicorn.Config(APP, **options))
        server.run(sockets=[socket.socket(fileno=fd)])


def _allow_open_files(settings: Settings) -> None:
    """Let this process and its workers open as many files as they may: a stream is one.

    Most systems give 1024 to whoever does not ask for more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS gives less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    wanted = settings.sse_max_clients + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        log.warning(
            "files.few", may_open=soft, said=f"RILLET_SSE_MAX_CLIENTS wants {wanted}: ulimit -n"
        )
