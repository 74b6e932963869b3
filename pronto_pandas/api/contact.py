"""What is sent: one person. Its `repr` shows no value."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, fields
from functools import cached_property
from json.encoder import encode_basestring_ascii


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
        values = (encode_basestring_ascii(same(value or "")) for value in self._values())
        return hashlib.sha256(f"[{', '.join(values)}]".encode()).hexdigest()

    def body(self) -> dict[str, str]:
        """Return the fields that have a value, by the names of the API."""
        values = zip(_NAMES, self._values(), strict=True)
        return {name: value for name, value in values if value is not None}

    def _values(self) -> tuple[str | None, ...]:
        return self.firstname, self.lastname, self.company_name, self.domain, self.linkedin_url


_NAMES = tuple(field.name for field in fields(Contact))
