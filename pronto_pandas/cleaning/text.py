"""Normalize text before cleaning: spaces, invisible characters, entities, missing values."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

NOTHING: Final = frozenset(
    {
        "nan", "NaN", "NAN", "-nan", "None", "none", "<NA>", "NaT", "null", "NULL", "(null)",
        "[null]",
        r"\N", "N/A", "n/a", "N/a", "n.a.", "N.A.", "#N/A", "#N/A N/A", "#NA", "#NULL!", "#REF!",
        "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "1.#QNAN", "-1.#IND", "undefined", "Undefined",
        "UNDEFINED", "<nil>", "[object Object]",
    }
)  # fmt: skip
"""Cells that other programs write for a missing value. "Nan", "Null" and "Nil" are names."""

JOINERS: Final = "\u200c\u200d"  # invisible too, but letters of Persian and Indian names need them

_INVISIBLE: Final = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
# Only with their semicolon: "Barnes &copy" is not an entity.
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


# UTF-8 read as Windows-1252 or Latin-1: the first byte of a letter, and its second one.
_GARBLED: Final = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf\u20ac\u201a-\u201e\u0192\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]|(?<=[a-z])\u00c3"
)
_WIDE: Final = {wide: wide - 0xFEE0 for wide in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}


class UnusableError(ValueError):
    """A value cannot be sent; the message says why."""


def readable(text: str) -> str:
    """Return the text with full-width letters as plain ones, or raise if it is garbled."""
    if text.isascii():
        return text
    if _GARBLED.search(text):
        raise UnusableError("has garbled characters: the file was read with the wrong encoding")
    return text.translate(_WIDE)


def table(*lines: str) -> frozenset[str]:
    """Return the words of all lines."""
    return frozenset(" ".join(lines).split())


def bare(word: str) -> str:
    """Return a word in lower case, without accents or full stops."""
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word)
        word = "".join(c for c in decomposed if not unicodedata.combining(c))
    return word.replace(".", "").casefold()


def trimmed(text: str) -> str:
    """Return the text in composed form, or "" if it means a missing value."""
    text = composed(text)
    return "" if text in NOTHING or not any(map(str.isalnum, text)) else text


def composed(text: str) -> str:
    """Return the text in composed form, with HTML entities decoded and stray spaces removed."""
    text = _spaced(text)
    # Repeated, because an entity may have been escaped twice, or hidden by removed characters.
    while "&" in text and (plain := _spaced(_ENTITY.sub(_character, text))) != text:
        text = plain
    return text


def _spaced(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
        text = "".join(c if c.isprintable() or c in JOINERS else " " for c in text)
    return " ".join(text.split())


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])
