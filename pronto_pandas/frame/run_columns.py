"""Read the columns that runs have written into a DataFrame, also after a file has changed them."""

# Why: docs/decisions/040-saved-frames.md

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..api.spec import TYPES, EnrichmentType
from ..arrays import (
    Bools,
    Ints,
    Objects,
    any_of,
    cells_of,
    missing,
    no_rows,
    nothing,
    objects,
    present,
)
from ..cleaning import fields
from .columns import position
from .options import Options
from .people import has_value

STATUSES: Final = ("found", "not_found", "skipped", "invalid", "error", "unknown", "pending")
"""Every ``pronto_status`` that a run writes."""

ANSWERED_AT: Final = "pronto_answered_at"
"""The column of the dates of the answers."""

Dates = npt.NDArray[np.datetime64]
"""Dates in UTC, in nanoseconds."""

_NO_VALUE: Final = ("n/a", "not_found", "not found")
"""Statuses of an email or a phone that mean that nothing was found."""

_PHONE_IN_TEXT: Final = re.compile(r"""["']number["']\s*:""")
"""A phone in a list that a CSV or Excel file has saved as text."""


@dataclass(frozen=True)
class TypeColumns:
    """The columns of one type as they are in the DataFrame."""

    count: Ints
    has_status: Bools
    no_value: Bools  # the status says that nothing was found
    texts: Objects
    row_per_phone: bool

    @classmethod
    def of(cls, df: pd.DataFrame, prefix: str, type_: EnrichmentType) -> TypeColumns | None:
        """Read the columns of a type; None if no run has written them."""
        status = column(df, f"{prefix}{type_}_status")
        return None if status is None else cls._read(df, prefix, type_, status)

    @classmethod
    def _read(
        cls, df: pd.DataFrame, prefix: str, type_: EnrichmentType, status: pd.Series
    ) -> TypeColumns:
        counts, row_per_phone = _count_values(df, prefix, type_)
        # Cleaning would take "N/A" for an empty cell; here it is a status.
        lowered = [c.strip().lower() if isinstance(c, str) else "" for c in status.astype(object)]
        no_value = np.isin(np.array(lowered, dtype=object).astype(str), _NO_VALUE)
        texts, _ = fields.cleaned(status, str)
        return cls(counts, present(texts) | no_value, no_value, texts, row_per_phone)


def column(df: pd.DataFrame, name: str) -> pd.Series | None:
    """Return the one column of a name, or None."""
    headers: Iterable[object] = df.columns
    return df.iloc[:, position(df, name, "report")] if name in headers else None


def statuses(values: pd.Series) -> Objects:
    """Return each row's ``pronto_status``; None for text that no run has written."""
    texts, _ = fields.cleaned(values, str)
    texts[~np.isin(texts.astype(str), STATUSES)] = None
    return texts


def found_in_row(
    status: Objects, answered: Bools, types: dict[Any, TypeColumns]
) -> dict[Any, Bools]:
    """Return for each type the rows with a value that Pronto has found.

    The status next to a value decides. A value without one was already in the DataFrame, unless it
    is the only value of a row that is ``found``.
    """
    got = {t: answered & (c.count > 0) & c.has_status & ~c.no_value for t, c in types.items()}
    explained = any_of([no_rows(len(status)), *got.values()])
    rest = (status == "found") & ~explained
    return {t: got[t] | (rest & (c.count > 0) & ~c.has_status) for t, c in types.items()}


def _count_values(df: pd.DataFrame, prefix: str, type_: EnrichmentType) -> tuple[Ints, bool]:
    """Count the values of a type in each row; also return whether each phone has its own row."""
    counts = np.zeros(len(df), dtype=np.intp)
    if type_ != "phone":
        return counts + _filled(column(df, f"{prefix}{type_}"), len(df)), False
    headers: Iterable[object] = df.columns
    pattern = re.escape(prefix) + r"phone_\d+"
    names = [h for h in headers if isinstance(h, str) and re.fullmatch(pattern, h)]
    for name in dict.fromkeys(names):
        counts = counts + _filled(column(df, name), len(df))
    if names:
        return counts, False
    lists = column(df, f"{prefix}phones")
    if lists is not None:
        return np.fromiter(map(_count_list, lists.astype(object)), np.intp, len(df)), False
    phone = column(df, f"{prefix}phone")
    return counts + _filled(phone, len(df)), phone is not None


def _filled(values: pd.Series | None, length: int) -> Bools:
    return no_rows(length) if values is None else has_value(values)


def _count_list(cell: Any) -> int:
    """Count the phones of a list, also if a file has saved it as text."""
    if isinstance(cell, str):
        text = fields.trimmed(cell)
        return len(_PHONE_IN_TEXT.findall(text)) or int(bool(text))
    return len(cell) if isinstance(cell, list | tuple | np.ndarray) else 0


# Lists of phones


def lists_of_phones(values: pd.Series) -> Objects | None:
    """Return cells in which lists that a file has saved as text are lists; None without such."""
    cells = cells_of(values)
    new = objects(map(_as_list, cells), len(cells))
    return new if any(one is not other for one, other in zip(new, cells, strict=True)) else None


def _as_list(cell: Any) -> Any:
    if not (isinstance(cell, str) and cell.startswith("[")):
        return cell
    try:
        phones = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return phones if all(isinstance(phone, dict) for phone in phones) else cell


# Dates


