"""Compares a plan with the ledger: contacts that are answered, to send, or to poll for."""

# Why: docs/decisions/010-claims.md

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from .api.spec import EnrichmentType
from .config.settings import Settings
from .frame.options import Options
from .frame.plan import Plan
from .frame.suppress import Suppressed
from .storage.entry import Renewal, Wanted

if TYPE_CHECKING:  # slow to import, and not needed when there is nobody to look up
    from .sending.request import Outcome, Request, Sorted
    from .storage.entry import Entry, Key
    from .storage.store import Ledger

Results = list[dict[EnrichmentType, "Outcome"]]
"""Per contact, the outcome of each type."""


def open_ledger(settings: Settings) -> Ledger:
    """Open the configured ledger for the configured service."""
    from .storage.store import connect

    return connect(settings.ledger_place, settings.service)


def renewal_of(options: Options, max_age_days: float, now: float) -> Renewal:
    """Return which entries a run that began at ``now`` (seconds since 1970) may send again."""
    oldest = now - max_age_days * 86_400
    return Renewal(
        answered_before=now if options.refresh else oldest,
        unknown_before=now if options.resend_unknown else 0.0,
    )


@dataclass
class Lookup:
    """The contacts of a plan, sorted by their state in the ledger.

    Contacts that the ledger treats as the same person share one request: the first of them is sent,
    and the others get the same answer.

    Parameters
    ----------
    plan : Plan
        The contacts.
    renewal : Renewal
        Which entries may be sent again.
    results : list of dict
        The outcomes in the ledger, per contact and type; a type that is to be sent has none.
    to_send, to_poll : list of Request
        The requests that remain: new ones, and those whose answer can be fetched.
    sharing : dict
        Per entry, the contacts that share it; the first is the one that is sent.
    suppressed : set of int
        Contacts that are not sent because an email in their saved answer is in ``suppress=``.
    """

    plan: Plan
    renewal: Renewal = field(default_factory=Renewal)
    results: Results = field(default_factory=list)
    to_send: list[Request] = field(default_factory=list)
    to_poll: list[Request] = field(default_factory=list)
    sharing: dict[Key, list[int]] = field(default_factory=dict)
    suppressed: set[int] = field(default_factory=set)

    @property
    def requests(self) -> list[Request]:
        """All requests that remain."""
        return [*self.to_send, *self.to_poll]

    def recipients(self, request: Request) -> Iterator[tuple[int, EnrichmentType]]:
        """Return the contacts that get the answer to a request, with the type."""
        for type_ in request.types:
            for number in self.sharing[request.contact.keys(type_)[0], type_]:
                yield number, type_

    def add(self, parts: Sorted, *, one_by_one: bool) -> None:
        """Add a request's types: record known outcomes, and queue the rest to be sent or polled."""
        for part, outcome in parts.known:
            for number, type_ in self.recipients(part):
                self.results[number][type_] = outcome
        self.to_poll += parts.to_poll
        for part in parts.to_send:
            alone = (replace(part, types=(type_,)) for type_ in part.types)
            self.to_send += alone if one_by_one else [part]

    def results_without(self, requests: Iterable[Request]) -> Results:
        """Return a copy of the results without those that these requests will bring."""
        results = [dict(result) for result in self.results]
        for request in requests:
            for number, type_ in self.recipients(request):
                results[number].pop(type_, None)
        return results

    def leave_out(self, contacts: set[int]) -> None:
        """Send nothing for these contacts; another who shares the request is sent instead."""
        self.suppressed |= contacts
        for numbers in self.sharing.values():
            numbers.sort(key=contacts.__contains__)
        self.to_send = [other for one in self.to_send for other in self._instead(one)]
        self.to_poll = [other for one in self.to_poll for other in self._instead(one)]

    def _instead(self, request: Request) -> Iterator[Request]:
        if request.number not in self.suppressed:
            yield request
            return
        for type_ in request.types:
            number = self.sharing[request.contact.keys(type_)[0], type_][0]
            if number not in self.suppressed:
                contact, custom = self.plan.contacts[number], self.plan.customs[number]
                yield replace(
                    request, number=number, contact=contact, types=(type_,), custom=custom
                )

    def states(self) -> list[str]:
        """Return for each contact ``ready``, ``submitted``, ``unknown`` or ``answered``."""
        lost = (any(o.state == "unknown" for o in result.values()) for result in self.results)
        states = ["unknown" if unknown else "answered" for unknown in lost]
        # Last, those to be sent: a contact that is sent for one type counts as sent.
        for state, requests in (("submitted", self.to_poll), ("ready", self.to_send)):
            for request in requests:
                for number, _ in self.recipients(request):
                    states[number] = state
        return states

    def sent_as(self) -> list[int]:
        """Return for each contact the number of the contact sent in its place, usually its own."""
        first = list(range(len(self.plan.contacts)))
        for numbers in self.sharing.values():
            for number in numbers[1:]:
                first[number] = numbers[0]
        sent = {request.number for request in self.requests}
        return [
            number if number in sent or other not in sent else other
            for number, other in enumerate(first)
        ]


