"""What the ledger knows of a plan: who is settled, who is to be sent, whose answer is fetched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .api.spec import EnrichmentType
from .frame.options import Options
from .frame.plan import Plan
from .frame.suppress import Suppressed

if TYPE_CHECKING:  # loaded when somebody is to be asked for
    from .engine.entry import Entry
    from .engine.jobs import Job, Outcome
    from .engine.ledger import Ledger

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
    made : float, optional
        When the run began, in seconds since 1970; now, if not given. What is newer than that is of
        this run: ``refresh`` and ``resend_unknown`` leave it as it is.
    """

    def __init__(
        self,
        plan: Plan,
        options: Options,
        max_age_days: float,
        *,
        fetches: bool,
        made: float | None = None,
    ) -> None:
        self._plan, self._options, self._fetches = plan, options, fetches
        self._made = time.time() if made is None else made
        self._oldest = self._made - max_age_days * 86_400
        self.to_send: list[Job] = []
        self.to_fetch: list[Job] = []

    def look_up(self, ledger: Ledger | None, *, answers: bool) -> Results:
        """Return what is settled; ``to_send`` and ``to_fetch`` have the rest. Needs no network.

        Parameters
        ----------
        ledger : Ledger, optional
            None where nobody is asked for.
        answers : bool
            Without, the answers are not read.
        """
        plan = self._plan
        results: Results = [{} for _ in plan.contacts]
        if ledger is None:
            return results
        keys = [contact.key for contact in plan.contacts]
        with ledger.transaction() as connection:
            entries = ledger.find(connection, keys, self._options.types, answers=answers)
        for number, asks in enumerate(plan.asks):
            self._sort(number, {t: entries.get((keys[number], t)) for t in asks}, results[number])
        return results

    def _sort(
        self,
        number: int,
        entries: dict[EnrichmentType, Entry | None],
        result: dict[EnrichmentType, Outcome],
    ) -> None:
        from .engine.jobs import Job, outcome_of

        contact, asked = self._plan.contacts[number], []
        for type_, entry in entries.items():
            if entry is None or entry.state == "sent" or self.replaceable(entry):
                asked.append(type_)
            elif entry.state == "submitted" and self._fetches:
                name = entry.enrichment_id
                self.to_fetch.append(Job(number, contact, (type_,), enrichment_id=name))
            else:
                result[type_] = outcome_of(entry)
        one_by_one = self._options.endpoint == "async"
        for types in ([t] for t in asked) if one_by_one else [asked] if asked else []:
            self.to_send.append(Job(number, contact, tuple(types), self._plan.customs[number]))

    def replaceable(self, entry: Entry) -> bool:
        """Say whether an entry may be sent anew: never what a living run has sent."""
        before = entry.at < self._made
        if entry.state in {"unknown", "enqueued"}:
            return self._options.resend_unknown and before
        refreshed = self._options.refresh and before
        return entry.state == "answered" and (entry.at < self._oldest or refreshed)
