"""Opens, reads and writes a ledger's database, and explains its errors."""

# Why: docs/decisions/012-reads-take-no-lock.md
# Why: docs/decisions/013-ledger-file.md

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from ..errors import LedgerError
from . import schema
from .lease import machine_clock


class LedgerBusyError(LedgerError):
    """The ledger cannot be used right now; the same call may work later."""


class Transaction:
    """A transaction, and the clocks by which leases expire and entries are dated."""

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
        """The clock of leases: PostgreSQL's, or this machine's for SQLite."""
        return self.date if self.one_clock else self._clock()

    @functools.cached_property
    def date(self) -> float:
        """Seconds since 1970, by PostgreSQL's clock, or this machine's for SQLite."""
        if not self.one_clock:
            return self._date_clock()
        return float(self.connection.scalar(_DATABASE_CLOCK) or 0.0)


BACKUP: Final = 0x50726F6E
"""SQLite's application id of a backup: only such a file may be replaced by another backup."""


_DATABASE_CLOCK: Final = sa.select(sa.extract("epoch", sa.func.clock_timestamp()))


class Database:
    """A database that can be read and written.

    Parameters
    ----------
    engine : Engine
        Opens connections.
    place : str
        Path or URL for messages, without a password.
    path : Path, optional
        The file, if it is SQLite on disk.
    lock : lock, optional
        Held during a transaction if threads share one connection.
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
        """The engine, if machines can share the database (PostgreSQL); otherwise None."""
        return self.engine if self.engine.dialect.name == "postgresql" else None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a read-only transaction: one consistent snapshot that blocks no writer.

        Raises
        ------
        LedgerError
            The ledger cannot be read.
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
            An open connection to use; see `keep`.

        Raises
        ------
        LedgerError
            The ledger cannot be written.
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
        """Open a connection that the caller keeps and closes; return None if threads share one."""
        self._same_file()
        with self._named_errors():
            return None if self._shared else self.engine.connect()

    def prepare(self) -> None:
        """Create or migrate the tables if needed.

        Raises
        ------
        LedgerError
            The ledger cannot be used.
        """
        with self.read() as t:
            if schema.version_of(t.connection, self.place) == schema.VERSION:
                return
        with self.write() as t:
            schema.migrate(t.connection, self.place)

    def checkpoint(self) -> None:
        """Empty SQLite's write-ahead log, so that deleted data is not left in it."""
        if self.engine.dialect.name != "sqlite":
            return
        self._same_file()
        with (
            self._named_errors(),
            self._lock,
            contextlib.closing(self.engine.raw_connection()) as connection,
        ):
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def backup(self, target: Path) -> None:
        """Copy a consistent snapshot to a file that only the user can read.

        Parameters
        ----------
        target : Path
            A new file, or an earlier backup, which is replaced.

        Raises
        ------
        LedgerError
            The backup failed; the target is unchanged.
        """
        if self.server is not None:
            raise LedgerError(
                f"The ledger at {self.place} is a PostgreSQL database. Back it up with pg_dump."
            )
        self._same_file()
        try:
            if os.path.lexists(target) and not self._may_replace(target):
                raise LedgerError(
                    f"{target} exists and is not a backup of a ledger. Choose another name."
                )
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
            os.close(file)
            try:
                self._copy(Path(name))
                Path(name).replace(target)
            finally:
                Path(name).unlink(missing_ok=True)
        except (OSError, ValueError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise LedgerError(f"Could not write a backup to {target} ({why}).") from None

    def _may_replace(self, target: Path) -> bool:
        """Return whether a file is a backup, but not one that was restored as this ledger."""
        if not target.is_file() or _identity(target) == self._file:
            return False
        uri = f"{target.as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            try:
                found: tuple[int] = connection.execute("PRAGMA application_id").fetchone()
            except sqlite3.DatabaseError:  # another kind of file
                return False
        return found == (BACKUP,)

    def _copy(self, target: Path) -> None:
        with (
            self._named_errors(),
            self._lock,
            contextlib.closing(self.engine.raw_connection()) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.driver_connection.backup(copy)  # type: ignore[union-attr]  # there is one
            copy.execute(f"PRAGMA application_id = {BACKUP}")

    def replaced(self) -> bool:
        """Return whether the file was deleted or replaced since it was opened."""
        return self._path is not None and _identity(self._path) != self._file

    def reopened(self) -> Database:
        """Open the file that has replaced this one.

        Raises
        ------
        LedgerError
            No file has replaced it, or the file cannot be used. No file is created.
        """
        if self._path is not None and _identity(self._path) is None:
            self._same_file()
        return open_database(self.place, create=False)

    def _same_file(self) -> None:
        if self.replaced():
            raise LedgerError(
                f"The ledger at {self.place} was deleted or replaced while it was in use. Put it "
                f"back if it was moved. {_NOT_RECORDED}"
            )

    def _transaction(self, connection: sa.Connection) -> Transaction:
        return Transaction(connection, self._clock, self._date_clock)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            self._same_file()
            raise named(error, self.place) from None


def open_database(where: str | None, *, create: bool = True) -> Database:
    """Open a database and create or migrate its tables.

    Parameters
    ----------
    where : str, optional
        A path, a SQLite or PostgreSQL URL, or None for a database in memory.
    create : bool
        If False, a file that does not exist is an error.

    Raises
    ------
    LedgerError
        The database cannot be used.
    """
    if where is not None and is_on_server(where):
        database = _on_server(_server_url(where))
    else:
        file = None if where is None else file_of(where)
        database = _in_memory() if file is None else _in_file(Path(file), create=create)
    database.prepare()
    return database


_SQLITE_URL: Final = re.compile(r"sqlite(?:\+\w+)?://(?:/([^?]*))?")


def is_on_server(where: str) -> bool:
    """Return whether a path or URL is that of a database server."""
    return "://" in where and not where.startswith("sqlite")


def file_of(where: str) -> str | None:
    """Return the file of a path or a SQLite URL; None for a database in memory."""
    path = _path_in(where) if "://" in where else where
    return None if path in {None, "", ":memory:"} else path


def _path_in(where: str) -> str | None:
    """Return the path in a SQLite URL."""
    # SQLAlchemy 2.1 decodes "%20" and 2.0 does not: that would be two ledgers.
    found = _SQLITE_URL.fullmatch(where)
    if found is None:
        raise LedgerError(
            "A SQLite URL must be 'sqlite:///' followed by a path, without a host or options. Or "
            "pass only the path as ledger=; it may contain any character. Nothing was sent."
        )
    return unquote(found[1]) if found[1] else None


def _server_url(where: str) -> sa.URL:
    try:
        url = sa.make_url(where)
        known = url.get_backend_name() in {"postgresql", "postgres"}
    except (sa.exc.ArgumentError, ValueError):
        known = False
    if not known:
        raise LedgerError(_NO_URL)
    if "@" in (url.host or ""):  # the end of a password, which messages would show
        raise LedgerError(
            'The password in the ledger\'s URL contains "@". Write it as "%40". Nothing was sent.'
        )
    return url.set(drivername="postgresql+psycopg")


_NO_URL: Final = (
    "ledger= must be a path, a PostgreSQL URL such as 'postgresql://user@host/database', or None "
    "to keep the ledger in memory only. Nothing was sent."
)


def _on_server(url: sa.URL) -> Database:
    place = url.set(query={}).render_as_string(hide_password=True)  # options may hold a password
    try:
        engine = sa.create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT},
        )
    except ModuleNotFoundError:
        raise LedgerError(
            f"The ledger at {place} requires the PostgreSQL driver psycopg. Install it: "
            "pip install 'psycopg[binary]'. Nothing was sent."
        ) from None
    except sa.exc.ArgumentError:  # of its options
        raise LedgerError(_NO_URL) from None
    sa.event.listen(engine, "connect", _set_time_limits)
    return Database(engine, place)


