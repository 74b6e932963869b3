"""The ledger's tables, their migrations, and the settings of SQLite."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..api.services import ledger_name
from ..errors import LedgerError
from .lease import LEASE

VERSION: Final = 5

BUSY_TIMEOUT: Final = 5_000
"""Milliseconds to wait while another program writes."""

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
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("contact", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("run", sa.String, index=True),
    sa.Column("before", sa.String),
    sa.Column("before_at", sa.Float),
    sa.Column("enrichment_id", sa.String),
    sa.Column("body", sa.Text),
    sa.Column("at", sa.Float, nullable=False),
)
"""``before`` and ``before_at``: the state to restore if a request is not processed."""

aliases = sa.Table(
    "pronto_aliases",
    metadata,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("alias", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("contact", sa.String, nullable=False, index=True),
)
"""Further keys under which an entry is found."""

runs = sa.Table(
    "pronto_runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("machine", sa.String, nullable=False),
    sa.Column("process", sa.String, nullable=False),
    sa.Column("lease", sa.Float, nullable=False),
    sa.Column("renewed", sa.Float, nullable=False),
    sa.Column("account", sa.String),
    sa.Column("record", sa.String),
)
"""The active runs; see `lease`. ``record``: the run's ID in the history."""

jobs = sa.Table(
    "pronto_jobs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("service", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("account", sa.String),
    sa.Column("run", sa.String),
    sa.Column("lease", sa.String),
)
"""``run``: the ID in the history of the run that sent the job; ``lease``: the ID in its lease."""

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

