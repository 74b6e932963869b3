"""Lists of people into files that Excel opens right: written whole or not at all."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ..arrays import missing
from ..errors import ConfigurationError
from .escaping import NUMBERS, harmless, text
from .read import WORKBOOK

SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
PARQUET: Final = ".parquet"


def save(df: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a list of people into a file that Excel opens right.

    The file is there whole, or not at all: what stood there before stays until all is written.
    No cell is run as a formula, wherever its text came from. `pronto_pandas.read` returns every
    text as it was.

    Parameters
    ----------
    df : DataFrame
        It is not changed. An index that has a name is written as columns before the others; one
        without is not written.
    path : path
        ``.csv`` or ``.tsv``: UTF-8 with its mark, every cell in quotes, and an apostrophe before a
        text that Excel would run (``=…``, ``+…``, ``-…``, ``@…``) and that is no number;
        `pronto_pandas.read` takes it away again. ``.xlsx``: texts are texts, phones too, numbers
        are numbers, dates are dates, and whole numbers of more than 15 digits, which Excel would
        round, are texts. ``.parquet``: needs pyarrow. What is missing is an empty cell; lists are
        JSON, and in Parquet lists.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    ConfigurationError
        Where the file cannot be what its name says, cannot hold the frame, or cannot be written.
        What stood there before still does.
    """
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if kind not in {*SEPARATORS, WORKBOOK, PARQUET}:
        raise ConfigurationError(
            f"A list is saved as .csv, .tsv, .xlsx or .parquet, not as {path.name!r}. "
            "Nothing was written."
        )
    check_place(path, "Nothing was written.")
    if any(name is not None for name in df.index.names):
        df = df.reset_index(allow_duplicates=True)
    if not df.shape[1]:
        raise ConfigurationError("The frame has no columns. Nothing was written.")
    with whole(path) as part:
        try:
            if kind == PARQUET:
                write_parquet([df], _schema(df), part)
            elif kind == WORKBOOK:
                _write_workbook(df, part)
            else:
                write_csv([df], df.columns, part)
        except UnicodeEncodeError:
            raise ConfigurationError(
                "A text of the frame holds half of a character (a lone surrogate), which no file "
                "can hold. Read it again from where it is whole. Nothing was written."
            ) from None
    return path


def check_place(path: Path, outcome: str) -> None:
    """Check that a file can be at a path; ``outcome`` ends the error where it cannot.

    Raises
    ------
    ConfigurationError
        Where there is no folder for it, or a folder of its name.
    """
    try:
        there, taken = path.parent.is_dir(), path.is_dir()
    except OSError as error:  # of a name that is too long, or a folder that may not be read
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}). Take another name. {outcome}"
        ) from None
    if not there:
        raise ConfigurationError(f"There is no folder {path.parent}. {outcome}")
    if taken:
        raise ConfigurationError(f"{path} is a folder. Take another name. {outcome}")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a path to write at, in a folder of the user's own beside ``path``; `put` moves it there.

    Raises
    ------
    ConfigurationError
        Where the folder lets nothing be written.
    """
    path = path.resolve()
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=f".{path.name}.", dir=path.parent, ignore_cleanup_errors=True
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"{path} cannot be written ({why}). Take another folder, or another name. "
            "Nothing was sent or written."
        ) from None
    with folder as name:
        yield Path(name) / path.name


def put(part: Path, path: Path) -> None:
    """Put what was written `beside` a path in its place, in one step."""
    path = path.resolve()
    if path.exists():
        shutil.copymode(path, part)  # who could not read it before shall not now
    part.replace(path)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write at; it becomes ``path`` in one step.

    Raises
    ------
    ConfigurationError
        Where the folder lets nothing be written, or another program holds the file.
    """
    with beside(path) as part:
        yield part
        try:
            put(part, path)
        except OSError as error:
            raise ConfigurationError(
                f"{path.name} cannot be replaced ({error.strerror}). Close it where it is open, as "
                "in Excel, or take another name, and do it again. What stood there still does."
            ) from None


