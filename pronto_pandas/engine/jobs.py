"""What is to be sent, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..api.models import Answer, Contact
from ..api.spec import EnrichmentType
from .ledger import Entry


@dataclass(frozen=True, slots=True)
class Job:
    """One request to make.

    Parameters
    ----------
    number : int
        The contact's position in the plan.
    contact : Contact
        The person.
    types : tuple of str
        What to ask for.
    custom : mapping, optional
        Passed through to the service.
    """

    number: int
    contact: Contact
    types: tuple[EnrichmentType, ...]
    custom: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    state : str
        ``answered``; ``error`` (the service refused it); ``unknown`` (sent, fate not known);
        ``pending`` (not sent, or surely not worked on).
    answer : Answer, optional
        Where the state is ``answered``.
    message : str, optional
        Why, where it is not.
    """

    state: Literal["answered", "error", "unknown", "pending"]
    answer: Answer | None = None
    message: str | None = None


def given_up(error: Exception, attempts: int) -> Outcome:
    """Return the outcome of a contact that the service would not take."""
    return Outcome("error", message=f"{error} It was tried {attempts} times.")


def outcome_of(entry: Entry) -> Outcome:
    """Return the outcome that an entry of the ledger stands for."""
    if entry.state == "answered":
        return Outcome("answered", Answer.model_validate(entry.answer))
    return SENT_BEFORE


SENT_BEFORE: Final = Outcome(
    "unknown",
    message="Sent by an earlier run, and the answer was lost; it may have been charged. "
    "resend_unknown=True sends it again.",
)
PENDING: Final = Outcome("pending", message="Not sent: the run was stopped.")
LET_GO: Final = Outcome(
    "unknown", message="The run was stopped while the answer was awaited; it may be charged."
)
