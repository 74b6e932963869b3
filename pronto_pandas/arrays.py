"""Helpers for NumPy arrays of Python objects, in which None means no value."""

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
    """Return the values as an array of objects; lists stay lists."""
    array = np.empty(length, dtype=object)
    array[:] = list(values)
    return array


def nothing(length: int) -> Objects:
    """Return an array of None."""
    return np.full(length, None, dtype=object)


def no_rows(length: int) -> Bools:
    """Return a mask that is False everywhere."""
    return np.zeros(length, dtype=np.bool_)


def present(values: Objects) -> Bools:
    """Return which cells have a value."""
    return np.asarray(pd.notna(values), dtype=np.bool_)


def missing(column: pd.Series) -> Bools:
    """Return which cells of a column have no value."""
    try:
        return np.array(column.isna(), dtype=np.bool_)  # a sparse column has a sparse mask
    except ArithmeticError:  # a signaling NaN, Decimal("sNaN"), cannot be compared
        cells = ((isinstance(cell, Decimal) and cell.is_nan()) or pd.isna(cell) for cell in column)
        return np.fromiter((cell is True for cell in cells), np.bool_, len(column))


def cells_of(column: pd.Series) -> Objects:
    """Return a copy of the cells of a column as objects."""
    try:
        return np.array(column.astype(object), dtype=object)
    except (NotImplementedError, TypeError, ValueError):  # Arrow cannot convert some of its types
        return objects(column, len(column))


def encodable(values: Objects) -> Objects:
    """Replace lone surrogates with U+FFFD, because neither Arrow nor UTF-8 can encode them."""
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
    """Return a copy of ``values`` with other values in some rows."""
    new = values.copy()
    new[rows] = by
    return new


def any_of(masks: Iterable[Bools]) -> Bools:
    """Return which rows are True in any mask."""
    return np.asarray(np.logical_or.reduce(list(masks)), dtype=np.bool_)


def all_of(masks: Iterable[Bools]) -> Bools:
    """Return which rows are True in all masks."""
    return np.asarray(np.logical_and.reduce(list(masks)), dtype=np.bool_)


def joined(parts: Iterable[Objects | None], length: int, between: str = "; ") -> Objects:
    """Join texts row by row, skipping None; a row without any text stays None."""
    texts = nothing(length)
    for part in parts:
        if part is None:
            continue
        has_part = present(part)
        both = has_part & present(texts)
        texts[both] = texts[both] + between + part[both]
        first = has_part & ~both
        texts[first] = part[first]
    return texts
