"""Files larger than memory: enriched piece by piece, written whole or not at all."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from .arguments import Suppress, suppressed
from .errors import ConfigurationError
from .frame.columns import find
from .frame.options import Phones, Types, Via
from .functions import request
from .notebook.progress import Watcher
from .tables import reading, saving
from .tables.layout import look

PARQUET: Final = saving.PARQUET


def check(source: Path, target: Path, chunksize: int) -> None:
    """Find out before anything is sent that both files can be what they are said to be.

    Raises
    ------
    ConfigurationError
        With what to do.
    """
    for path, name in ((source, "source"), (target, "target")):
        if path.suffix.lower() not in {*saving.SEPARATORS, PARQUET}:
            raise ConfigurationError(
                f"{name} must end in .csv, .tsv or .parquet, not {path.suffix!r}. Nothing was sent."
            )
        if path.suffix.lower() == PARQUET:
            saving.pyarrow()
    if not source.is_file():
        raise ConfigurationError(f"There is no file {source}. Nothing was sent.")
    if not target.parent.is_dir():
        raise ConfigurationError(f"There is no folder {target.parent}. Nothing was sent.")
    if source.resolve() == target.resolve():
        raise ConfigurationError("target must be another file than source. Nothing was sent.")
    if type(chunksize) is not int or chunksize < 1:
        raise ConfigurationError("chunksize must be a whole number from 1 on. Nothing was sent.")


def pieces(source: Path, chunksize: int) -> Iterator[pd.DataFrame]:
    """Read a file in frames of so many rows; texts stay texts, so that no phone loses its zeros."""
    if source.suffix.lower() == PARQUET:
        file = saving.pyarrow().parquet.ParquetFile(source)
        for batch in file.iter_batches(batch_size=chunksize):
            # Arrow's own types: a number stays one where a piece lacks some.
            yield batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
        return
    layout = look(source)
    reading.check(source, layout)
    for piece in reading.pieces(source, layout, chunksize):
        yield piece.fillna("")


def written(frames: Iterable[pd.DataFrame], target: Path) -> None:
    """Write frames into one file, whole or not at all.

    What is done waits beside the target: frames differ in how many phones they have.
    """
    with saving.whole(target) as whole:
        parts: list[Path] = []
        columns: dict[Any, Any] = {}
        for frame in frames:
            parts.append(whole.parent / str(len(parts)))
            frame.to_pickle(parts[-1])
            wider = dict(zip(frame.columns, frame.dtypes, strict=True))
            columns = wider | columns if len(wider) > len(columns) else columns | wider
        again = (_read(part, columns) for part in parts)
        if target.suffix.lower() == PARQUET:
            saving.write_parquet(again, _schema(columns), whole)
        else:
            saving.write_csv(again, columns, whole)


def _read(part: Path, columns: Iterable[Any]) -> pd.DataFrame:
    frame: pd.DataFrame = pickle.loads(part.read_bytes())  # noqa: S301  our own, just written
    return frame.reindex(columns=list(columns))


def _schema(columns: Mapping[Any, Any]) -> Any:
    pa = saving.pyarrow()

    def kind(dtype: Any) -> Any:
        if isinstance(dtype, pd.ArrowDtype):
            return dtype.pyarrow_dtype
        phones = isinstance(dtype, np.dtype) and dtype.kind == "O"
        return saving.phones_type() if phones else pa.string()

    return pa.schema([(str(name), kind(dtype)) for name, dtype in columns.items()])


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
    there whole, or not at all.

    Parameters
    ----------
    source, target : path
        ``.csv``, ``.tsv`` or ``.parquet`` (which needs pyarrow), each. Files of text are read as
        `read` does, whatever their encoding and separator, and written as ``df.pronto.save`` does.
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
    """
    source, target = Path(source), Path(target)
    check(source, target, chunksize)
    headers = list(custom) if custom is not None and not isinstance(custom, str) else custom
    never = suppressed(suppress)
    counts: Counter[str] = Counter()

    def enriched() -> Iterator[pd.DataFrame]:
        left, goes_on, found = max_credits, True, columns
        for number, piece in enumerate(pieces(source, chunksize)):
            if number == 0:  # a column is the same field in the whole file
                found = find(piece, columns).overrides(piece) | {**(columns or {})}
            run = request(
                piece,
                type,
                columns=found,
                max_credits=left,
                overwrite=overwrite,
                refresh=refresh and goes_on,
                resend_unknown=resend_unknown and goes_on,
                phones=phones,
                prefix=prefix,
                custom=headers,
                progress=progress,
                via=via,
                suppress=never,
            )
            if goes_on:
                run.in_thread()
            out = run.frame()
            goes_on = goes_on and not run.ended_early
            left = None if left is None else max(0.0, left - run.spent)
            counts.update(out[f"{prefix}pronto_status"].tolist())
            yield out

    written(enriched(), target)
    return pd.Series(counts, dtype="int64", name="rows").rename_axis("pronto_status")
