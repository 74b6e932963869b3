"""The answer for one person.

Pronto's responses differ from its documentation, so answers are read leniently: phones may be
objects or strings, or be in ``phone``; any status is accepted; unknown fields are ignored. No
``repr`` here shows personal data.
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
    """Return a stripped string, also for a number; None for an empty value."""
    if not value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return storable(value).strip() or None


def _note(value: Any) -> str | None:
    """Read a free field; an invalid value must not make the paid fields unreadable."""
    try:
        return _text(value)
    except ValueError:
        return None


def _id(value: Any) -> str | None:
    """Read an ``enrichment_id``; None if it is too long for a URL."""
    text = _note(value)
    return text if text is None or len(text) <= _LONGEST_ID else None


def _status(value: Any) -> str | None:
    """Read a status; an invalid one does not count as final."""
    try:
        return _text(value)
    except ValueError:
        return "unreadable"


def _email(value: Any) -> str | None:
    """Read an email; text without an ``@``, such as ``N/A``, means that none was found."""
    text = _text(value)
    return None if text is None or "@" not in text else text


Text = Annotated[str, BeforeValidator(_text)]
Note = Annotated[str | None, BeforeValidator(_note)]
Id = Annotated[str | None, BeforeValidator(_id)]
Status = Annotated[str | None, BeforeValidator(_status)]
Email = Annotated[str | None, BeforeValidator(_email)]

_LONGEST_ID = 256
_FINAL = frozenset({None, "success", "error", "finished"})


class Phone(BaseModel):
    """One phone number as Pronto wrote it, usually E.164, with a type such as ``mobile``."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    number: Text
    type: Note = None

    def __repr__(self) -> str:
        return "Phone(…)"

    __str__ = __repr__


def _phones(data: Mapping[str, Any]) -> list[Any]:
    """Collect the phone numbers from every field that Pronto is known to use."""
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
    """Pronto's answer for one person. All values are as Pronto wrote them.

    Parameters
    ----------
    enrichment_id : str, optional
        Pronto's ID of this request.
    first_name, last_name : str, optional
        The person that the answer is about; see `names_differ`.
    phones : tuple of Phone
        Without duplicates, in Pronto's order.
    custom : dict, optional
        The ``custom`` field of the request. Excluded when the answer is serialized.
    body : str
        The response as received, set by `parse`. Excluded from serialization, comparison and
        ``repr``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    enrichment_id: Id = None
    status: Status = None
    message: Note = None
    first_name: Note = None
    last_name: Note = None
    email: Email = None
    email_status: Note = None
    phones: tuple[Phone, ...] = ()
    phone_status: Note = None
    personal_email: Email = None
    personal_email_status: Note = None
    custom: dict[str, Any] | None = Field(default=None, exclude=True)
    body: str = Field(default="", exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("the answer is not an object")
        if not data.keys() & _EXPECTED:
            raise ValueError("the answer has none of the expected fields")
        custom = data.get("custom")
        fields = data | {
            "enrichment_id": data.get("enrichment_id") or data.get("id"),
            "phones": _phones(data),
            "custom": custom if isinstance(custom, dict) else None,
            "body": "",
        }
        # Only an ID means that the request was accepted, not that nothing was found.
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
        """Whether the answer contains a value of this type."""
        return self.count(type_) > 0

    def count(self, type_: EnrichmentType) -> int:
        """Return how many values of this type the answer contains; each may be charged."""
        return len(self.phones) if type_ == "phone" else int(bool(getattr(self, type_)))

    @property
    def is_final(self) -> bool:
        """Whether Pronto has finished: there is a final status, or data."""
        return self.status in _FINAL or any(map(self.has, TYPES))

    def of_later(self) -> Answer:
        """Return the answer of an asynchronous endpoint; a missing status means ``pending``."""
        return self.model_copy(update={"status": self.status or "pending"})


_OUTCOME = {
    *("status", "email", "email_status", "phones", "phone", "phone_status"),
    *("personal_email", "personal_email_status"),
}
_EXPECTED = _OUTCOME | {"enrichment_id", "id"}


def parse(body: bytes | str) -> Answer:
    """Read an answer as received, or as saved in the ledger.

    Its ``body`` is the text as received, except that characters SQL cannot store are escaped.

    Raises
    ------
    UnreadableAnswerError
        The body is not an answer. The message contains no value from it.
    """
    data, text = read_object(body)
    try:
        answer = Answer.model_validate(data)
    except ValidationError:
        # Pydantic's message would contain personal data.
        raise unreadable("does not match the documented format") from None
    return answer.model_copy(update={"body": text})


def names_differ(answer: Answer, firstname: str, lastname: str) -> bool:
    """Whether an answer is clearly about a different person from the one requested.

    This is clear only if the request and the answer both have a first and a last name in Latin
    letters, and no word of one name equals or begins a word of the other, or is similar to one in
    the same position. Case, accents, punctuation, order and initials do not count.
    """
    if not answer.first_name or not answer.last_name or answer.last_name == lastname:
        return False  # the common case, and fast
    theirs = [_words(name) for name in (answer.first_name, answer.last_name)]
    requested = [_words(name) for name in (firstname, lastname)]
    if not all([*theirs, *requested]):
        return False
    pairs = product(set().union(*theirs), set().union(*requested))
    if any(one.startswith(other) or other.startswith(one) for one, other in pairs):
        return False
    return not any(
        SequenceMatcher(None, one, other).ratio() >= _ALIKE
        for same_position in zip(theirs, requested, strict=True)
        for one, other in product(*same_position)
    )


_ALIKE = 0.6
"""At or above this similarity ratio, two words may be spellings of the same name: Evgenij and
Yevgeny, Müller and Mueller."""

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
    """Return the words of a name, and all of them joined; empty if one is not in Latin letters."""
    letters = unicodedata.normalize("NFKD", name.casefold()).translate(_SPELLINGS)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"[^\W\d_]+", plain)
    if not all(word.isascii() for word in words):
        return set()
    return {word for word in [*words, "".join(words)] if len(word) > 1}
