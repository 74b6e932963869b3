"""Payloads that another receiver or tool has collected."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import ConfigurationError
from .payload import Payload, parse, read

Source = str | os.PathLike[str] | pd.DataFrame | Sequence[Mapping[str, Any]]


def payloads(source: Source) -> Iterator[Payload]:
    """Read payloads from a file, a frame or a list.

    Parameters
    ----------
    source : path, DataFrame or list of dict
        A file of JSON lines, of one JSON list, or a table (``.csv``, ``.tsv``).

    Raises
    ------
    ConfigurationError
        Where it is none of these.
    """
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source))
    if isinstance(source, pd.DataFrame):
        return map(read, _records(source))
    if isinstance(source, list | tuple):
        return map(read, source)
    raise ConfigurationError(
        "Payloads come from a file (.jsonl, .json, .csv), a DataFrame, or a list of dicts."
    )


def _from_file(path: Path) -> Iterator[Payload]:
    table = {".csv": ",", ".tsv": "\t"}.get(path.suffix.lower())
    try:
        if table is not None:
            return map(read, _records(pd.read_csv(path, sep=table, dtype="str")))
        body = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__}).") from None
    if path.suffix.lower() == ".json" or body.lstrip()[:1] == b"[":
        return map(read, _listed(body, path))
    return (parse(line) for line in body.splitlines() if line.strip())


def _listed(body: bytes, path: Path) -> Iterable[Any]:
    try:
        data = json.loads(body)
    except ValueError:
        raise ConfigurationError(
            f"{path} is no JSON. One payload a line: name it .jsonl."
        ) from None
    return data if isinstance(data, list) else [data]


def _records(df: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Return the rows of a table, each without what it has no value for."""
    for row in df.astype(object).to_dict("records"):
        yield {str(k): v for k, v in row.items() if not (pd.api.types.is_scalar(v) and pd.isna(v))}
