"""What the cells of a column say of it: how full it is, and whether they can be sent as a field.

A few cells are looked at, evenly spaced, so that a long list is understood as quickly as a short
one. But a column is called empty only when all of it is.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ..arrays import Bools, Objects, cells_of, missing, present
from ..cleaning import fields

ROWS: Final = 10_000
"""So many rows tell how full a column is."""

CELLS: Final = 1_000
"""So many filled cells tell what it holds."""

_LINKEDIN: Final = re.compile(r"(?:^|[./])linkedin\.com(?:[/?#:]|$)", re.IGNORECASE)
_COMPANY_PAGE: Final = re.compile(
    r"(?:^|[./])linkedin\.com/(?:sales/)?(?:company|companies|school|showcase|organization)/",
    re.IGNORECASE,
)

MISPLACED: Final = {
    "linkedin_url": (_COMPANY_PAGE, "pages of companies"),
    "domain": (_LINKEDIN, "LinkedIn addresses"),
}
"""What a column whose header names the field may hold instead."""


class Look(NamedTuple):
    """What was seen of a column.

    Parameters
    ----------
    filled : float
        The share of the rows that hold something.
    usable : float
        The share of those cells that can be sent as the field.
    misplaced : bool
        All of them are what `MISPLACED` says.
    """

    filled: float
    usable: float
    misplaced: bool


def filled(values: pd.Series) -> pd.Series:
    """Say where a column has a value; missing and blank are the same."""
    there = ~missing(values)
    if not isinstance(values.dtype, np.dtype) or values.dtype.kind == "O":
        written = (not isinstance(v, str) or v.strip() != "" for v in cells_of(values))
        there &= np.fromiter(written, np.bool_, len(values))
    return pd.Series(there, index=values.index)


def look(values: pd.Series, name: str) -> Look:
    """Look at a column as if it were the field ``name``."""
    rows = _spaced(values, ROWS)
    cells = rows[filled(rows).to_numpy()]
    share = len(cells) / max(len(rows), 1)
    if cells.empty and len(rows) < len(values):
        cells = _anything(values)
        share = len(cells) / len(values)
    cells = _spaced(cells, CELLS)
    if cells.empty:
        return Look(0.0, 0.0, False)
    return Look(share, float(_usable(cells, name).mean()), _misplaced(cells, name))


def _anything(values: pd.Series) -> pd.Series:
    """Return what a column holds at all, once each where that is quick."""
    try:
        values = pd.Series(values.unique())
    except TypeError:  # lists and the like
        values = values[values.notna().to_numpy()]
    return values[filled(values).to_numpy()]


def mostly_holds(whole: pd.Series, part: pd.Series) -> bool:
    """Say whether most cells of one column hold the words of the other one, and more."""
    whole, part = _spaced(whole, ROWS), _spaced(part, ROWS)
    both = np.flatnonzero(filled(whole).to_numpy() & filled(part).to_numpy())
    pairs = zip(_spaced(part.iloc[both], CELLS), _spaced(whole.iloc[both], CELLS), strict=True)
    held = [_words(one) < _words(other) for one, other in pairs]
    return sum(held) * 2 > len(held)


def _words(cell: object) -> set[str]:
    return set(str(cell).casefold().replace(",", " ").split())


def _usable(cells: pd.Series, name: str) -> Bools:
    # A column of whole names holds names.
    values: Objects = fields.cleaned(cells, fields.CLEANERS.get(name, fields.CLEANERS["lastname"]))[
        0
    ]
    usable = present(values)
    if name == "domain":  # LinkedIn's own is nobody's company here
        usable &= ~_matches(cells, _LINKEDIN)
    return usable


def _misplaced(cells: pd.Series, name: str) -> bool:
    return name in MISPLACED and bool(_matches(cells, MISPLACED[name][0]).all())


def _matches(cells: pd.Series, pattern: re.Pattern[str]) -> Bools:
    return np.array([bool(pattern.search(str(cell))) for cell in cells], dtype=np.bool_)


def _spaced(values: pd.Series, most: int) -> pd.Series:
    return values.iloc[:: max(1, -(-len(values) // most))]
