"""``enrich_file``: enrich a file larger than memory, in chunks."""

from __future__ import annotations

import os
import pickle
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from .arguments import Suppress, check_consent, check_progress, make_options, nothing_sent
from .bill import Bill
from .config.settings import current
from .errors import ConfigurationError, ProntoError, ResultError
from .frame.columns import find
from .frame.options import Options, Phones, Types, Via
from .frame.results import written
from .frame.run_columns import ANSWERED_AT
from .lookup import open_ledger
from .notebook.progress import Watcher
from .preview import Preview
from .run import Run
from .tables import read, write
from .tables.csv_dialect import detect

PARQUET: Final = write.PARQUET


def _check_files(source: Path, target: Path, chunksize: int) -> None:
    """Check both files without reading them."""
    for path, name in ((source, "source"), (target, "target")):
        if path.suffix.lower() not in {*write.DELIMITERS, PARQUET}:
            raise ConfigurationError(
                f"{name} must be a .csv, .tsv or .parquet file, got {path.suffix!r}. "
                "Nothing was sent."
            )
        if path.suffix.lower() == PARQUET:
            write.pyarrow()
    read.check_file(source)
    write.check_place(target, "Nothing was sent.")
    if source.resolve() == target.resolve():
        raise ConfigurationError("source and target must be different files. Nothing was sent.")
    if type(chunksize) is not int or chunksize < 1:
        raise ConfigurationError("chunksize must be an integer >= 1. Nothing was sent.")


def _chunks(source: Path, chunksize: int) -> Generator[pd.DataFrame]:
    """Read a file in chunks of ``chunksize`` rows; a file without rows gives one empty chunk.

    Strings stay strings, so that no phone number loses its zeros.
    """
    if source.suffix.lower() == PARQUET:
        return _parquet_chunks(source, chunksize)
    return read.chunks(source, detect(source), chunksize)


def _unchanged_chunks(source: Path, chunksize: int, rows: int) -> Iterator[pd.DataFrame]:
    """Read a file again; raise an error if it no longer has that many rows."""
    left: int | None = rows
    try:
        for chunk in _chunks(source, chunksize):
            left = (left or 0) - len(chunk)
            yield chunk
    except ConfigurationError:
        left = None
    if left != 0:
        raise ResultError(
            f"{source.name} was changed during the run, so the target was not written. All answers "
            "are saved in the ledger. Run the same line again: saved answers cost nothing."
        )


def _parquet_chunks(source: Path, chunksize: int) -> Generator[pd.DataFrame]:
    pa = write.pyarrow()
    with _readable(source):
        file = pa.parquet.ParquetFile(source)
    with file:
        names = pd.Index(file.schema_arrow.names)
        if not names.is_unique:
            duplicates = ", ".join(map(repr, names[names.duplicated()].unique()))
            raise ConfigurationError(
                f"{source.name} has duplicate columns: {duplicates}. Rename them. Nothing was sent."
            )
        batches = file.iter_batches(batch_size=chunksize)
        batch = None
        while True:
            with _readable(source):
                following = next(batches, None)
                if following is None and batch is not None:
                    return
                batch = file.schema_arrow.empty_table() if following is None else following
                batch.validate(full=True)
                # Arrow's types: integers stay integers even if a chunk has missing values.
                chunk = batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
            yield chunk


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, NotImplementedError) as error:  # Arrow's are of these
        raise ConfigurationError(
            f"{source.name} cannot be read as Parquet ({error.__class__.__name__}): it is damaged, "
            "incomplete or in another format. Export it again. Nothing was sent."
        ) from None


