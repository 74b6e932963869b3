"""Requests and batches to send, and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from ..api.answer import Answer, parse
from ..api.contact import Contact
from ..api.spec import EnrichmentType
from ..errors import ProntoError
from ..storage.entry import Entry, Key, Wanted
from ..storage.store import Claims


@dataclass(frozen=True, slots=True)
class Request:
    """One contact, and the types to request for it.

    Parameters
    ----------
    number : int
        The contact's position in the plan.
    contact : Contact
        The person.
    types : tuple of str
        The types to request.
    custom : mapping, optional
        Fields that Pronto returns unchanged with the answer.
    enrichment_id : str, optional
        Pronto's ID of a request that was submitted before: only its answer is fetched.
    entries : mapping, optional
        Maps each type whose entry is not stored under the contact's first key to the key of that
        entry.
    """

    number: int
    contact: Contact
    types: tuple[EnrichmentType, ...]
    custom: Mapping[str, Any] | None = None
    enrichment_id: str | None = None
    entries: Mapping[EnrichmentType, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """The content of one HTTP call: one request, or the 2 to 100 requests of a bulk call.

    Parameters
    ----------
    requests : sequence of Request
        In the order in which they are sent.
    number : int
        Numbers the batches of a bulk job, from 1.
    """

    requests: Sequence[Request]
    number: int = 0

    @property
    def keys(self) -> list[Key]:
        """The keys of the entries in the ledger."""
        return [key for request in self.requests for key in keys_of(request)]

    @property
    def enrichment_id(self) -> str | None:
        """Pronto's ID, if the request was submitted before."""
        return self.requests[0].enrichment_id


def wanted_by(request: Request) -> list[Wanted]:
    """Return the entries that a request claims."""
    return [Wanted(type_, request.contact.keys(type_)) for type_ in request.types]


