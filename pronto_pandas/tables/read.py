"""Read a file of people: every cell becomes text, whichever program wrote the file."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import pandas as pd

from ..errors import ConfigurationError
from ..frame.results import text_dtype
from ..wording import counted
from .csv_dialect import (
    SAMPLE,
    Dialect,
    detect,
    end_of_filled,
    find_header,
    open_at_header,
    skipped_above,
    start_of_filled,
)
from .escaping import unescape_formula

TEXTS: Final = frozenset({".csv", ".tsv", ".txt"})
WORKBOOK: Final = ".xlsx"

_PERSONAL: Final = re.compile(r"@\w|linkedin\.com/in/", re.IGNORECASE)
"""Text that a person's row may contain, but a column name never does."""

_ADVICE: Final = {
    ".xls": "Open it in Excel and save it as .xlsx",
    ".parquet": "Use pd.read_parquet(path)",
}


def read(path: str | os.PathLike[str], *, sheet: str | int | None = None) -> pd.DataFrame:
    """Read a CSV or Excel file of people, with every cell as text.

    Cells are read exactly as written: phone numbers keep ``+`` and leading zeros, long numbers keep
    all digits, and ``N/A`` stays text. Only empty cells are missing values. The encoding, the
    separator and the header row are detected. A summary is printed.

    Parameters
    ----------
    path : path
        Text files (``.csv``, ``.tsv``, ``.txt``) may be UTF-8, UTF-16 or Windows-1252, separated by
        commas, semicolons, tabs or pipes. Notes above the header, as in LinkedIn's
        ``Connections.csv``, are skipped. In ``.xlsx`` files, whole numbers have no ``.0``, dates
        read as ``2026-11-22``, and formulas are read as their results.
    sheet : str or int, optional
        Sheet name, or position starting at 0. Default: the first visible sheet that is not empty.

    Returns
    -------
    DataFrame
        All columns with pandas' string dtype. An empty column name becomes ``Unnamed: 3``, and a
        duplicate name becomes ``Email.1``, as in pandas. Blank lines are skipped; short rows are
        padded with missing values. The protective apostrophe that ``df.pronto.save`` adds is
        removed.

    Raises
    ------
    ConfigurationError
        The file or the sheet does not exist or is empty, the file type is not supported, or a row
        is longer than the header.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"read expects a file path, got {type(path).__name__}.")
    path = Path(path).expanduser()
    _check_path(path, sheet)
    if path.suffix.lower() == WORKBOOK:
        df, found = _read_workbook(path, sheet)
    else:
        dialect = detect(path)
        [df] = chunks(path, dialect, None)
        found = str(dialect)
    size = f"{counted(len(df), 'row')}, {counted(df.shape[1], 'column')}"
    if any(_PERSONAL.search(str(header)) for header in df.columns):
        found += "; WARNING: the first row looks like data, not column names; add a header row"
    print(f"pronto: {path.name}: {size}; {found}")  # noqa: T201  the user must see what was detected
    return df


def _check_path(path: Path, sheet: str | int | None) -> None:
    kind = path.suffix.lower()
    if kind not in TEXTS | {WORKBOOK}:
        advice = _ADVICE.get(
            kind, "Save it in one of these formats from the program that created it"
        )
        raise ConfigurationError(
            f"Unsupported file type {path.name or str(path)!r}. Supported: .csv, .tsv, .txt, "
            f".xlsx. {advice}."
        )
    check_file(path)
    if sheet is not None and kind != WORKBOOK:
        raise ConfigurationError(f"sheet= is only for .xlsx files; {kind} files have no sheets.")


def check_file(path: Path) -> None:
    """Check that a file exists.

    Raises
    ------
    ConfigurationError
        The file does not exist, or the path is a folder.
    """
    problem = f"File not found: {path}"
    try:
        if path.is_file():
            return
        if path.is_dir():
            problem = f"{path} is a folder, not a file"
    except OSError as error:  # the name is too long, or a folder is not readable
        problem = f"Cannot read {path} ({error.strerror})"
    raise ConfigurationError(f"{problem}.")


def chunks(path: Path, dialect: Dialect, size: int | None) -> Generator[pd.DataFrame]:
    """Read a text file as DataFrames of ``size`` rows, or as one; there is always at least one.

    Raises
    ------
    ConfigurationError
        A row is longer than the header, or a quotation mark is not closed.
    """
    with open_at_header(path, dialect) as file:
        rows = _rows(file, path, dialect)
        names = _unique_names(next(rows))
        chunk = list(islice(rows, size))
        yield _frame(chunk, names)
        while chunk := list(islice(rows, size)):
            yield _frame(chunk, names)


def _rows(file: TextIO, path: Path, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the header and the rows, each as long as the header.

    A blank line is skipped. A line with an empty text in quotes is a row: in a file with one
    column, this is a row without a value.
    """
    ended = False

    def lines() -> Iterator[str]:
        nonlocal ended
        yield from file
        ended = True
        yield ""  # a blank row, unless a quotation mark is open: then it is part of that row

    rows, width = csv.reader(lines(), delimiter=dialect.delimiter), 0
    while True:
        line = dialect.skipped + rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error:  # a cell that is longer than any cell of a list
            row, ended = [""], True
        if row is None:
            return
        if row and ended:
            raise ConfigurationError(
                f"{path.name}, line {line}: unclosed quotation mark. Add the closing one, or write "
                '"" for a quotation mark inside a cell.'
            )
        width = width or len(row)
        if any(row[width:]):
            raise ConfigurationError(
                f"{path.name}, line {line}: {len(row)} cells, but the header has {width}. Detected "
                f"separator: {dialect.delimiter_name}. Put cells that contain it in quotation "
                "marks, or correct the line."
            )
        if row:
            yield [unescape_formula(cell) for cell in row[:width]] + [""] * (width - len(row))


def _read_workbook(path: Path, sheet: str | int | None) -> tuple[pd.DataFrame, str]:
    from . import excel

    rows, title, others = excel.rows(path, sheet)
    place = find_header(rows[:SAMPLE])
    if place is None:
        raise ConfigurationError(f"{path.name}: sheet {title!r} has no header row.")
    table, rows_above = rows[place:], sum(map(any, rows[:place]))
    left = min(start_of_filled(row) for row in table if any(row))
    width = max(map(end_of_filled, table)) - left
    names, *body = ((row[left:] + [""] * width)[:width] for row in table)
    found = f"sheet {title!r}"
    if others:
        found += f" (other sheets: {', '.join(map(repr, others))})"
    if rows_above:
        found += f"; {skipped_above(rows_above, 'row')}"
    return _frame(body, _unique_names(names)), found


def _frame(rows: list[list[str]], names: list[str]) -> pd.DataFrame:
    columns: Iterable[tuple[str, ...]] = zip(*rows, strict=True) if rows else [()] * len(names)
    texts = [pd.array([cell or None for cell in each], dtype=text_dtype()) for each in columns]
    return pd.DataFrame(dict(enumerate(texts))).set_axis(names, axis=1)


def _unique_names(headers: list[str]) -> list[str]:
    """Make the column names unique, as pandas does when it reads a file."""
    names: dict[str, None] = {}
    all_headers = set(headers)
    for place, header in enumerate(headers):
        name = base = header or f"Unnamed: {place}"
        suffix = 0
        while name in names or (suffix and name in all_headers):
            suffix += 1
            name = f"{base}.{suffix}"
        names[name] = None
    return list(names)