@dataclass
class _Target:
    """A file that is written when all its chunks are enriched; until then they are pickled.

    Parameters
    ----------
    path : Path
        Path to write to, in a temporary folder that also contains the pickles.
    filled : Pattern
        Names of the columns that the run may write. In Parquet these are strings, or phones.
    columns : dict of str to dtype
        The columns of all chunks, which differ in how many phones they have.
    """

    path: Path
    filled: re.Pattern[str]
    columns: dict[str, Any]
    _parts: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._source = dict(self.columns)

    def check(self, frames: Iterable[pd.DataFrame]) -> int:
        """Write the source's chunks unchanged to a file, delete it, and return the number of rows.

        This finds every value that cannot be read or written before anything is sent.
        """
        rows = 0

        def counted() -> Iterator[pd.DataFrame]:
            nonlocal rows
            for frame in frames:
                rows += len(frame)
                yield frame

        self._write(counted())
        self.path.unlink()
        return rows

    def add(self, frame: pd.DataFrame) -> None:
        """Keep a chunk until `write`."""
        part = self.path.parent / str(len(self._parts))
        frame.to_pickle(part)
        self._parts.append(part)
        these = dict(zip(frame.columns, frame.dtypes, strict=True))
        wider = len(these) > len(self.columns)
        self.columns = these | self.columns if wider else self.columns | these

    def write(self) -> None:
        """Write all chunks."""
        self._write(map(self._read, self._parts))

    def _read(self, part: Path) -> pd.DataFrame:
        frame: pd.DataFrame = pickle.loads(part.read_bytes())  # noqa: S301  our own, just written
        return frame.reindex(columns=list(self.columns))

    def _write(self, frames: Iterable[pd.DataFrame]) -> None:
        if self.path.suffix.lower() == PARQUET:
            write.write_parquet(frames, self._schema(), self.path)
        else:
            write.write_csv(frames, self.columns, self.path)

    def _schema(self) -> Any:
        pa = write.pyarrow()
        return pa.schema([(name, self._type(name)) for name in self.columns])

    def _type(self, name: str) -> Any:
        pa = write.pyarrow()
        dtype = self._source.get(name)
        found = dtype.pyarrow_dtype if isinstance(dtype, pd.ArrowDtype) else None
        if not self.filled.fullmatch(name):
            return pa.string() if found is None else found
        if name.endswith(ANSWERED_AT) and (
            dtype is None or (found is not None and pa.types.is_timestamp(found))
        ):
            return pa.timestamp("ms")
        lists = dtype is None or found in {pa.null(), write.phones_type()}
        return write.phones_type() if lists and name.endswith("phones") else pa.string()


@contextmanager
def _possible(target: Path) -> Iterator[None]:
    """Explain errors that occur before anything is sent."""
    try:
        yield
    except ProntoError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"{target} cannot be written ({error.strerror}). Free some space or choose another "
            "folder. Nothing was sent."
        ) from None
    except Exception as error:  # noqa: BLE001  of pandas and Arrow, whose own may show values
        raise ConfigurationError(
            f"{target.name} cannot store some values of the source "
            f"({error.__class__.__name__}). Choose another file format for the target, or convert "
            "these values to strings. Nothing was sent."
        ) from None


