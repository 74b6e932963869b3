"""Bulk jobs in the ledger: what was sent in which batch, and what has arrived."""

from __future__ import annotations

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
from ..storage import schema
from ..storage.database import Transaction
from ..storage.entry import Entry, Key, Wanted
from ..storage.schema import aside, batches, entries, jobs, members
from ..storage.store import CHUNK, Ledger
from .payload import Payload, parse
from .rows import Counts, JobRow

BatchState = Literal["sent", "enqueued", "unknown", "refused", "pending"]

Fate = Literal["taken", "repeated", "set aside"]
"""What became of a payload."""


def add_batch(t: Transaction, job: JobRow, number: int, contacts: Sequence[str]) -> None:
    """Note that a batch is about to leave, and who is in it."""
    dialect = t.dialect
    row = {"id": job.id, "service": job.service, "type": job.type, "created": job.created}
    t.execute(schema.insert(dialect, jobs).on_conflict_do_nothing(), row)
    batch = schema.insert(dialect, batches).on_conflict_do_update(
        index_elements=["job", "number"], set_={"state": "sent"}
    )
    t.execute(batch, {"job": job.id, "number": number, "state": "sent"})
    who = [{"job": job.id, "contact": contact, "batch": number} for contact in contacts]
    t.execute(schema.insert(dialect, members).on_conflict_do_nothing(), who)


def set_batch(
    t: Transaction,
    job: str,
    number: int,
    state: BatchState,
    *,
    enrichment_id: str | None = None,
    message: str | None = None,
) -> None:
    """Note what became of a batch."""
    this = sa.update(batches).where(batches.c.job == job, batches.c.number == number)
    t.execute(this.values(state=state, enrichment_id=enrichment_id, message=message))


def list_jobs(t: Transaction, service: str) -> list[JobRow]:
    """Return the jobs of a service, the newest first."""
    these = sa.select(jobs).where(jobs.c.service == service).order_by(jobs.c.created.desc())
    return [_job(row) for row in t.execute(these)]


def count(t: Transaction, job: JobRow) -> Counts:
    """Say how far a job is; an answer that came another way since counts as arrived."""
    rows = sa.select(batches.c.number, batches.c.state, batches.c.message).where(
        batches.c.job == job.id
    )
    found = t.execute(rows).all()
    left = [number for number, state, _ in found if state not in _NOT_SENT]
    people = {number: (int(all_), int(there)) for number, all_, there in t.execute(_arrivals(job))}
    sent = [people.get(number, (0, 0)) for number in left]
    refused = sum(people.get(number, (0, 0))[0] for number, *_ in found if number not in left)
    return Counts(
        batches=len(left),
        sent=sum(row[0] for row in sent),
        arrived=sum(row[1] for row in sent),
        refused=refused,
        messages=tuple(dict.fromkeys(words for *_, words in found if words)),
    )


ELSEWHERE: Final = "no job of this address"
"""Why an answer is set aside by a webhook that is for another service."""

PENDING: Final = "pending"
"""The one status that says of a delivery that it is not the last word."""

_NOT_SENT: Final = {"refused", "pending"}


def _arrivals(job: JobRow) -> sa.Select[Any]:
    """Count batch by batch who is in it, and whose answer is there."""
    elsewhere = sa.and_(
        entries.c.service == job.service,
        entries.c.contact == members.c.contact,
        entries.c.type == job.type,
        entries.c.state == "answered",
        entries.c.at >= job.created,
    )
    there = sa.or_(members.c.arrived.is_not(None), entries.c.contact.is_not(None))
    joined = members.outerjoin(entries, elsewhere)
    return (
        sa.select(
            members.c.batch,
            sa.func.count(),
            sa.func.sum(sa.case((there, 1), else_=0)),
        )
        .select_from(joined)
        .where(members.c.job == job.id)
        .group_by(members.c.batch)
    )


def deliver(
    ledger: Ledger,
    t: Transaction,
    payloads: Sequence[Payload],
    *,
    only: str | None = None,
) -> Counter[Fate]:
    """Store answers; what belongs to nobody here is set aside.

    Parameters
    ----------
    ledger : Ledger
        Of the address whose answers are awaited.
    t : Transaction
        In a transaction.
    payloads : sequence of Payload
        In any order, any of them more than once.
    only : str, optional
        The one job whose answers are to be taken.
    """
    return _Delivery(ledger, t, payloads, only).store()


def take_aside(ledger: Ledger, job: JobRow) -> None:
    """Take a job's answers that a webhook for another service has set aside."""
    who = sa.select(members.c.contact).where(members.c.job == job.id)
    odd = sa.select(aside.c.number, aside.c.body).where(
        aside.c.why == ELSEWHERE, aside.c.contact.in_(who)
    )
    with ledger.read() as t:
        found = [(row.number, parse(row.body)) for row in t.execute(odd)]
    mine = [(number, payload) for number, payload in found if payload.job == job.id]
    if mine:
        with ledger.write() as t:
            deliver(ledger, t, [payload for _, payload in mine], only=job.id)
            gone = [{"n": number} for number, _ in mine]
            t.execute(sa.delete(aside).where(aside.c.number == sa.bindparam("n")), gone)


