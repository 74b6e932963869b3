"""Find the field that a column's header means.

The headers of each language are in ``cleaning/data``. `normalised` headers are compared as a whole,
so a header that is not in these files means nothing. This excludes columns about anyone but the
person: owners, assistants, managers, and the company's phones and pages.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final, Literal, NamedTuple

from ..cleaning.languages import entries

FIELDS: Final = ("firstname", "lastname", "company_name", "domain", "linkedin_url")
"""The fields of the API."""

Own = Literal["email", "personal_email", "phone"]
OWN: Final[tuple[Own, ...]] = ("email", "personal_email", "phone")
"""Contact data that a DataFrame may already contain; each may have several columns."""

TIERS: Final[dict[str, tuple[str, ...]]] = {
    "firstname": ("firstname",),
    "lastname": ("lastname", "lastname_fallback"),
    "fullname": ("fullname", "name", "contact"),
    "company_name": ("company", "company_fallback"),
    "domain": ("domain",),
    "linkedin_url": ("linkedin", "linkedin_fallback"),
    "email": ("email", "other_email"),
    "personal_email": ("personal_email",),
    "phone": ("mobile_phone", "direct_phone", "phone", "other_phone"),
}
"""The parts of a language's file that name each field, best first. A column of a lower tier is used
only if those above have no values. Within a tier the first header is the best."""

BARE: Final = 1
"""The tier of ``fullname`` headers that may also mean the first or last name, such as "Nom"."""

BY_CELLS: Final = {"domain": "domain_by_cells", "linkedin_url": "linkedin_by_cells"}
"""A column with one of these headers is the field only if its cells are values of the field."""

_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CUSTOM: Final = re.compile(r"__p?c\s*$", re.IGNORECASE)  # a field that Salesforce's user added
_NUMBERED: Final = re.compile(r"(\D+)([1-9]\d?)(\D*)")


class Meaning(NamedTuple):
    """A field that a header may mean, and its rank; lower is better."""

    field: str
    tier: int
    order: int
    by_content: bool = False


def normalised(header: object) -> str:
    """Return a header in lower case, without accents, spaces, punctuation or decorations."""
    text = _BRACKETS.sub(
        lambda match: "" if _plain(match[1]) in _decorations() else match[0], str(header)
    )
    return _plain(_CUSTOM.sub("", text))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if char.isalnum())


@functools.cache
def _decorations() -> frozenset[str]:
    """Return the words in brackets that mean nothing; other words may name another person."""
    return frozenset(map(_plain, entries("headers", "decorations")))


def meanings(header: object) -> list[Meaning]:
    """Return the fields that a column with this header may contain; for most headers, none."""
    text, table = normalised(header), _table()
    if text in table:
        return table[text]
    numbered = _NUMBERED.fullmatch(text)  # "E-mail 2 - Value", "Phone 1"
    if numbered is None:
        return []
    same = table.get(numbered[1] + numbered[3], [])
    return [m._replace(order=m.order + int(numbered[2])) for m in same if m.field in OWN]


@functools.cache
def _table() -> dict[str, list[Meaning]]:
    table: dict[str, list[Meaning]] = {}
    for field, parts in TIERS.items():
        for tier, part in enumerate(parts):
            _add(table, part, Meaning(field, tier, 0))
    for field, part in BY_CELLS.items():
        _add(table, part, Meaning(field, len(TIERS[field]), 0, by_content=True))
    # Whose column it is may stand before: "Contact Email", "Person - First name".
    subjects = [_plain(subject) for subject in entries("headers", "subjects")]
    return {who + name: means for who in subjects for name, means in table.items()} | table


def _add(table: dict[str, list[Meaning]], part: str, meaning: Meaning) -> None:
    headers = dict.fromkeys(map(_plain, entries("headers", part)))
    for order, header in enumerate(headers):
        # Steps of a hundred leave room for numbered headers.
        table.setdefault(header, []).append(meaning._replace(order=100 * order))
