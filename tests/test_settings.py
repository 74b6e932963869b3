"""Key, address, limits: where each value comes from, and what cannot be one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import pronto_pandas as pronto

from .seams.config import current

KEY = "sk-very-secret"


def test_settings_not_passed_stay_unchanged() -> None:
    """Each call changes only what it names."""
    pronto.configure(api_key=KEY, rate=10)
    pronto.configure(timeout=5)
    assert (current().key().get_secret_value(), current().rate, current().timeout) == (KEY, 10, 5)


def test_a_context_manager_restores_the_settings() -> None:
    """For tests and for single cells."""
    pronto.configure(rate=10)
    with pronto.configure(rate=20):
        assert current().rate == 20
    assert current().rate == 10


def test_configure_takes_precedence_over_the_key_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, then PRONTO_API_KEY; api_key=None returns to the variable."""
    monkeypatch.setenv("PRONTO_API_KEY", "  from-env\n")
    assert current().key().get_secret_value() == "from-env"
    pronto.configure(api_key=KEY)
    assert current().key().get_secret_value() == KEY
    pronto.configure(api_key=None)
    assert current().key().get_secret_value() == "from-env"
    monkeypatch.setenv("PRONTO_API_KEY", " ")
    with pytest.raises(pronto.MissingKeyError):
        current().key()
    monkeypatch.setenv("PRONTO_API_KEY", "two words")
    with pytest.raises(pronto.ConfigurationError, match="PRONTO_API_KEY contains characters"):
        current().key()


def test_configure_takes_precedence_over_the_base_url_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Argument, then PRONTO_BASE_URL, then the service's own hosts."""
    assert current().address is None
    monkeypatch.setenv("PRONTO_BASE_URL", "https://pronto.example/v3/")
    assert current().address == "https://pronto.example/v3"
    pronto.configure(base_url="http://localhost:8765")
    assert current().address == "http://localhost:8765"
    monkeypatch.setenv("PRONTO_BASE_URL", "ftp://x")
    pronto.configure(base_url=None)
    with pytest.raises(pronto.ConfigurationError, match="PRONTO_BASE_URL must be"):
        _ = current().address


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("api_key", "", "non-empty string"),
        ("api_key", 7, "must be a non-empty"),
        ("api_key", "a b", "Copy it again"),
        ("api_key", "“quoted”", "Copy it again"),
        ("base_url", "api.example.com", "must be 'sandbox' or a URL"),
        ("base_url", "https://", "must be 'sandbox' or a URL"),
        ("base_url", "https://x.example:port", "must be 'sandbox' or a URL"),
        ("base_url", "https://x.example/?key=1", "must be 'sandbox' or a URL"),
        ("base_url", 7, "must be 'sandbox' or a URL"),
        ("base_url", "https://me:pw@x.example", "user name or password"),
        ("base_url", "http://x.example", "encrypted"),
        ("rate", 0, "greater than 0"),
        ("rate", "50", "greater than 0"),
        ("rate", True, "greater than 0"),
        ("rate", float("nan"), "greater than 0"),
        ("timeout", -1, "greater than 0"),
        ("retry_budget", float("inf"), "greater than 0"),
        ("loop", "asyncio", "'thread' or 'nest'"),
        ("personal_email_consent", " ", "what you use"),
        ("personal_email_consent", True, "what you use"),
    ],
)
def test_an_invalid_value_changes_nothing(name: str, value: Any, says: str) -> None:
    """Not even the valid values of the same call."""
    before = current()
    with pytest.raises(pronto.ConfigurationError, match=says) as caught:
        pronto.configure(**{"rate": 7, name: value} if name != "rate" else {name: value})
    assert current() is before
    assert "pw" not in str(caught.value)


def test_a_key_with_the_sandbox_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise made-up people could land in a real list; the message names the way out."""
    pronto.configure(base_url="sandbox")
    with pytest.raises(pronto.ConfigurationError, match='service="pronto"'):
        pronto.configure(api_key=KEY)
    pronto.configure(api_key=KEY, service="pronto")
    assert current().address is None


def test_consent_can_be_withdrawn() -> None:
    """With None."""
    pronto.configure(personal_email_consent="recruiting ")
    consent = current().personal_email_consent
    assert consent is not None
    assert consent.purpose == "recruiting"
    assert abs((consent.date - date.today()).days) <= 1
    assert "recruiting" in repr(pronto.configure())
    pronto.configure(personal_email_consent=None)
    assert current().personal_email_consent is None


def test_the_repr_names_the_source_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """But never shows the key."""
    assert "API key: not set (run pronto.setup())" in repr(pronto.configure())
    monkeypatch.setenv("PRONTO_API_KEY", KEY)
    assert "from PRONTO_API_KEY" in repr(pronto.configure())
    shown = repr(pronto.configure(api_key=KEY, rate=12.5))
    assert shown == "pronto: Pronto; API key: from configure(); rate limit: 12.5 requests/s"
    assert "made-up" in repr(pronto.configure(base_url="sandbox"))
    assert KEY not in shown + repr(current()) + str(current())
