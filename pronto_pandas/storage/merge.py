"""Copies a ledger to another file, or merges it into the ledger there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ..errors import LedgerError
from . import schema
from .database import open_database


def carry_over(source: Path, target: Path) -> None:
    """Copy a ledger's file, or merge it into the target if that exists. The source is kept.

    Parameters
    ----------
    source, target : Path
        SQLite files; the source may be missing.

    Raises
    ------
    LedgerError
        A file cannot be read or written; the target is unchanged.
    """
    if not source.exists():
        return
    with _explained(target):
        if target.exists():
            for path in (source, target):
                open_database(str(path))  # brings its tables up to date
            _add(source, target)
        else:
            _copy(source, target)


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(
            f"Could not copy the ledger to {target} ({type(error).__name__})."
        ) from None


def _copy(source: Path, target: Path) -> None:
    """Copy a file that may be in use; the target appears only when it is complete."""
    if not target.parent.exists():
        target.parent.mkdir(parents=True, mode=0o700)
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _add(source: Path, target: Path) -> None:
    """Add what is new; of two entries for the same person, keep the better or the later one."""
    same = " AND ".join(f"o.{c.name} = e.{c.name}" for c in schema.entries.primary_key)
    one, other = _RANK.replace("entry.", "e."), _RANK.replace("entry.", "o.")
    later = f"{other} = {_ANSWERED} AND {one} = {_ANSWERED} AND o.at > e.at"
    better = (
        f"SELECT 1 FROM other.pronto_entries AS o WHERE {same} AND ({other} > {one} OR {later})"  # noqa: S608  names of our own columns
    )
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        schema.on_connect(connection, None)
        connection.execute("ATTACH ? AS other", (str(source),))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"DELETE FROM main.pronto_entries AS e WHERE EXISTS ({better})")  # noqa: S608  as above
        for table, known in ((schema.charges, "charged"), (schema.history, "ended")):
            connection.execute(
                f"DELETE FROM main.{table.name} AS e WHERE {known} IS NULL AND EXISTS "  # noqa: S608  as above
                f"(SELECT 1 FROM other.{table.name} AS o WHERE o.id = e.id AND {known} IS NOT NULL)"
            )
        for table in schema.metadata.sorted_tables:
            if table is not schema.runs:  # a lease is valid only in its own ledger
                connection.execute(_insert(table))
        connection.execute("COMMIT")


_ANSWERED: Final = 4
_RANK: Final = f"""CASE CASE entry.state WHEN 'claimed' THEN entry.before ELSE entry.state END
WHEN 'answered' THEN {_ANSWERED} WHEN 'submitted' THEN 3 WHEN 'enqueued' THEN 2
WHEN 'sent' THEN 1 WHEN 'unknown' THEN 1 ELSE 0 END"""
"""How good an entry is; a claim counts as the state before it."""


def _insert(table: sa.Table) -> str:
    # Each file numbers its payloads itself.
    names = ", ".join(c.name for c in table.columns if c is not schema.aside.c.number)
    return (
        f"INSERT OR IGNORE INTO main.{table.name} ({names}) "  # noqa: S608  names of our own tables
        f"SELECT {names} FROM other.{table.name}"
    )
