"""Excel workbooks, by openpyxl: the one place that imports it, when a workbook is there."""

from __future__ import annotations

import datetime as dt
import math
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.rich_text import CellRichText
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from ..errors import ConfigurationError
from .escaping import NUMBERS, escaped, only_a_day, text, unescaped

ROWS: Final = 1_048_576
COLUMNS: Final = 16_384
CHARACTERS: Final = 32_767
"""What a sheet, and a cell, holds at most."""

_DIGITS: Final = 10**15
"""Whole numbers from here on lose their last digits in Excel."""

_FIRST_YEAR: Final = 1900
"""Where Excel's calendar begins."""

_KEPT: Final = tuple("=+-@'\t\r\n\uff1d\uff0b\uff0d\uff200123456789")
"""How texts begin of which Excel would make a formula or a number once their cell is edited."""

_OPENPYXL_READS: Final = ("#", *_KEPT)
"""How texts begin of which openpyxl might make a formula or an error, too."""

_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError, LookupError, ValueError,
    TypeError, AttributeError, RuntimeError,
)  # fmt: skip
"""What openpyxl raises of a file that is no workbook, or a damaged one."""


def rows(path: Path, sheet: str | int | None) -> tuple[list[list[str]], str, list[str]]:
    """Read a sheet as texts.

    Parameters
    ----------
    path : Path
        The workbook.
    sheet : str, int or None
        Its name, its number from 0 on, or None for the first one that holds something.

    Returns
    -------
    tuple
        Its rows but for those without a cell, its name, and the names of the other sheets.

    Raises
    ------
    ConfigurationError
        Where the file is no workbook that can be read, has no such sheet, or nothing in it.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="openpyxl")  # of what is no cell
        try:
            sheets = _sheets(file)
            # What is hidden is rarely the list.
            likely = sorted(sheets, key=lambda each: each.sheet_state != "visible")
            chosen = likely if sheet is None else [_named(sheets, sheet, path)]
            for each in chosen:
                if table := _table(each):
                    others = [other.title for other in sheets if other is not each]
                    return table, each.title, others
        except ConfigurationError:
            raise
        except _BROKEN:
            # Not from openpyxl's error, whose words may be those of a cell.
            raise ConfigurationError(
                f"{path.name} cannot be read: it is damaged, has a password, or is no Excel "
                "workbook. Open it in Excel, save it as .xlsx without a password, and read that. "
                "Nothing was sent."
            ) from None
    empty = "no sheet of it" if sheet is None else f"its sheet {chosen[0].title!r} not"
    raise ConfigurationError(
        f"{path.name} holds no table: {empty} has a filled cell. Nothing was sent."
    )


def _sheets(file: Any) -> list[Any]:
    reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    reader.read_strings = lambda: _read_strings(reader)
    reader.read()
    return list(reader.wb.worksheets)


def _read_strings(reader: Any) -> None:
    """Read the strings that cells share as they stand: openpyxl takes half of the escapes away."""
    part = reader.package.find(SHARED_STRINGS)
    if part is not None:
        with reader.archive.open(part.PartName[1:]) as source:
            for _, node in iterparse(source):
                if node.tag == f"{{{SHEET_MAIN_NS}}}si":
                    reader.shared_strings.append(Text.from_tree(node).content)
                    node.clear()


def _named(sheets: Sequence[Any], sheet: str | int, path: Path) -> Any:
    for place, each in enumerate(sheets):
        if sheet == each.title or (type(sheet) is int and sheet == place):
            return each
    names = ", ".join(repr(each.title) for each in sheets)
    raise ConfigurationError(
        f"{path.name} has no sheet {sheet!r}. Its sheets are {names}; the first one is also 0. "
        "Nothing was sent."
    )


def _table(sheet: Any) -> list[list[str]]:
    sheet.reset_dimensions()  # which some programs write wrong
    return [
        [unescaped(cell) if isinstance(cell, str) else text(cell) for cell in row]
        for row in sheet.iter_rows(values_only=True)
        if any(cell is not None for cell in row)
    ]


def write(headers: Sequence[str], values: Iterable[Sequence[Any]], path: Path) -> None:
    """Write a workbook of one sheet, row by row.

    Raises
    ------
    ConfigurationError
        Where a text is longer than a cell of Excel.
    """
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    try:
        sheet.append([_cell(sheet, name, name) for name in headers])
        for row in values:
            cells = [_cell(sheet, *named) for named in zip(row, headers, strict=True)]
            if all(cell is None for cell in cells):
                cells[0] = CellRichText()  # a text without characters: else there is no such row
            sheet.append(cells)
        book.save(path)
    except BaseException:
        # openpyxl keeps what it has of the rows in the system's folder, until Python ends.
        with suppress(Exception):  # of closing what is broken already
            sheet.close()
        with suppress(OSError):
            Path(sheet._writer.out).unlink()
        raise


def _cell(sheet: Any, value: Any, header: str) -> Any:
    """Return what openpyxl writes as the value that it is: a number, a date, else a text."""
    written = text(value)
    if not written:
        return None
    if not isinstance(value, str) and (native := _native(value)) is not None:
        return native
    in_xml = escaped(written)
    if len(in_xml.encode("utf-16-le")) > 2 * CHARACTERS:
        raise ConfigurationError(
            f"The column {header!r} has a text of more than {CHARACTERS:,} characters, which no "
            "cell of Excel can hold. Save it as .csv or .parquet. Nothing was written."
        )
    if not written.startswith(_OPENPYXL_READS):
        return in_xml
    cell = WriteOnlyCell(sheet, in_xml)
    cell.data_type = "s"
    cell.quotePrefix = written.startswith(_KEPT)
    return cell


def _native(value: Any) -> Any:
    """Return a value that Excel has a type of its own for; None of others, which become texts."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return value if abs(int(value)) < _DIGITS else None
    if isinstance(value, NUMBERS):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.time):
        return value if value.tzinfo is None else None
    if not isinstance(value, dt.date) or value.year < _FIRST_YEAR:
        return None
    if not isinstance(value, dt.datetime) or only_a_day(value):
        return dt.date(value.year, value.month, value.day)
    return value if value.tzinfo is None else None
