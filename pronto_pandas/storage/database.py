"""The database of a ledger: how it is opened, read, written, and what its errors mean."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from ..errors import LedgerError
from . import schema
from .lease import machine_clock


class LedgerBusyError(LedgerError):
    """The ledger cannot be used just now; the same may work in a moment."""


class Transaction:
    """A transaction, and the clocks that leases and entries go by.

    Parameters
    ----------
    connection : Connection
        In its transaction.
    clock : callable
        The machine's clock, where the database has none for all.
    date_clock : callable
        Seconds since 1970, likewise.
    """

    def __init__(
        self,
        connection: sa.Connection,
        clock: Callable[[], float],
        date_clock: Callable[[], float],
    ) -> None:
        self.connection = connection
        self.execute, self.scalar = connection.execute, connection.scalar
        self.dialect = connection.dialect.name
        self.one_clock = self.dialect == "postgresql"
        self._clock, self._date_clock = clock, date_clock

    @functools.cached_property
    def now(self) -> float:
        """The clock that leases are compared by: the database's, else the machine's."""
        return self.date if self.one_clock else self._clock()

    @functools.cached_property
    def date(self) -> float:
        """The seconds since 1970: the database's, else the machine's."""
        if not self.one_clock:
            return self._date_clock()
        return float(self.connection.scalar(_DATABASE_CLOCK) or 0.0)


_DATABASE_CLOCK: Final = sa.select(sa.extract("epoch", sa.func.clock_timestamp()))


class Database:
    """A database that can be read and written.

    Parameters
    ----------
    engine : Engine
        How it is reached.
    place : str
        What to call it in messages, without a password.
    path : Path, optional
        The file, where it is one.
    lock : lock, optional
        Held during a transaction, where threads share one connection.
    clock, date_clock : callable
        The machine's clock, and seconds since 1970; injected.
    """

    def __init__(
        self,
        engine: sa.Engine,
        place: str,
        *,
        path: Path | None = None,
        lock: threading.Lock | None = None,
        clock: Callable[[], float] = machine_clock,
        date_clock: Callable[[], float] = time.time,
    ) -> None:
        self.engine, self.place, self._path = engine, place, path
        self._lock = nullcontext() if lock is None else lock
        self._shared = lock is not None
        self._clock, self._date_clock = clock, date_clock
        self._file = None if path is None else _identity(path)

    @property
    def server(self) -> sa.Engine | None:
        """The engine of a database that machines share; None where it is of this machine."""
        return self.engine if self.engine.dialect.name == "postgresql" else None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that only reads, sees one moment, and holds nobody up.

        Raises
        ------
        LedgerError
            Where the ledger cannot be read.
        """
        self._same_file()
        options: dict[str, Any] = {schema.READS: True}
        if self.server is not None:
            options["isolation_level"] = "REPEATABLE READ"
        with self._named_errors(), self._lock, self.engine.connect() as connection:
            connection = connection.execution_options(**options)
            with connection.begin():
                yield self._transaction(connection)

    @contextmanager
    def write(self, kept: sa.Connection | None = None) -> Iterator[Transaction]:
        """Open a transaction that is on disk when the block ends.

        Parameters
        ----------
        kept : Connection, optional
            To be used instead of a new one; see `keep`.

        Raises
        ------
        LedgerError
            Where the ledger cannot be written.
        """
        self._same_file()
        with self._named_errors():
            if kept is not None:
                with kept.begin():
                    yield self._transaction(kept)
            else:
                with self._lock, self.engine.begin() as connection:
                    yield self._transaction(connection)

    def keep(self) -> sa.Connection | None:
        """Open a connection for many transactions, to be closed; None where threads share one."""
        with self._named_errors():
            return None if self._shared else self.engine.connect()

    def prepare(self) -> None:
        """Create the tables or bring them up to date, where that is needed.

        Raises
        ------
        LedgerError
            Where the ledger cannot be used.
        """
        with self.read() as t:
            if schema.version_of(t.connection, self.place) == schema.VERSION:
                return
        with self.write() as t:
            schema.migrate(t.connection, self.place)

    def checkpoint(self) -> None:
        """Remove what was deleted from SQLite's own log, too."""
        if self.engine.dialect.name != "sqlite":
            return
        with (
            self._named_errors(),
            self._lock,
            contextlib.closing(self.engine.raw_connection()) as connection,
        ):
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def replaced(self) -> bool:
        """Return whether the file is another one than when it was opened, or gone."""
        return self._path is not None and _identity(self._path) != self._file

    def _same_file(self) -> None:
        if self.replaced():
            raise LedgerError(
                f"The ledger at {self.place} was deleted or replaced while it was used. Put it "
                "back, if it was moved. Nothing is sent without an entry in it."
            )

    def _transaction(self, connection: sa.Connection) -> Transaction:
        return Transaction(connection, self._clock, self._date_clock)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise named(error, self.place) from None


