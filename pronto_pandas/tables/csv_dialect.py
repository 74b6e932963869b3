"""How a file of text is laid out: its encoding, its separator, and what stands above its header."""

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

HEAD: Final = 1 << 18
BLOCK: Final = 1 << 20
SAMPLE: Final = 200
"""Rows that tell the separator and the header."""

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENCODINGS: Final = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16", "cp1252": "Windows-1252",
}  # fmt: skip

_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_OTHERS: Final = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old or encrypted Excel workbook",
    b"%PDF-": "a PDF file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1\x15": "a Parquet file",
}
"""How files begin that are no text, whatever they are called."""

_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\f\r"))
_SAID: Final = re.compile(r"sep=([^\w\s\"]|\t)\s*", re.IGNORECASE)
"""How Excel is told the separator, in a line above all others."""

_LENIENT: Final = "pronto_pandas.latin_1"


def _as_latin_1(error: Any) -> tuple[str, int]:
    return error.object[error.start : error.end].decode("latin-1"), error.end


# Five bytes mean nothing in Windows-1252, and browsers read them so; a broken file is read as well.
codecs.register_error(_LENIENT, _as_latin_1)


@dataclass(frozen=True)
class Layout:
    """How a file of text is laid out.

    Parameters
    ----------
    encoding : str
        As Python calls it.
    separator : str
        What is between two cells.
    skipped : int
        Lines above the header.
    """

    encoding: str
    separator: str
    skipped: int = 0

    @property
    def separators(self) -> str:
        """The separator in words."""
        return SEPARATORS.get(self.separator, repr(self.separator))

    def __str__(self) -> str:
        told = f"{self.separators}, {ENCODINGS[self.encoding]}"
        return f"{told}; {left_out(self.skipped, 'line')}" if self.skipped else told


def left_out(count: int, what: str) -> str:
    """Say how much above a header is not in the frame."""
    return f"{count} {what}{'' if count == 1 else 's'} before the header left out"


def opened(path: Path, layout: Layout) -> TextIO:
    """Open a file at its header, so that no character changes, line ends within cells included."""
    file = path.open(encoding=layout.encoding, errors=_LENIENT, newline="")
    for _ in range(layout.skipped):
        file.readline()
    return file


def look(path: Path) -> Layout:
    """Find out how a file of text is laid out, from its first rows and all of its bytes.

    Parameters
    ----------
    path : Path
        A file of any size: it is read in blocks.

    Returns
    -------
    Layout
        The separator is the one that makes the most rows as wide as the header; where none makes
        any, there is one column.

    Raises
    ------
    ConfigurationError
        Where the file is empty, or holds no text.
    """
    encoding = _encoding(path)
    with opened(path, Layout(encoding, ",")) as file:
        said = _SAID.fullmatch(file.readline(HEAD))
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    tried = [said[1]] if said else sorted(SEPARATORS, key=lambda separator: separator != usual)
    begun = [Layout(encoding, separator, int(said is not None)) for separator in tried]
    layout = max((_tried(path, each) for each in begun), key=lambda pair: pair[0])[1]
    if layout is None:
        raise ConfigurationError(
            f"{path.name} is empty: a table begins with a line of headers. Nothing was sent."
        )
    return layout


def begin(row: list[str]) -> int:
    """Count the cells of a row before its first one that is filled."""
    return next((place for place, cell in enumerate(row) if cell), len(row))


def reach(row: list[str]) -> int:
    """Count the cells of a row up to its last one that is filled."""
    return max((place for place, cell in enumerate(row, 1) if cell), default=0)


def header(rows: list[list[str]]) -> int | None:
    """Find the header among the first rows of a table: the first that is filled like a table's.

    What stands above has far fewer cells: a title, a note, an empty line. Three of four rows are
    taken to be no wider than the table is, so a row that is broken is not the measure.

    Returns
    -------
    int, optional
        None where nothing is filled.
    """
    filled = [sum(map(bool, row)) for row in rows]
    spans = sorted(reach(row) - begin(row) for row in rows if any(row))
    if not spans:
        return None
    usual = spans[3 * len(spans) // 4]
    return next((place for place, cells in enumerate(filled) if cells and 2 * cells >= usual), None)


def _tried(path: Path, layout: Layout) -> tuple[tuple[float, bool, int], Layout | None]:
    """Say how well a separator splits the first rows, and what the layout is then.

    What counts is how many rows are as wide as the header; then whether no quoted cell goes on
    behind its quote, as it does at a separator that is none; then the width.
    """
    sample = _sample(path, layout)
    rows = [row for _, row in sample]
    place = header(rows)
    if place is None:
        return (-1, False, 0), None
    above, names = sample[place]
    layout = Layout(layout.encoding, layout.separator, above)
    if reach(names) < 2:
        return (0, False, 0), layout
    alike = sum(len(row) == len(names) for row in rows) / sum(map(bool, rows))
    quoted_well = len(_sample(path, layout, strict=True)) >= len(rows) - place
    return (alike, quoted_well, len(names)), layout


def _sample(path: Path, layout: Layout, *, strict: bool = False) -> list[tuple[int, list[str]]]:
    """Return the first rows, each with the number of lines above it."""
    sample = []
    with opened(path, layout) as file, suppress(csv.Error):  # of a cell without an end
        rows = csv.reader(file, delimiter=layout.separator, strict=strict)
        above = layout.skipped
        for row in islice(rows, SAMPLE):
            sample.append((above, row))
            above = layout.skipped + rows.line_num
    return sample


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = next((kind for begin, kind in _OTHERS.items() if head.startswith(begin)), None)
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if kind is None and marked is None:
        marked = _utf_16(head)
        if not marked and (b"\0" in head or _controls(head) > 0.05):
            kind = "no text"
    if kind:
        raise ConfigurationError(
            f"{path.name} is {kind}, whatever its name says. Open it in the program it is from, "
            "save it as .csv or .xlsx, and read that. Nothing was sent."
        )
    return marked or ("utf-8" if _is_utf_8(path) else "cp1252")


def _controls(head: bytes) -> float:
    return 1 - len(head.translate(None, _CONTROLS)) / len(head) if head else 0


def _utf_16(head: bytes) -> str | None:
    """Tell UTF-16 without its mark: letters of Europe have an empty half, the same one each."""
    empty = [head[half::2].count(0) / (len(head) / 2 + 1) for half in (0, 1)]
    if max(empty) < 0.3 or min(empty) > 0.02:
        return None
    return "utf-16-be" if empty[0] > empty[1] else "utf-16-le"


def _is_utf_8(path: Path) -> bool:
    """Read all of it: the first name with an accent may be in the last row.

    A character that the end of the file cuts off says nothing of those before it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True
