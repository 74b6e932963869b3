"""Who is never sent: people, companies and addresses that the caller has named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ..api.contact import same
from ..arrays import Bools, Objects, any_of, no_rows, objects, present
from ..cleaning import domains, emails_phones, fields, linkedin
from ..cleaning.companies import company_key
from ..errors import ConfigurationError
from .people import COMPANY, NAMES, Cells, companies

if TYPE_CHECKING:  # slow to import, and needed when something came back
    from ..api.answer import Answer

_SEPARATORS: Final = re.compile(r"[;,|\n]")
"""What stands between several in one cell."""

_KINDS: Final = "emails, domains and addresses of LinkedIn profiles"


@dataclass(frozen=True)
class Suppressed:
    """Who is never sent. Case and width do not count.

    Parameters
    ----------
    emails, profiles : set of str
        Of people.
    domains : set of str
        Of companies; what is below a domain belongs to it.
    people : set of tuple of str
        First name, last name, and a domain or a company's name.
    """

    emails: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)
    people: set[tuple[str, str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, given: pd.DataFrame | Iterable[object]) -> Suppressed:
        """Read a list of emails, domains and profiles, or a frame that has columns of them.

        Raises
        ------
        ConfigurationError
            Where an entry cannot be understood, so that nobody is sent who was meant not to be.
        """
        made = cls()
        if isinstance(given, pd.DataFrame) and not _is_list(given):
            made._take_frame(given)
        else:
            made._take_entries(_entries(given))
        return made

    def _take_entries(self, entries: pd.Series) -> None:
        kinds, problems = fields.cleaned(entries, _kind_of)
        wrong = np.flatnonzero(present(problems))
        if len(wrong):
            raise ConfigurationError(
                f"suppress= takes {_KINDS}. {len(wrong)} of its {len(entries)} entries cannot be "
                f"understood; the first is number {wrong[0] + 1}. A company is named by its "
                "domain. Mend them or leave them out. Nothing was sent."
            )
        for kind, value in kinds[present(kinds)]:
            getattr(self, kind).add(value)

    def _take_frame(self, df: pd.DataFrame) -> None:
        """Take the people of each row; its domain alone where it names nobody."""
        cells = Cells(df, None)
        named_by = {"domain", "linkedin_url", *(["company_name"] if cells.has_names else [])}
        if not (_emails(cells) or named_by & set(cells.found.positions)):
            raise ConfigurationError(
                f"The frame of suppress= has no columns of {_KINDS}, nor of names and a company. "
                f"Its columns are {', '.join(map(str, df.columns))}. Rename one, or give that "
                'column alone: suppress=df["…"]. Nothing was sent.'
            )
        named = no_rows(len(df))
        for texts in _emails(cells):
            self.emails.update(email for text in pd.unique(texts) for email in _found(text))
            named |= _each(texts, lambda text: bool(_found(text)))
        profiles_ = cells.values["linkedin_url"]
        self.profiles.update(map(same, profiles_[present(profiles_)]))
        named |= present(profiles_)
        for company in COMPANY:
            rows = cells.named & cells.has(company)
            self.people.update(_people(cells, company, rows))
            named |= rows
        hosts = cells.values["domain"]
        self.domains.update(map(same, hosts[present(hosts) & ~named]))
        nobody = np.flatnonzero(~named & ~present(hosts) & df.notna().any(axis=1).to_numpy())
        if len(nobody):
            raise ConfigurationError(
                f"{len(nobody)} of the {len(df)} rows of suppress= name nobody: they have none of "
                f"{_KINDS}, and no names with a company. The first is .iloc[{nobody[0]}]. Mend "
                "them or leave them out. Nothing was sent."
            )

    def rows(self, cells: Cells) -> Bools:
        """Say which rows are suppressed."""
        numbers = companies(cells.values)
        gone = numbers[_each(cells.values["domain"], self._below) & (numbers >= 0)]
        found = [
            np.isin(numbers, gone),  # also by its name, where another row tells its domain
            _each(cells.values["linkedin_url"], lambda profile: same(profile) in self.profiles),
        ]
        found += [
            _each(texts, lambda text: any(map(self._names, _found(text))))
            for texts in _emails(cells)
        ]
        for company in COMPANY if self.people else ():
            rows = cells.named & cells.has(company)
            mask = no_rows(len(rows))
            mask[rows] = [person in self.people for person in _people(cells, company, rows)]
            found.append(mask)
        return any_of(found)

    def names(self, answer: Answer) -> bool:
        """Say whether an answer holds an email that is suppressed, or of a domain that is."""
        return any(map(self._names, map(same, filter(None, (answer.email, answer.personal_email)))))

    def _names(self, email: str) -> bool:
        return email in self.emails or self._below(email.rpartition("@")[2])

    def _below(self, host: str) -> bool:
        """Say whether a host is one of the domains, or below one."""
        labels = same(host).split(".")
        return any(".".join(labels[start:]) in self.domains for start in range(len(labels)))


def _emails(cells: Cells) -> list[Objects]:
    """Return the emails that a list has of its people, column by column, as they stand."""
    return [column.texts for column in cells.columns_of("personal_email")]


def _found(text: str | None) -> list[str]:
    """Return all emails in a cell: of several each one counts."""
    emails = []
    for part in _SEPARATORS.split(text) if text and "@" in text else ():
        with suppress(fields.UnusableError):
            emails.append(same(emails_phones.email(part)))
    return emails


def _is_list(df: pd.DataFrame) -> bool:
    return df.shape[1] == 1


def _entries(given: pd.DataFrame | Iterable[object]) -> pd.Series:
    """Return the entries of a list; the header of a file that has none may be one itself."""
    if isinstance(given, pd.DataFrame):
        header, cells = given.columns[0], given.iloc[:, 0].tolist()
        understood = fields.cleaned(pd.Series([header], dtype=object), _kind_of)[1][0] is None
        given = [header, *cells] if understood else cells
    entries: list[object] = []
    for entry in [given] if isinstance(given, str) else given:
        entries += _SEPARATORS.split(entry) if isinstance(entry, str) else [entry]
    return pd.Series(objects(entries, len(entries)), dtype=object)


def _kind_of(text: str) -> tuple[str, str]:
    """Say what an entry is."""
    readers: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("profiles", linkedin.linkedin),
        ("emails", emails_phones.email),
        ("domains", lambda written: domains.address(written)[0]),
    )
    for kind, read in readers:
        try:
            return kind, same(read(text))
        except fields.UnusableError:
            continue
    raise fields.UnusableError("is none of them")


def _people(cells: Cells, company: str, rows: Bools) -> list[tuple[Any, ...]]:
    keys = {"company_name": company_key}
    names = (*NAMES, company)
    columns = [list(map(keys.get(name, same), cells.values[name][rows])) for name in names]
    return list(zip(*columns, strict=True))


def _each(values: Objects, test: Callable[[str], bool]) -> Bools:
    """Test each distinct value once."""
    codes, distinct = pd.factorize(values)
    return np.array([*map(test, distinct), False], dtype=np.bool_)[codes]
