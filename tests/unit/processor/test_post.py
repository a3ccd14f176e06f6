"""processor/post.py against a real receiver: what counts as taken, and what is said of the rest."""

from collections.abc import Iterator

import orjson
import pytest

from processor.post import PostError, Receiver, message
from rillet.embedded import free_port
from rillet.errors import UserError
from tests.receiver import Hook, receiving


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receiving() as running:
        yield running


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
def test_only_a_good_answer_means_taken(hook: Hook, status: int) -> None:
    """Whatever is not 2xx is a fault that says status and text; a redirect is not followed."""
    hook.answer, hook.headers = status, {"Location": hook.url, "Retry-After": "7"}
    with pytest.raises(PostError, match=f"{status} no") as raised:
        Receiver(hook.url, 5).post(b"{}")
    assert raised.value.retry_after_s == 7
    assert len(hook.tried) == 1


@pytest.mark.parametrize("later", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", ""])
def test_a_retry_after_that_is_no_number_is_passed_over(hook: Hook, later: str) -> None:
    """The own pause holds then."""
    hook.answer, hook.headers = 429, {"Retry-After": later}
    with pytest.raises(PostError) as raised:
        Receiver(hook.url, 5).post(b"{}")
    assert raised.value.retry_after_s == 0


def test_no_answer_is_a_fault_in_time(hook: Hook) -> None:
    """A receiver that takes the request and says nothing is given up after the time-out."""
    hook.answer = Hook.HANG
    with pytest.raises(PostError, match=r"timed out|Timeout"):
        Receiver(hook.url, 0.1).post(b"{}")


def test_nobody_there_is_a_fault() -> None:
    """A refused connection is told as one."""
    with pytest.raises(PostError, match="refused"):
        Receiver(f"http://127.0.0.1:{free_port()}/", 1).post(b"{}")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "hooks.slack.com/x", "https:///x", "http://[/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """The setting is named; the address is a secret, and not."""
    with pytest.raises(UserError, match="RILLET_WEBHOOK_URL") as raised:
        Receiver(url, 1)
    assert url not in str(raised.value)


def test_the_text_has_slacks_escapes_and_the_fields_are_as_they_were() -> None:
    """`text` is one line for people with &, < and > escaped; all else is the alert."""
    alert = {"sensor": "a<b", "rule": "r", "state": "resolved", "value": 0.1, "message": ""}
    posted = orjson.loads(message(alert))
    assert posted.pop("text") == "Resolved: a&lt;b, rule r"
    assert posted == alert