CONNECT_TIMEOUT: Final = 10
"""Seconds in which a connection to PostgreSQL must open."""


def _set_time_limits(connection: Any, record: object) -> None:
    """Limit how long a process that was stopped in a transaction can block the others."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '10s'")
        cursor.execute("SET idle_in_transaction_session_timeout = '15s'")
    connection.commit()


@functools.cache
def _in_memory() -> Database:
    engine = _sqlite(StaticPool, connect_args={"check_same_thread": False})
    return Database(engine, "memory", lock=threading.Lock())


def _in_file(path: Path, *, create: bool) -> Database:
    try:
        path = path.expanduser().absolute()
        real = path.resolve()
        if create:
            _create(real)
        _keep_private(real)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise LedgerError(f"Cannot write the ledger at {path} ({why}). {_ELSEWHERE}") from None
    # SQLite would create a file that others can read. mode=rw fails if the file is missing.
    connect = functools.partial(
        sqlite3.connect, f"{path.as_uri()}?mode=rw", uri=True, check_same_thread=False
    )
    engine = _sqlite(NullPool, creator=connect)
    return Database(engine, str(path), path=path)


def _sqlite(pool: Any, **arguments: Any) -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=pool, hide_parameters=True, **arguments)
    sa.event.listen(engine, "connect", schema.on_connect)
    sa.event.listen(engine, "begin", schema.on_begin)
    return engine


_ELSEWHERE: Final = (
    "Choose another location with pronto.configure(ledger=…); ledger=None keeps it in memory only. "
    "Nothing was sent."
)


def _create(path: Path) -> None:
    """Create the file if it is missing; only the user can read it."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _keep_private(path: Path) -> None:
    """Let only the user read and write the file and SQLite's files for it (-wal, -shm).

    This must not open them: POSIX drops all locks of a process on a file when any of its
    descriptors is closed, including those by which SQLite knows that the file is in use.
    """
    _keep_file_private(path)
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            _keep_file_private(path.with_name(path.name + suffix))


