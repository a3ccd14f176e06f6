"""rillet/settings.py: what the environment may say, and that the manual lists all of it."""

import pytest
from pydantic import ValidationError

from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.settings import Settings
from tests.settings_table import PAGE, with_table


def test_the_manual_lists_every_setting() -> None:
    """docs/configuration.md holds the table that `make docs` makes of the settings."""
    page = PAGE.read_text()
    assert with_table(page) == page, "run `make docs`"


def test_the_check_of_the_manual_can_fail() -> None:
    """A row that is missing would be seen."""
    page = PAGE.read_text()
    without = "\n".join(
        line for line in page.splitlines() if not line.startswith("| `RILLET_PORT`")
    )
    assert without + "\n" != page
    assert with_table(without) + "\n" == page


def test_every_setting_says_what_it_means() -> None:
    """Each description is one or more whole sentences."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("windows", ["10s,1m", "1m"])
def test_the_allowed_lateness_keeps_few_windows_open(
    monkeypatch: pytest.MonkeyPatch, windows: str
) -> None:
    """A thousand of the finest size: they lie in a sensor's record, which each fold rewrites."""
    most = 1000 * Settings(windows=windows).window_sizes[0].ms
    monkeypatch.setenv("RILLET_WINDOWS", windows)
    monkeypatch.setenv("RILLET_ALLOWED_LATENESS_MS", str(most))
    assert load_settings().allowed_lateness_ms == most
    monkeypatch.setenv("RILLET_ALLOWED_LATENESS_MS", str(most + 1))
    with pytest.raises(UserError, match=f"^RILLET_ALLOWED_LATENESS_MS: .* {most} ") as caught:
        load_settings()
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("RILLET_WINDOWS", "")
    assert load_settings().window_sizes == ()


def test_sizes_alone_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many are kept need not be said, and what is wrong with the sizes is."""
    monkeypatch.setenv("RILLET_WINDOWS", "1m,1h")
    assert [size.keep for size in load_settings().window_sizes] == [240, 192]
    monkeypatch.setenv("RILLET_WINDOWS", "10s,15s")
    with pytest.raises(UserError, match=r"^RILLET_WINDOWS: 10s does not divide 15s"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTITIONS", "0"),
        ("PARTITIONS", "none"),
        ("FOLD_TARGET_MS", "0"),
        ("FOLD_TARGET_MS", "soon"),
        ("PORT", "65536"),
        ("NAMESPACE", "a b"),
        ("NAMESPACE", "{a}"),
        ("LOG_FORMAT", "xml"),
        ("MAX_BATCH", "-1"),
        ("SSE_DROP_S", "inf"),
        ("SSE_DROP_S", "1e9"),
        ("SSE_HEARTBEAT_S", "1e-9"),
        ("TRUSTED_PROXIES", "127.0.0.1,foo"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ORIGINS", "evil.example"),
        ("CORS_ORIGINS", "https://a.example, https://b.example/"),
    ],
)
def test_a_value_that_does_not_fit_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The message has the variable's full name, one line, and points to the manual."""
    monkeypatch.setenv(f"RILLET_{name}", value)
    with pytest.raises(UserError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"RILLET_{name}: ")
    assert "docs/configuration.md" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,::1,fd00::/8"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", ""),
        ("CORS_ORIGINS", "https://a.example, http://[::1]:8080"),
        ("CORS_ORIGINS", "*"),
    ],
)
def test_lists_may_hold_what_they_are_for(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Addresses, networks and origins are taken, with or without spaces."""
    monkeypatch.setenv(f"RILLET_{name}", value)
    assert getattr(load_settings(), name.lower()) == value


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has two mistakes to mend reads of both."""
    monkeypatch.setenv("RILLET_PORT", "http")
    monkeypatch.setenv("RILLET_SSE_HZ", "0")
    with pytest.raises(UserError, match=r"RILLET_PORT: .*; RILLET_SSE_HZ: "):
        load_settings()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`RILLET_` and the field's name in capitals set it."""
    monkeypatch.setenv("RILLET_PARTITIONS", "8")
    assert load_settings().partitions == 8


def test_settings_do_not_change_after_the_start() -> None:
    """The object is frozen."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().partitions = 2  # type: ignore[misc]


def test_the_password_does_not_show() -> None:
    """What is logged or printed of the settings has no password in it."""
    settings = Settings(redis_url="redis://u:sesame@h")  # type: ignore[arg-type]
    assert "sesame" not in repr(settings)
