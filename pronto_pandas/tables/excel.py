"""Read and write Excel workbooks. The only module that imports openpyxl, which is slow to load."""

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
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.rich_text import CellRichText
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from ..errors import ConfigurationError
from .escaping import NUMBERS, escape_xml, is_date, to_text, unescape_xml
from .own_files import MARK

ROWS: Final = 1_048_576
COLUMNS: Final = 16_384
CHARACTERS: Final = 32_767
"""The limits of an Excel sheet, and of a cell."""

_BOLD: Final = Font(bold=True)

_DIGITS: Final = 10**15
"""Excel rounds whole numbers from here on."""

_FIRST_YEAR: Final = 1900
"""The first year of Excel's calendar."""

_QUOTE_PREFIXED: Final = tuple("=+-@'\t\r\n\uff1d\uff0b\uff0d\uff200123456789")
"""First characters of strings that Excel converts to a formula or number when a cell is edited."""

_TEXT_TYPED: Final = ("#", *_QUOTE_PREFIXED)
"""First characters of strings that openpyxl may convert to a formula or an error."""

_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError, LookupError, ValueError,
    TypeError, AttributeError, RuntimeError,
)  # fmt: skip
"""Errors that openpyxl raises if a file is damaged or is not a workbook."""


def rows(path: Path, sheet: str | int | None) -> tuple[list[list[str]], str, list[str]]:
    """Read a sheet as text.

    Parameters
    ----------
    path : Path
        The workbook.
    sheet : str, int or None
        Its name, its position starting at 0, or None for the first one that is not empty.

    Returns
    -------
    tuple
        Its rows except empty ones, its name, and the names of the other sheets.

    Raises
    ------
    ConfigurationError
        The file cannot be read, has no such sheet, or is empty.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="openpyxl")  # about parts that are not cells
        try:
            sheets = _sheets(file)
            # A hidden sheet is rarely the list.
            by_visibility = sorted(sheets, key=lambda each: each.sheet_state != "visible")
            chosen = by_visibility if sheet is None else [_named(sheets, sheet, path)]
            for each in chosen:
                if table := _table(each):
                    others = [other.title for other in sheets if other is not each]
                    return table, each.title, others
        except ConfigurationError:
            raise
        except _BROKEN:
            # Not chained: openpyxl's error may contain the text of a cell.
            raise ConfigurationError(
                f"Cannot read {path.name}: it is damaged, password-protected or not an Excel "
                "workbook. Open it in Excel, save it as .xlsx without a password, and read that "
                "file."
            ) from None
    if sheet is None:
        raise ConfigurationError(f"{path.name} is empty: no sheet has data.")
    raise ConfigurationError(f"{path.name}: sheet {chosen[0].title!r} is empty.")


def row_numbers(path: Path, title: str) -> list[int]:
    """Return the number that Excel shows for each row that `rows` returns of a sheet."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="openpyxl")
        sheet = _named(_sheets(file), title, path)
        sheet.reset_dimensions()
        numbered = enumerate(sheet.iter_rows(values_only=True), 1)
        return [number for number, row in numbered if any(cell is not None for cell in row)]


def _sheets(file: Any) -> list[Any]:
    reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    reader.read_strings = lambda: _read_strings(reader)
    reader.read()
    return list(reader.wb.worksheets)


def _read_strings(reader: Any) -> None:
    """Read the shared strings with all their escapes; openpyxl would remove some."""
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
        f"{path.name} has no sheet {sheet!r}. Sheets: {names}. You can also pass a position, "
        "starting at 0."
    )


def _table(sheet: Any) -> list[list[str]]:
    sheet.reset_dimensions()  # some programs write wrong ones
    return [
        [unescape_xml(cell) if isinstance(cell, str) else to_text(cell) for cell in row]
        for row in sheet.iter_rows(values_only=True)
        if any(cell is not None for cell in row)
    ]


def write(
    headers: Sequence[str],
    values: Iterable[Sequence[Any]],
    path: Path,
    widths: Sequence[int] = (),
    summary: Sequence[Sequence[Any]] = (),
) -> None:
    """Write a workbook, row by row.

    Parameters
    ----------
    headers, values
        The first sheet. Its first row stays visible and has filters.
    path : Path
        The file.
    widths : list of int
        The columns' widths in characters.
    summary : list of list
        The rows of a second sheet. The first row, and each one after an empty row, is a header.

    Raises
    ------
    ConfigurationError
        A string is too long for an Excel cell.
    """
    book = openpyxl.Workbook(write_only=True)
    book.properties.creator = book.properties.lastModifiedBy = MARK
    try:
        _write_table(book.create_sheet("People"), headers, values, widths)
        if summary:
            _write_summary(book.create_sheet("Summary"), summary)
        book.save(path)
    except BaseException:
        # openpyxl leaves the rows in temporary files until Python ends.
        for sheet in book.worksheets:
            with suppress(Exception):  # the sheet may already be damaged
                sheet.close()
            with suppress(OSError, AttributeError):  # no row was written
                Path(sheet._writer.out).unlink()
        raise


def _write_table(
    sheet: Any, headers: Sequence[str], values: Iterable[Sequence[Any]], widths: Sequence[int]
) -> None:
    # These must be set before the first row.
    sheet.freeze_panes = "A2"
    _set_widths(sheet, widths)
    sheet.append([_bold(sheet, name, name) for name in headers])
    count = 1
    for row in values:
        cells = [_cell(sheet, *named) for named in zip(row, headers, strict=True)]
        if all(cell is None for cell in cells):
            cells[0] = CellRichText()  # an empty text, because a row without cells is lost
        sheet.append(cells)
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{count}"


def _write_summary(sheet: Any, rows: Sequence[Sequence[Any]]) -> None:
    _set_widths(sheet, [20, 20, 20])
    is_header = True
    for row in rows:
        make = _bold if is_header else _cell
        sheet.append([make(sheet, value, "Summary") for value in row])
        is_header = not row


def _set_widths(sheet: Any, widths: Sequence[int]) -> None:
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width


def _bold(sheet: Any, value: Any, header: str) -> Any:
    """Return a cell of a header."""
    cell = _cell(sheet, value, header)
    if not isinstance(cell, Cell):
        cell = WriteOnlyCell(sheet, cell)
    cell.font = _BOLD
    return cell


def _cell(sheet: Any, value: Any, header: str) -> Any:
    """Return a cell for openpyxl: a number, a date, or otherwise a string."""
    written = to_text(value)
    if not written:
        return None
    if not isinstance(value, str) and (native := _native(value)) is not None:
        return native
    in_xml = escape_xml(written)
    if len(in_xml.encode("utf-16-le")) > 2 * CHARACTERS:
        raise ConfigurationError(
            f"Column {header!r} has text longer than {CHARACTERS:,} characters, the limit of an "
            "Excel cell. Save the DataFrame as .csv or .parquet. Nothing was written."
        )
    if not written.startswith(_TEXT_TYPED):
        return in_xml
    cell = WriteOnlyCell(sheet, in_xml)
    cell.data_type = "s"
    cell.quotePrefix = written.startswith(_QUOTE_PREFIXED)
    return cell


def _native(value: Any) -> Any:
    """Return a value for which Excel has a type; None for others, which become text."""
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
    if not isinstance(value, dt.datetime) or is_date(value):
        return dt.date(value.year, value.month, value.day)
    return value if value.tzinfo is None else None