def open_database(where: str | None) -> Database:
    """Open a database, ready for use.

    Parameters
    ----------
    where : str, optional
        A path, a URL of SQLite or PostgreSQL, or None for the memory of this process.

    Raises
    ------
    LedgerError
        Where it cannot be used; nothing was sent.
    """
    url = None if where is None or "://" not in where else _url(where)
    if url is not None and url.get_backend_name() == "postgresql":
        database = _on_server(url)
    else:
        file = where if url is None else url.database
        database = _in_memory() if file in {None, "", ":memory:"} else _in_file(Path(str(file)))
    database.prepare()
    return database


def _url(where: str) -> sa.URL:
    try:
        url = sa.make_url(where)
        backend = url.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        backend = ""
    if backend not in {"sqlite", "postgresql", "postgres"} or (backend == "sqlite" and url.query):
        raise LedgerError(
            "ledger= is a path, None for memory, or the URL of a database of PostgreSQL: "
            "'postgresql://user@host/database'. Nothing was sent."
        )
    return url.set(drivername="postgresql+psycopg") if backend != "sqlite" else url


def _on_server(url: sa.URL) -> Database:
    place = url.render_as_string(hide_password=True)
    try:
        engine = sa.create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT},
        )
    except ModuleNotFoundError:
        raise LedgerError(
            f"The ledger at {place} needs the driver psycopg: "
            "pip install 'pronto-pandas[postgres]'. Nothing was sent."
        ) from None
    sa.event.listen(engine, "connect", _set_time_limits)
    return Database(engine, place)


CONNECT_TIMEOUT: Final = 10
"""Seconds for a connection to PostgreSQL to open."""


def _set_time_limits(connection: Any, record: object) -> None:
    """Let no process that was stopped in a transaction hold the others up for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '10s'")
        cursor.execute("SET idle_in_transaction_session_timeout = '15s'")
    connection.commit()


@functools.cache
def _in_memory() -> Database:
    engine = _sqlite(sa.URL.create("sqlite"), StaticPool, check_same_thread=False)
    return Database(engine, "memory", lock=threading.Lock())


def _in_file(path: Path) -> Database:
    try:
        path = path.expanduser()
        _create(path)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise LedgerError(
            f"The ledger at {path} cannot be written there ({why}). Choose another place with "
            "pronto.configure(ledger=…), or None for memory. Nothing was sent."
        ) from None
    # Built, not pasted: a path may hold "?", "%" and "#".
    engine = _sqlite(sa.URL.create("sqlite", database=str(path)), NullPool)
    return Database(engine, str(path), path=path)


def _sqlite(url: sa.URL, pool: Any, **arguments: Any) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=pool, hide_parameters=True, connect_args=arguments)
    sa.event.listen(engine, "connect", schema.on_connect)
    sa.event.listen(engine, "begin", schema.on_begin)
    return engine


def _create(path: Path) -> None:
    """Create the file for the user alone, or see that it is theirs and nobody else reads it."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise LedgerError(f"The ledger at {path} is no file. Nothing was sent.")
        if os.name != "posix":  # pragma: no cover  modes mean nothing there
            return
        if found.st_uid != os.geteuid():
            raise LedgerError(
                f"The file of the ledger at {path} belongs to another user, who could read the "
                "answers. Choose another place, or make it yours (chown). Nothing was sent."
            )
        if found.st_mode & 0o077:
            os.fchmod(file, 0o600)
            if os.fstat(file).st_mode & 0o077:
                raise LedgerError(
                    f"The file of the ledger at {path} can be read by others, and its file system "
                    "does not let that be changed. Choose another place. Nothing was sent."
                )
    finally:
        os.close(file)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def named(error: Exception, place: str) -> LedgerError:
    """Return what is wrong with the ledger, without a value of it."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    lost = getattr(error, "connection_invalidated", False) or (
        not code and type(cause).__name__ == "OperationalError"
    )
    failed = f"failed ({' '.join(filter(None, (type(cause).__name__, code)))})"
    why, busy = next(
        ((why, busy) for codes, why, busy in _MEANINGS if code.startswith(codes)), (failed, False)
    )
    if lost:
        why, busy = _UNREACHABLE, True
    if "no such" in str(cause):
        why = _DAMAGED
    kind = LedgerBusyError if busy else LedgerError
    return kind(f"The ledger at {place} {why}. Nothing is sent without an entry in it.")


_DAMAGED: Final = (
    "is damaged. Move the file away to start anew (its answers will be asked for and paid for "
    "again), or put a backup in its place"
)
_UNREACHABLE: Final = "cannot be reached. Check the server and the network"
_MEANINGS: Final[tuple[tuple[tuple[str, ...], str, bool], ...]] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"),
        "is locked by another program. Close it, or wait until it is done",
        True,
    ),
    (("40001", "40P01", "25P03"), "was used by many at once. Run the same line again", True),
    (
        ("08", "57P", "53300"),
        _UNREACHABLE,
        True,
    ),
    (("28", "3D000"), "does not take this user, password or name of a database", False),
    (("42501", "25006"), "may not be written by this user", False),
    (("SQLITE_FULL", "53100"), "cannot be written: the disk is full. Make room", False),
    (("SQLITE_NOTADB", "SQLITE_CORRUPT", "42P01", "42703"), _DAMAGED, False),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR"),
        "cannot be written there. Choose another place with pronto.configure(ledger=…)",
        False,
    ),
)
"""By the beginning of an error's code: what it means, and whether another try may work."""
