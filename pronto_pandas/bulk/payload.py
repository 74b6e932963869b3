"""Webhook payloads: read from a request body, or from what another tool (Zapier, …) exported."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ..api.answer import Answer
from ..api.answer import parse as parse_answer
from ..api.body import decoded, loads, storable
from ..errors import ConfigurationError, UnreadableAnswerError

TAG: Final = "pronto_pandas"
"""The field of ``custom`` that identifies an answer's job and person. The caller's own fields stay
next to it."""

Source = str | os.PathLike[str] | pd.DataFrame | Sequence[Mapping[str, Any]]
"""What an export can be."""

_WRAPPERS: Final = ("body", "payload", "data", "json", "content")
"""Fields in which tools put the payload that they received."""


def tag(job: str, contact: str) -> dict[str, str]:
    """Return the field that is sent with a contact and comes back with its answer."""
    return {TAG: f"{job}.{contact}"}


@dataclass(frozen=True, slots=True, repr=False)
class Payload:
    """One payload; ``job`` and ``contact`` come from its tag and are empty without one."""

    body: str
    job: str = ""
    contact: str = ""
    answer: Answer | None = None


def parse(body: bytes | str) -> Payload:
    """Read a payload from text; text that is not JSON is kept as it is."""
    text = decoded(body)
    try:
        data = loads(text)
    except ValueError:
        return Payload(storable(text))
    return _payload(data, text)


def read_export(source: Source) -> Iterator[Payload]:
    """Read payloads that another tool collected, from a file, a DataFrame or a list of dicts.

    Raises
    ------
    ConfigurationError
        The source cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source))
    if isinstance(source, pd.DataFrame):
        return map(_payload, _records(source))
    if isinstance(source, list | tuple):
        return map(_payload, source)
    raise ConfigurationError(
        "Expected a file (.jsonl, .json, .csv, .tsv), a DataFrame or a list of dicts, "
        f"got {type(source).__name__}."
    )


def _from_file(path: Path) -> Iterator[Payload]:
    separator = {".csv": ",", ".tsv": "\t"}.get(path.suffix.lower())
    try:
        if separator is not None:
            return map(_payload, _records(pd.read_csv(path, sep=separator, dtype="str")))
        body = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__}).") from None
    if path.suffix.lower() == ".json" or body.lstrip()[:1] == b"[":
        return map(_payload, _from_json(body, path))
    return (parse(line) for line in body.splitlines() if line.strip())


def _from_json(body: bytes, path: Path) -> Iterable[Any]:
    try:
        data = json.loads(body)
    except ValueError:
        raise ConfigurationError(
            f"{path} is not valid JSON. If it has one payload per line, rename it to .jsonl."
        ) from None
    return data if isinstance(data, list) else [data]


def _records(df: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, each without its missing values."""
    for row in df.astype(object).to_dict("records"):
        yield {str(k): v for k, v in row.items() if not (pd.api.types.is_scalar(v) and pd.isna(v))}


def _payload(data: Any, text: str | None = None) -> Payload:
    """Return the payload in parsed JSON, which a tool may have wrapped.

    Parameters
    ----------
    data : Any
        The parsed JSON.
    text : str, optional
        The JSON text, if there was one.
    """
    whole = json.dumps(data, default=str) if text is None else text
    record = _unwrapped(data)
    if record is None:
        return Payload(storable(whole))
    job, _, contact = storable(_tag_in(record)).partition(".")
    # The answer is what Pronto sent, without the wrapper; the body is everything, as it came.
    sent = whole if record == data else json.dumps(record, default=str)
    try:
        answer = parse_answer(sent)
    except UnreadableAnswerError:
        answer = None
    return Payload(storable(whole), job, contact, answer)


def _unwrapped(data: Any) -> dict[str, Any] | None:
    """Return the payload without what a tool wrapped around it."""
    for _ in range(3):
        data = _decoded(data)
        if not isinstance(data, Mapping):
            return None
        if _tag_in(data):
            return dict(data)
        inner = [data[name] for name in _WRAPPERS if name in data]
        if not inner:
            return dict(data)
        data = inner[0]
    return None


def _tag_in(record: Mapping[str, Any]) -> str:
    custom = _decoded(record.get("custom"))
    found = custom.get(TAG) if isinstance(custom, Mapping) else record.get(f"custom.{TAG}")
    return found if isinstance(found, str) else ""


def _decoded(value: Any) -> Any:
    """Parse a value that is JSON text, as in a cell of a table."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except ValueError:
        return None
