"""Save DataFrames to files that open correctly in Excel, completely or not at all."""

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
from . import own_files
from .escaping import NUMBERS, escape_formula, to_text
from .read import WORKBOOK
from .summary_sheet import summary_sheet

DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
PARQUET: Final = ".parquet"

_WIDEST: Final = 50
_FILTER: Final = 4
"""Widths in an Excel sheet: of the widest column, and of the button of a filter."""

_ROWS_FOR_WIDTHS: Final = 200
_CELLS_FOR_WIDTHS: Final = 100_000
"""Rows, and cells of all columns together, that are read to set the widths."""


def save(df: pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Save a DataFrame to a file that opens correctly in Excel.

    The file is written completely or not at all; an existing file is replaced only at the end.
    Excel evaluates no cell as a formula. `pronto_pandas.read` restores every string
    unchanged, except that empty ones become missing values.

    Parameters
    ----------
    df : DataFrame
        Not modified. A named index is written as the first columns; an unnamed index is not
        written.
    path : path
        ``.csv`` or ``.tsv``: UTF-8 with a BOM, every cell quoted, and an apostrophe before text
        that Excel would evaluate as a formula (``=…``, ``+…``, ``-…``, ``@…``, but not phone
        numbers); `pronto_pandas.read` removes it. ``.xlsx``: text, numbers and dates keep their
        types; phone numbers stay text; whole numbers of more than
        15 digits, which Excel would round, become text. The header is bold, stays visible and has
        filters; if the DataFrame was enriched, a second sheet sums up the results. ``.parquet``:
        needs pyarrow. Missing values become empty cells. Lists become JSON; in Parquet they stay
        lists.
    overwrite : bool
        Replace an existing file, whoever wrote it. Without it, only a file that `save` itself wrote
        is replaced, if nobody has edited it since. For ``.csv`` and ``.tsv`` this requires that it
        was saved in the same Python session.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    ConfigurationError
        The file type is not supported or cannot store the DataFrame, the file cannot be written, or
        it exists and `save` did not write it. An existing file stays unchanged.
    """
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if kind not in {*DELIMITERS, WORKBOOK, PARQUET}:
        raise ConfigurationError(
            f"Unsupported file type {path.name!r}. Supported: .csv, .tsv, .xlsx, .parquet. "
            "Nothing was written."
        )
    check_place(path, "Nothing was written.")
    if not (overwrite or own_files.may_replace(path)):
        session = " in this session" if kind in DELIMITERS else ""
        raise ConfigurationError(
            f"{path.name} already exists and was not saved by pronto-pandas{session}, or was "
            "changed since. Choose another name, or replace the file with overwrite=True. Nothing "
            "was written."
        )
    if any(name is not None for name in df.index.names):
        df = df.reset_index(allow_duplicates=True)
    if not df.shape[1]:
        raise ConfigurationError("The DataFrame has no columns. Nothing was written.")
    with replacing(path) as part:
        try:
            if kind == PARQUET:
                write_parquet([df], _schema(df), part)
            elif kind == WORKBOOK:
                _write_workbook(df, part)
            else:
                write_csv([df], df.columns, part)
        except UnicodeEncodeError:
            raise ConfigurationError(
                "The DataFrame contains an invalid character (a lone surrogate) that cannot be "
                "saved. Read the data again from its source. Nothing was written."
            ) from None
    own_files.remember(path)
    return path


def check_place(path: Path, outcome: str) -> None:
    """Check that a file can be written to a path; an error message ends with ``outcome``.

    Raises
    ------
    ConfigurationError
        Its folder does not exist, or the path is a folder.
    """
    try:
        has_folder, is_folder = path.parent.is_dir(), path.is_dir()
    except OSError as error:  # the name is too long, or a folder is not readable
        raise ConfigurationError(
            f"Cannot write {path} ({error.strerror}). Choose another file name. {outcome}"
        ) from None
    if not has_folder:
        raise ConfigurationError(
            f"Folder not found: {path.parent}. Create it or choose another. {outcome}"
        )
    if is_folder:
        raise ConfigurationError(f"{path} is a folder. Choose another file name. {outcome}")


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Yield a path in a private folder next to ``path``, from which `put` moves the file.

    Raises
    ------
    ConfigurationError
        The folder is not writable.
    """
    path = path.resolve()
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=f".{path.name}.", dir=path.parent, ignore_cleanup_errors=True
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"Cannot write {path} ({why}). Choose another folder or file name. Nothing was sent or "
            "written."
        ) from None
    with folder as name:
        yield Path(name) / path.name


