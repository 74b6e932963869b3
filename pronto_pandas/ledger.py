"""``pronto.ledger``: inspect, back up and clean up the ledger of requests and answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd

from .api.spec import TYPES
from .config.settings import current
from .errors import ConfigurationError
from .frame.people import people
from .lookup import open_ledger
from .notebook.summarized import Summarized
from .wording import counted


class Info(Summarized):
    """Result of `info`: a DataFrame of counts, shown below a sentence with the totals."""


def info() -> Info:
    """Summarize the ledger: location, number of entries and their age. Sends nothing.

    Returns
    -------
    DataFrame
        One row per service and state, with ``entries`` (int; one per person and type), ``oldest``
        and ``newest`` (datetime, UTC). ``attrs["place"]`` is the ledger's location,
        ``attrs["summary"]`` a sentence with the totals.

    Raises
    ------
    LedgerError
        The ledger cannot be read.
    """
    ledger = open_ledger(current())
    with ledger.read() as t:
        rows = ledger.count(t)
        payloads = ledger.count_payloads(t)
    table = Info(rows, columns=["service", "state", "entries", "oldest", "newest"])
    for name in ("oldest", "newest"):
        table[name] = pd.to_datetime(table[name].astype("float64"), unit="s", utc=True)
    table.attrs |= {"place": ledger.place, "summary": _summary(ledger.place, table, payloads)}
    return table


def _summary(place: str, table: pd.DataFrame, payloads: int) -> str:
    """Return the totals in a sentence."""
    ledger = "The ledger in memory" if place == "memory" else f"The ledger at {place}"
    all_ = int(table["entries"].sum())
    of = {state: int(rows["entries"].sum()) for state, rows in table.groupby("state")}
    waiting = sum(of.get(state, 0) for state in ("sent", "submitted", "enqueued"))
    parts = [f"{of.get('answered', 0):,} answered"]
    if waiting:
        parts.append(f"{waiting:,} sent and not answered yet")
    if of.get("unknown"):
        parts.append(f"{of['unknown']:,} unknown (sent, answer lost)")
    entries = counted(all_, "entry", "entries")
    if not all_ and not payloads:
        return f"{ledger} is empty."
    totals = f"{ledger} has {entries}: {', '.join(parts)}." if all_ else f"{ledger} has no entries."
    if payloads:
        also = "also has" if all_ else "has"
        totals += f" It {also} {counted(payloads, 'webhook payload')} without a bulk job."
    return totals


@dataclass(frozen=True)
class Forgotten:
    """Result of `forget`.

    Parameters
    ----------
    people : int
        People who were in the ledger.
    of : int
        People in the DataFrame.
    entries : int
        Number of deleted entries: one per person, type and service.
    payloads : int
        Number of deleted webhook payloads that belonged to no bulk job.
    in_use : int
        People whom a run is looking up right now. Their earlier answers are deleted, but not the
        answer in progress: call `forget` again when the run has finished.
    """

    people: int
    of: int
    entries: int
    payloads: int
    in_use: int

    def __repr__(self) -> str:
        deleted = counted(self.entries, "entry", "entries")
        if self.payloads:
            deleted += f" and {counted(self.payloads, 'webhook payload')}"
        text = f"Found in the ledger: {self.people:,} of {self.of:,} people. Deleted: {deleted}."
        if self.in_use:
            text += (
                f" A run is looking up {self.in_use:,} of these people right now: call forget "
                "again when it has finished."
            )
        return text


def forget(df: pd.DataFrame, *, columns: Mapping[str, object] | None = None) -> Forgotten:
    """Delete the people in a DataFrame from the ledger. SQLite also overwrites them in the file.

    This includes their entries for every service, their webhook payloads that belong to no job, and
    their rows in bulk jobs. Looking up these people again costs credits again. What they cost stays
    in `pronto_pandas.runs` and `pronto_pandas.statement`, without anything about them.

    Parameters
    ----------
    df : DataFrame
        One row per person, as for `pronto_pandas.enrich`. Not modified.
    columns : mapping, optional
        Maps Pronto fields to your column names, as for `pronto_pandas.enrich`.

    Returns
    -------
    Forgotten
        Number of people who were in the ledger, and of deleted entries.

    Raises
    ------
    ConfigurationError
        The argument is not a DataFrame, or a column is missing.
    LedgerError
        The ledger cannot be written.
    """
    from .bulk.deliveries import forget_payloads

    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            f"Expected a DataFrame with one row per person, got {df.__class__.__name__}. "
            "Nothing was deleted."
        )
    contacts = list(people(df, columns))
    keys = [{key for type_ in TYPES for key in one.keys(type_)} | {one.key} for one in contacts]
    ledger = open_ledger(current())
    with ledger.write() as t:
        payloads = forget_payloads(t, contacts, keys)
        deleted = ledger.forget(t, keys)
    ledger.database.checkpoint()
    return Forgotten(deleted.people, len(contacts), deleted.entries, payloads, deleted.in_use)


def backup(path: str | os.PathLike[str]) -> Path:
    """Copy the ledger, even during a run, to a file that only you can read. Sends nothing.

    Use this instead of copying the file: the latest entries may still be in SQLite's ``-wal`` file
    next to it. To restore a backup, stop every program that uses the ledger, delete its
    file and the files with ``-wal`` and ``-shm`` added to its name, and move the backup to the
    ledger's path.

    Parameters
    ----------
    path : path
        The file to write. An earlier backup is replaced; any other existing file is an error.

    Returns
    -------
    Path
        The path of the backup.

    Raises
    ------
    LedgerError
        The backup cannot be written, or the ledger is a PostgreSQL database (use ``pg_dump``).
    """
    target = Path(path).expanduser().absolute()
    open_ledger(current()).database.backup(target)
    return target


def purge(older_than: timedelta | str | float) -> int:
    """Delete all answers older than a given age. SQLite also overwrites them in the file.

    Also deletes older bulk jobs with no answer pending, and older webhook payloads that belong to
    no job. Requests without an answer stay in the ledger at any age: without their entry, they
    could be resent and charged again. These entries contain a hash of the person, but no answer.
    What answers cost stays in `pronto_pandas.runs` and `pronto_pandas.statement`.

    Parameters
    ----------
    older_than : timedelta, str or float
        Age as a pandas Timedelta string (``"90 days"``) or a number of days. 0 deletes all answers.

    Returns
    -------
    int
        Number of deleted entries.

    Raises
    ------
    ConfigurationError
        The age is not valid.
    LedgerError
        The ledger cannot be written.
    """
    try:
        days = isinstance(older_than, int | float)
        age = pd.Timedelta(older_than, unit="D") if days else pd.Timedelta(older_than)
        seconds = age.total_seconds()
    except (ValueError, TypeError):
        seconds = -1.0
    if not seconds >= 0:
        raise ConfigurationError(
            'older_than must be an age such as "90 days", or a number of days. Nothing was deleted.'
        )
    ledger = open_ledger(current())
    with ledger.write() as t:
        deleted = ledger.purge(t, t.date - seconds)
    ledger.database.checkpoint()
    return deleted
