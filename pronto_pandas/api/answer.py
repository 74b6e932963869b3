"""What comes back.

The service contradicts its own pages, so answers are read leniently: phones may be objects,
strings, or stand under ``phone``; statuses are an open vocabulary; unknown fields are ignored.
Nothing here shows a value of a person's data in its ``repr``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher
from itertools import product
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from .body import read_object, storable, unreadable
from .spec import TYPES, EnrichmentType


def _text(value: Any) -> str | None:
    """Trim a text; numbers become text; nothing and the empty text are the same."""
    if not value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("a text was expected")
    return storable(value).strip() or None


def _note(value: Any) -> str | None:
    """Read a text that is not what was paid for; an odd form of it must not lose what was."""
    try:
        return _text(value)
    except ValueError:
        return None


def _name(value: Any) -> str | None:
    """Read an ``enrichment_id``; one that is too long for an address is none."""
    name = _note(value)
    return name if name is None or len(name) <= _LONGEST_NAME else None


def _status(value: Any) -> str | None:
    """Read a status; one of an odd form is one that is not known to be final."""
    try:
        return _text(value)
    except ValueError:
        return "unreadable"


def _address(value: Any) -> str | None:
    """Read an email; what has no ``@``, such as ``N/A``, stands for nothing found."""
    text = _text(value)
    return None if text is None or "@" not in text else text


Text = Annotated[str, BeforeValidator(_text)]
Note = Annotated[str | None, BeforeValidator(_note)]
Name = Annotated[str | None, BeforeValidator(_name)]
Status = Annotated[str | None, BeforeValidator(_status)]
Address = Annotated[str | None, BeforeValidator(_address)]

_LONGEST_NAME = 256
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

    number: Text
    type: Note = None

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
                phones.setdefault(number, entry | {"number": number})
    return list(phones.values())


class Answer(BaseModel):
    """The service's answer about one person.

    Parameters
    ----------
    enrichment_id : str, optional
        The service's name of this request.
    status, message : str, optional
        ``success`` or ``error``, and the service's words.
    first_name, last_name : str, optional
        Of the person that the answer is about; see `names_differ`.
    email, email_status, personal_email, personal_email_status, phone_status : str, optional
        As the service wrote them; statuses pass through unchanged.
    phones : tuple of Phone
        Every number once, in the service's order.
    custom : dict, optional
        What was sent as ``custom``. Not part of a dump.
    body : str
        The answer as it came, where it was read by `parse`. It is part of no dump, comparison or
        ``repr``, and no field of the service sets it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    enrichment_id: Name = None
    status: Status = None
    message: Note = None
    first_name: Note = None
    last_name: Note = None
    email: Address = None
    email_status: Note = None
    phones: tuple[Phone, ...] = ()
    phone_status: Note = None
    personal_email: Address = None
    personal_email_status: Note = None
    custom: dict[str, Any] | None = Field(default=None, exclude=True)
    body: str = Field(default="", exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("the answer is not an object")
        if not data.keys() & _TELLING:
            raise ValueError("the answer has none of the expected fields")
        custom = data.get("custom")
        fields = data | {
            "enrichment_id": data.get("enrichment_id") or data.get("id"),
            "phones": _phones(data),
            "custom": custom if isinstance(custom, dict) else None,
            "body": "",
        }
        # An id alone says that the work was taken, not that nothing was found.
        return fields if data.keys() & _OUTCOME else fields | {"status": "pending"}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Answer):
            return NotImplemented
        return vars(self) | {"body": ""} == vars(other) | {"body": ""}

    def __hash__(self) -> int:
        return hash((self.enrichment_id, self.status, self.email, self.phones))

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


_OUTCOME = {
    *("status", "email", "email_status", "phones", "phone", "phone_status"),
    *("personal_email", "personal_email_status"),
}
_TELLING = _OUTCOME | {"enrichment_id", "id"}


def parse(body: bytes | str) -> Answer:
    """Read an answer as it came, or as it was stored.

    Parameters
    ----------
    body : bytes or str
        JSON in any of its encodings.

    Returns
    -------
    Answer
        With its ``body``: the text as it came where UTF-8 and SQL can hold it, else the same data
        escaped.

    Raises
    ------
    UnreadableAnswerError
        Where it is no answer; the message holds no value.
    """
    data, text = read_object(body)
    try:
        answer = Answer.model_validate(data)
    except ValidationError:
        # Pydantic's own message would carry the values.
        raise unreadable("is not of the documented form") from None
    return answer.model_copy(update={"body": text})


def names_differ(answer: Answer, firstname: str, lastname: str) -> bool:
    """Whether an answer is clearly about another person than the one asked for.

    It is clear where both have two names in Latin letters, and no word of the one is, or begins,
    or resembles at its place, a word of the other. Case, accents, punctuation, order and initials
    do not count.

    Parameters
    ----------
    answer : Answer
        With ``first_name`` and ``last_name``; else nothing is clear.
    firstname, lastname : str
        The names that were asked for.
    """
    if not answer.first_name or not answer.last_name or answer.last_name == lastname:
        return False  # as a rule, and quickly
    theirs = [_words(name) for name in (answer.first_name, answer.last_name)]
    asked = [_words(name) for name in (firstname, lastname)]
    if not all([*theirs, *asked]):
        return False
    pairs = product(set().union(*theirs), set().union(*asked))
    if any(one.startswith(other) or other.startswith(one) for one, other in pairs):
        return False
    return not any(
        SequenceMatcher(None, one, other).ratio() >= _ALIKE
        for at_one_place in zip(theirs, asked, strict=True)
        for one, other in product(*at_one_place)
    )


_ALIKE = 0.6
"""From here on two words may be two spellings of one: Evgenij and Yevgeny, Müller and Mueller."""

_SPELLINGS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "æ": "ae",
        "œ": "oe",
    }
)


def _words(name: str) -> set[str]:
    """Return the words of a name, alone and together; none where one is not in Latin letters."""
    letters = unicodedata.normalize("NFKD", name.casefold()).translate(_SPELLINGS)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"[^\W\d_]+", plain)
    if not all(word.isascii() for word in words):
        return set()
    return {word for word in [*words, "".join(words)] if len(word) > 1}