def write_csv(frames: Iterable[pd.DataFrame], columns: Iterable[Any], path: Path) -> None:
    """Write frames of the same columns as one file of text.

    Every cell is in quotes, so that no text of a cell can be taken for a separator or a note above
    the header; and the mark of UTF-8 tells Excel the encoding.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=SEPARATORS[path.suffix.lower()], quoting=csv.QUOTE_ALL)
        writer.writerow(map(harmless, _headers(columns)))
        for frame in frames:
            cells = (map(_in_csv, frame.iloc[:, place]) for place in range(frame.shape[1]))
            writer.writerows(zip(*cells, strict=True))


def _in_csv(value: Any) -> str:
    return text(value) if isinstance(value, NUMBERS) else harmless(text(value))


def _headers(columns: Iterable[Any]) -> list[str]:
    return [text(name) or f"Unnamed: {place}" for place, name in enumerate(columns)]


def _write_workbook(df: pd.DataFrame, path: Path) -> None:
    from . import excel

    if len(df) >= excel.ROWS or df.shape[1] > excel.COLUMNS:
        raise ConfigurationError(
            f"The frame has {len(df):,} rows and {df.shape[1]:,} columns; a sheet of Excel holds "
            f"{excel.ROWS - 1:,} below its header, and {excel.COLUMNS:,}. Save it as .csv or "
            ".parquet. Nothing was written."
        )
    columns = (df.iloc[:, place] for place in range(df.shape[1]))
    excel.write(_headers(df.columns), zip(*columns, strict=True), path)


def pyarrow() -> Any:
    """Import pyarrow, which only Parquet needs.

    Raises
    ------
    ConfigurationError
        Where it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError(
            "Parquet files need pyarrow: python -m pip install pyarrow. Nothing was sent."
        ) from None
    return pa


def phones_type() -> Any:
    """Return Arrow's type of a list of phones."""
    pa = pyarrow()
    return pa.list_(pa.struct([("number", pa.string()), ("type", pa.string())]))


def write_parquet(frames: Iterable[pd.DataFrame], schema: Any, path: Path) -> None:
    """Write frames of the same columns as one Parquet file.

    Raises
    ------
    ConfigurationError
        Where a column holds what its type cannot.
    """
    pa = pyarrow()
    with pa.parquet.ParquetWriter(path, schema) as writer:
        for frame in frames:
            columns = (frame.iloc[:, place] for place in range(frame.shape[1]))
            arrays = [_in_parquet(*each) for each in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _in_parquet(column: pd.Series, field: Any) -> Any:
    """Return a column as Arrow's; one of texts may hold anything."""
    pa = pyarrow()
    try:
        if pa.types.is_string(field.type) and not isinstance(column.dtype, pd.StringDtype):
            without = missing(column)
            cells = [None if no else text(cell) for cell, no in zip(column, without, strict=True)]
            return pa.array(cells, field.type)
        return pa.array(column, field.type, from_pandas=True)
    except UnicodeEncodeError:
        raise
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Not from Arrow's error, which shows a value.
        raise ConfigurationError(
            f"Parquet cannot hold the values of the column {field.name!r} as {field.type}. Make "
            f'them texts: df.astype({{{field.name!r}: "str"}}). Nothing was written.'
        ) from None


def _schema(df: pd.DataFrame) -> Any:
    """Find the type of each column; lists of phones have theirs where all are empty, too."""
    pa = pyarrow()
    names = pd.Index(list(map(str, df.columns)))
    if not names.is_unique:
        twice = ", ".join(map(repr, names[names.duplicated()].unique()))
        raise ConfigurationError(
            f"Parquet has one column of a name, and the frame has several of {twice}. Rename them, "
            "or save it as .csv or .xlsx. Nothing was written."
        )
    for place, name in enumerate(names):
        try:
            pa.array(df.iloc[:, place], from_pandas=True)
        except (pa.ArrowException, OverflowError):
            # Not from Arrow's error, which shows a value.
            raise ConfigurationError(
                f"Parquet has one type in a column, and the values of {name!r} are of several, or "
                f'of one that it does not know. Make them texts: df.astype({{{name!r}: "str"}}). '
                "Nothing was written."
            ) from None
    schema = pa.Schema.from_pandas(df.set_axis(names, axis=1), preserve_index=False)
    for place in range(df.shape[1]):
        if _are_phones(df.iloc[:, place]):
            schema = schema.set(place, pa.field(names[place], phones_type()))
    return schema


def _are_phones(column: pd.Series) -> bool:
    objects = isinstance(column.dtype, np.dtype) and column.dtype.kind == "O"
    values = column.dropna().tolist() if objects else []
    return bool(values) and all(
        isinstance(phones, list)
        and all(isinstance(phone, dict) and phone.keys() <= {"number", "type"} for phone in phones)
        for phones in values
    )
