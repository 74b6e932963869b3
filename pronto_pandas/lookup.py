"""What the ledger knows of a plan: who is settled, who is to be sent, whose answer is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from .api.spec import EnrichmentType
from .frame.options import Options
from .frame.plan import Plan
from .frame.suppress import Suppressed

if TYPE_CHECKING:  # loaded when somebody is to be asked for
    from .sending.request import Outcome, Request
    from .storage.entry import Entry, Key, Renewal
    from .storage.store import Ledger

Results = list[dict[EnrichmentType, "Outcome"]]
"""Contact by contact, what became of each type."""


def suppressed(results: Results, suppress: Suppressed) -> set[int]:
    """Return the contacts of whom an answer is named by ``suppress``."""
    return {
        number
        for number, result in enumerate(results)
        if any(o.answer is not None and suppress.names(o.answer) for o in result.values())
    }


class Known:
    """Sorts the contacts of a plan by what the ledger has of them.

    Contacts who are one person to the ledger are asked for once: the first of them is, and the
    others get the same answer.

    Parameters
    ----------
    plan : Plan
        Who is asked for, and for what.
    options : Options
        Whether what is known may be asked for again.
    max_age_days : float
        Days after which an answer is asked for again.
    fetches : bool
        Whether what was submitted is to be fetched.
    began : float, optional
        When the whole run began, in seconds since 1970; without it, now. What was sent or answered
        since is not asked for again.
    """

    def __init__(
        self,
        plan: Plan,
        options: Options,
        max_age_days: float,
        *,
        fetches: bool,
        began: float | None = None,
    ) -> None:
        self._plan, self._options, self._fetches = plan, options, fetches
        self._max_age, self._began = max_age_days * 86_400, began
        self.to_send: list[Request] = []
        self.to_fetch: list[Request] = []
        self.sharing: dict[Key, list[int]] = {}
        self.renewal: Renewal

    def look_up(self, ledger: Ledger | None, *, answers: bool) -> Results:
        """Return what is settled; ``to_send`` and ``to_fetch`` have the rest. Needs no network.

        Parameters
        ----------
        ledger : Ledger, optional
            None where nobody is asked for.
        answers : bool
            If False, the answers are not read.
        """
        plan = self._plan
        results: Results = [{} for _ in plan.contacts]
        if ledger is None:
            return results
        from .storage.entry import Renewal, Wanted

        options = self._options
        began = ledger.date() if self._began is None else self._began
        oldest = began - self._max_age
        self.renewal = Renewal(
            answered_before=began if options.refresh else oldest,
            unknown_before=began if options.resend_unknown else 0.0,
        )
        wanted: dict[Key, Wanted] = {}
        keys: list[dict[EnrichmentType, Key]] = []
        for number, (contact, asks) in enumerate(zip(plan.contacts, plan.asks, strict=True)):
            mine = [Wanted(type_, contact.keys(type_)) for type_ in asks]
            for one in mine:
                wanted.setdefault(one.key, one)
                self.sharing.setdefault(one.key, []).append(number)
            keys.append(dict(zip(asks, (one.key for one in mine), strict=True)))
        entries = ledger.find(list(wanted.values()), bodies=answers)
        for number, mine_ in enumerate(keys):
            self._sort(number, {t: entries.get(k) for t, k in mine_.items()}, mine_, results)
        return results

    def _sort(
        self,
        number: int,
        entries: dict[EnrichmentType, Entry | None],
        keys: dict[EnrichmentType, Key],
        results: Results,
    ) -> None:
        from .sending.request import Request, outcome_of

        contact, asked = self._plan.contacts[number], []
        for type_, entry in entries.items():
            first = self.sharing[keys[type_]][0]
            if entry is None or entry.state == "held" or self.renewal.allows(entry):
                if first == number:
                    asked.append(type_)
            elif entry.state == "submitted" and self._fetches:
                if first == number:
                    name, at = entry.enrichment_id, {type_: entry.contact}
                    self.to_fetch.append(
                        Request(number, contact, (type_,), enrichment_id=name, entries=at)
                    )
            elif first == number:
                results[number][type_] = outcome_of(entry)
            else:
                results[number][type_] = results[first][type_]
        one_by_one = self._options.endpoint == "async"
        for types in ([t] for t in asked) if one_by_one else [asked] if asked else []:
            self.to_send.append(Request(number, contact, tuple(types), self._plan.customs[number]))

    def leave_out(self, gone: set[int]) -> None:
        """Ask for nothing as these contacts; whoever shares it with them is asked for instead."""
        for numbers in self.sharing.values():
            numbers.sort(key=gone.__contains__)
        self.to_send = [other for job in self.to_send for other in self._instead(job, gone)]
        self.to_fetch = [other for job in self.to_fetch for other in self._instead(job, gone)]

    def _instead(self, job: Request, gone: set[int]) -> Iterator[Request]:
        if job.number not in gone:
            yield job
            return
        for type_ in job.types:
            number = self.sharing[job.contact.keys(type_)[0], type_][0]
            if number not in gone:
                contact, custom = self._plan.contacts[number], self._plan.customs[number]
                yield replace(job, number=number, contact=contact, types=(type_,), custom=custom)

    def askers(self) -> list[int]:
        """Return for each contact the one who is asked for in its place, often itself."""
        places = list(range(len(self._plan.contacts)))
        for numbers in self.sharing.values():
            for number in numbers[1:]:
                places[number] = numbers[0]
        asking = {job.number for job in (*self.to_send, *self.to_fetch)}
        return [
            number if number in asking or place not in asking else place
            for number, place in enumerate(places)
        ]
