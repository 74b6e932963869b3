"""What is kept of people, and how it is deleted: ``pronto.ledger``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pandas as pd

from .errors import ConfigurationError
from .frame.cells import people
from .run import open_ledger
from .settings import current


def info() -> pd.DataFrame:
    """Say where the ledger is, what it holds, and how old that is. Sends nothing.

    Returns
    -------
    DataFrame
        One row an address and state, with ``entries`` (int), ``oldest`` and ``newest``
        (datetime, UTC). ``attrs["place"]`` says where the ledger is.

    Raises
    ------
    LedgerError
        Where the ledger cannot be read.
    """
    ledger = open_ledger(current())
    with ledger.read() as t:
        rows = ledger.count(t)
    table = pd.DataFrame(rows, columns=["service", "state", "entries", "oldest", "newest"])
    for name in ("oldest", "newest"):
        table[name] = pd.to_datetime(table[name].astype("float64"), unit="s", utc=True)
    table.attrs["place"] = ledger.place
    return table


def forget(df: pd.DataFrame, *, columns: Mapping[str, object] | None = None) -> int:
    """Delete what the ledger knows of the people in a frame. It is gone from the file.

    Asking for them again is paid for again.

    Parameters
    ----------
    df : DataFrame
        As for `pronto_pandas.enrich`.
    columns : mapping, optional
        Field to header, as for `pronto_pandas.enrich`.

    Returns
    -------
    int
        How many entries were deleted: one a person and type.

    Raises
    ------
    ConfigurationError
        Where the frame lacks a column.
    LedgerError
        Where the ledger cannot be written.
    """
    contacts = list(people(df, columns))
    ledger = open_ledger(current())
    with ledger.write() as t:
        gone = ledger.forget(t, contacts)
    ledger.database.checkpoint()
    return gone


def purge(older_than: timedelta | str | float) -> int:
    """Delete what is older than a time, of everybody. It is gone from the file.

    Parameters
    ----------
    older_than : timedelta, str or float
        ``"90 days"``, as pandas reads it, or a number of days. 0 deletes everything.

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
