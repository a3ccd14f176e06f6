"""Whether a server answers: now, or within the time that a process waits for it as it starts."""

import time
from collections.abc import Callable

import redis
import redis.sentinel
import structlog

from rillet.address import redact
from rillet.connect import FAULTS, connect
from rillet.errors import UserError
from rillet.settings import Settings

log = structlog.get_logger("rillet")

PAUSE_S = 0.5
"""Between two tries."""


class NotYetError(UserError):
    """Nobody answers, or is ready to: that may change without anybody's doing."""


def check_reachable(settings: Settings) -> None:
    """Raise UserError with one clear line unless the server answers a PING."""
    shown = redact(settings.redis_url.get_secret_value())
    try:
        with connect(settings) as client:
            client.ping()
    except redis.AuthenticationError as error:
        raise UserError(f"Redis at {shown} refused the login: {str(error).rstrip('.?')}.") from None
    except redis.sentinel.MasterNotFoundError:
        raise NotYetError(
            f"The Sentinels at {shown} do not answer, or know no master of that name."
        ) from None
    except redis.BusyLoadingError:
        raise NotYetError(f"Redis at {shown} is still loading its data; try again soon.") from None
    except redis.ResponseError as error:
        raise UserError(f"Redis at {shown} answers, but refuses: {error}.") from None
    except FAULTS as error:
        raise NotYetError(
            f"No Redis answers at {shown} ({error}). Start one, set RILLET_REDIS_URL, "
            "or run `rillet demo`, which brings its own."
        ) from None


def await_reachable(
    settings: Settings,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once the server answers; raise what `check_reachable` does after RILLET_REDIS_WAIT_S.

    What no waiting mends, such as a wrong password, is raised at once.
    """
    give_up_s, told = clock() + settings.redis_wait_s, False
    while True:
        try:
            return check_reachable(settings)
        except NotYetError as error:
            if clock() >= give_up_s:
                raise
            if not told:
                log.info("redis.awaited", seconds=settings.redis_wait_s, fault=str(error))
                told = True
        sleep(PAUSE_S)