def _keep_file_private(file: Path) -> None:
    found = file.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise LedgerError(f"The ledger at {file} is not a file. {_ELSEWHERE}")
    if os.name != "posix":  # pragma: no cover  there are no such modes
        return
    if found.st_uid != os.geteuid():
        raise LedgerError(
            f"The ledger file {file} belongs to another user, who could read the answers. Change "
            f"its owner (chown). {_ELSEWHERE}"
        )
    if found.st_mode & 0o077:
        file.chmod(0o600)
        if file.lstat().st_mode & 0o077:
            raise LedgerError(
                f"Other users can read the ledger file {file}, and its file system does not allow "
                f"changing its permissions. {_ELSEWHERE}"
            )
    if not os.access(file, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        file.lstat()  # raises FileNotFoundError if SQLite has just deleted it
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def named(error: Exception, place: str) -> LedgerError:
    """Return a LedgerError that explains a database error and contains no value from the ledger."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    # PostgreSQL has no code for a connection that does not open, psycopg none for one that is lost.
    if getattr(error, "connection_invalidated", False):
        code = _LOST
    elif not code:
        text, names = str(cause), {kind.__name__ for kind in type(cause).__mro__}
        lost = _LOST if "OperationalError" in names else ""
        code = next((code for words, code in _REFUSALS if any(map(text.__contains__, words))), lost)
    why, busy = next(
        ((why, busy) for codes, why, busy in _MEANINGS if code.startswith(codes)),
        (f"failed ({' '.join(filter(None, (type(cause).__name__, code)))})", False),
    )
    if "no such" in str(cause):
        why, busy = _DAMAGED, False
    kind = LedgerBusyError if busy else LedgerError
    return kind(f"The ledger at {place} {why}. {_NOT_RECORDED}")


_NOT_RECORDED: Final = "Requests are sent only if they can be recorded."

_LOST: Final = "08006"
_REFUSALS: Final = (
    (("password", "permitted to log in", "does not exist", "pg_hba.conf"), "28000"),
    (("too many", "connection slots"), "53300"),
    (("bad: invalid", "invalid URI", "invalid connection option", "invalid integer"), "URL"),
)
"""Codes for the English messages of servers that refuse a connection: those have no code."""

_DAMAGED: Final = f"is damaged. {schema.RECOVERY}"
_UNREACHABLE: Final = (
    "cannot be reached. Check the server and the network, and the user, password and database in "
    "the URL"
)
_MEANINGS: Final[tuple[tuple[tuple[str, ...], str, bool], ...]] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"),
        "is locked by another program. Close that program or wait for it to finish",
        True,
    ),
    (
        ("40001", "40P01", "25P03"),
        "was in use by too many programs at once. Run the same line again",
        True,
    ),
    (("08", "57P"), _UNREACHABLE, True),
    (("53300",), "has no free connection. Close other connections or try again later", True),
    (("URL",), "has invalid options or an invalid port in its URL. Correct the URL", False),
    (
        ("28", "3D000"),
        "does not accept this user, password or database. Correct the URL, or create the user or "
        "the database",
        False,
    ),
    (
        ("42501", "25006"),
        "does not let this user write. Grant the user CREATE on the schema and all rights on the "
        "tables, or use another user",
        False,
    ),
    (
        ("SQLITE_FULL", "53100"),
        "cannot be written because the disk is full. Free some space",
        False,
    ),
    (("SQLITE_NOTADB", "SQLITE_CORRUPT", "42P01", "42703"), _DAMAGED, False),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR"),
        "is not writable. Choose another location with pronto.configure(ledger=…)",
        False,
    ),
)
"""Prefixes of error codes, what they mean, and whether a retry may work."""
