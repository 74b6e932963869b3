"""The statements by which an entry goes from state to state; each changes only what it may."""

from __future__ import annotations

import functools
from typing import Any, Final

import sqlalchemy as sa

from .schema import aliases, entries, insert, runs

E = entries.c
_KEY: Final = [column.name for column in entries.primary_key]

_NOBODYS: Final[dict[str, Any]] = {"run": None, "before": None, "before_at": None}

# As text: in an INSERT, SQLAlchemy would take the table of entries for one to select from.
_HELD: Final = sa.exists().where(runs.c.id == sa.literal_column("pronto_entries.run"))
"""The run that has the entry is in the table of runs; the dead ones were deleted before."""


def _state(*names: str, of: sa.ColumnElement[str] = E.state) -> sa.ColumnElement[bool]:
    """Return whether a state is one of these; an ``IN`` cannot be run for many rows at once."""
    return sa.or_(*(of == name for name in names))


_SEEN: Final = sa.case(
    (E.state == "claimed", E.before), (E.state == "sent", "unknown"), else_=E.state
)
"""What an entry is to others, where no living run has it."""

_SENDABLE: Final = sa.or_(
    _SEEN.is_(None),
    sa.and_(_SEEN == "answered", E.at < sa.bindparam("answered_before")),
    sa.and_(_state("unknown", "enqueued", of=_SEEN), E.at < sa.bindparam("unknown_before")),
)

_FREE: Final = sa.or_(
    _state("answered", "unknown", "enqueued"),
    sa.and_(E.state == "claimed", E.run == sa.bindparam("me")),
    sa.and_(_state("claimed", "sent"), sa.not_(_HELD)),
)


@functools.cache
def claim(dialect: str) -> sa.Insert:
    """Take entries for a run where they are free, and return those that were taken."""
    new = insert(dialect, entries)
    statement: sa.Insert = new.on_conflict_do_update(
        index_elements=_KEY,
        set_={"state": new.excluded.state, "run": new.excluded.run, "before": _SEEN},
        where=sa.and_(_FREE, _SENDABLE),
    ).returning(E.contact, E.type)
    return statement


@functools.cache
def alias(dialect: str) -> sa.Insert:
    """Add further keys of an entry; one that is there stays."""
    return insert(dialect, aliases).on_conflict_do_nothing()  # type: ignore[no-any-return]  # SQLAlchemy's own insert


@functools.cache
def lease(dialect: str) -> sa.Insert:
    """Give a run a new lease, also one that had been taken for dead."""
    new = insert(dialect, runs)
    changes = {name: new.excluded[name] for name in ("lease", "renewed")}
    statement: sa.Insert = new.on_conflict_do_update(index_elements=["id"], set_=changes)
    return statement


@functools.cache
def answer(dialect: str) -> sa.Insert:
    """Write an answer, whatever was there before."""
    new = insert(dialect, entries)
    changes: dict[str, Any] = {name: new.excluded[name] for name in ("state", "body", "at")}
    # The name under which it was fetched, which the answer itself need not have; ``answered`` where
    # the transaction is repeated.
    name = sa.case((_state("submitted", "answered"), E.enrichment_id))
    statement: sa.Insert = new.on_conflict_do_update(
        index_elements=_KEY, set_=changes | _NOBODYS | {"enrichment_id": name}
    )
    return statement


_THESE: Final = (
    E.service == sa.bindparam("of_service"),
    E.type == sa.bindparam("of_type"),
    E.contact.in_(sa.bindparam("contacts", expanding=True)),
)
_MINE: Final = (*_THESE, E.run == sa.bindparam("me"))

_LEASED: Final = sa.exists().where(
    runs.c.id == sa.bindparam("me"), runs.c.lease > sa.bindparam("now")
)

SEND: Final = (
    sa.update(entries)
    .where(*_MINE, E.state == "claimed", _LEASED)
    .values(state="sent", before_at=E.at, at=sa.bindparam("date"))
    .returning(E.contact)
)
"""The fence: a request leaves only for entries that this returns."""

SEND_AGAIN: Final = (
    sa.update(entries)
    .where(*_MINE, _state("claimed", "sent"), _LEASED)
    .values(
        state="sent",
        before_at=sa.case((E.state == "claimed", E.at), else_=E.before_at),
        at=sa.bindparam("date"),
    )
    .returning(E.contact)
)
"""The same where nobody knows whether its first transaction was committed."""

UNSEND: Final = (
    sa.update(entries)
    .where(*_MINE, E.state == "sent")
    .values(state="claimed", at=sa.func.coalesce(E.before_at, E.at), before_at=None)
)

# Its name is worth money: it is kept although another run holds the entry, unless that has sent.
_TAKEN: Final = (
    *_THESE,
    sa.or_(E.run == sa.bindparam("me"), _state("claimed", "unknown")),
)

SUBMIT: Final = (
    sa.update(entries)
    .where(*_TAKEN)
    .values(
        state="submitted",
        enrichment_id=sa.bindparam("name"),
        at=sa.bindparam("date"),
        **(_NOBODYS | {"run": sa.bindparam("me")}),
    )
)

ENQUEUE: Final = (
    sa.update(entries)
    .where(*_TAKEN)
    .values(
        state="enqueued", enrichment_id=sa.bindparam("name"), at=sa.bindparam("date"), **_NOBODYS
    )
)

LOSE: Final = (
    sa.update(entries)
    .where(*_MINE, E.state != "claimed")
    .values(state="unknown", at=sa.bindparam("date"), **_NOBODYS)
)

ADOPT: Final = (
    sa.update(entries)
    .where(
        *_THESE,
        E.state == "submitted",
        sa.or_(E.run == sa.bindparam("me"), sa.not_(_HELD)),
    )
    .values(run=sa.bindparam("me"))
    .returning(E.contact)
)

_OPEN: Final = (*_MINE, _state("claimed", "sent"))

RESTORE: Final = (
    sa.update(entries)
    .where(*_OPEN, E.before.is_not(None))
    .values(state=E.before, at=sa.func.coalesce(E.before_at, E.at), **_NOBODYS)
)
REMOVE: Final = sa.delete(entries).where(*_OPEN, E.before.is_(None))

PURGE: Final = sa.delete(entries).where(
    E.at < sa.bindparam("before_date"),
    sa.or_(
        E.state == "answered",
        sa.and_(E.state == "claimed", E.before == "answered", sa.not_(_HELD)),
    ),
)
"""Answers, also those that a dead run was about to ask for again."""

PURGE_BODIES: Final = (
    sa.update(entries)
    .where(
        E.at < sa.bindparam("before_date"),
        _state("sent", "submitted", "enqueued", "unknown"),
        sa.not_(_HELD),
        E.body.is_not(None),
    )
    .values(body=None)
)
"""Earlier answers of what was asked for again, which itself may be charged, and is kept."""

LEAVE: Final = sa.update(entries).where(*_MINE, E.state == "submitted").values(run=None)
LEAVE_ALL: Final = sa.update(entries).where(E.run == sa.bindparam("me")).values(run=None)
END: Final = sa.delete(runs).where(runs.c.id == sa.bindparam("me"))
