"""What is sent: one person. Its `repr` shows no value."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass, fields
from functools import cached_property


def same(value: str) -> str:
    """Return what two values have in common that mean the same: case and width do not count."""
    if value.isascii():
        return value.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


@dataclass(frozen=True, repr=False)
class Contact:
    """One person, as the service is asked about them.

    Parameters
    ----------
    firstname, lastname : str
        The person's names.
    company_name, domain, linkedin_url : str, optional
        What tells this person from another of the same name.
    """

    firstname: str
    lastname: str
    company_name: str | None = None
    domain: str | None = None
    linkedin_url: str | None = None

    def __repr__(self) -> str:
        return "Contact(…)"

    @cached_property
    def key(self) -> str:
        """The name of this person in the ledger: the same for all that mean the same."""
        text = json.dumps([same(getattr(self, field.name) or "") for field in fields(self)])
        return hashlib.sha256(text.encode()).hexdigest()

    def body(self) -> dict[str, str]:
        """Return the fields that have a value, by the names of the API."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}
