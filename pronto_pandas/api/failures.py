"""The one place that turns a status and a text into an exception."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

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

CONSENT_STEPS = (
    "Personal emails need consent twice: 1. in the Pronto account's settings; "
    '2. here, with pronto.configure(personal_email_consent="what you use them for").'
)

_WORDS_AT_MOST = 200


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for; both of its forms are read."""
    value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value)) if value.isascii() and value[:1].isdigit() else _until(value)
    except ValueError:
        return None


def _until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def words(body: bytes) -> str:
    """Return the service's own words from an error body; empty where there are none."""
    try:
        data = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(data, dict):
        return ""
    for field in ("message", "error", "errors", "detail"):
        value = data.get(field)
        if isinstance(value, list):
            value = "; ".join(item for item in value if isinstance(item, str))
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:_WORDS_AT_MOST]
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
    said = words(body)
    quoted = f' It said: "{said}".' if said else ""
    match status:
        case 401 | 403:
            return AuthenticationError(
                f"Pronto did not accept the API key ({status}).{quoted} Copy it again from your "
                'Pronto account and set it with pronto.configure(api_key="…").',
                status=status,
            )
        case 422:
            return _unprocessable(said)
        case 429:
            return RateLimitedError(
                "Pronto asks for a slower pace (429).", status=429, retry_after=retry_after(headers)
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


def _unprocessable(said: str) -> ProntoError:
    """Tell the meanings of a 422 apart; the service does it only by the text."""
    text = said.casefold()
    if "insufficient" in text and "credit" in text:
        return CreditsExhaustedError(f'Pronto says: "{said}". Top up the account.', status=422)
    if "consent" in text and "personal email" in text:
        return ConsentRequiredError(f'Pronto says: "{said}". {CONSENT_STEPS}')
    return RefusedError(said or "Pronto refused the request (422).", status=422)
