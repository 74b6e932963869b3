"""What a cell is in a file of text or a workbook, and what it was: nothing is run, nothing lost."""

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
"""How a text begins that Excel would run when it opens a CSV file.

The last four are full-width: Excel takes them for the others where it is Japanese or Chinese.
"""

_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)*", re.ASCII)
"""What begins so and is no formula: above all phones, as in ``+33612345678``."""

_WHOLE: Final = 2.0**53
"""From here on a float is not sure of its last digit before the point."""

_NOT_IN_XML: Final = "\x00-\x08\x0b-\x1f\ufffe\uffff"  # \r too, which XML reads as \n
# Also what only looks like an escape, as the next character's own begins with an underscore.
_TO_ESCAPE: Final = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}[_{_NOT_IN_XML}])|[{_NOT_IN_XML}]")
_ESCAPED: Final = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")  # no half of a pair


def text(value: Any) -> str:
    """Write a value as text: dates as ISO has them, lists as JSON; what is missing is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict | np.ndarray):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    if isinstance(value, Decimal):  # not by pd.isna: NaNs that signal refuse to be compared
        return "" if value.is_nan() else str(value)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | np.floating):
        # A phone that was a number has no ".0".
        return str(
            int(value) if float(value).is_integer() and abs(float(value)) < _WHOLE else value
        )
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if only_a_day(value) else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def only_a_day(value: dt.datetime) -> bool:
    """Say whether a time is a midnight that knows of no zone: a day, as far as lists go."""
    return value.tzinfo is None and value.time() == dt.time()


def _runs(written: str) -> bool:
    bare = written.lstrip("'")
    return bare.startswith(_FORMULA) and not _NUMBER.fullmatch(bare)


def harmless(written: str) -> str:
    """Put an apostrophe before a text that Excel would run; `original` takes it away again.

    One goes before a text that has some already, too: so no two texts become the same.
    """
    return f"'{written}" if _runs(written) else written


def original(written: str) -> str:
    """Return the text that `harmless` was given."""
    return written[1:] if written.startswith("'") and _runs(written) else written


def escaped(written: str) -> str:
    """Write what XML cannot hold as Excel does: ``_x000D_``, and ``_x005F_x000D_`` for that."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", written)


def unescaped(written: str) -> str:
    """Return the text that `escaped`, or Excel, was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), written)
