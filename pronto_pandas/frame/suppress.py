"""People and companies that are never sent."""

# Why: docs/decisions/023-values-already-there.md

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ..api.contact import same
from ..arrays import Bools, Objects, any_of, no_rows, nothing, objects, present
from ..cleaning import domains, emails_phones, fields, linkedin
from ..cleaning.companies import company_key
from ..errors import ConfigurationError
from .people import COMPANY, NAMES, Cells, number_companies

if TYPE_CHECKING:  # slow to import, and needed when something came back
    from ..api.answer import Answer

_SEPARATORS: Final = re.compile(r"[;,|\n]")
"""Separators of several values in one cell."""

_NO_EMAIL: Final = re.compile(r"[*]?@?[^@\s]+")
"""What may be a domain in a column of emails, such as ``acme.example`` or ``@acme.example``."""

_HARMLESS: Final = re.compile(
    r"(?:https?://|www\.)\S*|n/?a|none|null|nan|unknown|tb[cd]|(?:[^\w\s]|\d){1,3}", re.IGNORECASE
)
"""What a cell may contain to be shown in an error: no email, name or phone number."""

_SHOWN: Final = 5
"""Rows that an error lists."""

Where = Callable[[list[int]], list[str]]
"""Returns for rows of a file the lines in which they begin: "line 27 of optouts.csv"."""