def put(part: Path, path: Path) -> None:
    """Move a `temporary` file to its path, in one step."""
    path = path.resolve()
    if path.exists():
        shutil.copymode(path, part)  # the same users may read it
    part.replace(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to; the file then replaces ``path`` in one step.

    Raises
    ------
    ConfigurationError
        The folder is not writable, or another program has locked the file.
    """
    with temporary(path) as part:
        yield part
        try:
            put(part, path)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot replace {path.name} ({error.strerror}). Close it in other programs such "
                "as Excel, or choose another name, then try again. The existing file is unchanged."
            ) from None


def write_csv(frames: Iterable[pd.DataFrame], columns: Iterable[Any], path: Path) -> None:
    """Write DataFrames with the same columns as one text file.

    Every cell is quoted, so that no text looks like a separator or a note above the header. The
    byte order mark tells Excel the encoding.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITERS[path.suffix.lower()], quoting=csv.QUOTE_ALL)
        writer.writerow(map(escape_formula, _headers(columns)))
        for frame in frames:
            cells = (map(_in_csv, frame.iloc[:, place]) for place in range(frame.shape[1]))
            writer.writerows(zip(*cells, strict=True))


def _in_csv(value: Any) -> str:
    return to_text(value) if isinstance(value, NUMBERS) else escape_formula(to_text(value))


def _headers(columns: Iterable[Any]) -> list[str]:
    return [to_text(name) or f"Unnamed: {place}" for place, name in enumerate(columns)]


def _write_workbook(df: pd.DataFrame, path: Path) -> None:
    from . import excel

    if len(df) >= excel.ROWS or df.shape[1] > excel.COLUMNS:
        raise ConfigurationError(
            f"The DataFrame has {len(df):,} rows and {df.shape[1]:,} columns, but an Excel sheet "
            f"has at most {excel.ROWS - 1:,} data rows and {excel.COLUMNS:,} columns. Save it as "
            ".csv or .parquet. Nothing was written."
        )
    columns = (df.iloc[:, place] for place in range(df.shape[1]))
    headers = _headers(df.columns)
    widths = [_width(*named) for named in zip(headers, _sampled(df), strict=True)]
    excel.write(headers, zip(*columns, strict=True), path, widths, summary_sheet(df))


def _sampled(df: pd.DataFrame) -> Iterator[pd.Series]:
    """Return some evenly spaced cells of each column."""
    most = min(_ROWS_FOR_WIDTHS, 1 + _CELLS_FOR_WIDTHS // df.shape[1])
    rows = df.iloc[:: max(1, -(-len(df) // most))]
    return (rows.iloc[:, place] for place in range(df.shape[1]))


def _width(header: str, values: pd.Series) -> int:
    """Return the width of a column in characters, so that most cells and the header fit."""
    longest = max((len(to_text(value).partition("\n")[0]) for value in values), default=0)
    return min(_WIDEST, max(longest + 2, len(header) + _FILTER))


def pyarrow() -> Any:
    """Import pyarrow, which only Parquet files need.

    Raises
    ------
    ConfigurationError
        It is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError(
            "Parquet files need pyarrow: python -m pip install pyarrow."
        ) from None
    return pa


def phones_type() -> Any:
    """Return the Arrow type of a list of phones."""
    pa = pyarrow()
    return pa.list_(pa.struct([("number", pa.string()), ("type", pa.string())]))


def write_parquet(frames: Iterable[pd.DataFrame], schema: Any, path: Path) -> None:
    """Write DataFrames with the same columns as one Parquet file.

    Raises
    ------
    ConfigurationError
        A column contains a value that its Parquet type cannot store.
    """
    pa = pyarrow()
    schema = schema.with_metadata({**(schema.metadata or {}), **own_files.PARQUET_MARK})
    with pa.parquet.ParquetWriter(path, schema) as writer:
        for frame in frames:
            columns = (frame.iloc[:, place] for place in range(frame.shape[1]))
            arrays = [_in_parquet(*each) for each in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _in_parquet(column: pd.Series, field: Any) -> Any:
    """Return a column as an Arrow array; a string field takes values of any type."""
    pa = pyarrow()
    try:
        if pa.types.is_string(field.type) and not isinstance(column.dtype, pd.StringDtype):
            pairs = zip(column, missing(column), strict=True)
            cells = [None if is_missing else to_text(cell) for cell, is_missing in pairs]
            return pa.array(cells, field.type)
        return pa.array(column, field.type, from_pandas=True)
    except UnicodeEncodeError:
        raise
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Not chained: Arrow's error shows a value.
        raise ConfigurationError(
            f"Column {field.name!r} has values that Parquet cannot store as {field.type}. Convert "
            f'it to text: df.astype({{{field.name!r}: "str"}}). Nothing was written.'
        ) from None


def _schema(df: pd.DataFrame) -> Any:
    """Return the Arrow type of each column; lists of phones have the same type even if empty."""
    pa = pyarrow()
    names = pd.Index(list(map(str, df.columns)))
    if not names.is_unique:
        duplicates = ", ".join(map(repr, names[names.duplicated()].unique()))
        raise ConfigurationError(
            f"Parquet needs unique column names; duplicates: {duplicates}. Rename them, or save as "
            ".csv or .xlsx. Nothing was written."
        )
    for place, name in enumerate(names):
        try:
            pa.array(df.iloc[:, place], from_pandas=True)
        except (pa.ArrowException, OverflowError):
            # Not chained: Arrow's error shows a value.
            raise ConfigurationError(
                f"Column {name!r} has mixed or unsupported types, which Parquet cannot store. "
                f'Convert it to text: df.astype({{{name!r}: "str"}}). Nothing was written.'
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
