"""What is to be sent, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from ..api.models import Answer, Contact
from ..api.spec import EnrichmentType
from .ledger import Entry, Key


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


class Books(Protocol):
    """What the engine asks of the ledger; each call is on disk when it returns."""

    async def claim(self, jobs: Sequence[Job]) -> dict[Key, Entry]: ...  # noqa: D102
    def leaves(self, job: Job) -> None: ...  # noqa: D102
    async def answered(self, job: Job, answer: Answer) -> None: ...  # noqa: D102
    async def lost(self, job: Job) -> None: ...  # noqa: D102
    async def free(self, job: Job) -> None: ...  # noqa: D102


def given_up(error: Exception, attempts: int) -> Outcome:
    """Return the outcome of a contact that the service would not take."""
    return Outcome("error", message=f"{error} It was tried {attempts} times.")


def outcome_of(entry: Entry) -> Outcome:
    """Return the outcome that an entry of the ledger stands for."""
    if entry.state == "answered":
        return Outcome("answered", Answer.model_validate(entry.answer))
    return SENT_BEFORE


@dataclass(frozen=True, slots=True)
class Parts:
    """What the ledger says of a job's types.

    Parameters
    ----------
    free, held : list of Job
        The part to send, and the part that another run has sent; at most one of each.
    settled : list of tuple
        Parts that the ledger knows, with their outcomes.
    """

    free: list[Job]
    held: list[Job]
    settled: list[tuple[Job, Outcome]]


def sorted_out(job: Job, kept: Mapping[Key, Entry]) -> Parts:
    """Sort a job's types by the entries that kept them from being claimed."""
    entries = {type_: kept.get((job.contact.key, type_)) for type_ in job.types}
    free = tuple(t for t, entry in entries.items() if entry is None)
    held = tuple(t for t, entry in entries.items() if entry and entry.state == "sent")
    return Parts(
        free=[replace(job, types=free)] if free else [],
        held=[replace(job, types=held)] if held else [],
        settled=[
            (replace(job, types=(t,)), outcome_of(entry))
            for t, entry in entries.items()
            if entry and entry.state != "sent"
        ],
    )


SENT_BEFORE: Final = Outcome(
    "unknown",
    message="Sent by an earlier run, and the answer was lost; it may have been charged. "
    "resend_unknown=True sends it again.",
)
PENDING: Final = Outcome("pending", message="Not sent: the run was stopped.")
LET_GO: Final = Outcome(
    "unknown", message="The run was stopped while the answer was awaited; it may be charged."
)
OVER_BUDGET: Final = Outcome(
    "pending", message="Not sent: max_credits could be passed in the worst case."
)
