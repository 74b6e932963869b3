"""Files larger than memory: enriched piece by piece, written whole or not at all."""

from __future__ import annotations

import os
import pickle
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from .arguments import Suppress, check_consent, check_progress, make_options
from .config.settings import Settings, current
from .errors import ConfigurationError, ProntoError, ResultError
from .frame.columns import find
from .frame.options import Options, Phones, Types, Via
from .frame.results import written
from .lookup import open_ledger
from .notebook.progress import Watcher
from .preview import Preview
from .run import Run
from .tables import read, write
from .tables.csv_dialect import look

PARQUET: Final = write.PARQUET


def check(source: Path, target: Path, chunksize: int) -> None:
    """Check that both files can be what they are said to be.

    Raises
    ------
    ConfigurationError
        With what to do.
    """
    for path, name in ((source, "source"), (target, "target")):
        if path.suffix.lower() not in {*write.SEPARATORS, PARQUET}:
            raise ConfigurationError(
                f"{name} must end in .csv, .tsv or .parquet, not {path.suffix!r}. Nothing was sent."
            )
        if path.suffix.lower() == PARQUET:
            write.pyarrow()
    read.check_file(source)
    write.check_place(target, "Nothing was sent.")
    if source.resolve() == target.resolve():
        raise ConfigurationError("target must be another file than source. Nothing was sent.")
    if type(chunksize) is not int or chunksize < 1:
        raise ConfigurationError("chunksize must be a whole number from 1 on. Nothing was sent.")


def pieces(source: Path, chunksize: int) -> Generator[pd.DataFrame]:
    """Read a file in frames of so many rows; there is always one.

    Texts stay texts, so that no phone loses its zeros.
    """
    if source.suffix.lower() == PARQUET:
        return _of_parquet(source, chunksize)
    layout = look(source)
    return read.pieces(source, layout, chunksize)


def _again(source: Path, chunksize: int, rows: int) -> Iterator[pd.DataFrame]:
    """Read a file that was read before, and had so many rows."""
    left: int | None = rows
    try:
        for piece in pieces(source, chunksize):
            left = (left or 0) - len(piece)
            yield piece
    except ConfigurationError:
        left = None
    if left != 0:
        raise ResultError(
            f"{source.name} was changed while it was enriched, so the target is not written. The "
            "answers are kept in the ledger. Run the same line again with the file as it shall be: "
            "what is answered costs nothing."
        )


def _of_parquet(source: Path, chunksize: int) -> Generator[pd.DataFrame]:
    pa = write.pyarrow()
    with _readable(source):
        file = pa.parquet.ParquetFile(source)
    with file:
        names = pd.Index(file.schema_arrow.names)
        if not names.is_unique:
            twice = ", ".join(map(repr, names[names.duplicated()].unique()))
            raise ConfigurationError(
                f"{source.name} has several columns named {twice}. Rename them. Nothing was sent."
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
                # Arrow's own types: a number stays one where a piece lacks some.
                piece = batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
            yield piece


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, NotImplementedError) as error:  # Arrow's are of these
        raise ConfigurationError(
            f"{source.name} cannot be read as Parquet ({error.__class__.__name__}): it is damaged, "
            "cut off, or of another kind. Write it again with the program it is from. Nothing was "
            "sent."
        ) from None


