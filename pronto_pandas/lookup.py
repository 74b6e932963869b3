"""Compares a plan with the ledger: contacts that are answered, to send, or to poll for."""

# Why: docs/decisions/010-claims.md
# Why: docs/decisions/039-selection.md

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from .api.spec import EnrichmentType
from .arrays import Bools, Objects, nothing, present
from .config.settings import Settings
from .frame import selection
from .frame.options import Options
from .frame.plan import Plan
from .frame.selection import Selection
from .frame.suppress import Suppressed
from .storage.entry import Renewal, Wanted

if TYPE_CHECKING:  # slow to import, and not needed when there is nobody to look up
    from .sending.request import Outcome, Request
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

    Contacts that the ledger treats as the same person share one request: one of them is sent, and
    the others get the same answer.

    Parameters
    ----------
    plan : Plan
        The contacts.
    options : Options
        Which contacts may be sent.
    renewal : Renewal
        Which entries may be sent again.
    results : list of dict
        The outcomes in the ledger, per contact and type, also of those that are requested again.
    to_send, to_poll : list of Request
        The requests that remain: new ones, and those whose answer can be fetched.
    sharing : dict
        Per entry, the contacts that share it; the first is the one that is sent.
    suppressed : set of int
        Contacts that are not sent because an email in their saved answer is in ``suppress=``.
    left : dict of str to ndarray of object
        Per type, for each contact that gets no answer because nobody is sent for it, why.
    selection : Selection, optional
        Which contacts may be sent.
    """

    plan: Plan
    options: Options
    renewal: Renewal = field(default_factory=Renewal)
    results: Results = field(default_factory=list)
    to_send: list[Request] = field(default_factory=list)
    to_poll: list[Request] = field(default_factory=list)
    sharing: dict[Key, list[int]] = field(default_factory=dict)
    suppressed: set[int] = field(default_factory=set)
    left: dict[EnrichmentType, Objects] = field(default_factory=dict)
    selection: Selection | None = None
    _open: dict[int, dict[EnrichmentType, Key]] = field(default_factory=dict)
    _requested: set[Key] = field(default_factory=set)

    @property
    def requests(self) -> list[Request]:
        """All requests that remain."""
        return [*self.to_send, *self.to_poll]

    def recipients(self, request: Request) -> Iterator[tuple[int, EnrichmentType]]:
        """Return the contacts that get the answer to a request, with the type."""
        for type_ in request.types:
            for number in self.sharing[request.contact.keys(type_)[0], type_]:
                yield number, type_

    def types(self, number: int) -> tuple[EnrichmentType, ...]:
        """Return the types of which a contact has or gets an answer."""
        return tuple(
            type_
            for type_ in self.plan.asks[number]
            if type_ not in self.left or self.left[type_][number] is None
        )

    def results_without(self, requests: Iterable[Request]) -> Results:
        """Return a copy of the results without those that these requests will bring."""
        results = [dict(result) for result in self.results]
        for request in requests:
            for number, type_ in self.recipients(request):
                results[number].pop(type_, None)
        return results

    def shown(self, results: Results) -> tuple[Plan, Results]:
        """Return the plan and the results as they are written into the DataFrame.

        A saved answer that was to be requested again, and was not sent, is shown. If a contact has
        answers of some types only, the others say why they were not requested.
        """
        shown = list(results)
        for number in self._open:
            if self.results[number]:
                shown[number] = _merged(self.results[number], results[number])
        words = selection.words(self.options)
        for type_, reasons in self.left.items():
            for number in np.flatnonzero(present(reasons)).tolist():
                if shown[number]:
                    shown[number] = {type_: _left_out(words[reasons[number]]), **shown[number]}
        return self.plan_shown, shown

    @property
    def plan_shown(self) -> Plan:
        """The plan without the rows that are not sent and have no answer."""
        plan = self.plan.without(self.suppressed)
        return plan.leaving_out(self.left, selection.words(self.options))

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

    # Making requests

    def add(self, wanted: Iterable[Key], entries: Mapping[Key, Entry]) -> None:
        """Record the outcomes in the ledger, and what may be sent."""
        from .sending.request import HELD, outcome_of

        for key in wanted:
            entry, type_ = entries.get(key), cast("EnrichmentType", key[1])
            if entry is not None and (entry.state != "held" or entry.body is not None):
                outcome = outcome_of(entry)
                if entry.state == "held":
                    outcome = replace(HELD, answer=outcome.answer)
                for number in self.sharing[key]:
                    self.results[number][type_] = outcome
            if _is_sent(entry, self.renewal):
                for number in self.sharing[key]:
                    self._open.setdefault(number, {})[type_] = key

    def poll(self, wanted: Iterable[Key], entries: Mapping[Key, Entry]) -> None:
        """Make the requests that fetch answers, which is free."""
        from .sending.request import Request

        for key in wanted:
            entry, type_ = entries.get(key), cast("EnrichmentType", key[1])
            if entry is None or entry.state != "submitted" or _is_sent(entry, self.renewal):
                continue
            number = next((n for n in self.sharing[key] if n not in self.suppressed), None)
            if number is not None:
                self.sharing[key].sort(key=number.__ne__)
                self.to_poll.append(
                    Request(
                        number,
                        self.plan.contacts[number],
                        (type_,),
                        self.plan.customs[number],
                        enrichment_id=entry.enrichment_id,
                        entries={type_: entry.contact},
                    )
                )

    def select(self, entries: Mapping[Key, Entry]) -> None:
        """Decide who is sent, and make the requests."""
        options, count = self.options, len(self.plan.contacts)
        if all(choice is None for choice in (options.only, options.limit, options.per_company)):
            may_send = set(self._open)
        else:
            standing = np.full(count, selection.OPEN, dtype=np.intp)
            if options.per_company is not None:
                standing[:] = [self._standing(number, entries) for number in range(count)]
            self.selection = Selection(self.plan, options, standing)
            self._leave_out(self.selection)
            may_send = set(np.flatnonzero(~present(self.selection.why)).tolist())
        for number in sorted(self._open):
            if number in may_send:
                self.to_send += self.requests_for(number)

    def requests_for(self, number: int) -> list[Request]:
        """Make the requests for a contact that may be sent; none if others were made for it."""
        from .sending.request import Request

        if number in self.suppressed:
            return []
        keys = {
            type_: key
            for type_, key in self._open.get(number, {}).items()
            if key not in self._requested and self._is_chosen(number, type_)
        }
        for type_, key in keys.items():
            self._requested.add(key)
            self.sharing[key].sort(key=number.__ne__)
            if type_ in self.left:
                self.left[type_][self.sharing[key]] = None
        contact, custom = self.plan.contacts[number], self.plan.customs[number]
        together = [(type_,) for type_ in keys] if self.options.endpoint == "async" else [(*keys,)]
        return [Request(number, contact, types, custom) for types in together if types]

    def replacements(self, number: int, results: Results) -> list[Request]:
        """Return the requests for people who are sent because a contact was not found.

        Parameters
        ----------
        number : int
            A contact whose outcomes are complete.
        results : list of dict
            The outcomes of the run; those that the requests will bring are removed.
        """
        requests: list[Request] = []
        done = [number] if self.selection is not None else []
        while done:
            one = done.pop()
            states = {outcome.state for outcome in results[one].values()}
            if self.selection is None or not states <= {"answered", "error"}:
                continue
            instead = self.selection.done(one, found=self._is_found(results[one]))
            if instead is None:
                continue
            made = self.requests_for(instead)
            for request in made:
                for other, type_ in self.recipients(request):
                    results[other].pop(type_, None)
            requests += made
            if all(type_ in results[instead] for type_ in self.types(instead)):
                done.append(instead)  # the answer to another request is theirs, too
        return requests

    def _is_found(self, result: Mapping[EnrichmentType, Outcome]) -> bool:
        """Return whether a contact has a value that is shown."""
        suppress = self.options.suppress
        return _has_value(result) and not (suppress and suppressed([dict(result)], suppress))

    @property
    def may_follow(self) -> int:
        """How many people may be sent in place of others who are not found."""
        return 0 if self.selection is None else self.selection.in_reserve

    def replace_nobody(self) -> None:
        """Send nobody in place of people who are not found."""
        self.selection = None

    def _leave_out(self, selected: Selection) -> None:
        """Note why contacts are not sent that have no answer."""
        self.left = {type_: nothing(len(self.results)) for type_ in self.options.types}
        for number, keys in self._open.items():
            for type_ in keys:
                if type_ not in self.results[number]:
                    self.left[type_][number] = selected.why[number] or (
                        None if self._is_chosen(number, type_) else "excluded by only"
                    )

    def _is_chosen(self, number: int, type_: EnrichmentType) -> bool:
        return self.options.only is None or bool(self._chosen[type_][number])

    @cached_property
    def _chosen(self) -> dict[EnrichmentType, Bools]:
        """Per type, the contacts of which a row that ``only`` includes needs it."""
        selected = cast("Selection", self.selection)
        return {type_: selected.types(type_) for type_ in self.options.types}

    def _standing(self, number: int, entries: Mapping[Key, Entry]) -> int:
        """Return what the ledger has of a contact; see `selection`."""
        result, keys = self.results[number], self._open.get(number, {})
        if number in self.suppressed:
            return selection.NOT_FOUND
        if _has_value(result):
            return selection.FOUND
        if any(key in entries and entries[key].state == "held" for key in keys.values()):
            return selection.HELD
        if any(outcome.state != "answered" for outcome in result.values()):
            return selection.WAITING
        return selection.OPEN if keys else selection.NOT_FOUND


def _has_value(result: Mapping[EnrichmentType, Outcome]) -> bool:
    return any(o.answer is not None and o.answer.has(type_) for type_, o in result.items())


def _merged(
    earlier: Mapping[EnrichmentType, Outcome], now: Mapping[EnrichmentType, Outcome]
) -> dict[EnrichmentType, Outcome]:
    """Return the outcomes of a run, with the saved answers that it was to renew and did not."""
    merged = {**earlier, **now}
    for type_, saved in earlier.items():
        outcome = merged[type_]
        if not outcome.sent and saved.state == "answered":
            merged[type_] = replace(saved, message=outcome.message)
        elif outcome.answer is None:
            merged[type_] = replace(outcome, answer=saved.answer, answered_at=saved.answered_at)
    return merged


def _left_out(words: str) -> Outcome:
    from .sending.request import Outcome

    return Outcome("skipped", message=f"Not sent: {words}.")


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

    If ``bodies`` is False, the answers are read only if ``suppress=`` or ``per_company=`` needs
    them: reading them takes most of the time. ``lost``: the contacts and types whose answers were
    lost on a machine with another ledger.
    """
    found = Lookup(plan, options, renewal, [{} for _ in plan.contacts])
    wanted: dict[Key, Wanted] = {}
    for number, (contact, types) in enumerate(zip(plan.contacts, plan.asks, strict=True)):
        for type_ in types:
            one = Wanted(type_, contact.keys(type_))
            found.sharing.setdefault(one.key, []).append(number)
            wanted.setdefault(one.key, one)
    bodies = bodies or options.suppress is not None or options.per_company is not None
    entries = ledger.find(list(wanted.values()), bodies=bodies)
    entries |= _lost_elsewhere(found.sharing.items() if lost else (), entries, lost)
    found.add(wanted, entries)
    if options.suppress is not None:
        found.suppressed = suppressed(found.results, options.suppress)
    found.poll(wanted, entries)
    found.select(entries)
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
