"""Detect the encoding and the delimiter of a text file, and the lines above its header."""

# Why: docs/decisions/025-reading-csv.md

from __future__ import annotations

import codecs
import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from ..errors import ConfigurationError
from ..wording import counted

SAMPLE: Final = 200
"""Rows from which the delimiter and the header are detected."""

_HEAD: Final = 1 << 18
BLOCK: Final = 1 << 20

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_ENCODINGS: Final = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16", "cp1252": "Windows-1252",
}  # fmt: skip

_BOMS: Final = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_NOT_TEXT: Final = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old or encrypted Excel workbook",
    b"%PDF-": "a PDF file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1\x15": "a Parquet file",
}
"""The first bytes of files that are not text, whatever their extension."""

_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\f\r"))
_SEP_LINE: Final = re.compile(r"sep=([^\w\s\"]|\t)\s*", re.IGNORECASE)
"""A first line that tells Excel the delimiter."""

_LENIENT: Final = "pronto_pandas.latin_1"


def _as_latin_1(error: Any) -> tuple[str, int]:
    return error.object[error.start : error.end].decode("latin-1"), error.end


# Windows-1252 does not define five bytes. Browsers read them as Latin-1; damaged text, too.
codecs.register_error(_LENIENT, _as_latin_1)


@dataclass(frozen=True)
class Dialect:
    """The format of a text file.

    Parameters
    ----------
    encoding : str
        Python's name of the encoding.
    delimiter : str
        The character between two cells.
    skipped : int
        Number of lines above the header.
    """

    encoding: str
    delimiter: str
    skipped: int = 0

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words."""
        return DELIMITERS.get(self.delimiter, repr(self.delimiter))

    def __str__(self) -> str:
        words = f"{self.delimiter_name}-separated, {_ENCODINGS[self.encoding]}"
        return f"{words}; {skipped_above(self.skipped, 'line')}" if self.skipped else words


def skipped_above(count: int, what: str) -> str:
    """Return how many lines or rows above the header were skipped, in words."""
    return f"skipped {counted(count, what)} above the header"


def open_at_header(path: Path, dialect: Dialect) -> TextIO:
    """Open a file at its header; line endings within cells are kept as they are."""
    file = path.open(encoding=dialect.encoding, errors=_LENIENT, newline="")
    for _ in range(dialect.skipped):
        file.readline()
    return file


def detect(path: Path) -> Dialect:
    """Detect the dialect of a text file from its first rows, and its encoding from all bytes.

    The delimiter is the one with which most rows are as wide as the header. If none splits the
    header, the file has one column.

    Raises
    ------
    ConfigurationError
        The file is empty or is not text.
    """
    encoding = _detect_encoding(path)
    with open_at_header(path, Dialect(encoding, ",")) as file:
        sep_line = _SEP_LINE.fullmatch(file.readline(_HEAD))
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    delimiters = [sep_line[1]] if sep_line else sorted(DELIMITERS, key=lambda d: d != usual)
    candidates = [Dialect(encoding, each, int(sep_line is not None)) for each in delimiters]
    best = max((_score(path, each) for each in candidates), key=lambda pair: pair[0])[1]
    if best is None:
        raise ConfigurationError(f"{path.name} is empty. It needs a header row with column names.")
    return best


def find_header(rows: list[list[str]]) -> int | None:
    """Find the header among the first rows of a table; None if all cells are empty.

    The header is the first row with at least half as many filled cells as the table is wide. Titles
    and notes above it have fewer. The table's width is the third quartile of the widths of its
    rows, so a damaged row has no influence.
    """
    filled = [sum(map(bool, row)) for row in rows]
    widths = sorted(end_of_filled(row) - start_of_filled(row) for row in rows if any(row))
    if not widths:
        return None
    usual = widths[3 * len(widths) // 4]
    return next((place for place, cells in enumerate(filled) if cells and 2 * cells >= usual), None)


def start_of_filled(row: list[str]) -> int:
    """Count the empty cells at the start of a row."""
    return next((place for place, cell in enumerate(row) if cell), len(row))


def end_of_filled(row: list[str]) -> int:
    """Count the cells of a row up to its last filled one."""
    return max((place for place, cell in enumerate(row, 1) if cell), default=0)


def _score(path: Path, candidate: Dialect) -> tuple[tuple[float, bool, int], Dialect | None]:
    """Score how well a delimiter splits the first rows; also return the dialect with its header.

    First, the share of rows that are as wide as the header. Then, whether quoted cells end at their
    quotes, which fails with a wrong delimiter. Then the width.
    """
    sample = _sample(path, candidate)
    rows = [row for _, row in sample]
    place = find_header(rows)
    if place is None:
        return (-1, False, 0), None
    lines_above, names = sample[place]
    dialect = Dialect(candidate.encoding, candidate.delimiter, lines_above)
    if end_of_filled(names) < 2:
        return (0, False, 0), dialect
    same_width = sum(len(row) == len(names) for row in rows) / sum(map(bool, rows))
    valid_quotes = len(_sample(path, dialect, strict=True)) >= len(rows) - place
    return (same_width, valid_quotes, len(names)), dialect


def _sample(path: Path, dialect: Dialect, *, strict: bool = False) -> list[tuple[int, list[str]]]:
    """Return the first rows, each with the number of lines above it."""
    sample = []
    with open_at_header(path, dialect) as file, suppress(csv.Error):  # a cell that never ends
        rows = csv.reader(file, delimiter=dialect.delimiter, strict=strict)
        lines_above = dialect.skipped
        for row in islice(rows, SAMPLE):
            sample.append((lines_above, row))
            lines_above = dialect.skipped + rows.line_num
    return sample


def _detect_encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    kind = next((kind for start, kind in _NOT_TEXT.items() if head.startswith(start)), None)
    if kind is not None:
        raise ConfigurationError(
            f"{path.name} is {kind}, despite its file extension. Open it in the program that "
            "created it, save it as .csv or .xlsx, and read that file."
        )
    by_bom = next((name for bom, name in _BOMS.items() if head.startswith(bom)), None)
    encoding = by_bom or _utf_16_without_bom(head)
    if encoding is None and (b"\0" in head or _share_of_controls(head) > 0.05):
        raise ConfigurationError(
            f"{path.name} is not a text file. Open it in the program that created it, save it as "
            ".csv or .xlsx, and read that file."
        )
    return encoding or ("utf-8" if _is_utf_8(path) else "cp1252")


def _share_of_controls(head: bytes) -> float:
    return 1 - len(head.translate(None, _CONTROLS)) / len(head) if head else 0


def _utf_16_without_bom(head: bytes) -> str | None:
    """Detect UTF-16 by its zeros: Latin letters have one, always in the same byte of the two."""
    zeros = [head[half::2].count(0) / (len(head) / 2 + 1) for half in (0, 1)]
    if max(zeros) < 0.3 or min(zeros) > 0.02:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _is_utf_8(path: Path) -> bool:
    """Read the whole file: the first name with an accent may be in the last row.

    A character that is cut off at the end of the file does not count.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True