def forget_payloads(
    t: Transaction, contacts: Sequence[Contact], keys: Sequence[Collection[str]]
) -> int:
    """Delete the payloads about people that were set aside; return how many.

    Those that do not say whose they are go where they hold both names or the profile of one.
    """
    mine = {key for one in keys for key in one}
    names = [(same(one.firstname), same(one.lastname)) for one in contacts]
    profiles = [same(one.linkedin_url).rstrip("/") for one in contacts if one.linkedin_url]
    gone = []
    for number, contact, body in t.execute(
        sa.select(aside.c.number, aside.c.contact, aside.c.body)
    ).all():
        text = same(_readable(body))
        if (
            contact in mine
            or any(first in text and last in text for first, last in names)
            or any(profile in text for profile in profiles)
        ):
            gone.append({"n": number})
    if gone:
        t.execute(sa.delete(aside).where(aside.c.number == sa.bindparam("n")), gone)
    return len(gone)


def _readable(body: str) -> str:
    """Return a body with its letters as they are, rather than as JSON escapes them."""
    try:
        return json.dumps(loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


class _Delivery:
    """Some payloads, looked up and stored together."""

    def __init__(
        self,
        ledger: Ledger,
        t: Transaction,
        payloads: Sequence[Payload],
        only: str | None,
    ) -> None:
        self._ledger, self._t, self._payloads = ledger, t, payloads
        these = sa.select(jobs).where(jobs.c.id.in_({p.job for p in payloads}))
        self._jobs = {
            job.id: job
            for job in map(_job, t.execute(these))
            if job.service == ledger.service and only in {None, job.id}
        }
        contacts = sorted({p.contact for p in payloads})
        self._arrived = dict(self._members(contacts))
        types = sorted({job.type for job in self._jobs.values()})
        wanted = [Wanted(type_, (contact,)) for type_ in types for contact in contacts]
        self._known: dict[Key, Entry] = ledger.find_in(t, wanted)

    def _members(self, contacts: list[str]) -> Iterable[tuple[tuple[str, str], bool]]:
        for start in range(0, len(contacts), CHUNK):
            these = sa.select(members.c.job, members.c.contact, members.c.arrived).where(
                members.c.job.in_(self._jobs),
                members.c.contact.in_(contacts[start : start + CHUNK]),
            )
            # Two receivers of one person's answers take turns, or the better one could be lost.
            these = these.order_by(members.c.contact, members.c.job).with_for_update()
            for job, contact, arrived in self._t.execute(these):
                yield (job, contact), arrived is not None

    def store(self) -> Counter[Fate]:
        now = self._t.date
        answers: dict[Key, str] = {}
        here: list[dict[str, Any]] = []
        odd: list[dict[str, Any]] = []
        fates: Counter[Fate] = Counter()
        for payload in self._payloads:
            fate, why = self._one(payload, answers, here)
            fates[fate] += 1
            if fate == "set aside":
                who = {"contact": payload.contact or None, "body": payload.body}
                odd.append({"at": now, "why": why, **who})
        self._ledger.answer(self._t, answers)
        if here:
            mine = (members.c.job == sa.bindparam("j"), members.c.contact == sa.bindparam("c"))
            self._t.execute(sa.update(members).where(*mine).values(arrived=now), here)
        if odd:
            self._t.execute(sa.insert(aside), odd)
        return fates

    def _one(
        self, payload: Payload, answers: dict[Key, str], here: list[dict[str, Any]]
    ) -> tuple[Fate, str]:
        """Decide what becomes of one payload; what is to be written is added to the lists."""
        job, member = self._jobs.get(payload.job), (payload.job, payload.contact)
        if payload.answer is None:
            return "set aside", "no answer"
        if job is None:
            return "set aside", ELSEWHERE
        if member not in self._arrived:
            return "set aside", "nobody of this job"
        key, found = (payload.contact, job.type), payload.answer.has(job.type)
        if payload.answer.status == PENDING and not found:
            return self._later(job, payload.contact, payload.answer)
        body, before = payload.answer.body, self._known.get(key)
        known = before.body if before is not None and before.state == "answered" else None
        better = known is None or (found and not parse_answer(known).has(job.type))
        if self._arrived[member] and not better:
            same = known is not None and _same(job.type, parse_answer(known), payload.answer)
            return ("repeated", "") if same else ("set aside", "another answer is here")
        if better:  # else they were asked for another way since, and paid for
            answers[key] = body
            self._known[key] = Entry(payload.contact, "answered", body=body)
        self._arrived[member] = True
        here.append({"j": job.id, "c": payload.contact})
        return "taken", ""

    def _later(self, job: JobRow, contact: str, answer: Answer) -> tuple[Fate, str]:
        """Keep the name under which an answer is to be had later, where it has one of its own."""
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
        return "taken", ""


def _same(type_: EnrichmentType, one: Answer, other: Answer) -> bool:
    """Return whether two answers agree on a type."""
    names = ["phones" if type_ == "phone" else type_, f"{type_}_status", "enrichment_id"]
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _job(row: sa.Row[Any]) -> JobRow:
    return JobRow(row.id, row.service, row.type, row.created)
