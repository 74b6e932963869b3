"""Values of settings, checked."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..api.services import SERVICES
from ..errors import ConfigurationError

if TYPE_CHECKING:  # slow to import, and needed when there is a key
    from pydantic import SecretStr

SANDBOX: Final = "sandbox"
"""As ``base_url``: the sandbox inside this process. It needs no key and is never sent yours."""

HERE: Final = "127.0.0.1"
"""Where servers of this package listen: on this machine, for this machine."""

LOOPBACK: Final = frozenset({"localhost", HERE, "::1"})
"""Names of this machine."""


def is_url(value: object) -> bool:
    """Say whether a value is an address of the web."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    # "https://…" is how documents leave the address to the reader.
    return parts.scheme in {"http", "https"} and bool(host) and "…" not in value


def is_here(url: str) -> bool:
    """Say whether an address is one of this machine."""
    return urlsplit(url).hostname in LOOPBACK


def is_private(url: str) -> bool:
    """Say whether nobody on the way can read what is sent to an address."""
    return urlsplit(url).scheme == "https" or is_here(url)


def key(value: Any, said_by: str) -> SecretStr:
    """Check an API key; no message holds it."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{said_by} must be a text that is not empty.")
    key = value.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"{said_by} holds characters that no key has. Copy it again, without quotes or spaces."
        )
    from pydantic import SecretStr

    return SecretStr(key)


def address(value: Any, said_by: str) -> str | None:
    """Check the address of a service; None is Pronto's own."""
    if value is None or value == SANDBOX:
        return None if value is None else SANDBOX
    url = value.strip() if isinstance(value, str) else ""
    if not is_url(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise ConfigurationError(
            f"{said_by} must be {SANDBOX!r} or an address like 'https://api.example.com/v2'."
        )
    if urlsplit(url).username is not None or urlsplit(url).password is not None:
        raise ConfigurationError(f"{said_by} must not hold a name or a password.")
    if not is_private(url):
        raise ConfigurationError(
            f"{said_by} must start with https://, or the key and the people in your list would "
            "cross the network readable by others. http:// is for this machine only."
        )
    return url.rstrip("/")


def service(value: Any, name: str) -> str | None:
    """Check the name of a service; one that is built in is found in any case."""
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isprintable():
        raise ConfigurationError(f"{name} must be a name, such as {' or '.join(SERVICES)}.")
    if text.lower() == SANDBOX:
        raise ConfigurationError(
            f"{name} cannot be {SANDBOX!r}: made-up answers belong to no service. The sandbox is "
            f'pronto.configure(base_url="{SANDBOX}").'
        )
    return text.lower() if text.lower() in SERVICES else text.rstrip("/")


def positive(value: Any, said_by: str) -> float:
    """Check a number above 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ConfigurationError(f"{said_by} must be a number above 0.")
    return float(value)


def boolean(value: Any, name: str) -> bool:
    """Check a value that is True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False.")
    return value


def place(value: Any) -> str | None:
    """Check where the ledger is; None is memory."""
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        raise ConfigurationError("ledger must be a path, a URL, or None for memory.")
    return str(value)


def loop(value: Any) -> str:
    """Check the name of a way to run the event loop."""
    if value not in ("thread", "nest"):
        raise ConfigurationError("loop must be 'thread' or 'nest'.")
    return str(value)


@dataclass(frozen=True)
class Consent:
    """That the account's owner says what personal emails are used for.

    Parameters
    ----------
    purpose : str
        In their words.
    date : date
        The day on which it was said here.
    """

    purpose: str
    date: date

    def __str__(self) -> str:
        return f"consent to personal emails of {self.date.isoformat()}: {self.purpose}"


def consent(value: Any) -> Consent | None:
    """Read the purpose of personal emails; it is said today."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            "personal_email_consent must say in words what personal emails are used for."
        )
    return Consent(value.strip(), datetime.now().astimezone().date())
