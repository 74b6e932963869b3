"""The one place that turns a status and a text into an exception."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
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
    "Personal emails need consent twice: 1. in the Pronto account's settings; "
    '2. here, with pronto.configure(personal_email_consent="what you use them for").'
)

_WORDS_AT_MOST = 200

_FIELDS = ("message", "error", "errors", "detail", "code")

_MANY_MEANINGS = (400, 402, 403, 422)

# Only what names the account's plan or one of its limits: "domain exceeds the limit of 253
# characters" is about one person, and must not end the run.
_ACCOUNT_LIMIT = re.compile(
    r"\b(plan|import|daily|weekly|monthly|extraction|enrichment|subscription|usage|credit)s?"
    r" (limit|quota)s?\b"
    r"|\b(limit|quota) (of|on|for) (your|the|this) (current )?(plan|account|subscription|day|month)"
    r"|\bquota (is |was )?(exceeded|exhausted|reached)"
    r"|\b(your|current) (current )?(plan|subscription)\b"
    r"|\bupgrade\b.*\bplan\b"
)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for; both of its forms are read."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        seconds = float(value)
        return seconds if math.isfinite(seconds) else None
    try:
        date = parsedate_to_datetime(value)
        # A date without a zone, or with -0000, has none in Python. Those of HTTP are in UTC.
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _texts(value: Any, depth: int = 3) -> Iterator[str]:
    """Find the service's words in a field of an error, in whatever form it has."""
    if isinstance(value, str):
        yield storable(" ".join(value.split()))
    elif depth and isinstance(value, list):
        for item in value:
            yield from _texts(item, depth - 1)
    elif depth and isinstance(value, dict):
        for field in _FIELDS:
            yield from _texts(value.get(field), depth - 1)


def _error(body: bytes) -> dict[str, Any]:
    try:
        data = loads(decoded(body))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def words(error: Mapping[str, Any]) -> str:
    """Return the service's own words for people; empty where there are none."""
    for field in _FIELDS:
        if text := "; ".join(filter(None, _texts(error.get(field)))):
            return text[:_WORDS_AT_MOST]
    return ""


def failure(status: int, headers: Mapping[str, str], body: bytes) -> ProntoError:
    """Return the exception that an answer other than 2xx means.

    Parameters
    ----------
    status : int
        The HTTP status.
    headers : mapping
        The answer's headers.
    body : bytes
        The answer's body; JSON, HTML or anything else.

    Returns
    -------
    ProntoError
        To be raised by the caller.
    """
    error = _error(body)
    said = words(error)
    quoted = f' Its words: "{said}".' if said else ""
    if status in _MANY_MEANINGS and (meant := _meant(status, error, said)):
        return meant
    match status:
        case 401 | 403:
            return AuthenticationError(
                f"Pronto did not accept the API key ({status}).{quoted} Copy it again from your "
                'Pronto account and set it with pronto.configure(api_key="…").',
                status=status,
            )
        case 429:
            return RateLimitedError(
                f"Pronto asks for a slower pace (429).{quoted}",
                status=429,
                retry_after=retry_after(headers),
            )
        case 503:
            return ServiceBusyError(
                f"Pronto takes no work just now (503).{quoted}",
                status=503,
                retry_after=retry_after(headers),
            )
        case _ if 500 <= status <= 599:
            return ServerFailedError(
                f"Pronto failed ({status}) after it had taken the request; "
                f"it may have been charged.{quoted}",
                status=status,
            )
        case _ if 300 <= status <= 399:
            return RefusedError(
                f"The address answers with a redirect ({status}), which is not followed: "
                "check base_url.",
                status=status,
            )
        case _ if 400 <= status <= 499:
            return RefusedError(said or f"Pronto refused the request ({status}).", status=status)
        case _:
            return UnreadableAnswerError(f"Pronto answered with status {status}.", status=status)


def _meant(status: int, error: Mapping[str, Any], said: str) -> ProntoError | None:
    """Return what concerns the whole account, which the service tells by words or codes alone."""
    text = " ".join(_texts(error)).casefold().replace("_", " ").replace("-", " ")
    quoted = f' Pronto\'s words: "{said}".' if said else ""
    if status == 402 or ("insufficient" in text and "credit" in text):
        return CreditsExhaustedError(
            f"The credits are used up ({status}).{quoted} Top up the account.", status=status
        )
    if "consent" in text and "personal email" in text:
        return ConsentRequiredError(f'Pronto says: "{said}". {CONSENT_STEPS}')
    if _ACCOUNT_LIMIT.search(text):
        return CreditsExhaustedError(
            f"A limit of the account is reached ({status}).{quoted} See the plan of the account.",
            status=status,
        )
    return None
