"""The one exception that a user can cause: one clear line that says what to do."""

FULL = (
    "Redis is full: it refuses what needs more memory. Raise its maxmemory, or free some with "
    "`rillet forget`."
)
"""What a person is told of a Redis that is at its maxmemory."""


class UserError(Exception):
    """Something the person at the keyboard can mend.

    The CLI prints the message as one line on standard error, without a traceback, and exits
    with status 2. The message says what is wrong and what to do about it.
    """
