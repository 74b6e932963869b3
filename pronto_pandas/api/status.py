"""The only place that turns an HTTP status and an error text into an exception."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    AuthenticationError,
    ConsentRequiredError,
    CreditsExhaustedError,
    ProntoError,
    RateLimitedError,
    RefusedError,
    ServerFailedError,
    ServiceBusyError,
    UnreadableAnswerError,
)
from .body import decoded, loads, storable

CONSENT_STEPS = (
    "Personal emails need consent in two places: (1) in your Pronto account settings, and (2) "
    'here: pronto.configure(personal_email_consent="why you need them").'
)

_LONGEST_QUOTE = 200

_TEXT_FIELDS = ("message", "error", "errors", "detail", "code")


@dataclass(frozen=True)
class _AccountError:
    """An error that concerns the whole account, so that it ends the run.

    A run that `CreditsExhaustedError` ends returns its DataFrame and warns; the rest is pending.
    `ConsentRequiredError` is raised.
    """

    pattern: re.Pattern[str]
    """What to search for in the status and the normalized error text."""

    error: type[CreditsExhaustedError | ConsentRequiredError]
    message: str


# With these statuses, only the error text tells what concerns the account and what one person.
_AMBIGUOUS_STATUSES = (400, 402, 403, 422)

_ACCOUNT_ERRORS = (
    _AccountError(
        re.compile(r"^402 |^(?=.*insufficient)(?=.*credit)"),
        CreditsExhaustedError,
        "Out of credits ({status}).{quote} Top up your Pronto account.",
    ),
    _AccountError(
        re.compile(r"^(?=.*consent)(?=.*personal email)"),
        ConsentRequiredError,
        f"Consent for personal emails is missing.{{quote}} {CONSENT_STEPS}",
    ),
    _AccountError(
        # Not every limit: "domain exceeds the limit of 253 characters" is about one person.
        re.compile(
            r"\b(plan|import|daily|weekly|monthly|extraction|enrichment|subscription|usage|credit)"
            r"s? (limit|quota)s?\b"
            r"|\b(limit|quota) (of|on|for) (your|the|this) (current )?"
            r"(plan|account|subscription|day|month)"
            r"|\bquota (is |was )?(exceeded|exhausted|reached)"
            r"|\b(your|current) (current )?(plan|subscription)\b"
            r"|\bupgrade\b.*\bplan\b"
        ),
        CreditsExhaustedError,
        "Your Pronto account has reached a limit of its plan ({status}).{quote} Check your plan.",
    ),
)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in ``Retry-After``, which may be a number or a date."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        seconds = float(value)
        return seconds if math.isfinite(seconds) else None
    try:
        date = parsedate_to_datetime(value)
        # Python reads a date without a time zone, or with -0000, as naive. HTTP dates are in UTC.
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _texts(value: Any, depth: int = 3) -> Iterator[str]:
    """Return the texts in a field of an error: a string, a list or an object."""
    if isinstance(value, str):
        yield storable(" ".join(value.split()))
    elif depth and isinstance(value, list):
        for item in value:
            yield from _texts(item, depth - 1)
    elif depth and isinstance(value, dict):
        for field in _TEXT_FIELDS:
            yield from _texts(value.get(field), depth - 1)


def _error(body: bytes) -> dict[str, Any]:
    try:
        data = loads(decoded(body))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _quoted(error: Mapping[str, Any]) -> str:
    """Return the first error text; empty if there is none."""
    for field in _TEXT_FIELDS:
        if text := "; ".join(filter(None, _texts(error.get(field)))):
            return text[:_LONGEST_QUOTE]
    return ""


def failure(status: int, headers: Mapping[str, str], body: bytes) -> ProntoError:
    """Return the exception for a response other than 2xx. The body may be anything."""
    error = _error(body)
    text = _quoted(error)
    quote = f' Pronto says: "{text}".' if text else ""
    if status in _AMBIGUOUS_STATUSES and (raised := _account_error(status, error, quote)):
        return raised
    match status:
        case 401:
            return AuthenticationError(
                f"Pronto rejected the API key (401).{quote} Copy the key again from your Pronto "
                "account and set it with pronto.setup().",
                status=401,
            )
        case 403:
            return AuthenticationError(
                f"Pronto denied access (403).{quote} Check that your plan and your API key allow "
                "this request.",
                status=403,
            )
        case 429:
            return RateLimitedError(
                f"Rate limit reached (429).{quote}", status=429, retry_after=retry_after(headers)
            )
        case 503:
            return ServiceBusyError(
                f"Pronto is temporarily unavailable (503).{quote}",
                status=503,
                retry_after=retry_after(headers),
            )
        case _ if 500 <= status <= 599:
            return ServerFailedError(
                f"Pronto returned a server error ({status}). "
                f"The request may have been charged.{quote}",
                status=status,
            )
        case _ if 300 <= status <= 399:
            return RefusedError(
                f"The server responded with a redirect ({status}), which is not followed. "
                "Check base_url.",
                status=status,
            )
        case _ if 400 <= status <= 499:
            return RefusedError(text or f"Pronto rejected the request ({status}).", status=status)
        case _:
            return UnreadableAnswerError(
                f"Unexpected HTTP status {status} from Pronto. The request may have been charged.",
                status=status,
            )


def _account_error(status: int, error: Mapping[str, Any], quote: str) -> ProntoError | None:
    """Return the error that concerns the whole account; None if it may concern one person."""
    text = " ".join(_texts(error)).casefold().replace("_", " ").replace("-", " ")
    for known in _ACCOUNT_ERRORS:
        if known.pattern.search(f"{status} {text}"):
            message = known.message.format(status=status, quote=quote)
            if issubclass(known.error, ConsentRequiredError):
                return known.error(message)
            return known.error(message, status=status)
    return None
