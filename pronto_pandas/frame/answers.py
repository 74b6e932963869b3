"""What the cells of an enriched frame say of each type: who was answered, and what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ..api.spec import TYPES, EnrichmentType
from ..arrays import Bools, Ints, Objects, any_of, no_rows, present
from ..cleaning import fields
from .columns import position
from .people import holds
from .plan import NEEDS

_EMPTY_HANDED: Final = frozenset({"n/a", "not_found", "not found"})
"""How a status says that there is no value."""

_ONE_OF_A_LIST: Final = re.compile(r"""["']number["']\s*:""")
"""A phone in a list that a CSV or Excel file has written as text."""


@dataclass(frozen=True)
class Answers:
    """What a frame says of one type, row by row.

    Parameters
    ----------
    answered : ndarray of bool
        Rows that asked for it and were answered.
    found : ndarray of bool
        Those of them that got a value.
    count : ndarray of int
        How many values the row's cells hold, whosever they are.
    texts : ndarray of object
        The status of the value, or None.
    row_each : bool
        Whether each phone has a row of its own.
    """

    answered: Bools
    found: Bools
    count: Ints
    texts: Objects
    row_each: bool


def read(
    df: pd.DataFrame, prefix: str, status: Objects, fields: Mapping[str, Objects]
) -> dict[EnrichmentType, Answers]:
    """Read the columns of each type that some run has asked for.

    A value without a status was the caller's own; but where it is all that a row has found, it
    is what was found. An empty cell without a status was not asked for, or not answered; but where
    rows that are ``not_found`` lack it too, the N/A was lost on the way through a file, and what
    could be asked was.

    Parameters
    ----------
    df : DataFrame
        An enriched frame.
    prefix : str
        What stands before the columns that the run added.
    status : ndarray of object
        Each row's ``pronto_status``.
    fields : mapping of str to ndarray of object
        The cleaned values of the fields, None where there is none.
    """
    settled = np.isin(status.astype(str), ["found", "not_found"])
    kinds = {t: cells for t in TYPES if (cells := _Cells.of(df, prefix, t)) is not None}
    got = {t: settled & (c.count > 0) & c.said & ~c.empty_handed for t, c in kinds.items()}
    explained = any_of([no_rows(len(df)), *got.values()])
    read = {}
    for type_, cells in kinds.items():
        alone = (status == "found") & ~explained & (cells.count > 0) & ~cells.said
        found = got[type_] | alone
        blank = settled & (cells.count == 0)
        told = blank & cells.said
        able = blank & _able(fields, NEEDS["sync", type_])
        if not told.any() and (able & (status == "not_found")).any():
            told = able
        answered = found | told | (settled & cells.empty_handed)
        read[type_] = Answers(answered, found, cells.count, cells.texts, cells.row_each)
    return read


def column(df: pd.DataFrame, name: str) -> pd.Series | None:
    """Return the one column of a name; None where there is none."""
    headers: Iterable[object] = df.columns
    return df.iloc[:, position(df, name, "The report")] if name in headers else None


def _able(fields: Mapping[str, Objects], needs: Iterable[str]) -> Bools:
    """Say which rows could be asked for a type; all, where the frame has lost what it takes."""
    able = any_of(present(fields[name]) for name in needs)
    return able if able.any() else ~able


@dataclass(frozen=True)
class _Cells:
    """The columns of one type as they stand.

    ``said`` is where a status is, ``empty_handed`` where it says that there is no value.
    """

    count: Ints
    said: Bools
    empty_handed: Bools
    texts: Objects
    row_each: bool

    @classmethod
    def of(cls, df: pd.DataFrame, prefix: str, type_: EnrichmentType) -> _Cells | None:
        """Read the columns of a type; None where no run has written them."""
        status = column(df, f"{prefix}{type_}_status")
        if status is None:
            return None
        counts, row_each = _values(df, prefix, type_)
        # An N/A is a status here, where other cleaning takes it for an empty cell.
        lowered = [c.strip().lower() if isinstance(c, str) else "" for c in status.astype(object)]
        empty_handed = np.isin(np.array(lowered, dtype=object).astype(str), list(_EMPTY_HANDED))
        texts, _ = fields.cleaned(status, str)
        return cls(counts, present(texts) | empty_handed, empty_handed, texts, row_each)


def _values(df: pd.DataFrame, prefix: str, type_: EnrichmentType) -> tuple[Ints, bool]:
    """Count the values of a type in each row, and say whether each phone has a row of its own."""
    counts = np.zeros(len(df), dtype=np.intp)
    if type_ != "phone":
        return counts + _there(column(df, f"{prefix}{type_}"), len(df)), False
    headers: Iterable[object] = df.columns
    pattern = re.escape(prefix) + r"phone_\d+"
    names = [h for h in headers if isinstance(h, str) and re.fullmatch(pattern, h)]
    for name in dict.fromkeys(names):
        counts = counts + _there(column(df, name), len(df))
    if names:
        return counts, False
    lists = column(df, f"{prefix}phones")
    if lists is not None:
        return np.fromiter(map(_length, lists.astype(object)), np.intp, len(df)), False
    phone = column(df, f"{prefix}phone")
    return counts + _there(phone, len(df)), phone is not None


def _there(values: pd.Series | None, length: int) -> Bools:
    """Say which cells hold a value; a file may have made numbers of phones."""
    return no_rows(length) if values is None else holds(values)


def _length(cell: Any) -> int:
    """Count the phones of a list, also of one that a file has written as text."""
    if isinstance(cell, str):
        text = fields.trimmed(cell)
        return len(_ONE_OF_A_LIST.findall(text)) or int(bool(text))
    return len(cell) if isinstance(cell, list | tuple | np.ndarray) else 0
