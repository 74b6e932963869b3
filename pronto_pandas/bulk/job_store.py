"""Bulk jobs in the ledger: which people were sent in which batch, and how many have an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from ..api.spec import EnrichmentType
from ..storage import schema
from ..storage.database import Transaction
from ..storage.lease import Run, RunRecord
from ..storage.schema import batches, entries, jobs, members

if TYPE_CHECKING:  # a webhook needs nothing that sends
    from ..sending.recorder import BatchState

_NOT_SENT: Final = {"refused", "pending"}


@dataclass(frozen=True, slots=True)
class JobRow:
    """A bulk job as the ledger stores it.

    ``created`` is in seconds since 1970; ``record`` and ``lease`` are those of the run that sent
    it, and empty before it has sent anything.
    """

    id: str
    service: str
    type: EnrichmentType
    created: float
    record: RunRecord | None = None
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Progress of a bulk job. All counts are people, except ``batches``.

    Parameters
    ----------
    batches : int
        Batches that Pronto accepted or may have accepted.
    sent : int
        People in these batches.
    arrived : int
        People with an answer.
    refused : int
        People in batches that Pronto rejected or that were never sent.
    messages : tuple of str
        Pronto's messages about those batches.
    """

    batches: int = 0
    sent: int = 0
    arrived: int = 0
    refused: int = 0
    messages: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """People still waiting for an answer."""
        return self.sent - self.arrived


def add_batch(t: Transaction, job: JobRow, number: int, contacts: Sequence[str], run: Run) -> None:
    """Record a batch that a run is about to send, and the people in it."""
    dialect = t.dialect
    row = {"id": job.id, "service": job.service, "type": job.type, "created": job.created,
           "account": run.record and run.record.account, "run": run.record and run.record.id,
           "lease": run.id}  # fmt: skip
    t.execute(schema.insert(dialect, jobs).on_conflict_do_nothing(), row)
    batch = schema.insert(dialect, batches).on_conflict_do_update(
        index_elements=["job", "number"], set_={"state": "sent"}
    )
    t.execute(batch, {"job": job.id, "number": number, "state": "sent"})
    people = [{"job": job.id, "contact": contact, "batch": number} for contact in contacts]
    t.execute(schema.insert(dialect, members).on_conflict_do_nothing(), people)


def set_batch(
    t: Transaction,
    job: str,
    number: int,
    state: BatchState,
    *,
    enrichment_id: str | None = None,
    message: str | None = None,
) -> None:
    """Record the outcome of a batch."""
    this = sa.update(batches).where(batches.c.job == job, batches.c.number == number)
    t.execute(this.values(state=state, enrichment_id=enrichment_id, message=message))


def list_jobs(t: Transaction, service: str) -> list[JobRow]:
    """Return the jobs of a service, newest first."""
    these = sa.select(jobs).where(jobs.c.service == service).order_by(jobs.c.created.desc())
    return [as_job(row) for row in t.execute(these)]


def as_job(row: sa.Row[Any]) -> JobRow:
    """Convert a row of the jobs table."""
    record = None if row.account is None else RunRecord(row.account, row.run)
    return JobRow(row.id, row.service, row.type, row.created, record, row.lease)


def count(t: Transaction, job: JobRow) -> Counts:
    """Count the batches and people of a job; an answer from any source counts as arrived."""
    columns = sa.select(batches.c.number, batches.c.state, batches.c.message)
    found = t.execute(columns.where(batches.c.job == job.id)).all()
    people = {number: (int(all_), int(arrived)) for number, all_, arrived in t.execute(_sums(job))}
    sent = [people.get(number, (0, 0)) for number, state, _ in found if state not in _NOT_SENT]
    refused = [people.get(number, (0, 0)) for number, state, _ in found if state in _NOT_SENT]
    return Counts(
        batches=len(sent),
        sent=sum(all_ for all_, _ in sent),
        arrived=sum(arrived for _, arrived in sent),
        refused=sum(all_ for all_, _ in refused),
        messages=tuple(dict.fromkeys(message for *_, message in found if message)),
    )


def _sums(job: JobRow) -> sa.Select[Any]:
    """Count, per batch, the people in it and those with an answer."""
    # Another run may have got the answer since the job started.
    answered = sa.and_(
        entries.c.service == job.service,
        entries.c.contact == members.c.contact,
        entries.c.type == job.type,
        entries.c.state == "answered",
        entries.c.at >= job.created,
    )
    arrived = sa.or_(members.c.arrived.is_not(None), entries.c.contact.is_not(None))
    return (
        sa.select(members.c.batch, sa.func.count(), sa.func.sum(sa.case((arrived, 1), else_=0)))
        .select_from(members.outerjoin(entries, answered))
        .where(members.c.job == job.id)
        .group_by(members.c.batch)
    )
