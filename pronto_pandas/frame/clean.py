"""From cells to values that can be sent.

Each distinct value of a column is cleaned once. A cleaner takes a text and returns the value to
send, or raises `UnusableError` with the reason; the reason never holds the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import pandas as pd

from .arrays import Objects, objects

Cleaner = Callable[[str], str]

LONGEST: Final = 300
"""Characters; a longer value is a misplaced text, not a name or an address."""

_MISSING_WRITTEN: Final = frozenset(
    {"nan", "NaN", "NAN", "None", "none", "<NA>", "NaT", "null", "NULL", "N/A", "n/a", "#N/A"}
)
"""What other programs write into a cell for nothing."""

_INVISIBLE: Final = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_JOINERS: Final = "\u200c\u200d"  # invisible too, but letters of Persian and Indian names need them
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_PROFILE: Final = re.compile(r"(?:^|[./])linkedin\.com/(?:in|pub)/([^/?#\s]+)", re.IGNORECASE)


class UnusableError(ValueError):
    """A value cannot be sent; the message says why."""


def trimmed(text: str) -> str:
    """Return the text in composed form, without outer, repeated and invisible spaces."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
        text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)
    text = " ".join(text.split())
    return "" if text in _MISSING_WRITTEN or not any(map(str.isalnum, text)) else text


def name(text: str) -> str:
    """Clean a person's name."""
    if not any(map(str.isalpha, text)):
        raise UnusableError("is a number, not a name")
    if "@" in text or "://" in text:
        raise UnusableError("is an address, not a name")
    return text


def company(text: str) -> str:
    """Clean a company's name; a digit can be one."""
    return text


def domain(text: str) -> str:
    """Cut an internet domain out of an address, an email or a plain domain."""
    address = text if "//" in text else f"//{text}"
    try:
        host = (urlsplit(address).hostname or "").removeprefix("www.").rstrip(".")
    except ValueError:
        host = ""
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise UnusableError("is no internet domain")
    return host


def linkedin(text: str) -> str:
    """Write the address of a person's public LinkedIn profile in its one form."""
    match = _PROFILE.search(text)
    if match is None:
        raise UnusableError("is no address of a person's LinkedIn profile")
    return f"https://www.linkedin.com/in/{match.group(1)}/"


CLEANERS: Final[dict[str, Cleaner]] = {
    "firstname": name,
    "lastname": name,
    "company_name": company,
    "domain": domain,
    "linkedin_url": linkedin,
}


def cleaned(values: pd.Series, cleaner: Cleaner) -> tuple[Objects, Objects]:
    """Clean a column.

    Parameters
    ----------
    values : Series
        Any dtype; cells may be missing, texts, or anything else.
    cleaner : callable
        From a trimmed text to the value to send.

    Returns
    -------
    values, problems : ndarray of object
        For each cell the value or None, and the reason why there is none or None.
    """
    cells = values.astype(object).to_numpy()
    missing = values.isna().to_numpy()
    keys = cells.copy()
    if not isinstance(values.dtype, pd.StringDtype):
        keys = objects((c if isinstance(c, str) else _NOT_TEXT for c in cells), len(cells))
    keys[missing] = ""
    codes, distinct = pd.factorize(keys)
    results = [_one(cell, cleaner) for cell in distinct]
    sendable = objects((value for value, _ in results), len(results))
    reasons = objects((reason for _, reason in results), len(results))
    return sendable[codes], reasons[codes]


class _NotText:
    """Stands for every cell that is a number, a date, a list, …."""


_NOT_TEXT: Final = _NotText()


def _one(cell: str | _NotText, cleaner: Cleaner) -> tuple[str | None, str | None]:
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