@contextmanager
def _kept(target: Path) -> Iterator[None]:
    """Explain errors that occur after answers were paid for."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  of disks, pandas and Arrow, whose own may show values
        why = getattr(error, "strerror", None) or error.__class__.__name__
        raise ResultError(
            f"{target.name} could not be written ({why}). All answers are saved in the ledger. "
            "Free some space or choose another target, then run the same line again: saved "
            "answers cost nothing."
        ) from None


def enrich_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    type: Types,  # noqa: A002  the name of the public interface
    *,
    chunksize: int = 50_000,
    columns: Mapping[str, object] | None = None,
    max_credits: float | None = None,
    overwrite: bool = False,
    refresh: bool = False,
    resend_unknown: bool = False,
    phones: Phones = "columns",
    phone_country_codes: Sequence[str] | None = None,
    prefix: str = "",
    custom: Iterable[object] | None = None,
    progress: bool | Watcher = True,
    via: Via = "sync",
    suppress: Suppress | None = None,
    stop_below: float | None = None,
) -> pd.Series:
    """Enrich a file chunk by chunk and write the result to another file.

    Use it for files larger than memory. The cost is the same as for `enrich`. A person who appears
    in several chunks is looked up once, and a stopped run resumes where it left off, because every
    answer is in the ledger. The target is written completely or not at all. Before anything is
    sent, the whole file is read, and written once to a temporary file, as a test.

    Parameters
    ----------
    source, target : path
        ``.csv``, ``.tsv`` or ``.parquet`` (needs pyarrow). Text files are read as by `read`,
        with any encoding and separator that it supports, and written as by ``df.pronto.save``.
        In Parquet, the columns that are filled become strings, and ``pronto_answered_at`` becomes
        timestamps; the others keep their type.
    type : str or list of str
        As for `enrich`.
    chunksize : int
        Number of rows to process at a time.
    max_credits : float, optional
        Limit for the whole file. If it could be exceeded, or the run stops early, the remaining
        rows are filled from the ledger only; rows not in the ledger are ``pending``.
    columns, overwrite, refresh, resend_unknown, phones, phone_country_codes, prefix, custom, \
    progress, via, suppress, stop_below
        As for `enrich`. One progress bar per chunk.

    Returns
    -------
    Series
        Number of rows per ``pronto_status``.

    Raises
    ------
    ConfigurationError
        An argument is invalid, or a file or a column is missing. Nothing was sent.
    AuthenticationError, ConsentRequiredError, NotConfirmedError, ConnectionFailedError, LedgerError
        As for `enrich`. The target is not written.
    ResultError
        The source was changed during the run, or the target could not be written. All answers are
        saved in the ledger.
    """
    source, target = Path(source).expanduser(), Path(target).expanduser()
    with nothing_sent():
        _check_files(source, target, chunksize)
    check_progress(progress)
    options, settings = make_options(locals()), current()
    check_consent(options.types, settings)
    bill = Bill(settings, options, shown=progress is True)
    counts: Counter[str] = Counter()
    with write.temporary(target) as part:
        with closing(_chunks(source, chunksize)) as chunks, nothing_sent():
            first = next(chunks)
        whole = _Target(part, written(options), dict(zip(first.columns, first.dtypes, strict=True)))
        with _possible(target), nothing_sent():
            rows = whole.check(_chunks(source, chunksize))
        # A column is the same field in the whole file.
        found = find(first, columns).overrides(first) | {**(columns or {})}
        again = _unchanged_chunks(source, chunksize, rows)
        enriched = _enriched(again, replace(options, columns=found), rows, bill, progress)
        with bill.shown_at_the_end():
            for out in enriched:
                counts.update(out[f"{prefix}pronto_status"].tolist())
                with _kept(target):
                    whole.add(out)
        with _kept(target):
            whole.write()
            write.put(part, target)
    return pd.Series(counts, dtype="int64", name="rows").rename_axis("pronto_status")


def _enriched(
    chunks: Iterable[pd.DataFrame],
    options: Options,
    rows: int,
    bill: Bill,
    progress: bool | Watcher,
) -> Iterator[pd.DataFrame]:
    """Enrich the chunks as one run; after it has stopped early, from the ledger only."""
    settings = bill.settings
    began, stopped = open_ledger(settings).date(), False
    for chunk in chunks:
        preview = Preview(chunk, options, settings, began=began)
        if stopped:
            bill.tally.add_list(preview, [], preview.lookup.results)
            bill.tally.add_left_out(preview)
            yield preview.frame()
            continue
        bill.scale = rows / max(1, len(chunk))
        rows -= len(chunk)
        run = Run(preview, preview.lookup.requests, progress, bill=bill)
        run.in_thread()
        yield run.frame()
        if options.max_credits is not None:
            options = replace(options, max_credits=max(0.0, options.max_credits - run.spent))
        if run.ended_early:
            stopped, options = True, replace(options, refresh=False, resend_unknown=False)
