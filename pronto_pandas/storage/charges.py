"""Charges: one row per request that is or may be charged, written together with its answer.

A row has the number of values that Pronto charged: 0 if it found nothing, empty as long as that is
not known. Requests that Pronto has accepted get their row then; lost ones when they are lost. So
what may have been charged is in the ledger even after its entry was deleted or sent again.

A row names no person. Its ID is a hash of the entry and of an ID that only this request has, so
that an answer which is recorded twice is counted once.
"""

# Why: docs/decisions/041-history.md

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from .database import Transaction
from .entry import Key
from .lease import Run, RunRecord
from .schema import charges, entries, insert, jobs, members


@dataclass(frozen=True, slots=True)
class Charge:
    """A request that is or may be charged.

    Parameters
    ----------
    id : str
        See `charge_id`.
    record : RunRecord
        The run that sent the request.
    type : str
        The enrichment type.
    charged : int, optional
        How many values were charged; None: not known (yet).
    late : bool
        The answer came after the run had ended.
    at : float, optional
        When it was recorded; None: now.
    """

    id: str
    record: RunRecord
    type: str
    charged: int | None = None
    late: bool = False
    at: float | None = None


def charge_id(request: str, key: Key) -> str:
    """Return the ID of a charge.

    Parameters
    ----------
    request : str
        The enrichment ID if the answer is fetched by it; otherwise the ID of the run's lease.
    key : tuple
        The entry's contact and type.
    """
    return hashlib.sha256("\0".join((request, *key)).encode()).hexdigest()[:32]


@functools.cache
def _add(dialect: str) -> sa.Insert:
    """Add charges; of two rows for the same one, keep the one that knows more."""
    new = insert(dialect, charges)
    more = new.excluded
    here = charges.c
    statement: sa.Insert = new.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "charged": more.charged,
            "at": more.at,
            "late": sa.case((here.run == more.run, more.late), else_=sa.true()),
        },
        where=sa.or_(
            sa.and_(here.charged.is_(None), more.charged.is_not(None)),
            here.charged < more.charged,
        ),
    )
    return statement


def add(t: Transaction, new: Iterable[Charge]) -> None:
    """Record charges; one that is recorded already only learns what was charged."""
    rows = [
        {"id": one.id, "account": one.record.account, "run": one.record.id, "type": one.type,
         "charged": one.charged, "at": t.date if one.at is None else one.at, "late": one.late}
        for one in sorted(new, key=lambda one: one.id)
    ]  # fmt: skip
    if rows:
        t.execute(_add(t.dialect), rows)


def lost_by(t: Transaction, dead: Sequence[Run]) -> list[Charge]:
    """Return what runs that have died had sent without recording an answer."""
    by_id = {run.id: run.record for run in dead if run.record is not None}
    these = sa.select(entries.c.run, entries.c.contact, entries.c.type, entries.c.at).where(
        entries.c.run.in_(by_id), entries.c.state == "sent"
    )
    return [
        Charge(charge_id(row.run, (row.contact, row.type)), by_id[row.run], row.type, at=row.at)
        for row in t.execute(these)
    ]


def rename(t: Transaction, old: str, new: str) -> None:
    """Give a charge another ID."""
    t.execute(sa.update(charges).where(charges.c.id == old).values(id=new))


def run_of(t: Transaction, id_: str) -> str | None:
    """Return the run that sent the request of a charge; None if it is not recorded."""
    run: str | None = t.scalar(sa.select(charges.c.run).where(charges.c.id == id_))
    return run


def unlink(t: Transaction, contacts: Sequence[str]) -> None:
    """Give the charges of people in bulk jobs random IDs, as the ledger keeps the jobs' IDs."""
    these = (
        sa.select(members.c.contact, jobs.c.type, jobs.c.lease)
        .join(jobs, jobs.c.id == members.c.job)
        .where(members.c.contact.in_(contacts), jobs.c.lease.is_not(None))
    )
    for contact, type_, lease in t.execute(these).all():
        rename(t, charge_id(lease, (contact, type_)), os.urandom(16).hex())
