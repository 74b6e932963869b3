"""The tables of the ledger, their version, and how SQLite is used."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..errors import LedgerError

VERSION: Final = 3

BUSY_TIMEOUT: Final = 5_000
"""Milliseconds to wait for another program that writes."""

metadata = sa.MetaData()

meta = sa.Table(
    "pronto_meta",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

entries = sa.Table(
    "pronto_entries",
    metadata,
    sa.Column("address", sa.String, primary_key=True),
    sa.Column("contact", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("owner", sa.String, index=True),
    sa.Column("lease", sa.Float),
    sa.Column("before", sa.String),
    sa.Column("enrichment_id", sa.String),
    sa.Column("answer", sa.Text),
    sa.Column("at", sa.Float, nullable=False),
)

jobs = sa.Table(
    "pronto_jobs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)

batches = sa.Table(
    "pronto_batches",
    metadata,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("enrichment_id", sa.String),
    sa.Column("message", sa.String),
)

members = sa.Table(
    "pronto_members",
    metadata,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("contact", sa.String, primary_key=True),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("arrived", sa.Float),
)

aside = sa.Table(
    "pronto_aside",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("contact", sa.String, index=True),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)


def insert(dialect: str, table: sa.Table) -> Any:
    """Return the dialect's own insert, which can say what to do with a row that is there."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def _upsert(dialect: str, changes: Callable[[Any], dict[str, Any]]) -> sa.Insert:
    new = insert(dialect, entries)
    keys = [column.name for column in entries.primary_key]
    statement: sa.Insert = new.on_conflict_do_update(
        index_elements=keys, set_=changes(new.excluded)
    )
    return statement


@functools.cache  # making a statement takes longer than running it
def claim(dialect: str) -> sa.Insert:
    """Return the statement that takes an entry for a run and remembers what was there before."""
    before = sa.case(
        (entries.c.state == "claimed", entries.c.before),
        (entries.c.state == "sent", "unknown"),
        else_=entries.c.state,
    )
    return _upsert(
        dialect,
        lambda new: {"state": new.state, "owner": new.owner, "lease": new.lease, "before": before},
    )


@functools.cache
def settle(dialect: str) -> sa.Insert:
    """Return the statement that writes what became of a request; an earlier answer stays."""
    return _upsert(
        dialect,
        lambda new: {
            "state": new.state,
            "answer": sa.func.coalesce(new.answer, entries.c.answer),
            "at": new.at,
            "owner": None,
            "lease": None,
            "before": None,
            "enrichment_id": None,
        },
    )


_THIS: Final = (
    entries.c.address == sa.bindparam("a"),
    entries.c.contact == sa.bindparam("c"),
    entries.c.type == sa.bindparam("t"),
)
_MINE: Final = (*_THIS, entries.c.owner == sa.bindparam("o"))

_NOBODYS: Final = {"owner": None, "lease": None, "before": None}

SENT: Final = sa.update(entries).where(*_MINE, entries.c.state == "claimed").values(state="sent")
"""Says of an entry that one run has claimed that its request leaves now."""

NOT_SENT: Final = (
    sa.update(entries).where(*_MINE, entries.c.state == "sent").values(state="claimed")
)
"""Takes that back, and keeps the claim."""

SUBMITTED: Final = (
    sa.update(entries)
    .where(*_MINE)
    .values(state="submitted", enrichment_id=sa.bindparam("i"), before=None)
)
"""Says that the service has taken the work, and under which name the answer will be."""

ENQUEUED: Final = (
    sa.update(entries)
    .where(*_MINE)
    .values(state="enqueued", enrichment_id=sa.bindparam("i"), owner=None, lease=None, before=None)
)
"""Says that the service has taken a batch, and will deliver each answer by itself."""

LOST: Final = (
    sa.update(entries).where(*_MINE).values(state="unknown", at=sa.bindparam("n"), **_NOBODYS)
)
"""Says that nobody knows what became of what one run has sent."""

ADOPT: Final = (
    sa.update(entries)
    .where(*_THIS, entries.c.state == "submitted")
    .values(owner=sa.bindparam("o"), lease=sa.bindparam("l"))
)
"""Takes over what a run that is gone has submitted."""

_UNSETTLED: Final = (*_MINE, sa.or_(entries.c.state == "claimed", entries.c.state == "sent"))

RESTORE: Final = (
    sa.update(entries)
    .where(*_UNSETTLED, entries.c.before.is_not(None))
    .values(state=entries.c.before, **_NOBODYS)
)
"""Gives an entry that one run has claimed back the state that it had before."""

REMOVE: Final = sa.delete(entries).where(*_UNSETTLED, entries.c.before.is_(None))
"""Takes out an entry that one run has claimed and that was not there before."""


def _keep_enrichment_ids(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE pronto_entries ADD COLUMN enrichment_id VARCHAR")


def _tables_alone(connection: sa.Connection) -> None:
    """Leave what is there as it is; tables that are new were created before."""


MIGRATIONS: Final[dict[int, Callable[[sa.Connection], None]]] = {
    1: _keep_enrichment_ids,
    2: _tables_alone,
}
"""From each version to the next one."""


def migrate(connection: sa.Connection, place: str) -> None:
    """Create the tables, or bring those of an earlier version up to date.

    Raises
    ------
    LedgerError
        Where a later version of the package has written them.
    """
    metadata.create_all(connection)
    version = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "version"))
    at = VERSION if version is None else int(version)
    if at > VERSION:
        raise LedgerError(
            f"The ledger at {place} was written by a later version of pronto-pandas. "
            "Update the package. Nothing was sent."
        )
    for earlier in range(at, VERSION):
        MIGRATIONS[earlier](connection)
    connection.execute(sa.delete(meta).where(meta.c.name == "version"))
    connection.execute(sa.insert(meta).values(name="version", value=str(VERSION)))


def on_connect(connection: Any, record: object) -> None:
    """Set SQLite up: wait for others, forget for good, and be on disk when it says so."""
    connection.isolation_level = None  # transactions begin where on_begin says
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:  # a network folder: the rollback journal does there
        cursor.execute("PRAGMA journal_mode = DELETE")
    cursor.close()


def on_begin(connection: sa.Connection) -> None:
    """Take the right to write at once, so that what was read still holds when it is written."""
    # Past SQLAlchemy, whose own way takes longer than the transaction.
    connection.connection.driver_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]  # there is one
