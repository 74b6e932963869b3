"""``pronto.ledger``: inspect, back up and clean up the ledger of requests and answers."""

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
    """Counts of the ledger's entries; its text begins with a sentence that sums them up."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{self.attrs.get('summary', '')}\n\n{super().__repr__()}".strip()

    def _repr_html_(self) -> str:
        table: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]  # of pandas
        return f"<p>{escape(self.attrs.get('summary', ''))}</p>{table or ''}"


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
    all_ = int(table["entries"].sum())
    if not all_:
        return f"The ledger at {place} is empty."
    of = {state: int(rows["entries"].sum()) for state, rows in table.groupby("state")}
    on_their_way = sum(of.get(state, 0) for state in ("sent", "submitted", "enqueued"))
    parts = [f"{of.get('answered', 0):,} of {all_:,} entries are answered"]
    if on_their_way:
        parts.append(f"{on_their_way:,} were sent and are not answered yet")
    if of.get("unknown"):
        parts.append(f"the answers of {of['unknown']:,} were lost")
    if payloads:
        parts.append(f"{payloads:,} webhook payloads belong to no bulk job")
    return f"The ledger at {place}: {'; '.join(parts)}."


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
        People whom a run is requesting right now. Their earlier answers are deleted, but not the
        answer in progress: call `forget` again when the run has finished.
    """

    people: int
    of: int
    entries: int
    payloads: int
    in_use: int

    def __repr__(self) -> str:
        payloads = f" and {self.payloads:,} webhook payloads" if self.payloads else ""
        text = (
            f"{self.people:,} of {self.of:,} people were in the ledger; {self.entries:,} entries"
            f"{payloads} were deleted."
        )
        if self.in_use:
            text += (
                f" A run is requesting {self.in_use:,} of them right now: call forget again when "
                "it has finished."
            )
        return text


def forget(df: pd.DataFrame, *, columns: Mapping[str, object] | None = None) -> Forgotten:
    """Delete the ledger's entries for the people in a DataFrame. They are erased from the file.

    This includes their entries for every service, webhook payloads that belong to no bulk job, and
    their places in bulk jobs. Requesting these people again costs credits again.

    Parameters
    ----------
    df : DataFrame
        One person per row, as for `pronto_pandas.enrich`. Not modified.
    columns : mapping, optional
        Field to column name, as for `pronto_pandas.enrich`.

    Returns
    -------
    Forgotten
        Number of people found in the ledger and of deleted entries.

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
            f"Expected a DataFrame with one person per row, got {df.__class__.__name__}. "
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
    """Copy the ledger to a file that only you can read, even while runs use it. Sends nothing.

    Use this instead of copying the file: SQLite keeps the latest entries in the files ``-wal`` and
    ``-shm`` next to it. To restore a backup, stop every program that uses the ledger, delete its
    file and these two, and move the backup to the ledger's path.

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
    """Delete all answers older than a given age. They are erased from the file.

    Webhook payloads of that age that belong to no bulk job are deleted, too. Requests without an
    answer stay in the ledger, whatever their age, because repeating them may be charged again.
    Their entries contain a hash of the person, but no answer.

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
