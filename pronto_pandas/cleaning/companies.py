"""A company's name: whether it names one, and as it is compared with others."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
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
    """Legal forms as words of a text: which of them people are never called."""

    in_any_case: frozenset[str]
    of_several_words: frozenset[str]
    as_written: frozenset[str]
    or_surnames: frozenset[str]

    def among(self, words: Sequence[str], as_written: frozenset[str]) -> bool:
        """Return whether one of the words, or some in a row, are a legal form."""
        plain = [bare(word) for word in words]
        if not self.in_any_case.isdisjoint(plain) or not as_written.isdisjoint(words):
            return True
        text = f" {' '.join(plain)} "
        return any(form in text for form in self.of_several_words)


@functools.cache
def legal_forms() -> LegalForms:
    """Return the legal forms of companies in all languages."""
    plain = {" ".join(map(bare, form.split())) for form in entries("companies", "legal_forms")}
    return LegalForms(
        frozenset(form for form in plain if " " not in form),
        frozenset(f" {form} " for form in plain if " " in form),
        frozenset(entries("companies", "legal_forms_as_written")),
        frozenset(entries("companies", "legal_forms_or_surnames")),
    )


@functools.cache
def _no_company() -> frozenset[str]:
    return frozenset(map(_letters, entries("companies", "no_company")))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


@functools.cache
def _legal_form_at_the_end() -> re.Pattern[str]:
    parts = ("legal_forms", "legal_forms_as_written", "legal_forms_or_surnames", "joining")
    forms = dict.fromkeys(_plain(same(e)) for part in parts for e in entries("companies", part))
    return re.compile(f"(?: (?:{'|'.join(map(re.escape, forms))}))+$")


def company(text: str) -> str:
    """Clean a company's name; a digit can be one."""
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
    """Return a company's name as it is compared where people are counted per company.

    Parameters
    ----------
    text : str
        A name, as `company` returns it.

    Returns
    -------
    str
        Without case, punctuation, "the" and legal forms; where that leaves nothing, as `same`
        writes it.
    """
    compared = same(text)
    plain = f" {_plain(compared).removeprefix('the ')}"
    return _legal_form_at_the_end().sub("", plain).strip() or compared


def _plain(text: str) -> str:
    """Return words without punctuation, and letters that stand alone as one word."""
    text = "".join(c if _is_kept(c) else " " for c in _MARKS.sub("", text))
    return _LETTERS_APART.sub(r"\1", " ".join(text.split()))


def _is_kept(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
