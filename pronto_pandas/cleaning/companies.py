"""Clean a company's name, and compare it with others."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ..api.contact import same
from .languages import entries
from .text import UnusableError, bare, composed, readable

_NUMBER_OR_DATE: Final = re.compile(r"\d+\.0+|\d{4}-\d\d-\d\d(?:[T ][\d:.+Z-]+)?")
_ADDRESS: Final = re.compile(r"\w://|(?<!\w)www\.\w", re.IGNORECASE)
_EMOJIS: Final = re.compile(
    "(?:[\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff][\ufe0e\ufe0f\u200d\U000e0020-\U000e007f]*)+"
)
_HIRING: Final = re.compile(
    r"\s[\u2013\u2014-]\s(?:(?!\s[\u2013\u2014-]\s).)*\bhiring\b.*", re.IGNORECASE
)

_MARKS: Final = re.compile(r"[.'\u2019\u00b4`]|(?<=\b\w)/(?=\w\b)")
_LETTERS_APART: Final = re.compile(r"(?<!\S)(\w) (?=\w(?!\S))")


class LegalForms(NamedTuple):
    """Legal forms, to find companies among people's names."""

    in_any_case: frozenset[str]
    of_several_words: Mapping[str, list[str]]  # by their first word
    as_written: frozenset[str]
    as_written_or_surnames: frozenset[str]

    def spread_over(self, plain: Sequence[str]) -> bool:
        """Return whether consecutive words, as normalized by `bare`, are a legal form."""
        if self.of_several_words.keys().isdisjoint(plain):
            return False
        text = f" {' '.join(plain)} "
        return any(form in text for word in plain for form in self.of_several_words.get(word, ()))


@functools.cache
def legal_forms() -> LegalForms:
    """Return the legal forms in all languages."""
    several: dict[str, list[str]] = {}
    plain = [[bare(word) for word in form.split()] for form in _entries("legal_forms")]
    for first, *more in plain:
        if more:
            several.setdefault(first, []).append(f" {' '.join([first, *more])} ")
    as_written = _entries("legal_forms_as_written")
    return LegalForms(
        frozenset(form[0] for form in plain if len(form) == 1),
        several,
        frozenset(as_written),
        frozenset(as_written + _entries("legal_forms_or_surnames")),
    )


def _entries(*parts: str) -> list[str]:
    return [entry for part in parts for entry in entries("companies", part)]


@functools.cache
def _no_company() -> frozenset[str]:
    return frozenset(map(_letters, _entries("no_company")))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


@functools.cache
def _legal_form_at_the_end() -> re.Pattern[str]:
    forms = _entries("legal_forms", "legal_forms_as_written", "legal_forms_or_surnames", "joining")
    plain = dict.fromkeys(_plain(same(form)) for form in forms)
    return re.compile(f"(?: (?:{'|'.join(map(re.escape, plain))}))+$")


def company(text: str) -> str:
    """Clean a company's name; a single digit may be a name."""
    text = readable(text)
    small = text.casefold()
    if ("www." in small or "://" in small) and _ADDRESS.search(text):
        raise UnusableError("is a URL, not a company name")
    before = None
    while text != before and not (text.isascii() and "hiring" not in small):
        before = text
        text = composed(_HIRING.sub("", _EMOJIS.sub(" ", text)))
    letters = _letters(text) if len(text) < 60 else text
    if not letters or letters in _no_company() or _NUMBER_OR_DATE.fullmatch(text):
        raise UnusableError("is not a company name")
    return text


def company_key(text: str) -> str:
    """Return the key by which company names are compared.

    It ignores case, punctuation, "the" and the legal form. If that leaves nothing, it ignores only
    case.
    """
    compared = same(text)
    plain = f" {_plain(compared).removeprefix('the ')}"
    return _legal_form_at_the_end().sub("", plain).strip() or compared


def _plain(text: str) -> str:
    """Return words without punctuation, and single letters joined: "S. A." is "sa"."""
    text = "".join(c if _is_kept(c) else " " for c in _MARKS.sub("", text))
    return _LETTERS_APART.sub(r"\1", " ".join(text.split()))


def _is_kept(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
