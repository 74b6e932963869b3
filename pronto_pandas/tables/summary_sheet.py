"""The second sheet of a saved workbook: what became of the list, without any person's data."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pandas as pd

from ..errors import ConfigurationError
from ..frame.columns import position
from ..frame.summary import summarize

Rows = list[list[Any]]
"""Rows of cells. The first row, and each one after an empty row, is a header."""


def summary_sheet(df: pd.DataFrame) -> Rows:
    """Return the rows of the sheet; none if the DataFrame was not enriched."""
    headers: Iterable[object] = df.columns
    names = [h for h in headers if isinstance(h, str) and h.endswith("pronto_status")]
    if not names:
        return []
    prefix = min(names, key=len).removesuffix("pronto_status")
    with suppress(ConfigurationError):  # for example, two columns have the same name
        return _rows(df, prefix)
    return []


def _rows(df: pd.DataFrame, prefix: str) -> Rows:
    counts = summarize(df, None, prefix)
    rows: Rows = [["pronto_status", "rows"]]
    rows += [[status, number] for status, number in counts.statuses.items() if number]
    rows += [["total", counts.rows]]
    if counts.types:
        rows += [[], ["type", "rows with an answer", "found"]]
        rows += [[type_, rate.answered, rate.found] for type_, rate in counts.types.items()]
    name = f"{prefix}pronto_answered_at"
    if name in df.columns:
        column = df.iloc[:, position(df, name, "save")]
        times = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
        times = times.dropna().dt.tz_localize(None)
        if len(times):
            rows += [[], ["answered at (UTC)", "time"]]
            rows += [["first", times.min().floor("s")], ["last", times.max().floor("s")]]
    return rows