@dataclass(frozen=True)
class Suppressed:
    """People who are never sent. Case and character width do not matter.

    Parameters
    ----------
    emails, profiles : set of str
        Emails and LinkedIn URLs of people.
    domains : set of str
        Domains of companies, including their subdomains.
    people : set of tuple of str
        First name, last name, and a domain or company name.
    """

    emails: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)
    people: set[tuple[str, str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, given: pd.DataFrame | Iterable[object], where: Where | None = None) -> Suppressed:
        """Read a list of emails, domains and LinkedIn URLs, or a DataFrame with columns of them.

        If the list was read from a file, ``where`` tells the lines of its rows.

        Raises
        ------
        ConfigurationError
            An entry is not valid: ignoring it could send a person who must not be sent.
        """
        made = cls()
        if isinstance(given, pd.DataFrame) and given.shape[1] != 1:
            made._add_rows(given, where)
        else:
            made._add_entries(*_entries(given), where)
        return made

    def _add_entries(self, entries: pd.Series, rows: list[int], where: Where | None) -> None:
        kinds, problems = fields.cleaned(entries, _kind_of)
        invalid = np.flatnonzero(present(problems))
        if len(invalid):
            places = f"the first is entry {invalid[0] + 1}"
            if where is not None:
                places = _listed(where, [(rows[n], entries.iloc[n]) for n in invalid.tolist()])
            raise ConfigurationError(
                f"suppress= has entries that are not valid ({len(invalid)} of {len(entries)}; "
                f"{places}). Each must be an email, a domain (for a "
                "company) or a LinkedIn profile URL. Correct or remove them. Nothing was sent."
            )
        for kind, value in kinds[present(kinds)]:
            getattr(self, kind).add(value)

    def _add_rows(self, df: pd.DataFrame, where: Where | None) -> None:
        """Add the person of each row; add its domain only if the row identifies no person.

        A domain in a column of emails is always added: it can only mean the whole company.
        """
        cells = Cells(df, None)
        usable = {"domain", "linkedin_url", *(["company_name"] if cells.has_names else [])}
        if not (_emails(cells) or usable & set(cells.found.positions)):
            raise ConfigurationError(
                "suppress= has no usable column. It needs emails, domains, LinkedIn URLs, or names "
                f"with a company. Its columns: {', '.join(map(str, df.columns))}. Rename a column, "
                'or pass a single one: suppress=df["…"]. Nothing was sent.'
            )
        identified = no_rows(len(df))
        for texts in _emails(cells):
            self.emails.update(email for text in pd.unique(texts) for email in _emails_in(text))
            for kind, value in (other for text in pd.unique(texts) for other in _others_in(text)):
                getattr(self, kind).add(value)
            identified |= _each(texts, lambda text: bool(_emails_in(text) or _others_in(text)))
        profiles = cells.values["linkedin_url"]
        self.profiles.update(map(same, profiles[present(profiles)]))
        identified |= present(profiles)
        for company in COMPANY:
            rows = cells.named & cells.has(company)
            self.people.update(_people(cells, company, rows))
            identified |= rows
        hosts = cells.values["domain"]
        self.domains.update(map(same, hosts[present(hosts) & ~identified]))
        not_empty = df.notna().any(axis=1).to_numpy()
        useless = np.flatnonzero(~identified & ~present(hosts) & not_empty)
        if len(useless):
            places = f"the first is .iloc[{useless[0]}]"
            if where is not None:
                texts = next(iter(_emails(cells)), nothing(len(df)))
                places = _listed(where, [(row, texts[row]) for row in useless.tolist()])
            raise ConfigurationError(
                f"suppress= has rows that identify nobody ({len(useless)} of {len(df)}; "
                f"{places}). Each needs an email, a domain, a LinkedIn URL, or a "
                "name with a company. Complete or remove them. Nothing was sent."
            )

    def rows(self, cells: Cells) -> Bools:
        """Return the rows that are suppressed."""
        numbers = number_companies(cells.values)
        suppressed = numbers[_each(cells.values["domain"], self._has_domain) & (numbers >= 0)]
        masks = [
            np.isin(numbers, suppressed),  # also rows with only the name of such a company
            _each(cells.values["linkedin_url"], lambda profile: same(profile) in self.profiles),
        ]
        masks += [
            _each(texts, lambda text: any(map(self._has_email, _emails_in(text))))
            for texts in _emails(cells)
        ]
        for company in COMPANY if self.people else ():
            rows = cells.named & cells.has(company)
            mask = no_rows(len(rows))
            mask[rows] = [person in self.people for person in _people(cells, company, rows)]
            masks.append(mask)
        return any_of(masks)

    def names(self, answer: Answer) -> bool:
        """Whether an answer has a suppressed email, or an email of a suppressed domain."""
        emails = filter(None, (answer.email, answer.personal_email))
        return any(map(self._has_email, map(same, emails)))

    def _has_email(self, email: str) -> bool:
        return email in self.emails or self._has_domain(email.rpartition("@")[2])

    def _has_domain(self, host: str) -> bool:
        """Whether a host is one of the domains, or a subdomain of one."""
        labels = same(host).split(".")
        return any(".".join(labels[start:]) in self.domains for start in range(len(labels)))


def _emails(cells: Cells) -> list[Objects]:
    """Return the columns of emails, as they are in the list."""
    return [column.texts for column in cells.columns_of("personal_email")]


def _emails_in(text: str | None) -> list[str]:
    """Return all emails in a cell."""
    emails = []
    for part in _SEPARATORS.split(text) if text and "@" in text else ():
        with suppress(fields.UnusableError):
            emails.append(same(emails_phones.email(part)))
    return emails


def _others_in(text: str | None) -> list[tuple[str, str]]:
    """Return the kind and value of all domains and profiles in a cell of a column of emails."""
    others = []
    for part in map(str.strip, _SEPARATORS.split(text) if text else ()):
        if _NO_EMAIL.fullmatch(part):
            with suppress(fields.UnusableError):
                others.append(_kind_of(part))
    return others


def _listed(where: Where, cells: list[tuple[int, object]]) -> str:
    """Return the lines of the first rows, and what they contain if it is nobody's data."""
    shown = cells[:_SHOWN]
    lines = where([row for row, _ in shown])
    texts = [cell.strip() if isinstance(cell, str) else "" for _, cell in shown]
    described = [
        f"{line}: {text!r}" if _HARMLESS.fullmatch(text) else line
        for line, text in zip(lines, texts, strict=True)
    ]
    return ", ".join(described) + ", …" * (len(cells) > _SHOWN)


def _entries(given: pd.DataFrame | Iterable[object]) -> tuple[pd.Series, list[int]]:
    """Return the entries of a list, and the row of each.

    In a file without a header row, the column name may be an entry; its row is -1.
    """
    first = 0
    if isinstance(given, pd.DataFrame):
        header, cells = given.columns[0], given.iloc[:, 0].tolist()
        is_entry = fields.cleaned(pd.Series([header], dtype=object), _kind_of)[1][0] is None
        given, first = ([header, *cells], -1) if is_entry else (cells, 0)
    entries: list[object] = []
    rows: list[int] = []
    for row, entry in enumerate([given] if isinstance(given, str) else given, first):
        entries += _SEPARATORS.split(entry) if isinstance(entry, str) else [entry]
        rows += [row] * (len(entries) - len(rows))
    return pd.Series(objects(entries, len(entries)), dtype=object), rows


def _kind_of(text: str) -> tuple[str, str]:
    """Return the kind of an entry, and the entry as it is compared."""
    readers: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("profiles", linkedin.linkedin),
        ("emails", emails_phones.email),
        ("domains", _domain),
    )
    for kind, read in readers:
        try:
            return kind, same(read(text))
        except fields.UnusableError:
            continue
    raise fields.UnusableError("is not an email, domain or LinkedIn URL")


def _domain(text: str) -> str:
    """Return the domain of a company; a person's page on LinkedIn or Facebook has none."""
    host, path = domains.address(text)
    if path:
        domains.domain(text)
    return host


def _people(cells: Cells, company: str, rows: Bools) -> list[tuple[Any, ...]]:
    keys = {"company_name": company_key}
    names = (*NAMES, company)
    columns = [list(map(keys.get(name, same), cells.values[name][rows])) for name in names]
    return list(zip(*columns, strict=True))


def _each(values: Objects, test: Callable[[str], bool]) -> Bools:
    """Test each distinct value once."""
    codes, distinct = pd.factorize(values)
    return np.array([*map(test, distinct), False], dtype=np.bool_)[codes]
