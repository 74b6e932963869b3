"""Find fields by the cells alone, in columns whose names mean nothing.

Only LinkedIn profiles are used without being asked for, and only if they are of the people in the
same rows: a manager's profile would find a manager's phone. All else is suggested in an error.
"""

# Why: docs/decisions/022-columns.md

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote

import pandas as pd

from ..arrays import Ints
from ..cleaning import emails_phones, fields
from .column_profile import filled_rows

_FEWEST: Final = 3
"""Filled cells that a column must have before its content means anything."""

_MOST: Final = 0.6
"""The share of the filled cells that must be values of the field."""

_OWN: Final = 0.3
"""The share of the values that must contain a name of their row. Not every profile does."""

_ONE_WORD: Final[Mapping[str, tuple[re.Pattern[str], Callable[[str], object]]]] = {
    "linkedin_url": (
        re.compile(r"\S*linkedin\.com/(?:\S+/)?(?:in|pub)/\S+", re.IGNORECASE),
        fields.CLEANERS["linkedin_url"],
    ),
    "domain": (
        re.compile(r"(?!\S*linkedin)[^\s@]+\.[^\s@]+", re.IGNORECASE),
        fields.CLEANERS["domain"],
    ),
    "email": (re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"), emails_phones.email),
}

_NAMES: Final = ("firstname", "lastname", "fullname")
_BEFORE_NAME: Final = re.compile(r".*/(?:in|pub)/", re.IGNORECASE | re.DOTALL)
_FULL_NAME: Final = re.compile(r"[^\W\d_][\w'.\u2019-]*(?:,? [^\W\d_][\w'.\u2019-]*){1,3}")


def profiles(
    df: pd.DataFrame, places: Iterable[int], known: Mapping[str, int]
) -> tuple[list[int], list[int]]:
    """Return the columns of LinkedIn profiles: of the people in their rows, and of others.

    ``known`` maps fields to columns. If it has no names, no profile is of others.
    """
    own: list[int] = []
    of_others: list[int] = []
    for place in places:
        if _contains(df.iloc[:, place], "linkedin_url"):
            (own if _of_the_people(df, place, known) else of_others).append(place)
    return own, of_others


def suggested(
    df: pd.DataFrame, field: str, places: Iterable[int], known: Mapping[str, int]
) -> int | None:
    """Return the only column that looks like a field, or None.

    A first name, a last name or a company's name looks like any other text: none is suggested.
    """
    if field == "fullname":
        found = [place for place in places if _are_full_names(df, place, known)]
    else:
        found = [place for place in places if _contains(df.iloc[:, place], field)]
        if field != "domain":
            found = [place for place in found if _of_the_people(df, place, known)]
    return found[0] if len(found) == 1 else None


def _contains(values: pd.Series, field: str) -> bool:
    """Whether most filled cells are one value of a field, and nothing more."""
    rows = filled_rows(values)
    if len(rows) < _FEWEST or field not in _ONE_WORD:
        return False
    pattern, cleaner = _ONE_WORD[field]
    texts = _texts(values, rows)
    candidates = [text for text in texts if pattern.fullmatch(text)]
    if len(candidates) < _MOST * len(rows):  # cleaning takes longer
        return False
    return sum(_usable(text, cleaner) for text in candidates) >= _MOST * len(rows)


def _usable(text: str, cleaner: Callable[[str], object]) -> bool:
    try:
        cleaner(text)
    except fields.UnusableError:
        return False
    return True


def _of_the_people(df: pd.DataFrame, place: int, known: Mapping[str, int]) -> bool:
    """Whether enough profiles or emails contain a name of the person in their row."""
    columns = [df.iloc[:, known[name]] for name in _NAMES if name in known]
    rows = filled_rows(df.iloc[:, place])
    names = [_words(" ".join(row)) for row in zip(*(_texts(c, rows) for c in columns), strict=True)]
    written = [_personal_part(text) for text in _texts(df.iloc[:, place], rows)]
    pairs = [(words, text) for words, text in zip(names, written, strict=False) if words]
    own = sum(any(word in text for word in words) for words, text in pairs)
    return own >= _OWN * len(pairs)


def _are_full_names(df: pd.DataFrame, place: int, known: Mapping[str, int]) -> bool:
    """Whether most cells are several words of which two are in the row's profile or email.

    Without a profile or an email, a full name looks like a job title.
    """
    evidence = next((known[name] for name in ("linkedin_url", "email") if name in known), None)
    rows = filled_rows(df.iloc[:, place])
    if evidence is None or len(rows) < _FEWEST:
        return False
    pairs = zip(_texts(df.iloc[:, place], rows), _texts(df.iloc[:, evidence], rows), strict=True)
    there = [(name, _personal_part(text)) for name, text in pairs if text]
    names = sum(
        _FULL_NAME.fullmatch(name) is not None and sum(w in text for w in _words(name)) > 1
        for name, text in there
    )
    return len(there) >= _FEWEST and names >= _MOST * len(there)


def _texts(values: pd.Series, rows: Ints) -> list[str]:
    """Return the cells of these rows; an empty string for one that is too long or not text."""
    texts = (cell.strip() if isinstance(cell, str) else "" for cell in values.iloc[rows])
    return [text if len(text) <= fields.LONGEST else "" for text in texts]


def _personal_part(text: str) -> str:
    """Return the end of a profile's URL, or the part of an email before the @."""
    return _plain(unquote(_BEFORE_NAME.sub("", text)).partition("@")[0])


def _words(name: str) -> list[str]:
    """Return the words of a name that are long enough to be recognized in another text."""
    return [word for word in re.findall(r"[^\W_]+", _plain(name)) if len(word) > 2]


def _plain(text: str) -> str:
    """Return a text in lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))
