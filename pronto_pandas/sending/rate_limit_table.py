"""The rate limits that processes share through PostgreSQL: one row per account."""

# Why: docs/decisions/004-rate-limit-on-postgresql.md

from __future__ import annotations

import hashlib
import os
import threading
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..errors import LedgerError
from .rate_limit_leases import Lease

FURTHEST: Final = 20.0
"""Starts are leased at most this many seconds ahead of the database's clock."""

_SALT: Final = b"pronto-pandas rate limit"
"""Not secret: all processes that share a database must derive the same account ID with it."""

_metadata = sa.MetaData()

rate_limits = sa.Table(
    "pronto_rate_limits",
    _metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("next_start", sa.Double, nullable=False),
)

_interval = sa.bindparam("interval", type_=sa.Double)
_clock = sa.extract("epoch", sa.func.clock_timestamp()).cast(sa.Double)


def _statement() -> sa.Executable:
    """Return the statement of a lease; it returns no row if too much is leased already."""
    worth = sa.bindparam("count", type_=sa.Double) * _interval
    insert = postgresql.insert(rate_limits).values(
        account=sa.bindparam("name"), next_start=_clock + worth
    )
    return insert.on_conflict_do_update(
        index_elements=[rate_limits.c.account],
        set_={"next_start": sa.func.greatest(rate_limits.c.next_start, _clock) + worth},
        where=rate_limits.c.next_start <= _clock + FURTHEST + _interval,
    ).returning(rate_limits.c.next_start - worth, _clock)


def _correction() -> sa.Executable:
    """Return the statement that corrects a row after the database's clock was set back."""
    # Starts leased before the clock was set back reach that far.
    furthest = _clock + 2 * FURTHEST + 3 * _interval
    return (
        sa.update(rate_limits)
        .where(rate_limits.c.account == sa.bindparam("name"), rate_limits.c.next_start > furthest)
        .values(next_start=furthest)
    )


LEASE: Final = _statement()
CORRECT: Final = _correction()


class RateLimitTable:
    """Leases starts from the table.

    It keeps one connection, because a lease must be quick, and opens another if that one broke or
    is from before a fork.

    Parameters
    ----------
    engine : Engine
        The engine of a PostgreSQL database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: sa.Connection | None = None
        self._of_parent: sa.Connection | None = None
        self._pid = os.getpid()

    def prepare(self) -> None:
        """Create the table if it is missing.

        Raises
        ------
        LedgerError
            The table cannot be created or used.
        """
        try:
            with self._engine.begin() as connection:
                # One at a time: PostgreSQL fails if two create the same table at once.
                connection.execute(
                    sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(rate_limits.name)))
                )
                _metadata.create_all(connection)
        except sa.exc.SQLAlchemyError as error:
            raise LedgerError(
                f"The table {rate_limits.name} cannot be used in the ledger's database "
                f"({type(error).__name__}). It contains the rate limit of everyone who shares the "
                "ledger. Create the table, or allow this database user to create tables. "
                "Nothing was sent."
            ) from None

    def lease(self, account: str, count: int, interval: float) -> Lease | None:
        """Lease ``count`` starts, ``interval`` seconds apart, in one statement.

        None if others have leased too far ahead.

        Raises
        ------
        SQLAlchemyError
            The database does not respond; the next call opens a new connection.
        """
        values = {"name": account, "count": float(count), "interval": interval}
        with self._lock:
            try:
                connection = self._connected()
                row = connection.execute(LEASE, values).one_or_none()
                if row is None:
                    connection.execute(CORRECT, {"name": account, "interval": interval})
            except BaseException:
                self.close()
                raise
        return None if row is None else Lease(*row)

    def _connected(self) -> sa.Connection:
        if self._pid != os.getpid():
            # Not closed, because the parent uses it; kept, because Python would close it.
            self._of_parent, self._connection = self._connection, None
            self._pid = os.getpid()
        if self._connection is None:
            connection = self._engine.connect()
            self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        return self._connection

    def close(self) -> None:
        """Close the connection; the next lease opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


_accounts: dict[str, str] = {}


def account(service: str, api_key: str) -> str:
    """Return the id of a key's account in the database; the key cannot be derived from it."""
    name = hashlib.sha256(f"{service}\0{api_key}".encode()).hexdigest()
    if name not in _accounts:
        secret = f"{service}\0{api_key}".encode()
        _accounts[name] = hashlib.scrypt(secret, salt=_SALT, n=2**14, r=8, p=1, dklen=32).hex()
    return _accounts[name]
