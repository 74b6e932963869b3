"""Every exception and warning of the package.

::

    ProntoError
    ├── ConfigurationError          an argument or a setting is wrong; nothing was sent (ValueError)
    │   └── ColumnsError            the frame lacks what the request needs
    ├── AuthenticationError         401 or 403: the key is wrong
    │   └── MissingKeyError         there is no key; nothing was sent
    ├── ConsentRequiredError        personal emails without recorded consent
    ├── LedgerError                 the ledger cannot be read or written
    ├── ResultError                 the answers are kept, but could not be put in a frame or a file
    └── ServiceError                one call to the service brought no answer
        ├── CreditsExhaustedError   402 or 422: the balance, or a limit of the plan, is used up
        ├── RefusedError            another 4xx: this request alone
        ├── NotWorkedOnError        surely not worked on, so surely not charged
        │   ├── ConnectionFailedError   the connection never opened
        │   ├── RateLimitedError        429
        │   └── ServiceBusyError        503
        └── FateUnknownError        sent, and nobody can say whether it was charged
            ├── AnswerLostError         time-out, reset or cut while the answer was awaited
            ├── ServerFailedError       5xx
            └── UnreadableAnswerError   2xx, but not an answer

    ProntoWarning (UserWarning)
    ├── LedgerWarning               the run stopped because the ledger could not be written
    ├── CreditsExhaustedWarning     the run stopped because credits, or a limit, were used up
    ├── ServiceUnreachableWarning   the run stopped because the service could not be reached
    ├── MaxCreditsWarning           the run ended before max_credits could be passed
    ├── RefusedWarning              the service refused some requests of a bulk job
    ├── UnknownRowsWarning          answers were lost; their rows may be charged
    └── PhoneWithoutLinkedInWarning phones were asked for people without linkedin_url

Messages say what happened, why, and what to do next. They never carry a value of a person's data.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

from . import error_box


class ProntoError(Exception):
    """Base class of all pronto-pandas errors."""

    raised_in_debug = False
    """Whether it left a block of ``with configure(debug=True):``."""

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        """What IPython calls to show the error."""
        return error_box.renderer(self, in_debug=self.raised_in_debug)


class ConfigurationError(ProntoError, ValueError):
    """An argument or a setting is wrong. Nothing was sent, nothing was charged."""


class ColumnsError(ConfigurationError):
    """The frame lacks a column that the request needs. Nothing was sent."""


class AuthenticationError(ProntoError):
    """The service does not accept the key.

    Parameters
    ----------
    message : str
        What happened and what to do next.
    status : int, optional
        401 or 403, where the service said so.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MissingKeyError(AuthenticationError):
    """No API key is set. Nothing was sent."""


class ConsentRequiredError(ProntoError):
    """Personal emails need consent, in the Pronto account and here."""


class LedgerError(ProntoError):
    """The ledger cannot be read or written; nothing is sent without it."""


class ResultError(ProntoError):
    """The answers are kept in the ledger, but could not be put in a frame or a file."""


class ServiceError(ProntoError):
    """One call to the service brought no answer.

    Parameters
    ----------
    message : str
        What happened and what to do next.
    status : int, optional
        The HTTP status, where there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CreditsExhaustedError(ServiceError):
    """The account's credits, or a limit of its plan, are used up; the request was not worked on."""


class RefusedError(ServiceError):
    """The service refused this request; another may be fine."""


class NotWorkedOnError(ServiceError):
    """The request was surely not worked on, so sending it again cannot charge twice.

    Parameters
    ----------
    message : str
        What happened and what to do next.
    status : int, optional
        The HTTP status, where there was one.
    retry_after : float, optional
        Seconds the service asks to wait.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class ConnectionFailedError(NotWorkedOnError):
    """The connection to the service never opened."""


class RateLimitedError(NotWorkedOnError):
    """The service asks for a slower pace (429)."""


class ServiceBusyError(NotWorkedOnError):
    """The service takes no work just now (503)."""


class FateUnknownError(ServiceError):
    """The request left, and whether it was worked on and charged is not known."""


class AnswerLostError(FateUnknownError):
    """The answer did not arrive: time-out, reset, or cut on the way."""


class ServerFailedError(FateUnknownError):
    """The service failed (5xx other than 503) after it had taken the request."""


class UnreadableAnswerError(FateUnknownError):
    """The service said success, but its body is no answer."""


class ProntoWarning(UserWarning):
    """Base of every warning of this package."""


class LedgerWarning(ProntoWarning):
    """The run stopped early because the ledger could not be written."""


class CreditsExhaustedWarning(ProntoWarning):
    """The run stopped early because the credits, or a limit of the plan, were used up."""


class ServiceUnreachableWarning(ProntoWarning):
    """The run stopped early because the service could not be reached."""


class MaxCreditsWarning(ProntoWarning):
    """The run ended before ``max_credits`` could be passed in the worst case."""


class RefusedWarning(ProntoWarning):
    """The service refused some requests of a bulk job; the people in them were not charged."""


class UnknownRowsWarning(ProntoWarning):
    """Answers were lost on the way, and their rows may be charged."""


class PhoneWithoutLinkedInWarning(ProntoWarning):
    """Phones were asked for people without a LinkedIn address, where few are found."""


def warn(message: str, category: type[ProntoWarning]) -> None:
    """Warn at the line of the caller's code that called into the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(error_box.PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
