"""What was sent and what was answered, on disk.

One entry for each contact, type and address; see `entry` for what becomes of one.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import sqlalchemy as sa

from ..errors import LedgerError
from . import schema
from .entry import LEASE, Entry, Key, Replaceable, seen_as
from .schema import entries

CHUNK: Final = 400
"""Contacts a statement asks for; SQLite takes a bounded number of values."""


class Ledger:
    """The entries of one address.

    Parameters
    ----------
    engine : Engine
        Where they are.
    address : str
        Whose answers they are; sandbox people never mix with real ones.
    place : str
        What to call the place in messages.
    clock : callable
        Seconds since 1970; leases are compared between machines.
    lock : context manager, optional
        Held during a transaction, where threads share one connection.
    """

    def __init__(
        self,
        engine: sa.Engine,
        address: str,
        place: str,
        *,
        clock: Callable[[], float] = time.time,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._engine, self.address, self.place = engine, address, place
        self._lock = nullcontext() if lock is None else lock
        self._shared = lock is not None
        self.clock = clock

    @contextmanager
    def transaction(self, kept: sa.Connection | None = None) -> Iterator[sa.Connection]:
        """Open a connection for one transaction that is on disk when the block ends.

        Parameters
        ----------
        kept : Connection, optional
            To be used instead; see `keep`.

        Raises
        ------
        LedgerError
            Where the ledger cannot be read or written.
        """
        try:
            if kept is not None:
                with kept.begin():
                    yield kept
            else:
                with self._lock, self._engine.begin() as connection:
                    yield connection
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise _said(error, self.place) from None

    def keep(self) -> sa.Connection | None:
        """Open a connection for many transactions, to be closed; None where threads share one."""
        try:
            return None if self._shared else self._engine.connect()
        except sa.exc.DBAPIError as error:
            raise _said(error, self.place) from None

    def prepare(self) -> None:
        """Create the tables or bring them up to date, and prove that the ledger can be written."""
        with self.transaction() as connection:
            schema.migrate(connection, self.place)

    def find(
        self,
        connection: sa.Connection,
        contacts: Sequence[str],
        types: Sequence[str],
        *,
        answers: bool = True,
    ) -> dict[Key, Entry]:
        """Return what is known of these contacts; a dead run's claims are as if never made.

        Parameters
        ----------
        connection : Connection
            In a transaction.
        contacts, types : sequence of str
            Whom and what to look for.
        answers : bool
            Without, entries come without their answers, which take longest to read.
        """
        columns = [c for c in entries.columns if answers or c is not entries.c.answer]
        now = self.clock()
        found: dict[Key, Entry] = {}
        for start in range(0, len(contacts), CHUNK):
            rows = connection.execute(
                sa.select(*columns).where(
                    entries.c.address == self.address,
                    entries.c.contact.in_(contacts[start : start + CHUNK]),
                    entries.c.type.in_(types),
                )
            )
            for row in rows.all():
                state = seen_as(row, now)
                if state is None:
                    continue
                text = row.answer if answers else None
                answer = None if text is None else json.loads(text)
                found[row.contact, row.type] = Entry(state, answer, row.at, row.enrichment_id)
        return found

    def claim(
        self, connection: sa.Connection, keys: Sequence[Key], owner: str, replaceable: Replaceable
    ) -> dict[Key, Entry]:
        """Take for a run what may be sent; return the entries of what may not.

        What a dead run has submitted is the run's now, too, and is among what is returned.

        Parameters
        ----------
        connection : Connection
            In a transaction that writes; so two runs cannot claim the same.
        keys : sequence
            What to send.
        owner : str
            The run.
        replaceable : callable
            Says of an answered or unknown entry whether it may be sent anew.
        """
        known = self.find(connection, [key[0] for key in keys], sorted({key[1] for key in keys}))
        kept = {
            key: entry
            for key in keys
            if (entry := known.get(key))
            and (entry.state in {"sent", "submitted"} or not replaceable(entry))
        }
        lease = self.clock() + LEASE
        free = [key for key in keys if key not in kept]
        self._write(connection, schema.claim, free, state="claimed", owner=owner, lease=lease)
        submitted = [key for key, entry in kept.items() if entry.state == "submitted"]
        self._change(connection, schema.ADOPT, submitted, o=owner, l=lease)
        return kept

    def send(self, connection: sa.Connection, keys: Sequence[Key], owner: str) -> None:
        """Note that a run's requests leave as soon as this is on disk."""
        self._change(connection, schema.SENT, keys, o=owner)

    def unsend(self, connection: sa.Connection, keys: Sequence[Key], owner: str) -> None:
        """Note that they were surely not worked on, and stay claimed."""
        self._change(connection, schema.NOT_SENT, keys, o=owner)

    def submit(
        self, connection: sa.Connection, keys: Sequence[Key], owner: str, enrichment_id: str
    ) -> None:
        """Store the name under which the service works on these."""
        self._change(connection, schema.SUBMITTED, keys, o=owner, i=enrichment_id)

    def enqueue(
        self, connection: sa.Connection, keys: Sequence[Key], owner: str, enrichment_id: str
    ) -> None:
        """Note that the service has taken these in a batch, and will deliver their answers."""
        self._change(connection, schema.ENQUEUED, keys, o=owner, i=enrichment_id)

    def answer(self, connection: sa.Connection, answers: dict[Key, dict[str, Any]]) -> None:
        """Store answers."""
        for key, fields in answers.items():
            answer = json.dumps(fields)
            self._write(connection, schema.settle, [key], state="answered", answer=answer)

    def lose(self, connection: sa.Connection, keys: Sequence[Key], owner: str) -> None:
        """Note that these were sent and that nobody knows what became of them."""
        self._change(connection, schema.LOST, keys, o=owner, n=self.clock())

    def release(self, connection: sa.Connection, keys: Sequence[Key], owner: str) -> None:
        """Take back a run's claims of what was surely not worked on.

        What was known before the claim is known again: an answer that was to be refreshed, or that
        the contact may have been charged before.
        """
        self._change(connection, schema.RESTORE, keys, o=owner)
        self._change(connection, schema.REMOVE, keys, o=owner)

    def leave(self, connection: sa.Connection, owner: str) -> None:
        """Let go of what a run has submitted and not fetched, for the next one to fetch."""
        self._owned(connection, owner, lease=None, owner=None)

    def renew(self, connection: sa.Connection, owner: str) -> None:
        """Say that a run lives."""
        self._owned(connection, owner, lease=self.clock() + LEASE)

    def forget(self, connection: sa.Connection, contacts: Sequence[str]) -> int:
        """Delete all that is known of these contacts, at this address; return how many entries."""
        gone = 0
        for start in range(0, len(contacts), CHUNK):
            chunk = entries.c.contact.in_(contacts[start : start + CHUNK])
            rows = sa.delete(entries).where(entries.c.address == self.address, chunk)
            gone += connection.execute(rows).rowcount
            for table in (schema.members, schema.aside):
                also = table.c.contact.in_(contacts[start : start + CHUNK])
                connection.execute(sa.delete(table).where(also))
        return gone

    def purge(self, connection: sa.Connection, before: float) -> int:
        """Delete what reached its state before a moment, at every address; return how many."""
        living = sa.func.coalesce(entries.c.lease, 0.0) > self.clock()
        rows = sa.delete(entries).where(entries.c.at < before, sa.not_(living))
        connection.execute(sa.delete(schema.aside).where(schema.aside.c.at < before))
        old = sa.select(schema.jobs.c.id).where(schema.jobs.c.created < before)
        for table in (schema.members, schema.batches):
            connection.execute(sa.delete(table).where(table.c.job.in_(old)))
        connection.execute(sa.delete(schema.jobs).where(schema.jobs.c.created < before))
        return connection.execute(rows).rowcount

    def count(self, connection: sa.Connection) -> list[tuple[str, str, int, float, float]]:
        """Return address, state, number of entries, and the first and last moment of each.

        A claim is no state of its own: it shows what was there before, if anything.
        """
        at, claimed = entries.c.at, entries.c.state == "claimed"
        state = sa.case((claimed, entries.c.before), else_=entries.c.state)
        columns = (entries.c.address, state, sa.func.count(), sa.func.min(at), sa.func.max(at))
        rows = sa.select(*columns).where(state.is_not(None)).group_by(entries.c.address, state)
        return [tuple(row) for row in connection.execute(rows.order_by(entries.c.address, state))]

    def wipe(self) -> None:
        """Let go of what was deleted in SQLite's own log, too."""
        if self._engine.dialect.name != "sqlite":
            return
        try:
            with self._lock, contextlib.closing(self._engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise _said(error, self.place) from None

    def _write(
        self,
        connection: sa.Connection,
        statement: Callable[[str], sa.Insert],
        keys: Sequence[Key],
        **values: Any,
    ) -> None:
        if keys:
            values |= {"address": self.address, "at": self.clock()}
            rows = [{"contact": contact, "type": type_, **values} for contact, type_ in keys]
            connection.execute(statement(connection.dialect.name), rows)

    def _change(
        self,
        connection: sa.Connection,
        statement: sa.UpdateBase,
        keys: Sequence[Key],
        **values: Any,
    ) -> None:
        if keys:
            values["a"] = self.address
            connection.execute(statement, [{"c": c, "t": t, **values} for c, t in keys])

    @staticmethod
    def _owned(connection: sa.Connection, run: str, **values: Any) -> None:
        """Change all entries that a run has."""
        connection.execute(sa.update(entries).where(entries.c.owner == run).values(**values))


def _said(error: Exception, place: str) -> LedgerError:
    """Say what is wrong with the ledger, and no value of it."""
    cause = getattr(error, "orig", error)
    words = str(cause).lower()
    if "locked" in words or "busy" in words:
        why = "is locked by another program. Close it, or wait until it is done"
    elif "full" in words:
        why = "cannot be written: the disk is full. Make room"
    elif "not a database" in words or "malformed" in words or "no such" in words:
        why = (
            "is damaged. Move the file away to start anew (its answers will be asked and paid "
            "again), or put a backup in its place"
        )
    elif "readonly" in words or "read-only" in words or "unable to open" in words:
        why = "cannot be written there. Choose another place with pronto.configure(ledger=…)"
    else:
        why = f"failed ({type(cause).__name__})"
    return LedgerError(f"The ledger at {place} {why}. Nothing is sent without an entry in it.")
