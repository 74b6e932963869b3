"""What is to be sent, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol

from ..api.answer import Answer, parse
from ..api.contact import Contact
from ..api.spec import EnrichmentType
from ..errors import ProntoError
from ..storage.entry import Entry, Key, Wanted
from ..storage.store import Claims


@dataclass(frozen=True, slots=True)
class Request:
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
    others : tuple of Request, optional
        What goes in the same request.
    entries : mapping, optional
        For each type whose entry stands under another than the contact's first key, that key.
    """

    number: int
    contact: Contact
    types: tuple[EnrichmentType, ...]
    custom: Mapping[str, Any] | None = None
    enrichment_id: str | None = None
    others: tuple[Request, ...] = ()
    entries: Mapping[EnrichmentType, str] = field(default_factory=dict)


def wanted_by(job: Request) -> list[Wanted]:
    """Return what of a job is claimed."""
    return [Wanted(type_, job.contact.keys(type_)) for type_ in job.types]


def keys_of(job: Request) -> list[Key]:
    """Return the keys of a job's entries."""
    return [
        (one.entries.get(type_) or one.contact.keys(type_)[0], type_)
        for one in (job, *job.others)
        for type_ in one.types
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    state : str
        ``answered``; ``error`` (the service refused it); ``unknown`` (sent, fate not known);
        ``pending`` (not sent, or surely not worked on).
    answer : Answer, optional
        Where the state is ``answered``, and it was read; in another state an earlier answer.
    message : str, optional
        Why, where it is not.
    may_be_charged : bool
        The service has the request, or may have it, and its answer is not here.
    delivered_later : bool
        The service has taken it in a batch, and delivers the answer to a webhook.
    """

    state: Literal["answered", "error", "unknown", "pending"]
    answer: Answer | None = None
    message: str | None = None
    may_be_charged: bool = False
    delivered_later: bool = False


class Books(Protocol):
    """What the engine asks of the ledger; each call that is awaited is on disk when it returns."""

    async def claim(self, jobs: Sequence[Request]) -> Claims: ...  # noqa: D102
    async def held_elsewhere(self, jobs: Sequence[Request]) -> list[Request]: ...  # noqa: D102
    async def about_to_send(  # noqa: D102
        self, jobs: Sequence[Request]
    ) -> tuple[list[Request], list[Request]]: ...
    def may_leave(self, job: Request) -> bool: ...  # noqa: D102
    async def not_worked_on(self, job: Request) -> None: ...  # noqa: D102
    async def submitted(self, job: Request, enrichment_id: str) -> None: ...  # noqa: D102
    async def left(self, job: Request) -> None: ...  # noqa: D102
    async def answered(self, job: Request, answer: Answer) -> None: ...  # noqa: D102
    async def lost(self, job: Request) -> None: ...  # noqa: D102
    async def free(self, job: Request) -> None: ...  # noqa: D102


class Later(Protocol):
    """What becomes of a job that the service has taken and not answered."""

    async def fetched(self, job: Request, name: str, *, submitted_now: bool) -> Outcome: ...  # noqa: D102


class Service(Protocol):
    """What the engine asks of the service.

    ``send`` returns an answer that is final, or one that names the work. ``fetch`` looks for the
    answer under that name; that is free.
    """

    async def send(self, job: Request) -> Answer: ...  # noqa: D102
    async def fetch(self, enrichment_id: str) -> Answer: ...  # noqa: D102


def given_up(error: Exception, attempts: int) -> Outcome:
    """Return the outcome of a contact that the service would not take."""
    return Outcome("error", message=f"{error} It was tried {attempts} times.")


def outcome_of(entry: Entry) -> Outcome:
    """Return the outcome that an entry of the ledger stands for."""
    answer = None if entry.body is None else _read(entry)
    if entry.state == "answered":
        return Outcome("answered", answer)
    open_ = {"submitted": NOT_FETCHED, "enqueued": NOT_DELIVERED}.get(entry.state, SENT_BEFORE)
    return replace(open_, answer=answer)


def _read(entry: Entry) -> Answer:
    try:
        answer = parse(entry.body or "")
    except ProntoError:  # it was readable once, so what has changed is the package or the file
        return Answer(status="error", message="The answer in the ledger cannot be read.")
    if answer.enrichment_id is None and entry.enrichment_id is not None:
        return answer.model_copy(update={"enrichment_id": entry.enrichment_id})
    return answer


@dataclass(frozen=True, slots=True)
class Parts:
    """What the ledger says of a job's types.

    Parameters
    ----------
    free, submitted, held : list of Request
        The part to send; the parts whose answer is to be fetched; the part that another run has.
    settled : list of tuple
        Parts that the ledger knows, with their outcomes.
    """

    free: list[Request]
    submitted: list[Request]
    held: list[Request]
    settled: list[tuple[Request, Outcome]]


def sorted_out(job: Request, claims: Claims) -> Parts:
    """Sort a job's types by what became of the attempt to claim them."""
    keys = {t: (job.contact.keys(t)[0], t) for t in job.types}
    kept = {t: claims.kept[key] for t, key in keys.items() if key in claims.kept}
    free = tuple(t for t, key in keys.items() if key in claims.taken)
    held = tuple(t for t, entry in kept.items() if entry.state == "held")
    at = {t: claims.taken[keys[t]] for t in free if claims.taken[keys[t]] != keys[t][0]}
    parts = Parts(
        free=[replace(job, types=free, enrichment_id=None, entries=at)] if free else [],
        submitted=[],
        held=[replace(job, types=held, enrichment_id=None, entries={})] if held else [],
        settled=[],
    )
    for type_, entry in kept.items():
        if entry.state == "submitted":
            parts.submitted.append(
                replace(
                    job,
                    types=(type_,),
                    enrichment_id=entry.enrichment_id,
                    entries={type_: entry.contact},
                )
            )
        elif entry.state != "held":
            parts.settled.append((replace(job, types=(type_,)), outcome_of(entry)))
    return parts


SENT_BEFORE: Final = Outcome(
    "unknown",
    message="Sent by an earlier run, and the answer was lost; it may have been charged. "
    "resend_unknown=True sends it again.",
    may_be_charged=True,
)
NOT_FETCHED: Final = Outcome(
    "pending",
    message="Submitted, and the answer is not there yet. Running it again fetches the answer; "
    "nothing is submitted twice.",
    may_be_charged=True,
)
NOT_DELIVERED: Final = Outcome(
    "unknown",
    message="Sent in a bulk job whose answer has not been delivered; it may be charged. "
    "pronto.jobs() lists the jobs; resend_unknown=True sends it again.",
    may_be_charged=True,
    delivered_later=True,
)
NOT_KNOWN_THERE: Final = Outcome(
    "unknown",
    message="Submitted, and the service does not know it any more; it may have been charged. "
    "resend_unknown=True submits it again.",
    may_be_charged=True,
)
PENDING: Final = Outcome("pending", message="Not sent: the run was stopped.")
LET_GO: Final = Outcome(
    "unknown",
    message="The run was stopped while the answer was awaited; it may be charged.",
    may_be_charged=True,
)
OVER_BUDGET: Final = Outcome(
    "pending", message="Not sent: max_credits could be passed in the worst case."
)
