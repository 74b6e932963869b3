"""What is to be sent, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from ..api.contact import Contact
from ..api.models import Answer
from ..api.spec import EnrichmentType
from .entry import Entry, Key


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
    enrichment_id : str, optional
        The service's name of the work, where it was submitted before: only its answer is asked for.
    others : tuple of Job, optional
        What goes in the same request.
    """

    number: int
    contact: Contact
    types: tuple[EnrichmentType, ...]
    custom: Mapping[str, Any] | None = None
    enrichment_id: str | None = None
    others: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    state : str
        ``answered``; ``error`` (the service refused it); ``unknown`` (sent, fate not known);
        ``pending`` (not sent, or surely not worked on).
    answer : Answer, optional
        Where the state is ``answered``, and it was read.
    message : str, optional
        Why, where it is not.
    """

    state: Literal["answered", "error", "unknown", "pending"]
    answer: Answer | None = None
    message: str | None = None


class Books(Protocol):
    """What the engine asks of the ledger; each call that is awaited is on disk when it returns."""

    async def claim(self, jobs: Sequence[Job]) -> dict[Key, Entry]: ...  # noqa: D102
    async def about_to_send(self, jobs: Sequence[Job]) -> None: ...  # noqa: D102
    def leaves(self, job: Job) -> None: ...  # noqa: D102
    async def not_worked_on(self, job: Job) -> None: ...  # noqa: D102
    async def submitted(self, job: Job, enrichment_id: str) -> None: ...  # noqa: D102
    async def answered(self, job: Job, answer: Answer) -> None: ...  # noqa: D102
    async def lost(self, job: Job) -> None: ...  # noqa: D102
    async def free(self, job: Job) -> None: ...  # noqa: D102


class Later(Protocol):
    """What becomes of a job that the service has taken and not answered."""

    async def fetched(self, job: Job, name: str, *, submitted_now: bool) -> Outcome: ...  # noqa: D102


class Service(Protocol):
    """What the engine asks of the service.

    ``send`` returns an answer that is final, or one that names the work. ``fetch`` looks for the
    answer under that name; that is free.
    """

    async def send(self, job: Job) -> Answer: ...  # noqa: D102
    async def fetch(self, enrichment_id: str) -> Answer: ...  # noqa: D102


def given_up(error: Exception, attempts: int) -> Outcome:
    """Return the outcome of a contact that the service would not take."""
    return Outcome("error", message=f"{error} It was tried {attempts} times.")


def outcome_of(entry: Entry) -> Outcome:
    """Return the outcome that an entry of the ledger stands for."""
    if entry.state == "answered":
        known = None if entry.answer is None else Answer.model_validate(entry.answer)
        return Outcome("answered", known)
    return {"submitted": NOT_FETCHED, "enqueued": NOT_DELIVERED}.get(entry.state, SENT_BEFORE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the ledger says of a job's types.

    Parameters
    ----------
    free, submitted, held : list of Job
        The part to send; the parts whose answer is to be fetched; the part that another run has.
    settled : list of tuple
        Parts that the ledger knows, with their outcomes.
    """

    free: list[Job]
    submitted: list[Job]
    held: list[Job]
    settled: list[tuple[Job, Outcome]]


def sorted_out(job: Job, kept: Mapping[Key, Entry]) -> Parts:
    """Sort a job's types by the entries that kept them from being claimed."""
    entries = {type_: kept.get((job.contact.key, type_)) for type_ in job.types}
    free = tuple(t for t, entry in entries.items() if entry is None)
    held = tuple(t for t, entry in entries.items() if entry and entry.state == "sent")
    parts = Parts(
        free=[replace(job, types=free, enrichment_id=None)] if free else [],
        submitted=[],
        held=[replace(job, types=held, enrichment_id=None)] if held else [],
        settled=[],
    )
    for type_, entry in entries.items():
        if entry and entry.state == "submitted":
            parts.submitted.append(replace(job, types=(type_,), enrichment_id=entry.enrichment_id))
        elif entry and entry.state != "sent":
            parts.settled.append((replace(job, types=(type_,)), outcome_of(entry)))
    return parts


SENT_BEFORE: Final = Outcome(
    "unknown",
    message="Sent by an earlier run, and the answer was lost; it may have been charged. "
    "resend_unknown=True sends it again.",
)
NOT_FETCHED: Final = Outcome(
    "pending",
    message="Submitted, and the answer is not there yet. Running it again fetches the answer; "
    "nothing is submitted twice.",
)
NOT_DELIVERED: Final = Outcome(
    "unknown",
    message="Sent in a bulk job whose answer has not been delivered; it may be charged. "
    "pronto.jobs() lists the jobs; resend_unknown=True sends it again.",
)
NOT_KNOWN_THERE: Final = Outcome(
    "unknown",
    message="Submitted, and the service does not know it any more; it may have been charged. "
    "resend_unknown=True submits it again.",
)
PENDING: Final = Outcome("pending", message="Not sent: the run was stopped.")
LET_GO: Final = Outcome(
    "unknown", message="The run was stopped while the answer was awaited; it may be charged."
)
OVER_BUDGET: Final = Outcome(
    "pending", message="Not sent: max_credits could be passed in the worst case."
)
