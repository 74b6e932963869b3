"""Validates the values of settings."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..api.services import SERVICES
from ..errors import ConfigurationError

if TYPE_CHECKING:  # slow to import, and needed when there is a key
    from pydantic import SecretStr

SANDBOX: Final = "sandbox"
"""As ``base_url``: the built-in sandbox. It needs no key and is never sent yours."""

HERE: Final = "127.0.0.1"
"""Where servers of this package listen: reachable only from this computer."""

LOOPBACK: Final = frozenset({"localhost", HERE, "::1"})
"""Names of this computer."""


def is_url(value: object) -> bool:
    """Whether a value is a web URL."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    # "https://…" is a placeholder in documentation.
    return parts.scheme in {"http", "https"} and bool(host) and "…" not in value


def is_here(url: str) -> bool:
    """Whether a URL is on this computer."""
    return urlsplit(url).hostname in LOOPBACK


def is_private(url: str) -> bool:
    """Whether what is sent to a URL is encrypted or stays on this computer."""
    return urlsplit(url).scheme == "https" or is_here(url)


def key(value: Any, name: str) -> SecretStr:
    """Return a valid API key. The message of an error does not contain it."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be a non-empty string.")
    key = value.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"{name} contains characters that are not valid in an API key. Copy it again, without "
            "quotes or spaces."
        )
    from pydantic import SecretStr

    return SecretStr(key)


def base_url(value: Any, name: str) -> str | None:
    """Return a valid base URL; None stands for the service's own."""
    if value is None or value == SANDBOX:
        return None if value is None else SANDBOX
    url = value.strip() if isinstance(value, str) else ""
    if not is_url(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise ConfigurationError(
            f"{name} must be {SANDBOX!r} or a URL such as 'https://api.example.com/v2'."
        )
    if urlsplit(url).username is not None or urlsplit(url).password is not None:
        raise ConfigurationError(f"{name} must not contain a user name or password.")
    if not is_private(url):
        raise ConfigurationError(
            f"{name} must start with https://, so that your key and data are encrypted. http:// "
            "works only for this computer."
        )
    return url.rstrip("/")


def service(value: Any, name: str) -> str | None:
    """Return a valid service name; built-in ones are matched regardless of case."""
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isprintable():
        raise ConfigurationError(f"{name} must be a name, such as {' or '.join(SERVICES)}.")
    if text.lower() == SANDBOX:
        raise ConfigurationError(
            f"{name} cannot be {SANDBOX!r}. To use the "
            f'sandbox: pronto.configure(base_url="{SANDBOX}").'
        )
    return text.lower() if text.lower() in SERVICES else text.rstrip("/")


def positive(value: Any, name: str) -> float:
    """Return a valid number greater than 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ConfigurationError(f"{name} must be a number greater than 0.")
    return float(value)


def credits_or_none(value: Any, name: str) -> float | None:
    """Return a valid number of credits; None stands for no limit."""
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ConfigurationError(f"{name} must be a number of credits >= 0, or None.")
    return float(value)


@dataclass(frozen=True)
class BudgetSetting:
    """The budget that `configure` has set. The next run writes it to the ledger.

    Parameters
    ----------
    credits : float, optional
        None ends the budget.
    at : float
        When it was set, in seconds since 1970: the latest setting of all sessions applies.
    ended : float
        When this session last ended a budget. One that began before is not continued.
    """

    credits: float | None
    at: float
    ended: float = 0.0


def budget(value: Any, name: str, before: BudgetSetting | None) -> BudgetSetting:
    """Return a valid budget that is set now, after the setting ``before``."""
    now = time.time()
    ended = before.ended if before else 0.0
    return BudgetSetting(credits_or_none(value, name), now, now if value is None else ended)


def boolean(value: Any, name: str) -> bool:
    """Return True or False, and accept nothing else."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False.")
    return value


def ledger(value: Any, name: str) -> str | None:
    """Return a valid path or URL of a ledger; None stands for memory."""
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        raise ConfigurationError(
            f"{name} must be a file path, a PostgreSQL URL, or None (in memory only)."
        )
    return str(value)


def loop(value: Any, name: str) -> str:
    """Return a valid way to run the event loop."""
    if value not in ("thread", "nest"):
        raise ConfigurationError(f"{name} must be 'thread' or 'nest'.")
    return str(value)


@dataclass(frozen=True)
class Consent:
    """The purpose of personal emails as the user stated it, and the date."""

    purpose: str
    date: date

    def __str__(self) -> str:
        return f"consent for personal emails given on {self.date.isoformat()}: {self.purpose}"


def consent(value: Any, name: str) -> Consent | None:
    """Return a consent dated today."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must state what you use personal emails for, as text.")
    return Consent(value.strip(), datetime.now().astimezone().date())
