"""What comes back.

The service contradicts its own pages, so answers are read leniently: phones may be objects,
strings, or stand under ``phone``; statuses are an open vocabulary; unknown fields are ignored.
Nothing here shows a value of a person's data in its ``repr``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from .spec import TYPES, EnrichmentType


def _text(value: Any) -> Any:
    """Trim a text; numbers become text; nothing and the empty text are the same."""
    if isinstance(value, bool):
        raise ValueError("a text was expected")
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, str):
        return value.strip() or None
    return value


def _address(value: Any) -> Any:
    """Read an email; what has no ``@``, such as ``N/A``, stands for nothing found."""
    value = _text(value)
    return None if isinstance(value, str) and "@" not in value else value


Text = Annotated[str | None, BeforeValidator(_text)]
Address = Annotated[str | None, BeforeValidator(_address)]

_FINAL = frozenset({None, "success", "error", "finished"})


class Phone(BaseModel):
    """One phone number as the service wrote it.

    Parameters
    ----------
    number : str
        The number, usually E.164.
    type : str, optional
        Such as ``mobile``; absent where the service sends plain strings.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    number: str
    type: Text = None

    def __repr__(self) -> str:
        return "Phone(…)"

    __str__ = __repr__


def _phones(data: Mapping[str, Any]) -> list[Any]:
    """Collect the phones of an answer from every place the service is known to put them."""
    phones: dict[str, Any] = {}
    for field in ("phones", "phone"):
        value = data.get(field)
        items = value if isinstance(value, list) else [] if value is None else [value]
        for item in items:
            entry = dict(item) if isinstance(item, dict) else {"number": item}
            number = _text(entry.get("number"))
            if number is not None:
                phones.setdefault(str(number), entry | {"number": number})
    return list(phones.values())


class Answer(BaseModel):
    """The service's answer about one person.

    Parameters
    ----------
    enrichment_id : str, optional
        The service's name of this request.
    status, message : str, optional
        ``success`` or ``error``, and the service's words.
    email, email_status, personal_email, personal_email_status, phone_status : str, optional
        As the service wrote them; statuses pass through unchanged.
    phones : tuple of Phone
        Every number once, in the service's order.
    custom : dict, optional
        What was sent as ``custom``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    enrichment_id: Text = None
    status: Text = None
    message: Text = None
    email: Address = None
    email_status: Text = None
    phones: tuple[Phone, ...] = ()
    phone_status: Text = None
    personal_email: Address = None
    personal_email_status: Text = None
    custom: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("the answer is not an object")
        if not data.keys() & _TELLING:
            raise ValueError("the answer has none of the expected fields")
        custom = data.get("custom")
        return data | {
            "phones": _phones(data),
            "custom": custom if isinstance(custom, dict) else None,
        }

    def __repr__(self) -> str:
        found = [name for name in TYPES if self.has(name)]
        return f"Answer(status={self.status!r}, found={found})"

    __str__ = __repr__

    def has(self, type_: EnrichmentType) -> bool:
        """Say whether the answer holds a value of this type."""
        return self.count(type_) > 0

    def count(self, type_: EnrichmentType) -> int:
        """Say how many values of this type the answer holds; each may be charged."""
        return len(self.phones) if type_ == "phone" else int(bool(getattr(self, type_)))

    @property
    def is_final(self) -> bool:
        """Whether the service is done: it names an outcome, or there is data."""
        return self.status in _FINAL or any(map(self.has, TYPES))

    def of_later(self) -> Answer:
        """Return the answer as one of the asynchronous calls, where silence means "not yet"."""
        return self.model_copy(update={"status": self.status or "pending"})


_TELLING = {"status", "enrichment_id", "email", "phones", "phone", "personal_email"}