@dataclass
class _Target:
    """A file that is written once all its frames are there; they wait in a folder beside it.

    Parameters
    ----------
    path : Path
        Where it is written, in that folder.
    filled : Pattern
        The headers of the columns that the run may write. In Parquet they are text, or phones.
    columns : dict of str to dtype
        The columns of all frames, which differ in how many phones they have.
    """

    path: Path
    filled: re.Pattern[str]
    columns: dict[str, Any]
    _parts: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._source = dict(self.columns)

    def check(self, frames: Iterable[pd.DataFrame]) -> int:
        """Write the frames of the source as they are, remove them again, and count their rows.

        What the target cannot hold, and what cannot be read, is found so before anything is sent.
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
        """Keep a frame until `write`."""
        part = self.path.parent / str(len(self._parts))
        frame.to_pickle(part)
        self._parts.append(part)
        these = dict(zip(frame.columns, frame.dtypes, strict=True))
        wider = len(these) > len(self.columns)
        self.columns = these | self.columns if wider else self.columns | these

    def write(self) -> None:
        """Write all frames."""
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
        lists = dtype is None or found in {pa.null(), write.phones_type()}
        return write.phones_type() if lists and name.endswith("phones") else pa.string()


@contextmanager
def _possible(target: Path) -> Iterator[None]:
    """Raise what goes wrong before anything is sent as an error that says so."""
    try:
        yield
    except ProntoError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"{target} cannot be written ({error.strerror}). Make room, or take another folder. "
            "Nothing was sent."
        ) from None
    except Exception as error:  # noqa: BLE001  of pandas and Arrow, whose own may show values
        raise ConfigurationError(
            f"{target.name} cannot hold some values of the source ({error.__class__.__name__}). "
            "Take a target of another kind, or make them texts. Nothing was sent."
        ) from None


@contextmanager
def _kept(target: Path) -> Iterator[None]:
    """Raise what goes wrong after answers were paid for as an error that says where they are."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  of disks, pandas and Arrow, whose own may show values
        why = getattr(error, "strerror", None) or error.__class__.__name__
        raise ResultError(
            f"{target.name} could not be written ({why}). The answers are kept in the ledger. Make "
            "room, or take another target, and run the same line again: what is answered costs "
            "nothing."
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
    prefix: str = "",
    custom: Iterable[object] | None = None,
    progress: bool | Watcher = True,
    via: Via = "sync",
    suppress: Suppress | None = None,
) -> pd.Series:
    """Enrich a file that may be larger than memory into another one.

    Costs what `enrich` costs. People who are in several pieces are asked once, because the ledger
    knows them; for the same reason a run that was stopped goes on where it was. The new file is
    there whole, or not at all. Both files are read and written once before anything is sent, so
    that what the target cannot hold is found then.

    Parameters
    ----------
    source, target : path
        ``.csv``, ``.tsv`` or ``.parquet`` (which needs pyarrow), each. Files of text are read as
        `read` does, whatever their encoding and separator, and written as ``df.pronto.save`` does.
        In Parquet the columns that the run fills are texts, the others what they were.
    type : str or list of str
        As for `enrich`.
    chunksize : int
        Rows in memory at a time.
    max_credits : float, optional
        For the whole file. Once it could be passed, or when a run stops early, the rest of the file
        is filled from the ledger alone and is else ``pending``.
    columns, overwrite, refresh, resend_unknown, phones, prefix, custom, progress, via, suppress
        As for `enrich`; a bar is shown for each piece.

    Returns
    -------
    Series
        How many rows have each ``pronto_status`` (int).

    Raises
    ------
    ConfigurationError
        Where an argument is wrong, a file or a column is missing. Nothing was sent.
    AuthenticationError, ConsentRequiredError, ConnectionFailedError, LedgerError
        As for `enrich`. The target is not written.
    ResultError
        Where the target could not be written in the end. The answers are kept in the ledger.
    """
    source, target = Path(source).expanduser(), Path(target).expanduser()
    check(source, target, chunksize)
    check_progress(progress)
    options, settings = make_options(locals()), current()
    check_consent(options.types, settings)
    counts: Counter[str] = Counter()
    with write.beside(target) as part:
        with closing(pieces(source, chunksize)) as frames:
            first = next(frames)
        whole = _Target(part, written(options), dict(zip(first.columns, first.dtypes, strict=True)))
        with _possible(target):
            rows = whole.check(pieces(source, chunksize))
        # A column is the same field in the whole file.
        found = find(first, columns).overrides(first) | {**(columns or {})}
        for out in _enriched(
            _again(source, chunksize, rows), replace(options, columns=found), settings, progress
        ):
            counts.update(out[f"{prefix}pronto_status"].tolist())
            with _kept(target):
                whole.add(out)
        with _kept(target):
            whole.write()
            write.put(part, target)
    return pd.Series(counts, dtype="int64", name="rows").rename_axis("pronto_status")


def _enriched(
    frames: Iterable[pd.DataFrame], options: Options, settings: Settings, progress: bool | Watcher
) -> Iterator[pd.DataFrame]:
    """Enrich the frames of one list as one run; once it is stopped, from the ledger alone."""
    began, left, goes_on = open_ledger(settings).date(), options.max_credits, True
    for frame in frames:
        options = replace(
            options,
            max_credits=left,
            refresh=options.refresh and goes_on,
            resend_unknown=options.resend_unknown and goes_on,
        )
        preview = Preview(frame, options, settings, began=began)
        if goes_on:
            run = Run(preview, preview.lookup.requests, progress)
            run.in_thread()
            yield run.frame()
            goes_on = not run.ended_early
            left = None if left is None else max(0.0, left - run.spent)
        else:
            yield preview.frame()
