"""Convert cells to text and back: no cell is evaluated as a formula, and no character is lost."""

# Why: docs/decisions/026-saving-for-excel.md

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

NUMBERS: Final = (int, float, Decimal, np.integer, np.floating)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters of strings that Excel evaluates as formulas when it opens a CSV file.

The last four are full-width: Japanese and Chinese versions of Excel read them like the others.
"""

_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)*", re.ASCII)
"""Numbers such as ``+33612345678``: they may begin with such a character, but are harmless."""

_EXACT: Final = 2.0**53
"""Above this, a float cannot represent every whole number, so it is not written as one."""

_NOT_IN_XML: Final = "\x00-\x08\x0b-\x1f\ufffe\uffff"  # also \r, which XML reads as \n
# Also an underscore before a string that looks like an escape.
_TO_ESCAPE: Final = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}[_{_NOT_IN_XML}])|[{_NOT_IN_XML}]")
_ESCAPED: Final = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")  # no half of a pair


def to_text(value: Any) -> str:
    """Return a value as text: dates in ISO format, lists as JSON, missing values as empty text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict | np.ndarray):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    if isinstance(value, Decimal):  # pd.isna raises for signaling NaNs
        return "" if value.is_nan() else str(value)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | np.floating):
        # A phone saved as a number has no ".0".
        return str(
            int(value) if float(value).is_integer() and abs(float(value)) < _EXACT else value
        )
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if is_date(value) else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def is_date(value: dt.datetime) -> bool:
    """Whether a time is midnight without a time zone, which in lists means a date."""
    return value.tzinfo is None and value.time() == dt.time()


def _is_formula(written: str) -> bool:
    bare = written.lstrip("'")
    return bare.startswith(_FORMULA) and not _NUMBER.fullmatch(bare)


def escape_formula(written: str) -> str:
    """Put an apostrophe before a string that Excel would evaluate; `unescape_formula` removes it.

    A string that already has apostrophes gets one more, so that no two strings become the same.
    """
    return f"'{written}" if _is_formula(written) else written


def unescape_formula(written: str) -> str:
    """Undo `escape_formula`."""
    return written[1:] if written.startswith("'") and _is_formula(written) else written


def escape_xml(written: str) -> str:
    """Escape what XML cannot contain, as Excel does.

    A carriage return becomes ``_x000D_``, and the string ``_x000D_`` becomes ``_x005F_x000D_``.
    """
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", written)


def unescape_xml(written: str) -> str:
    """Undo the escapes of `escape_xml` or Excel."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), written)
