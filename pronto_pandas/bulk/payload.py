"""What a webhook gets, or another tool has collected: one answer, and whose it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.answer import Answer
from ..api.answer import parse as parse_answer
from ..api.body import decoded, loads, storable
from ..errors import UnreadableAnswerError

TAG: Final = "pronto_pandas"
"""The field of ``custom`` that says whose answer it is; beside it are the caller's own fields."""

_WRAPPED: Final = ("body", "payload", "data", "json", "content")
"""Where tools that collect webhooks put what they got."""


def tag(job: str, contact: str) -> dict[str, str]:
    """Return what goes along with a contact and comes back with its answer."""
    return {TAG: f"{job}.{contact}"}


@dataclass(frozen=True, slots=True, repr=False)
class Payload:
    """One payload.

    Parameters
    ----------
    body : str
        As it came.
    job, contact : str
        Whose it says it is; empty where it does not.
    answer : Answer, optional
        Where it is one.
    """

    body: str
    job: str = ""
    contact: str = ""
    answer: Answer | None = None


def parse(body: bytes | str) -> Payload:
    """Read the body of a request; whatever it is, it is kept."""
    text = decoded(body)
    try:
        data = loads(text)
    except ValueError:
        return Payload(storable(text))
    return read(data, text)


def read(data: Any, text: str | None = None) -> Payload:
    """Read a payload that was JSON.

    Parameters
    ----------
    data : Any
        A payload, or what a tool has made of one.
    text : str, optional
        As it came.
    """
    whole = json.dumps(data, default=str) if text is None else text
    record = _unwrapped(data)
    if record is None:
        return Payload(storable(whole))
    job, _, contact = storable(_tagged(record)).partition(".")
    # What a tool has wrapped around it is taken off; the rest is kept as it came.
    own = whole if record == data else json.dumps(record, default=str)
    try:
        answer = parse_answer(own)
    except UnreadableAnswerError:
        answer = None
    return Payload(storable(whole), job, contact, answer)


def _unwrapped(data: Any) -> dict[str, Any] | None:
    """Find the payload in what a tool has wrapped around it."""
    for _ in range(3):
        data = _decoded(data)
        if not isinstance(data, Mapping):
            return None
        if _tagged(data):
            return dict(data)
        inner = [data[name] for name in _WRAPPED if name in data]
        if not inner:
            return dict(data)
        data = inner[0]
    return None


def _tagged(record: Mapping[str, Any]) -> str:
    custom = _decoded(record.get("custom"))
    found = custom.get(TAG) if isinstance(custom, Mapping) else record.get(f"custom.{TAG}")
    return found if isinstance(found, str) else ""


def _decoded(value: Any) -> Any:
    """Read JSON that stands in a text, as a cell of a table does."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except ValueError:
        return None
