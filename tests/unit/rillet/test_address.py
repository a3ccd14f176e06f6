"""The documented forms of RILLET_REDIS_URL, and what is said about the others."""

import pytest

from rillet.address import Address, parse_address, redact
from rillet.errors import UserError

FORMS = {
    "redis://h": Address("single", tls=False, nodes=(("h", 6379),)),
    "redis://h:1/3": Address("single", tls=False, nodes=(("h", 1),), db=3),
    "rediss://u:p%40@h": Address(
        "single", tls=True, nodes=(("h", 6379),), username="u", password="p@"
    ),
    "redis://u@h": Address("single", tls=False, nodes=(("h", 6379),), username="u"),
    "redis://:p@[::1]:7/0": Address("single", tls=False, nodes=(("::1", 7),), password="p"),
    "redis+sentinel://a,b:7/mymaster/2": Address(
        "sentinel", tls=False, nodes=(("a", 26379), ("b", 7)), service="mymaster", db=2
    ),
    "rediss+cluster://u:p@a:1,b": Address(
        "cluster", tls=True, nodes=(("a", 1), ("b", 6379)), username="u", password="p"
    ),
}


@pytest.mark.parametrize("url", FORMS)
def test_each_documented_form_is_read(url: str) -> None:
    """Every documented form gives its nodes, login, database and service."""
    assert parse_address(url) == FORMS[url]


def test_a_unix_socket_is_a_path() -> None:
    """A unix:// address keeps its path."""
    assert parse_address("unix:///run/redis.sock").path == "/run/redis.sock"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://h", r"write redis://host:6379/0"),
        ("redis+sentinel://h", "name the service"),
        ("redis+cluster://h/1", "database 0 only"),
        ("redis://h:port", "cannot be read"),
        ("redis://[::1", "cannot be read"),
        ("redis://h1,h2/0", r"several servers are redis\+sentinel"),
        ("redis://h/name", "not a database number"),
        ("redis://h?ssl_ca_certs=x", "settings"),
    ],
)
def test_a_wrong_address_is_explained(url: str, said: str) -> None:
    """What does not fit raises one line that says why."""
    with pytest.raises(UserError, match=said):
        parse_address(url)


@pytest.mark.parametrize("secret", ["a//secret", "se/cret", "se#cret", "se?cret", "s3cr[et"])
def test_a_password_that_is_not_escaped_is_not_told(secret: str) -> None:
    """Whatever is wrong with the address, nothing of the password is in the message."""
    with pytest.raises(UserError) as raised:
        parse_address(f"redis://ann:{secret}@h:7/0")
    said = str(raised.value)
    assert "redis://ann:***@h:7/0" in said
    assert not any(part in said for part in ("cret", "cr[et", "'se", "'a"))


def test_a_shown_address_has_no_password() -> None:
    """The password never appears in what people read, the user does."""
    assert redact("redis://u:s@cret@h:1/0") == "redis://u:***@h:1/0"
    assert redact("redis://u@h:1/0") == "redis://u@h:1/0"
