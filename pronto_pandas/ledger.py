"""What is kept of people, and how it is deleted: ``pronto.ledger``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path

import pandas as pd

from .api.spec import TYPES
from .config.settings import current
from .errors import ConfigurationError
from .frame.people import people
from .lookup import open_ledger


class Info(pd.DataFrame):
    """What the ledger holds; its text begins with the sums, in a sentence."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{self.attrs.get('summary', '')}\n\n{super().__repr__()}".strip()

    def _repr_html_(self) -> str:
        table: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]  # of pandas
        return f"<p>{escape(self.attrs.get('summary', ''))}</p>{table or ''}"


def info() -> Info:
    """Return where the ledger is, what it holds, and how old that is. Sends nothing.

    Returns
    -------
    DataFrame
        One row a service and state, with ``entries`` (int; one a person and type), ``oldest`` and
        ``newest`` (datetime, UTC). ``attrs["place"]`` is where the ledger is, ``attrs["summary"]``
        a sentence with the sums.

    Raises
    ------
    LedgerError
        Where the ledger cannot be read.
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
    """Return the sums in a sentence."""
    all_ = int(table["entries"].sum())
    if not all_:
        return f"The ledger at {place} is empty."
    of = {state: int(rows["entries"].sum()) for state, rows in table.groupby("state")}
    on_their_way = sum(of.get(state, 0) for state in ("sent", "submitted", "enqueued"))
    parts = [f"{of.get('answered', 0):,} of its {all_:,} entries are answered"]
    if on_their_way:
        parts.append(f"{on_their_way:,} have been sent and not answered yet")
    if of.get("unknown"):
        parts.append(f"the answers of {of['unknown']:,} were lost")
    if payloads:
        parts.append(f"{payloads:,} webhook payloads belong to no bulk job")
    return f"The ledger at {place}: {'; '.join(parts)}."


@dataclass(frozen=True)
class Forgotten:
    """What `forget` deleted.

    Parameters
    ----------
    people : int
        People of whom the ledger knew something.
    of : int
        People in the frame.
    entries : int
        What was deleted of them: one entry a person, type and service.
    payloads : int
        Webhook payloads about them that no bulk job had taken.
    in_use : int
        People whom a run is asking for right now. What was known of them is deleted, and the answer
        that is on its way is not: forget them again when the run is done.
    """

    people: int
    of: int
    entries: int
    payloads: int
    in_use: int

    def __repr__(self) -> str:
        payloads = f" and {self.payloads:,} webhook payloads" if self.payloads else ""
        text = (
            f"The ledger knew {self.people:,} of {self.of:,} people; {self.entries:,} entries"
            f"{payloads} were deleted."
        )
        if self.in_use:
            text += f" A run is asking for {self.in_use:,} of them: forget them again after it."
        return text


def forget(df: pd.DataFrame, *, columns: Mapping[str, object] | None = None) -> Forgotten:
    """Delete what the ledger knows of the people in a frame. It is gone from the file.

    Also what is kept under another service's name, answers that a webhook has set aside, and the
    people's places in bulk jobs. Asking for them again is paid for again.

    Parameters
    ----------
    df : DataFrame
        As for `pronto_pandas.enrich`.
    columns : mapping, optional
        Field to header, as for `pronto_pandas.enrich`.

    Returns
    -------
    Forgotten
        How many of how many people, and what was deleted of them.

    Raises
    ------
    ConfigurationError
        Where it is no frame, or lacks a column.
    LedgerError
        Where the ledger cannot be written.
    """
    from .bulk.store import forget_payloads

    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            f"A DataFrame is needed, not a {df.__class__.__name__}: one person a row, as for "
            "enrich. Nothing was deleted."
        )
    contacts = list(people(df, columns))
    keys = [{key for type_ in TYPES for key in one.keys(type_)} | {one.key} for one in contacts]
    ledger = open_ledger(current())
    with ledger.write() as t:
        payloads = forget_payloads(t, contacts, keys)
        gone = ledger.forget(t, keys)
    ledger.database.checkpoint()
    return Forgotten(gone.people, len(contacts), gone.entries, payloads, gone.in_use)


def backup(path: str | os.PathLike[str]) -> Path:
    """Copy the ledger to a file for you alone, also while runs use it. Sends nothing.

    Copying the file itself leaves out what SQLite still has in the files beside it. To go back to
    a backup, end all that uses the ledger, delete its file and those beside it (``-wal`` and
    ``-shm``), and put the backup in its place.

    Parameters
    ----------
    path : path
        The file to write. An earlier backup there is replaced; nothing else is.

    Returns
    -------
    Path
        Where the backup is.

    Raises
    ------
    LedgerError
        Where it cannot be written, or the ledger is on PostgreSQL, which has ``pg_dump``.
    """
    target = Path(path).expanduser().absolute()
    open_ledger(current()).database.backup(target)
    return target


def purge(older_than: timedelta | str | float) -> int:
    """Delete answers that are older than a time, of everybody. They are gone from the file.

    Also payloads that a webhook has set aside. Of a request without an answer it is kept that it
    was sent, however old it is, and nothing of the person: it would be sent, and paid for, again.

    Parameters
    ----------
    older_than : timedelta, str or float
        ``"90 days"``, as pandas reads it, or a number of days. 0 deletes all answers.

    Returns
    -------
    int
        How many entries were deleted.

    Raises
    ------
    ConfigurationError
        Where the time cannot be understood.
    LedgerError
        Where the ledger cannot be written.
    """
    try:
        days = isinstance(older_than, int | float)
        age = pd.Timedelta(older_than, unit="D") if days else pd.Timedelta(older_than)
        seconds = age.total_seconds()
    except (ValueError, TypeError):
        seconds = -1.0
    if not seconds >= 0:
        raise ConfigurationError('older_than must be a time such as "90 days" or a number of days.')
    ledger = open_ledger(current())
    with ledger.write() as t:
        gone = ledger.purge(t, t.date - seconds)
    ledger.database.checkpoint()
    return gone