history = sa.Table(
    "pronto_history",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("account", sa.String, nullable=False, index=True),
    sa.Column("service", sa.String, nullable=False),
    sa.Column("began", sa.Float, nullable=False),
    sa.Column("types", sa.String, nullable=False),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("people", sa.Integer, nullable=False),
    sa.Column("from_ledger", sa.Integer, nullable=False),
    sa.Column("saved", sa.Float, nullable=False),
    sa.Column("balance_before", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("found", sa.Integer),
    sa.Column("not_found", sa.Integer),
    sa.Column("unknown", sa.Integer),
    sa.Column("balance_after", sa.Float),
    sa.Column("why", sa.String),
)
"""Every run that was begun; the columns from ``ended`` on are empty until it has ended."""

charges = sa.Table(
    "pronto_charges",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("charged", sa.Integer),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Index("ix_pronto_charges_at", "account", "at"),
    # Has all that is counted, in the order in which it is grouped.
    sa.Index("ix_pronto_charges_run", "account", "run", "type", "late", "charged", "at"),
)
"""One row per request that is or may be charged; see `charges`. It identifies no person."""

balances = sa.Table(
    "pronto_balances",
    metadata,
    sa.Column("account", sa.String, primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("balance", sa.Float, nullable=False),
    sa.Column("run", sa.String),
)


def insert(dialect: str, table: sa.Table) -> Any:
    """Return the dialect's own insert, which has an ``ON CONFLICT`` clause."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def version_of(connection: sa.Connection, place: str) -> int | None:
    """Return the version of a ledger; None if it has no tables yet.

    Raises
    ------
    LedgerError
        The tables are not ours, or a newer version of the package has written them.
    """
    ours = metadata.tables.keys() & set(sa.inspect(connection).get_table_names())
    text: object = None
    if meta.name in ours:
        text = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "version"))
    if text is None:
        if ours - {meta.name}:
            raise _damaged(place)
        return None
    if not re.fullmatch("[1-9][0-9]{0,8}", str(text)):
        raise _damaged(place)
    if int(str(text)) > VERSION:
        raise LedgerError(
            f"The ledger at {place} was written by a newer version of pronto-pandas. Install "
            "the newest version. Nothing was sent."
        )
    return int(str(text))


def migrate(connection: sa.Connection, place: str) -> None:
    """Create the tables, or migrate those of an older version.

    Raises
    ------
    LedgerError
        The tables are not ours, or an older version of the package is using them.
    """
    if connection.dialect.name == "postgresql":  # one process at a time
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    version = version_of(connection, place)
    if version == VERSION:
        return
    for earlier in range(VERSION if version is None else version, VERSION):
        MIGRATIONS[earlier](connection)
    metadata.create_all(connection)
    new = insert(connection.dialect.name, meta).values(name="version", value=str(VERSION))
    connection.execute(
        new.on_conflict_do_update(index_elements=["name"], set_={"value": str(VERSION)})
    )


_LOCK: Final = 0x50524F4E  # arbitrary; no other program locks it


def _damaged(place: str) -> LedgerError:
    return LedgerError(
        f"The ledger at {place} is damaged, or its tables belong to another program. {RECOVERY}. "
        "Nothing was sent."
    )


RECOVERY: Final = (
    "Restore a backup made by pronto.ledger.backup, or move the ledger away to start with an empty "
    "one (its answers would be requested and paid for again)"
)


def _add_enrichment_ids(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE pronto_entries ADD COLUMN enrichment_id VARCHAR")


def _only_new_tables(connection: sa.Connection) -> None:
    """Change nothing: `migrate` creates the new tables."""


def _services_and_bodies(connection: sa.Connection) -> None:
    """Key entries by service instead of URL; store whole answers, and runs with leases."""
    _refuse_while_used(connection)
    for statement in (
        "ALTER TABLE pronto_entries RENAME COLUMN address TO service",
        "ALTER TABLE pronto_entries RENAME COLUMN answer TO body",
        "ALTER TABLE pronto_entries RENAME COLUMN owner TO run",
        "ALTER TABLE pronto_entries ADD COLUMN before_at FLOAT",
        "ALTER TABLE pronto_entries DROP COLUMN lease",
        "DROP INDEX IF EXISTS ix_pronto_entries_owner",
        "CREATE INDEX ix_pronto_entries_run ON pronto_entries (run)",
        # No run is active: its claims are void, and requests without an answer are unknown.
        "DELETE FROM pronto_entries WHERE state = 'claimed' AND before IS NULL",
        "UPDATE pronto_entries SET state = before WHERE state = 'claimed'",
        "UPDATE pronto_entries SET state = 'unknown' WHERE state = 'sent'",
        "UPDATE pronto_entries SET run = NULL, before = NULL",
    ):
        connection.exec_driver_sql(statement)
    if sa.inspect(connection).has_table(jobs.name):
        connection.exec_driver_sql("ALTER TABLE pronto_jobs RENAME COLUMN address TO service")
        _rename_services(connection, jobs)
    for address in _addresses(connection, entries):
        _join(connection, address, ledger_name(address))


def _history(connection: sa.Connection) -> None:
    """Name the account and the run in leases and jobs; `migrate` creates the new tables."""
    inspector = sa.inspect(connection)
    for table, columns in ((runs, ("account", "record")), (jobs, ("account", "run", "lease"))):
        if inspector.has_table(table.name):
            for column in columns:
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column} VARCHAR")


def _refuse_while_used(connection: sa.Connection) -> None:
    held = sa.text("SELECT 1 FROM pronto_entries WHERE lease > :now LIMIT 1")
    if connection.scalar(held, {"now": time.time()}) is not None:
        raise LedgerError(
            "A run of an older version of pronto-pandas is using the ledger. Wait for it to "
            f"finish; if it was killed, wait {LEASE:g} s. Nothing was sent."
        )


def _addresses(connection: sa.Connection, table: sa.Table) -> list[str]:
    found = connection.scalars(sa.select(table.c.service).distinct()).all()
    return [address for address in found if ledger_name(address) != address]


def _rename_services(connection: sa.Connection, table: sa.Table) -> None:
    for address in _addresses(connection, table):
        these = sa.update(table).where(table.c.service == address)
        connection.execute(these.values(service=ledger_name(address)))


def _join(connection: sa.Connection, address: str, service: str) -> None:
    """Move a URL's entries to its service; of two for the same person, keep the better one."""
    connection.execute(_drop_worse(address, than=service, ties=True))
    connection.execute(_drop_worse(service, than=address, ties=False))
    these = sa.update(entries).where(entries.c.service == address)
    connection.execute(these.values(service=service))


def _drop_worse(service: str, *, than: str, ties: bool) -> sa.Delete:
    """Delete the entries of one service that are worse than those of another.

    An answer is better than any other state; of two answers, the later one.
    """
    other = entries.alias()
    one, two = _rank(entries), _rank(other)
    worse = sa.or_(
        one < two,
        sa.and_(one == two, entries.c.at <= other.c.at if ties else entries.c.at < other.c.at),
    )
    better = sa.select(other.c.contact).where(
        other.c.service == than,
        other.c.contact == entries.c.contact,
        other.c.type == entries.c.type,
        worse,
    )
    return sa.delete(entries).where(entries.c.service == service, better.exists())


def _rank(table: sa.FromClause) -> sa.ColumnElement[int]:
    return sa.case({"answered": 3, "submitted": 2, "enqueued": 1}, value=table.c.state, else_=0)


MIGRATIONS: Final[dict[int, Callable[[sa.Connection], None]]] = {
    1: _add_enrichment_ids,
    2: _only_new_tables,
    3: _services_and_bodies,
    4: _history,
}
"""The migration from each version to the next."""


def on_connect(connection: Any, record: object) -> None:
    """Configure SQLite: wait for other writers, erase deleted data, flush commits to disk."""
    connection.isolation_level = None  # on_begin starts the transactions
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:  # a network folder: the rollback journal works there
        cursor.execute("PRAGMA journal_mode = DELETE")
    cursor.close()


READS: Final = "pronto_reads"
"""Execution option of a connection that only reads."""


def on_begin(connection: sa.Connection) -> None:
    """Take the write lock at the start, so that what was read is still true at the write.

    A connection that only reads takes no lock and blocks nobody.
    """
    begin = "BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE"
    # Directly on the driver: SQLAlchemy's way takes longer than the transaction itself.
    connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]  # there is one