def suppressed(results: Results, suppress: Suppressed) -> set[int]:
    """Return the contacts whose answer contains an email that ``suppress=`` excludes."""
    return {
        number
        for number, result in enumerate(results)
        if any(o.answer is not None and suppress.names(o.answer) for o in result.values())
    }


def look_up(
    ledger: Ledger,
    plan: Plan,
    options: Options,
    renewal: Renewal,
    *,
    bodies: bool = True,
    lost: Collection[tuple[int, EnrichmentType]] = frozenset(),
) -> Lookup:
    """Compare a plan with the ledger. Needs no network.

    If ``bodies`` is False, the answers are read only if ``suppress=`` needs them: reading them
    takes most of the time. ``lost``: the contacts and types whose answers were lost on a machine
    with another ledger.
    """
    from .sending.request import Request, outcome_of, sort

    found = Lookup(plan, renewal, [{} for _ in plan.contacts])
    wanted: dict[Key, Wanted] = {}
    first: dict[int, dict[EnrichmentType, Key]] = {}
    for number, (contact, types) in enumerate(zip(plan.contacts, plan.asks, strict=True)):
        for type_ in types:
            one = Wanted(type_, contact.keys(type_))
            found.sharing.setdefault(one.key, []).append(number)
            if wanted.setdefault(one.key, one) is one:
                first.setdefault(number, {})[type_] = one.key
    bodies = bodies or options.suppress is not None
    entries = ledger.find(list(wanted.values()), bodies=bodies)
    entries |= _lost_elsewhere(found.sharing.items() if lost else (), entries, lost)
    for number, keys in first.items():
        known = {type_: entries.get(key) for type_, key in keys.items()}
        kept = {t: None if _is_sent(entry, renewal) else entry for t, entry in known.items()}
        whole = Request(number, plan.contacts[number], tuple(keys), plan.customs[number])
        parts = sort(whole, kept)
        for poll in parts.to_poll:  # until it is polled, its entry is the outcome
            parts.known.append((poll, outcome_of(cast("Entry", known[poll.types[0]]))))
        found.add(parts, one_by_one=options.endpoint == "async")
    if options.suppress is not None:
        left_out = suppressed(found.results, options.suppress)
        for key, entry in entries.items():  # answers that would be requested again
            answer = outcome_of(entry).answer if _is_sent(entry, renewal) else None
            if answer is not None and options.suppress.names(answer):
                left_out.update(found.sharing[key])
        found.leave_out(left_out)
    return found


def _lost_elsewhere(
    sharing: Iterable[tuple[Key, list[int]]],
    entries: Container[Key],
    lost: Container[tuple[int, EnrichmentType]],
) -> dict[Key, Entry]:
    """Return entries for requests that may have been charged, and of which the ledger has none."""
    from .storage.entry import Entry

    return {
        key: Entry(key[0], "unknown")
        for key, numbers in sharing
        if key not in entries and any((n, cast("EnrichmentType", key[1])) in lost for n in numbers)
    }


def _is_sent(entry: Entry | None, renewal: Renewal) -> bool:
    """Return whether a run sends a request that has this entry, perhaps after another run."""
    return entry is None or entry.state == "held" or renewal.allows(entry)
