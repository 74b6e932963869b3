"""Lists of people as files have them: every cell a text, however the file was written."""

from __future__ import annotations

import csv
import os
import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import pandas as pd

from ..errors import ConfigurationError
from ..frame.results import text_dtype
from .csv_dialect import SAMPLE, Layout, begin, header, left_out, look, opened, reach
from .escaping import original

TEXTS: Final = frozenset({".csv", ".tsv", ".txt"})
WORKBOOK: Final = ".xlsx"

_PERSONAL: Final = re.compile(r"@\w|linkedin\.com/in/", re.IGNORECASE)
"""What no header holds."""

_OTHERS: Final = {
    ".xls": "Open it in Excel and save it as .xlsx",
    ".parquet": "pandas reads it: pd.read_parquet(path)",
}
"""What to do with files that are nearly right."""


def read(path: str | os.PathLike[str], *, sheet: str | int | None = None) -> pd.DataFrame:
    """Read a list of people from a CSV file or an Excel workbook, every cell as text.

    Nothing is made of a cell but what it says: phones keep their ``+`` and their zeros, long
    numbers their digits, and ``N/A`` is a text. Only a cell without a character is missing. The
    encoding, the separator and the header are found, and said in one line that is printed.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv`` or ``.txt``: in UTF-8, UTF-16 or Windows-1252; between commas,
        semicolons, tabs or bars; notes above the header are left out, as LinkedIn's
        ``Connections.csv`` has them. Or ``.xlsx``: numbers without ``.0``, dates as
        ``2026-11-22``, and of formulas what they came to.
    sheet : str or int, optional
        A sheet of the workbook, by its name, or by its number from 0 on. Without it the first one
        that holds something.

    Returns
    -------
    DataFrame
        All columns of the string dtype of the installed pandas. A header that is empty is
        ``Unnamed: 3``, one that is there already ``Email.1``, as pandas has it. Lines with nothing
        in them are left out; rows that end early are filled up. An apostrophe that
        ``df.pronto.save`` has put before a text, so that Excel does not run it, is taken away.

    Raises
    ------
    ConfigurationError
        Where there is no such file or sheet, it holds no table, or a row is longer than the
        header. Nothing was sent.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(
            f"read takes the path of a file, not a {path.__class__.__name__}. Nothing was sent."
        )
    path = Path(path).expanduser()
    _checked(path, sheet)
    if path.suffix.lower() == WORKBOOK:
        df, told = _of_workbook(path, sheet)
    else:
        layout = look(path)
        [df] = pieces(path, layout, None)
        told = str(layout)
    size = f"{_counted(len(df), 'row')}, {_counted(df.shape[1], 'column')}"
    if any(_PERSONAL.search(str(header)) for header in df.columns):
        told += "; its first line looks like a person, not like headers: add a line of headers"
    print(f"pronto: {path.name}: {size}; {told}")  # noqa: T201  what was guessed must be seen
    return df


def _checked(path: Path, sheet: str | int | None) -> None:
    kind = path.suffix.lower()
    if kind not in TEXTS | {WORKBOOK}:
        advice = _OTHERS.get(kind, "Save it as one of those in the program it is from")
        raise ConfigurationError(
            "A list is read from .csv, .tsv, .txt or .xlsx, not from "
            f"{path.name or str(path)!r}. {advice}. Nothing was sent."
        )
    check_file(path)
    if sheet is not None and kind != WORKBOOK:
        raise ConfigurationError(f"sheet= is for .xlsx; a {kind} has no sheets. Nothing was sent.")


def check_file(path: Path) -> None:
    """Refuse a path where no file is.

    Raises
    ------
    ConfigurationError
        With what is there.
    """
    what = f"There is no file {path}"
    try:
        if path.is_file():
            return
        if path.is_dir():
            what = f"{path} is a folder, not a file"
    except OSError as error:  # of a name that is too long, or a folder that may not be read
        what = f"{path} cannot be read ({error.strerror})"
    raise ConfigurationError(f"{what}. Nothing was sent.")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def pieces(path: Path, layout: Layout, size: int | None) -> Generator[pd.DataFrame]:
    """Read a file of text in frames of so many rows, or in one; there is always one.

    Parameters
    ----------
    path : Path
        The file.
    layout : Layout
        As `look` has found it.
    size : int, optional
        Rows in memory at a time.

    Raises
    ------
    ConfigurationError
        Where a row is longer than the header, or a quote is never closed.
    """
    with opened(path, layout) as file:
        rows = _rows(file, path, layout)
        headers = next(rows)
        named = _names(headers)
        piece = list(islice(rows, size))
        yield _frame(piece, named)
        while piece := list(islice(rows, size)):
            yield _frame(piece, named)


def check(path: Path, layout: Layout) -> None:
    """Read a file of text once, so that a row that is broken is found before anything is sent.

    Raises
    ------
    ConfigurationError
        As `pieces` does.
    """
    with opened(path, layout) as file:
        deque(_rows(file, path, layout), maxlen=0)


def _rows(file: TextIO, path: Path, layout: Layout) -> Iterator[list[str]]:
    """Yield the header and the rows, each as long as the header.

    A line with nothing on it is no row; one with an empty text in quotes is, which is how a row
    without values is written where there is one column.
    """
    ended = False

    def lines() -> Iterator[str]:
        nonlocal ended
        yield from file
        ended = True
        yield ""  # a row of its own, unless a quote is open

    rows, above, width = csv.reader(lines(), delimiter=layout.separator), layout.skipped, 0
    while True:
        begins = above + 1
        try:
            row = next(rows, None)
        except csv.Error:  # a cell that is longer than any of a list
            row, ended = [""], True
        if row is None:
            return
        above = layout.skipped + rows.line_num
        if row and ended:
            raise ConfigurationError(
                f"{path.name}: a quote that begins in the row of line {begins} does not end. Close "
                'it there, or double it ("") where it is a character of the text. Nothing was sent.'
            )
        width = width or len(row)
        if any(row[width:]):
            raise ConfigurationError(
                f"{path.name}: the row of line {begins} has {len(row)} cells, and the header "
                f"{width}. Taken as separators were {layout.separators}: put a cell that holds one "
                "in quotes, or correct the line. Nothing was sent."
            )
        if row:
            yield [original(cell) for cell in row[:width]] + [""] * (width - len(row))


def _of_workbook(path: Path, sheet: str | int | None) -> tuple[pd.DataFrame, str]:
    from . import excel

    rows, title, others = excel.rows(path, sheet)
    place = header(rows[:SAMPLE])
    if place is None:
        raise ConfigurationError(
            f"{path.name}: the sheet {title!r} has no header. Nothing was sent."
        )
    table, above = rows[place:], sum(map(any, rows[:place]))
    left = min(begin(row) for row in table if any(row))
    width = max(map(reach, table)) - left
    names, *body = ((row[left:] + [""] * width)[:width] for row in table)
    told = f"sheet {title!r}"
    if others:
        told += f" of {len(others) + 1}, beside {', '.join(map(repr, others))}"
    if above:
        told += f"; {left_out(above, 'row')}"
    return _frame(body, _names(names)), told


def _frame(rows: list[list[str]], names: list[str]) -> pd.DataFrame:
    columns: Iterable[tuple[str, ...]] = zip(*rows, strict=True) if rows else [()] * len(names)
    texts = [pd.array([cell or None for cell in each], dtype=text_dtype()) for each in columns]
    return pd.DataFrame(dict(enumerate(texts))).set_axis(names, axis=1)


def _names(headers: list[str]) -> list[str]:
    """Give each column a name of its own, as pandas does when it reads a file."""
    names: dict[str, None] = {}
    others = set(headers)
    for place, found in enumerate(headers):
        name = given = found or f"Unnamed: {place}"
        again = 0
        while name in names or (again and name in others):
            again += 1
            name = f"{given}.{again}"
        names[name] = None
    return list(names)