def keys_of(request: Request) -> list[Key]:
    """Return the keys of a request's entries."""
    return [
        (request.entries.get(type_) or request.contact.keys(type_)[0], type_)
        for type_ in request.types
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a request.

    Parameters
    ----------
    state : str
        ``answered``; ``error`` (Pronto rejected it); ``unknown`` (sent, and no answer received);
        ``pending`` (not sent, not processed, or not fetched yet); ``skipped`` (not sent on purpose,
        although another type of the contact is answered).
    answer : Answer, optional
        The answer, if it was read; in any state other than ``answered``, an earlier answer.
    message : str, optional
        Why there is no answer.
    may_be_charged : bool
        Pronto has or may have the request, and its answer was not received.
    delivered_later : bool
        Pronto has accepted the request in a batch and delivers the answer to a webhook.
    answered_at : float, optional
        When the answer was stored in the ledger, in seconds since 1970; None if it was not.
    """

    state: Literal["answered", "error", "unknown", "pending", "skipped"]
    answer: Answer | None = None
    message: str | None = None
    may_be_charged: bool = False
    delivered_later: bool = False
    answered_at: float | None = None

    @property
    def sent(self) -> bool:
        """Whether the request was sent, now or earlier."""
        return self.state != "pending" or self.may_be_charged

    @property
    def submitted(self) -> bool:
        """Whether Pronto has accepted the request, and its answer comes later."""
        return self.delivered_later or (self.state == "pending" and self.may_be_charged)


def given_up(error: Exception, attempts: int) -> Outcome:
    """Return the outcome of a request that Pronto did not process in several attempts."""
    return Outcome("error", message=f"{error} Gave up after {attempts} attempts. Not charged.")


def outcome_of(entry: Entry) -> Outcome:
    """Return the outcome that an entry of the ledger stands for."""
    answer = None if entry.body is None else _read(entry)
    if entry.state == "answered":
        return Outcome("answered", answer, answered_at=entry.at)
    open_ = {"submitted": NOT_FETCHED, "enqueued": NOT_DELIVERED}.get(entry.state, SENT_BEFORE)
    return replace(open_, answer=answer)


def _read(entry: Entry) -> Answer:
    try:
        answer = parse(entry.body or "")
    except ProntoError:  # it was readable once, so what has changed is the package or the file
        return Answer(status="error", message=UNREADABLE)
    if answer.enrichment_id is None and entry.enrichment_id is not None:
        return answer.model_copy(update={"enrichment_id": entry.enrichment_id})
    return answer


@dataclass(frozen=True, slots=True)
class Sorted:
    """The parts of a request, by what is to be done with them.

    Parameters
    ----------
    to_send, to_poll, held : list of Request
        Parts to send, parts whose answers to fetch, and parts that another run holds.
    known : list of tuple
        Parts that have an outcome in the ledger.
    """

    to_send: list[Request]
    to_poll: list[Request]
    held: list[Request]
    known: list[tuple[Request, Outcome]]


def sort(
    request: Request,
    entries: Mapping[EnrichmentType, Entry | None],
    places: Mapping[EnrichmentType, str] | None = None,
) -> Sorted:
    """Sort a request's types by their entries in the ledger.

    Parameters
    ----------
    request : Request
        What is wanted.
    entries : mapping
        The entry of each type; None for a type that is to be sent.
    places : mapping, optional
        Maps each type whose new entry is not stored under the contact's first key to the key of
        that entry.
    """
    parts = Sorted([], [], [], [])
    new: list[EnrichmentType] = []
    held: list[EnrichmentType] = []

    def part(types: Iterable[EnrichmentType], **more: Any) -> Request:
        return Request(request.number, request.contact, tuple(types), request.custom, **more)

    for type_, entry in entries.items():
        if entry is None:
            new.append(type_)
        elif entry.state == "held":
            held.append(type_)
        elif entry.state == "submitted":
            place = {type_: entry.contact}
            parts.to_poll.append(part([type_], enrichment_id=entry.enrichment_id, entries=place))
        else:
            parts.known.append((part([type_]), outcome_of(entry)))
    if new:
        parts.to_send.append(part(new, entries=places or {}))
    if held:
        parts.held.append(part(held))
    return parts


def sort_claimed(request: Request, claims: Claims) -> Sorted:
    """Sort a request's types by the result of claiming them."""
    keys = {type_: (request.contact.keys(type_)[0], type_) for type_ in request.types}
    taken = {type_: claims.taken[key] for type_, key in keys.items() if key in claims.taken}
    entries: dict[EnrichmentType, Entry | None] = dict.fromkeys(taken)
    entries |= {type_: claims.kept[key] for type_, key in keys.items() if key in claims.kept}
    places = {type_: place for type_, place in taken.items() if place != keys[type_][0]}
    return sort(request, entries, places)


UNREADABLE: Final = (
    "The answer in the ledger cannot be read. Upgrade pronto-pandas, or pass refresh=True to "
    "request it, and pay for it, again."
)
SENT_BEFORE: Final = Outcome(
    "unknown",
    message="Sent in an earlier run, but the answer was lost. It may have been charged. "
    "resend_unknown=True sends it again.",
    may_be_charged=True,
)
NOT_FETCHED: Final = Outcome(
    "pending",
    message="Submitted; the answer is not ready yet. Run the same line again to fetch it at no "
    "extra cost.",
    may_be_charged=True,
)
NOT_DELIVERED: Final = Outcome(
    "unknown",
    message="Sent in a bulk job; the answer has not arrived yet. It may be charged. "
    "See pronto.jobs(). resend_unknown=True sends it again.",
    may_be_charged=True,
    delivered_later=True,
)
NOT_RECOGNIZED: Final = Outcome(
    "unknown",
    message="Submitted, but Pronto no longer recognizes the request. It may have been charged. "
    "resend_unknown=True submits it again.",
    may_be_charged=True,
)
PENDING: Final = Outcome(
    "pending", message="Not sent: the run stopped first. Run the same line again."
)
STOPPED_WAITING: Final = Outcome(
    "unknown",
    message="The run stopped while waiting for the answer. It may have been charged. "
    "resend_unknown=True sends it again.",
    may_be_charged=True,
)
OVER_BUDGET: Final = Outcome(
    "pending",
    message="Not sent: this request could have exceeded max_credits or the budget. Raise the limit "
    "and run the same line again.",
)
TOO_FEW: Final = Outcome(
    "pending",
    message="Not sent: a bulk request needs at least two people, and this is the only one left. "
    "Use df.pronto.enrich.",
)
HELD: Final = Outcome(
    "pending",
    message="Not sent: another run is looking up this person. Run the same line again later.",
)
TAKEN_OVER: Final = Outcome(
    "pending",
    message="Not sent: this process was suspended, and another run is now looking up some people "
    "in this batch. Run the same line again.",
)
"""Another run has taken over the claims on a batch that was not sent."""
