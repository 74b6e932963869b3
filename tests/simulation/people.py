"""Who is asked for: invented people, some of them written in several ways."""

from __future__ import annotations

import functools

from ..seams.api import Contact

FORMS = 5
"""Ways in which one person is written."""


@functools.cache
def contact(person: int, form: int) -> Contact:
    """Return a person as a list has them."""
    name = f"Lovelace {person}"
    profile = f"https://www.linkedin.com/in/ana-example-{person}/"
    here, there = f"here{person}.example", f"there{person}.example"
    company, domain = [
        ("Here", here), (None, here), ("Here", None), ("There", there), ("Here", there)
    ][form]  # fmt: skip
    return Contact("Ana", name, company, domain, None if person % 7 == 6 else profile)


@functools.cache
def who(one: Contact) -> tuple[int, int]:
    """Return whose contact it is, and how it is written."""
    person = int(one.lastname.split()[1])
    return person, next(form for form in range(FORMS) if contact(person, form) == one)


@functools.cache
def are_same(one: Contact, other: Contact, type_: str) -> bool:
    """Return whether two are one person to the ledger; written anew here, from its description."""
    if one == other:
        return True
    if one.linkedin_url is None or one.linkedin_url != other.linkedin_url:
        return False
    if type_ != "email":
        return True
    companies = one.company_name is not None and one.company_name == other.company_name
    return companies or (one.domain is not None and one.domain == other.domain)
