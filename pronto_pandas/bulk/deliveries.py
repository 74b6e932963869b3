"""Answers delivered for bulk jobs: each payload updates the ledger or is set aside there."""

# Why: docs/decisions/019-webhook.md

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa

from ..api.answer import Answer
from ..api.answer import parse as parse_answer
from ..api.body import loads
from ..api.contact import Contact, same
from ..api.spec import EnrichmentType
from ..storage import charges
from ..storage.charges import Charge, charge_id
from ..storage.database import Transaction
from ..storage.entry import Entry, Key, Wanted
from ..storage.schema import aside, entries, history, jobs, members
from ..storage.store import CHUNK, Ledger
from .job_store import JobRow, as_job
from .payload import Payload, parse

Fate = Literal["taken", "repeated", "set aside"]
"""What happened to a payload: saved, already in the ledger, or stored without being used."""

OTHER_SERVICE: Final = "no job of this address"
"""Why a payload for a job of another service is set aside. It must not change: existing
ledgers contain it."""

PENDING: Final = "pending"
"""The only status that means that the final answer comes later."""


def save(
    ledger: Ledger, t: Transaction, payloads: Sequence[Payload], *, only: str | None = None
) -> Counter[Fate]:
    """Save the answers in payloads, and set aside the payloads that belong to no job.

    Parameters
    ----------
    ledger : Ledger
        Only answers for jobs of its service are saved.
    t : Transaction
        The transaction to write in.
    payloads : sequence of Payload
        In any order; duplicates are allowed.
    only : str, optional
        Id of the only job whose answers are saved.
    """
    return _Delivery(ledger, t, payloads, only).save()


def save_set_aside(ledger: Ledger, job: JobRow) -> None:
    """Save a job's answers that a webhook for another service has set aside."""
    contacts = sa.select(members.c.contact).where(members.c.job == job.id)
    these = sa.select(aside.c.number, aside.c.body).where(
        aside.c.why == OTHER_SERVICE, aside.c.contact.in_(contacts)
    )
    with ledger.read() as t:
        found = [(row.number, parse(row.body)) for row in t.execute(these)]
    mine = [(number, payload) for number, payload in found if payload.job == job.id]
    if mine:
        with ledger.write() as t:
            save(ledger, t, [payload for _, payload in mine], only=job.id)
            _delete(t, [number for number, _ in mine])


def forget_payloads(
    t: Transaction, contacts: Sequence[Contact], keys: Sequence[Collection[str]]
) -> int:
    """Delete the set-aside payloads about these people; return how many there were.

    A payload without a key is deleted if it contains both names or the LinkedIn URL of a person.
    """
    mine = {key for one in keys for key in one}
    names = [(same(one.firstname), same(one.lastname)) for one in contacts]
    profiles = [same(one.linkedin_url).rstrip("/") for one in contacts if one.linkedin_url]
    numbers = []
    for number, contact, body in t.execute(
        sa.select(aside.c.number, aside.c.contact, aside.c.body)
    ).all():
        text = same(_unescaped(body))
        if (
            contact in mine
            or any(first in text and last in text for first, last in names)
            or any(profile in text for profile in profiles)
        ):
            numbers.append(number)
    _delete(t, numbers)
    return len(numbers)


def _delete(t: Transaction, numbers: Sequence[int]) -> None:
    if numbers:
        this = sa.delete(aside).where(aside.c.number == sa.bindparam("n"))
        t.execute(this, [{"n": number} for number in numbers])


