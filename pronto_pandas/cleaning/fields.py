"""Clean the cells of a column, so that their values can be sent.

Each distinct value of a column is cleaned once. A cleaner takes a string and returns the value to
send, or raises `UnusableError` with the reason. The reason never contains the value.
"""

# Why: docs/decisions/021-cleaning-refuses-to-guess.md

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

import pandas as pd

from ..arrays import Objects, cells_of, missing, objects
from .companies import company
from .domains import domain
from .linkedin import linkedin
from .names import first, last
from .text import UnusableError, trimmed

__all__ = ["CLEANERS", "LONGEST", "Cleaner", "UnusableError", "cleaned", "company", "trimmed"]

Cleaner = Callable[[str], str]

LONGEST: Final = 300
"""Maximum number of characters; a longer value is misplaced text, not a name or a URL."""

CLEANERS: Final[dict[str, Cleaner]] = {
    "firstname": first,
    "lastname": last,
    "company_name": company,
    "domain": domain,
    "linkedin_url": linkedin,
}


def cleaned(values: pd.Series, cleaner: Callable[[str], Hashable]) -> tuple[Objects, Objects]:
    """Clean a column of any dtype; a cleaner may return several values in a tuple.

    Returns
    -------
    values, problems : ndarray of object
        For each cell, its cleaned value (or None) and why it has no valid value (or None).
    """
    cells = cells_of(values)
    keys = cells.copy()
    if not isinstance(values.dtype, pd.StringDtype):
        keys = objects((c if isinstance(c, str) else _NOT_TEXT for c in cells), len(cells))
    keys[missing(values)] = ""
    codes, distinct = pd.factorize(keys)
    results = [_one(cell, cleaner) for cell in distinct]
    sendable = objects((value for value, _ in results), len(results))
    reasons = objects((reason for _, reason in results), len(results))
    return sendable[codes], reasons[codes]


class _NotText:
    """Stands for every cell that is a number, a date, a list, …."""


_NOT_TEXT: Final = _NotText()


def _one(cell: str | _NotText, cleaner: Callable[[str], Hashable]) -> tuple[Hashable, str | None]:
    if isinstance(cell, _NotText):
        return None, "is not text"
    text = trimmed(cell)
    if not text:
        return None, None
    if len(text) > LONGEST:
        return None, f"is longer than {LONGEST} characters"
    try:
        return cleaner(text), None
    except UnusableError as error:
        return None, str(error)
