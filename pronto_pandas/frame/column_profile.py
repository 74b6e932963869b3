"""Profile a column: how full it is, and whether its cells can be sent as a field.

Only some evenly spaced cells are read, so a long list takes no longer than a short one. But a
column counts as empty only if all of it is.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ..arrays import Bools, Ints, cells_of, missing, present
from ..cleaning import fields

ROWS: Final = 10_000
"""Rows that are read to estimate how full a column is."""

CELLS: Final = 1_000
"""Filled cells that are read to see what a column contains."""

_LINKEDIN: Final = re.compile(r"(?:^|[./])linkedin\.com(?:[/?#:]|$)", re.IGNORECASE)
_COMPANY_PAGE: Final = re.compile(
    r"(?:^|[./])linkedin\.com/(?:sales/)?(?:company|companies|school|showcase|organization)/",
    re.IGNORECASE,
)

MISPLACED: Final = {
    "linkedin_url": (_COMPANY_PAGE, "company pages"),
    "domain": (_LINKEDIN, "LinkedIn URLs"),
}
"""Values of other kinds that a column may contain although its header names the field."""


class Profile(NamedTuple):
    """Shares of a column's cells, and whether the values are of the kind in `MISPLACED`."""

    filled: float  # of the rows
    usable: float  # of the filled cells
    misplaced: bool


def filled(values: pd.Series) -> pd.Series:
    """Return a mask of the rows with a value; missing and blank are the same."""
    there = ~missing(values)
    if not isinstance(values.dtype, np.dtype) or values.dtype.kind == "O":
        written = (not isinstance(v, str) or v.strip() != "" for v in cells_of(values))
        there &= np.fromiter(written, np.bool_, len(values))
    return pd.Series(there, index=values.index)


def filled_rows(values: pd.Series) -> Ints:
    """Return the positions of some evenly spaced cells with a value."""
    places = pd.Series(np.arange(len(values)))
    rows = _spaced(places, ROWS)
    mask = filled(values.iloc[rows.to_numpy()]).to_numpy()
    return _spaced(rows[mask], CELLS).to_numpy()


def profile(values: pd.Series, name: str) -> Profile:
    """Profile a column as if it were the field ``name``."""
    rows = _spaced(values, ROWS)
    cells = rows[filled(rows).to_numpy()]
    share = len(cells) / max(len(rows), 1)
    if cells.empty and len(rows) < len(values):
        cells = _anything(values)
        share = len(cells) / len(values)
    cells = _spaced(cells, CELLS)
    if cells.empty:
        return Profile(0.0, 0.0, False)
    return Profile(share, float(_usable(cells, name).mean()), _misplaced(cells, name))


def _anything(values: pd.Series) -> pd.Series:
    """Return the filled values of a column, if possible without duplicates."""
    try:
        values = pd.Series(values.unique())
    except TypeError:  # lists and the like
        values = values[values.notna().to_numpy()]
    return values[filled(values).to_numpy()]


def mostly_contains(whole: pd.Series, part: pd.Series) -> bool:
    """Return whether most cells of ``whole`` contain all words of ``part``, and more."""
    whole, part = _spaced(whole, ROWS), _spaced(part, ROWS)
    both = np.flatnonzero(filled(whole).to_numpy() & filled(part).to_numpy())
    pairs = zip(_spaced(part.iloc[both], CELLS), _spaced(whole.iloc[both], CELLS), strict=True)
    held = [_words(one) < _words(other) for one, other in pairs]
    return sum(held) * 2 > len(held)


def _words(cell: object) -> set[str]:
    return set(str(cell).casefold().replace(",", " ").split())


def _usable(cells: pd.Series, name: str) -> Bools:
    # A column of full names contains names.
    cleaner = fields.CLEANERS.get(name, fields.CLEANERS["lastname"])
    values, _ = fields.cleaned(cells, cleaner)
    usable = present(values)
    if name == "domain":  # linkedin.com is not the company here
        usable &= ~_matches(cells, _LINKEDIN)
    return usable


def _misplaced(cells: pd.Series, name: str) -> bool:
    return name in MISPLACED and bool(_matches(cells, MISPLACED[name][0]).all())


def _matches(cells: pd.Series, pattern: re.Pattern[str]) -> Bools:
    return np.array([bool(pattern.search(str(cell))) for cell in cells], dtype=np.bool_)


def _spaced(values: pd.Series, most: int) -> pd.Series:
    return values.iloc[:: max(1, -(-len(values) // most))]