def _unescaped(body: str) -> str:
    """Return JSON with its non-ASCII characters unescaped."""
    try:
        return json.dumps(loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


class _Delivery:
    """Payloads that are looked up together and saved together."""

    def __init__(
        self, ledger: Ledger, t: Transaction, payloads: Sequence[Payload], only: str | None
    ) -> None:
        self._ledger, self._t, self._payloads = ledger, t, payloads
        these = sa.select(jobs).where(jobs.c.id.in_({p.job for p in payloads}))
        self._jobs = {
            job.id: job
            for job in map(as_job, t.execute(these))
            if job.service == ledger.service and only in {None, job.id}
        }
        contacts = sorted({p.contact for p in payloads})
        self._arrived = dict(self._members(contacts))
        types = sorted({job.type for job in self._jobs.values()})
        wanted = [Wanted(type_, (contact,)) for type_ in types for contact in contacts]
        self._known: dict[Key, Entry] = ledger.find_in(t, wanted)
        self._answers: dict[Key, str] = {}
        self._arrivals: list[dict[str, str]] = []
        self._charges: list[Charge] = []

    def _members(self, contacts: list[str]) -> Iterable[tuple[tuple[str, str], bool]]:
        """Lock and yield the people of the jobs, and whether their answer has arrived."""
        for start in range(0, len(contacts), CHUNK):
            these = sa.select(members.c.job, members.c.contact, members.c.arrived).where(
                members.c.job.in_(self._jobs),
                members.c.contact.in_(contacts[start : start + CHUNK]),
            )
            # Two receivers of one person's answers take turns, or the better one could be lost.
            these = these.order_by(members.c.contact, members.c.job).with_for_update()
            for job, contact, arrived in self._t.execute(these):
                yield (job, contact), arrived is not None

    def save(self) -> Counter[Fate]:
        now = self._t.date
        set_aside: list[dict[str, Any]] = []
        fates: Counter[Fate] = Counter()
        for payload in self._payloads:
            fate, why = self._add(payload)
            fates[fate] += 1
            if fate == "set aside":
                contact = payload.contact or None
                set_aside.append({"at": now, "why": why, "contact": contact, "body": payload.body})
        self._ledger.answer(self._t, self._answers)
        charges.add(self._t, self._charges)
        if self._arrivals:
            mine = (members.c.job == sa.bindparam("j"), members.c.contact == sa.bindparam("c"))
            this = sa.update(members).where(*mine).values(arrived=now)
            self._t.execute(this, self._arrivals)
        if set_aside:
            self._t.execute(sa.insert(aside), set_aside)
        return fates

    def _add(self, payload: Payload) -> tuple[Fate, str]:
        """Decide about one payload; if it is set aside, return why."""
        answer, job = payload.answer, self._jobs.get(payload.job)
        if answer is None:
            return "set aside", "not an answer"
        if job is None:
            return "set aside", OTHER_SERVICE
        if (job.id, payload.contact) not in self._arrived:
            return "set aside", "not a person of this job"
        if answer.status == PENDING and not answer.has(job.type):
            return self._add_pending(job, payload.contact, answer)
        return self._add_final(job, payload.contact, answer)

    def _add_final(self, job: JobRow, contact: str, answer: Answer) -> tuple[Fate, str]:
        key, found = (contact, job.type), answer.has(job.type)
        charge = self._charge(job, key, answer)
        before = self._known.get(key)
        known = before.body if before is not None and before.state == "answered" else None
        better = known is None or (found and not parse_answer(known).has(job.type))
        if known is not None and not better and self._arrived[job.id, contact]:
            is_repeated = _agree(job.type, parse_answer(known), answer)
            return ("repeated", "") if is_repeated else ("set aside", "another answer is stored")
        if better:  # otherwise another run has got an answer since, and paid for it
            self._answers[key] = answer.body
            self._known[key] = Entry(contact, "answered", body=answer.body)
        self._charges += charge
        self._arrived[job.id, contact] = True
        self._arrivals.append({"j": job.id, "c": contact})
        return "taken", ""

    def _add_pending(self, job: JobRow, contact: str, answer: Answer) -> tuple[Fate, str]:
        """Store the id with which the answer can be fetched later, if it is not the batch's."""
        entry = self._known.get((contact, job.type))
        name = answer.enrichment_id
        if entry is None or entry.state != "enqueued" or name in {None, entry.enrichment_id}:
            return "set aside", "not final"
        this = sa.update(entries).where(
            entries.c.service == job.service,
            entries.c.contact == contact,
            entries.c.type == job.type,
        )
        self._t.execute(this.values(state="submitted", enrichment_id=name))
        if job.lease is not None and name is not None:
            key = (contact, job.type)
            charges.rename(self._t, charge_id(job.lease, key), charge_id(name, key))
        return "taken", ""

    def _charge(self, job: JobRow, key: Key, answer: Answer) -> list[Charge]:
        """Return what an answer was charged; nothing for a job of an earlier version."""
        if job.record is None or job.lease is None:
            return []
        id_, before = charge_id(job.lease, key), self._known.get(key)
        if before is not None and before.state != "enqueued" and before.enrichment_id:
            fetched = charge_id(before.enrichment_id, key)
            if charges.run_of(self._t, fetched) == job.record.id:
                id_ = fetched  # the same answer, but announced by its own enrichment ID
        late = job.record.id in self._ended
        return [Charge(id_, job.record, job.type, answer.count(job.type), late)]

    @functools.cached_property
    def _ended(self) -> set[str]:
        """The runs of these jobs that have ended."""
        ids = [job.record.id for job in self._jobs.values() if job.record is not None]
        these = sa.select(history.c.id).where(history.c.id.in_(ids), history.c.ended.is_not(None))
        return set(self._t.connection.scalars(these))


def _agree(type_: EnrichmentType, one: Answer, other: Answer) -> bool:
    """Return whether two answers agree on a type."""
    names = ["phones" if type_ == "phone" else type_, f"{type_}_status", "enrichment_id"]
    return all(getattr(one, name) == getattr(other, name) for name in names)
