"""All exceptions and warnings of the package.

::

    ProntoError
    ├── ConfigurationError          an argument or setting is invalid; nothing was sent (ValueError)
    │   └── ColumnsError            a required column is missing
    ├── AuthenticationError         401: Pronto rejected the API key; 403: it denied access
    │   └── MissingKeyError         no API key is set; nothing was sent
    ├── ConsentRequiredError        personal emails without consent
    ├── NotConfirmedError           the question about the cost was not answered with yes
    ├── LedgerError                 the ledger cannot be read or written
    ├── ResultError                 the answers are in the ledger, but not in the DataFrame or file
    └── ServiceError                a request to Pronto failed
        ├── CreditsExhaustedError   402, or the text says it: no credits, a limit of the plan, …
        ├── RefusedError            another 4xx: Pronto rejected only this request
        ├── NotWorkedOnError        not processed, so not charged
        │   ├── ConnectionFailedError   no connection was opened
        │   ├── RateLimitedError        429
        │   └── ServiceBusyError        503
        └── FateUnknownError        sent; may have been charged
            ├── AnswerLostError         timeout, connection reset or truncated response
            ├── ServerFailedError       another 5xx
            └── UnreadableAnswerError   2xx, but the response cannot be read

    ProntoWarning (UserWarning)
    ├── LedgerWarning               the run stopped: the ledger could not be written
    ├── CreditsExhaustedWarning     the run stopped: out of credits, at a limit of the plan, …
    ├── ServiceUnreachableWarning   the run stopped: Pronto could not be reached
    ├── MaxCreditsWarning           the run stopped before it could exceed max_credits or the budget
    ├── LowFoundRateWarning         the run stopped: it found fewer people than stop_below
    ├── RefusedWarning              Pronto rejected some requests of a bulk job
    ├── UnknownRowsWarning          some answers were lost; their rows may have been charged
    └── PhoneWithoutLinkedInWarning phone numbers were requested without LinkedIn URLs

Messages state what happened, why, and what to do next. They never contain personal data.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

from . import error_box


class ProntoError(Exception):
    """Base class of all pronto-pandas errors."""

    raised_in_debug = False
    """Whether the error was raised inside a ``with configure(debug=True):`` block."""

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        """Called by IPython to show the error."""
        return error_box.renderer(self, in_debug=self.raised_in_debug)


class ConfigurationError(ProntoError, ValueError):
    """An argument or a setting is invalid. Nothing was sent or charged."""


class ColumnsError(ConfigurationError):
    """A required column is missing from the DataFrame. Nothing was sent."""


class AuthenticationError(ProntoError):
    """No API key is set, or Pronto rejected it (401) or denied access (403).

    Parameters
    ----------
    message : str
        What happened and what to do next.
    status : int, optional
        The HTTP status: 401 or 403. None if no request was made.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MissingKeyError(AuthenticationError):
    """No API key is set. Nothing was sent."""


class ConsentRequiredError(ProntoError):
    """Personal emails need consent, both in the Pronto account and in this package."""


class NotConfirmedError(ProntoError):
    """The question about the cost of a run was not answered with yes. Nothing was sent."""


class LedgerError(ProntoError):
    """The ledger cannot be read or written. Nothing is sent without it."""


class ResultError(ProntoError):
    """The answers are saved in the ledger, but could not be written to a DataFrame or a file."""


class ServiceError(ProntoError):
    """A request to Pronto failed.

    Parameters
    ----------
    message : str
        What happened and what to do next.
    status : int, optional
        The HTTP status, or None.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CreditsExhaustedError(ServiceError):
    """The account cannot be used. For example, it is out of credits or has reached a plan limit.

    The request was not processed.
    """


class RefusedError(ServiceError):
    """Pronto rejected this request. Other requests may still succeed."""


class NotWorkedOnError(ServiceError):
    """The request was not processed, so it is safe to send it again.

    Parameters
    ----------
    message : str
        What happened and what to do next.
    status : int, optional
        The HTTP status, or None.
    retry_after : float, optional
        Seconds to wait before the next try, as given by Pronto.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class ConnectionFailedError(NotWorkedOnError):
    """Could not connect to Pronto."""


class RateLimitedError(NotWorkedOnError):
    """Rate limit reached (HTTP 429)."""


class ServiceBusyError(NotWorkedOnError):
    """Pronto is temporarily unavailable (HTTP 503)."""


class FateUnknownError(ServiceError):
    """The request was sent, but its outcome is unknown: it may have been charged."""


class AnswerLostError(FateUnknownError):
    """The response did not arrive completely: timeout, connection reset or truncated response."""


class ServerFailedError(FateUnknownError):
    """Pronto returned a server error (5xx except 503). The request may have been processed."""


class UnreadableAnswerError(FateUnknownError):
    """Pronto reported success, but the response cannot be read."""


class ProntoWarning(UserWarning):
    """Base class of all pronto-pandas warnings."""


class LedgerWarning(ProntoWarning):
    """The run stopped early because the ledger could not be written."""


class CreditsExhaustedWarning(ProntoWarning):
    """The run stopped early: the account is out of credits or cannot be used for another reason."""


class ServiceUnreachableWarning(ProntoWarning):
    """The run stopped early because Pronto could not be reached."""


class MaxCreditsWarning(ProntoWarning):
    """The next request could have exceeded ``max_credits`` or the budget, so the run stopped."""


class LowFoundRateWarning(ProntoWarning):
    """The run stopped because it found too few people; see ``stop_below``."""


class RefusedWarning(ProntoWarning):
    """Pronto rejected some requests of a bulk job. You were not charged for the people in them."""


class UnknownRowsWarning(ProntoWarning):
    """Some rows were sent but not answered; you may have been charged for them."""


class PhoneWithoutLinkedInWarning(ProntoWarning):
    """Phone numbers were requested for people without a LinkedIn URL; few are found."""


def warn(message: str, category: type[ProntoWarning]) -> None:
    """Warn at the line of the user's code that called the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(error_box.PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
