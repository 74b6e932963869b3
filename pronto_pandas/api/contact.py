"""The person in a request. Its `repr` shows no value."""

# Why: docs/decisions/015-who-is-one-person.md

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, fields
from functools import cached_property
from json.encoder import encode_basestring_ascii


def same(value: str) -> str:
    """Return the form of a value for comparisons, which ignores case and character width."""
    if value.isascii():
        return value.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


@dataclass(frozen=True, repr=False)
class Contact:
    """One person, by the field names of the API."""

    firstname: str
    lastname: str
    company_name: str | None = None
    domain: str | None = None
    linkedin_url: str | None = None

    def __repr__(self) -> str:
        return "Contact(…)"

    @cached_property
    def key(self) -> str:
        """A hash of all fields, in the form that `same` returns."""
        return _hash(*(same(value or "") for value in self._values()))

    def keys(self, type_: str) -> tuple[str, ...]:
        """Return the keys under which the ledger may have an answer about this person.

        A new entry is saved under the first key. Phones and personal emails are keyed by LinkedIn
        profile and name, regardless of the company; work emails by profile, name and company. The
        hash of all fields is the key of entries without a profile, and of those from earlier
        versions.
        """
        return self._email_keys if type_ == "email" else self._profile_keys

    @cached_property
    def _profile_keys(self) -> tuple[str, ...]:
        who = self._profile
        return (self.key,) if who is None else (_hash("profile", *who), self.key)

    @cached_property
    def _email_keys(self) -> tuple[str, ...]:
        who = self._profile
        companies = [
            _hash("profile", *who, name, same(value))
            for name, value in (("domain", self.domain), ("company", self.company_name))
            if who is not None and value is not None
        ]
        return (*companies, self.key)

    @property
    def _profile(self) -> tuple[str, str, str] | None:
        if self.linkedin_url is None:
            return None
        return same(self.linkedin_url), same(self.firstname), same(self.lastname)

    def body(self) -> dict[str, str]:
        """Return the fields that have a value."""
        values = zip(_NAMES, self._values(), strict=True)
        return {name: value for name, value in values if value is not None}

    def _values(self) -> tuple[str | None, ...]:
        return self.firstname, self.lastname, self.company_name, self.domain, self.linkedin_url


def _hash(*values: str) -> str:
    text = ", ".join(map(encode_basestring_ascii, values))
    return hashlib.sha256(f"[{text}]".encode()).hexdigest()


_NAMES = tuple(field.name for field in fields(Contact))
