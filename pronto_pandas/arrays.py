"""Small tools on columns of Python objects, where None stands for no value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
Objects = npt.NDArray[np.object_]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def objects(values: Iterable[Any], length: int) -> Objects:
    """Return the values as one column; each stays the object it is, lists too."""
    array = np.empty(length, dtype=object)
    array[:] = list(values)
    return array


def nothing(length: int) -> Objects:
    """Return a column without values."""
    return np.full(length, None, dtype=object)


def no_rows(length: int) -> Bools:
    """Return a mask of no row."""
    return np.zeros(length, dtype=np.bool_)


def present(values: Objects) -> Bools:
    """Say which cells hold a value."""
    return np.asarray(pd.notna(values), dtype=np.bool_)


def missing(column: pd.Series) -> Bools:
    """Say which cells of a column hold no value."""
    try:
        return np.array(column.isna(), dtype=np.bool_)  # of sparse columns it is sparse
    except ArithmeticError:  # a NaN that signals: Decimal("sNaN") refuses to be compared
        cells = ((isinstance(cell, Decimal) and cell.is_nan()) or pd.isna(cell) for cell in column)
        return np.fromiter((cell is True for cell in cells), np.bool_, len(column))


def cells_of(column: pd.Series) -> Objects:
    """Return the cells of a column as the objects that they are; the column stays as it is."""
    try:
        return np.array(column.astype(object), dtype=object)
    except (NotImplementedError, TypeError, ValueError):  # Arrow cannot convert each of its types
        return objects(column, len(column))


def encodable(values: Objects) -> Objects:
    """Return the values with U+FFFD for lone surrogates, which neither Arrow nor UTF-8 can hold."""
    return objects(
        (
            _SURROGATE.sub("\ufffd", value)
            if isinstance(value, str) and not value.isascii()
            else value
            for value in values
        ),
        len(values),
    )


def replaced(values: Objects, rows: Ints | Bools, by: Objects | str | None) -> Objects:
    """Return ``values`` with others in some rows."""
    new = values.copy()
    new[rows] = by
    return new


def any_of(masks: Iterable[Bools]) -> Bools:
    """Say which rows any mask holds."""
    return np.asarray(np.logical_or.reduce(list(masks)), dtype=np.bool_)


def all_of(masks: Iterable[Bools]) -> Bools:
    """Say which rows every mask holds."""
    return np.asarray(np.logical_and.reduce(list(masks)), dtype=np.bool_)


def joined(parts: Iterable[Objects | None], length: int, between: str = "; ") -> Objects:
    """Join texts row by row; None where no part has one. A part that is None has none at all."""
    whole = nothing(length)
    for part in parts:
        if part is None:
            continue
        more = present(part)
        both = more & present(whole)
        whole[both] = whole[both] + between + part[both]
        alone = more & ~both
        whole[alone] = part[alone]
    return whole
