"""The SQL statements that move an entry from state to state, each only from allowed states."""

# Why: docs/decisions/010-claims.md
# Why: docs/decisions/011-fence-and-lease.md

from __future__ import annotations

import functools
from typing import Any, Final

import sqlalchemy as sa

from .schema import aliases, entries, insert, runs

E = entries.c
_KEY: Final = [column.name for column in entries.primary_key]

_NOBODYS: Final[dict[str, Any]] = {"run": None, "before": None, "before_at": None}

# As text: in an INSERT, SQLAlchemy would add the entries table to the FROM clause.
_HELD: Final = sa.exists().where(runs.c.id == sa.literal_column("pronto_entries.run"))
"""The entry's run is in the table of runs; dead runs were deleted before."""


def _state(*names: str, of: sa.ColumnElement[str] = E.state) -> sa.ColumnElement[bool]:
    """Return whether a state is one of these; ``IN`` does not work with executemany."""
    return sa.or_(*(of == name for name in names))


_SEEN: Final = sa.case(
    (E.state == "claimed", E.before), (E.state == "sent", "unknown"), else_=E.state
)
"""An entry's state as other runs see it, if no active run holds it."""

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
    """Claim entries for a run if they are free, and return the claimed ones."""
    new = insert(dialect, entries)
    statement: sa.Insert = new.on_conflict_do_update(
        index_elements=_KEY,
        set_={"state": new.excluded.state, "run": new.excluded.run, "before": _SEEN},
        where=sa.and_(_FREE, _SENDABLE),
    ).returning(E.contact, E.type)
    return statement


@functools.cache
def alias(dialect: str) -> sa.Insert:
    """Add further keys of an entry; existing ones are kept."""
    return insert(dialect, aliases).on_conflict_do_nothing()  # type: ignore[no-any-return]  # SQLAlchemy's own insert


@functools.cache
def lease(dialect: str) -> sa.Insert:
    """Give a run a new lease, even if it was deleted as dead."""
    new = insert(dialect, runs)
    changes = {name: new.excluded[name] for name in ("lease", "renewed")}
    statement: sa.Insert = new.on_conflict_do_update(index_elements=["id"], set_=changes)
    return statement


@functools.cache
def answer(dialect: str) -> sa.Insert:
    """Write an answer, whatever the entry's state was."""
    new = insert(dialect, entries)
    changes: dict[str, Any] = {name: new.excluded[name] for name in ("state", "body", "at")}
    # Keep the enrichment ID by which it was fetched: the answer may not contain it. The state is
    # already ``answered`` if the transaction is repeated.
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
"""The fence: a request is sent only for entries that this returns."""

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
"""The same, if the first transaction may have been committed."""

UNSEND: Final = (
    sa.update(entries)
    .where(*_MINE, E.state == "sent")
    .values(state="claimed", at=sa.func.coalesce(E.before_at, E.at), before_at=None)
)

# The enrichment ID is worth money: keep it even if another run has claimed the entry, unless that
# run has sent its request.
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
"""Answers, including those that a dead run was about to refresh."""

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
"""Earlier answers about people looked up again. That may be charged, so its entry is kept."""

LEAVE: Final = sa.update(entries).where(*_MINE, E.state == "submitted").values(run=None)
LEAVE_ALL: Final = sa.update(entries).where(E.run == sa.bindparam("me")).values(run=None)
END: Final = sa.delete(runs).where(runs.c.id == sa.bindparam("me"))