def no_dates(length: int) -> Dates:
    """Return an array of NaT."""
    return np.full(length, "NaT", dtype="datetime64[ns]")


def dates_from(seconds: Iterable[float | None], length: int) -> Dates:
    """Return dates from seconds since 1970, rounded to milliseconds, which Excel keeps."""
    values = np.fromiter((np.nan if s is None else s for s in seconds), np.float64, length)
    dates, there = no_dates(length), np.isfinite(values)
    dates[there] = np.rint(values[there] * 1000).astype("int64").astype("datetime64[ms]")
    return dates


def read_dates(values: pd.Series) -> tuple[Dates, bool]:
    """Read the dates of a column, in UTC unless a cell says otherwise.

    Returns
    -------
    dates, complete
        NaT for a cell without a date; and whether every other cell was read.
    """
    cells, filled = cells_of(values), ~missing(values)
    filled &= np.fromiter((not _is_blank(cell) for cell in cells), np.bool_, len(cells))
    readable = filled & np.fromiter(
        (isinstance(cell, str | dt.datetime | np.datetime64) for cell in cells),
        np.bool_,
        len(cells),
    )
    cells[~readable] = None
    try:
        parsed = pd.to_datetime(
            pd.Series(cells, dtype=object), format="ISO8601", utc=True, errors="coerce"
        )
        naive = parsed.dt.tz_localize(None)
        naive = naive.where(naive.between(pd.Timestamp.min, pd.Timestamp.max))
        dates = naive.dt.as_unit("ns").to_numpy(dtype="datetime64[ns]")
    except (ValueError, OverflowError, TypeError):  # of pandas, for what it cannot convert at all
        dates = no_dates(len(cells))
    return dates, bool((~np.isnat(dates) == filled).all())


def _is_blank(cell: Any) -> bool:
    return isinstance(cell, str) and not cell.strip()


def latest(one: Dates, other: Dates) -> Dates:
    """Return the later of two dates of each row; a date is later than none."""
    return np.fmax(one, other)


# Rows of an earlier run


@dataclass(frozen=True)
class Earlier:
    """What earlier runs have written into each row.

    Parameters
    ----------
    found : dict of str to ndarray of bool
        For each type, the rows that have a value from Pronto.
    status, message : ndarray of object
        The ``pronto_status`` and ``pronto_message``, or None.
    answered_at : ndarray of datetime64
        The date of the answer, or NaT.
    """

    found: dict[EnrichmentType, Bools]
    status: Objects
    message: Objects
    answered_at: Dates

    @classmethod
    def of(cls, df: pd.DataFrame, options: Options) -> Earlier:
        """Read a DataFrame in which a run may have written before."""
        length, prefix = len(df), options.prefix
        if not df.columns.is_unique:  # a name that two columns have is of no use here
            df = df.loc[:, ~df.columns.duplicated(keep=False)]
        named = {
            name: column(df, prefix + name)
            for name in ("pronto_status", "pronto_message", "enrichment_id", ANSWERED_AT)
        }
        dates = no_dates(length)
        if (cells := named[ANSWERED_AT]) is not None:
            dates, _ = read_dates(cells)
        if (cells := named["pronto_status"]) is None:
            return cls({}, nothing(length), nothing(length), dates)
        status, ids = statuses(cells), named["enrichment_id"]
        answered = np.isin(status.astype(str), ["found", "not_found"])
        answered |= present(status) & (_filled(ids, length) | ~np.isnat(dates))
        types = {t: _columns_of(df, prefix, t) for t in TYPES}
        found = found_in_row(status, answered, types)
        return cls(
            {type_: found[type_] for type_ in options.types},
            status,
            _texts(named["pronto_message"], length),
            dates,
        )

    def of_any(self) -> Bools:
        """Return the rows that have a value from Pronto of any of the types."""
        return any_of([no_rows(len(self.status)), *self.found.values()])

    def of_all(self) -> Bools:
        """Return the rows that have a value from Pronto of each of the types."""
        none = no_rows(len(self.status))
        return np.logical_and.reduce([*self.found.values()]) if self.found else none


def lost_in(df: pd.DataFrame, options: Options) -> dict[EnrichmentType, Bools]:
    """Return for each type the rows whose request may have been charged and has no answer.

    These are ``unknown`` rows without a status of the type, if a run has requested the type.
    """
    if not df.columns.is_unique:
        df = df.loc[:, ~df.columns.duplicated(keep=False)]
    cells = column(df, f"{options.prefix}pronto_status")
    unknown = no_rows(len(df)) if cells is None else statuses(cells) == "unknown"
    if not unknown.any():
        return {}
    columns = {t: TypeColumns.of(df, options.prefix, t) for t in options.types}
    return {t: unknown & ~c.has_status for t, c in columns.items() if c is not None}


def _columns_of(df: pd.DataFrame, prefix: str, type_: EnrichmentType) -> TypeColumns:
    """Read the columns of a type; if the column of its status was deleted, no row has one."""
    there = TypeColumns.of(df, prefix, type_)
    if there is None:
        counts, row_per_phone = _count_values(df, prefix, type_)
        none = no_rows(len(df))
        there = TypeColumns(counts, none, none, nothing(len(df)), row_per_phone)
    return there


def _texts(values: pd.Series | None, length: int) -> Objects:
    if values is None:
        return nothing(length)
    cells = cells_of(values)
    is_text = np.fromiter((isinstance(cell, str) for cell in cells), np.bool_, length)
    cells[~is_text] = None
    return cells
