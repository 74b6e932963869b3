"""The people of a frame: what its cells say of them, cleaned, and who is who."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from ..api.contact import Contact, same
from ..api.spec import EnrichmentType
from ..arrays import Bools, Ints, Objects, cells_of, joined, nothing, objects, present, replaced
from ..cleaning import domains, emails_phones, fields, names
from ..cleaning.companies import company_key
from . import columns
from .columns import Columns
from .headers import Own

NAMES: Final = ("firstname", "lastname")
COMPANY: Final = ("domain", "company_name")
ANY: Final = ("domain", "company_name", "linkedin_url")


@dataclass(frozen=True, eq=False)
class OwnColumn:
    """A column of emails or phones that the list came with, and what its cells are."""

    column: pd.Series
    values: Objects
    problems: Objects

    @property
    def header(self) -> str:
        """What the column is called."""
        return str(self.column.name)

    @property
    def texts(self) -> Objects:
        """Its texts as they stand; None for what is no text."""
        cells = (cell if isinstance(cell, str) else None for cell in self.column)
        return objects(cells, len(self.column))


class Cells:
    """The cleaned values of a frame's fields, and why cells have none.

    Where a row lacks a name, both are split off its whole name; where it lacks a domain, that of
    its own work email is taken.

    Parameters
    ----------
    df : DataFrame
        The caller's frame.
    overrides : mapping, optional
        Field to header, where the caller knows better.
    """

    def __init__(self, df: pd.DataFrame, overrides: Mapping[str, object] | None) -> None:
        self._df = df
        self.found: Columns = columns.find(df, overrides)
        self.values: dict[str, Objects] = {}
        self._has: dict[str, Bools] = {}
        self._problems: dict[str, Objects] = {}  # of those that have any
        self._taken: list[Objects] = []  # of which domains are from emails
        for name in columns.FIELDS:
            values = problems = nothing(len(df))
            if name in self.found:
                column = df.iloc[:, self.found.positions[name]]
                values, problems = fields.cleaned(column, fields.CLEANERS[name])
            self._put(name, values, problems)
        if "fullname" in self.found:
            self._split_names()
        if (overrides or {}).get("domain", "") is not None:
            self._take_domains()

    def _put(self, name: str, values: Objects, problems: Objects | None) -> None:
        self.values[name], self._has[name] = values, present(values)
        if problems is None:
            return
        if present(problems).any():
            self._problems[name] = problems
        else:
            self._problems.pop(name, None)

    def _split_names(self) -> None:
        rows = np.flatnonzero(~self.named)
        split, problems = fields.cleaned(
            self._df.iloc[rows, self.found.positions["fullname"]], names.split
        )
        if present(problems).any():
            self._problems["fullname"] = replaced(nothing(len(self._df)), rows, problems)
        rows, split = rows[present(split)], split[present(split)]
        for name, parts in zip(NAMES, zip(*split, strict=True), strict=False):
            values = replaced(self.values[name], rows, objects(parts, len(parts)))
            self._put(name, values, None)

    def _take_domains(self) -> None:
        """Take the domains of work emails that the list came with."""
        for column in self.emails:
            if column.header == columns.GIVES_NO_DOMAIN:
                continue
            rows = np.flatnonzero(~self.has("domain") & present(column.values))
            if len(rows):
                hosts, _ = fields.cleaned(pd.Series(column.values[rows]), domains.of_email)
                rows, hosts = rows[present(hosts)], hosts[present(hosts)]
                problems = self._problems.get("domain")
                if problems is not None:
                    problems = replaced(problems, rows, None)
                self._put("domain", replaced(self.values["domain"], rows, hosts), problems)
                said = f"domain is taken from {column.header}"
                self._taken.append(replaced(nothing(len(self._df)), rows, said))

    @cached_property
    def emails(self) -> list[OwnColumn]:
        """The list's own columns of emails, which may be of work or not."""
        return self._own("email", emails_phones.email)

    @cached_property
    def personal_emails(self) -> list[OwnColumn]:
        """The list's own columns of emails that are not of work."""
        return self._own("personal_email", emails_phones.email)

    @cached_property
    def phones(self) -> list[OwnColumn]:
        """The list's own columns of phones."""
        return self._own("phone", emails_phones.phone)

    def _own(self, kind: Own, cleaner: fields.Cleaner) -> list[OwnColumn]:
        places = self.found.own.get(kind, ())
        cells = [self._df.iloc[:, place] for place in places]
        return [OwnColumn(column, *fields.cleaned(column, cleaner)) for column in cells]

    def owned(self, type_: EnrichmentType) -> Objects:
        """Say of each row which of the list's own columns holds a value of a type, or None."""
        headers = nothing(len(self._df))
        for column in self.columns_of(type_):
            there = present(column.values)
            if column in self.emails:
                personal = [emails_phones.is_personal(email) for email in column.values[there]]
                there[there] = np.array(personal, dtype=np.bool_) == (type_ == "personal_email")
            headers[there & ~present(headers)] = column.header
        return headers

    @property
    def has_names(self) -> bool:
        """Whether the frame has columns of names, filled or not."""
        return "fullname" in self.found or all(name in self.found for name in NAMES)

    @property
    def named(self) -> Bools:
        """Which rows have both names."""
        return self.has("firstname") & self.has("lastname")

    def has(self, name: str) -> Bools:
        """Say which rows have a value of a field."""
        return self._has[name]

    def contacts(self, rows: Ints) -> list[Contact]:
        """Return the people of these rows."""
        return list(
            map(Contact, *(self.values[field.name][rows] for field in dataclasses.fields(Contact)))
        )

    def broken(self, name: str, after: str = "") -> Objects | None:
        """Say of each cell what is wrong with it, or None; None where nothing is with any."""
        problems = self._problems.get(name)
        return None if problems is None else _worded(name, problems, after)

    def nameless(self) -> Objects:
        """Say of each row why it lacks a name; None where it has both."""
        parts = []
        whole = ["fullname"] if "fullname" in self.found else []
        for name in [*(n for n in NAMES if n in self.found or not whole), *whole]:
            parts.append(self.broken(name))
            missing = nothing(len(self._df))
            missing[~(self.has(name) if name in NAMES else self.named)] = f"{name} is missing"
            if name in self._problems:
                missing[present(self._problems[name])] = None
            parts.append(missing)
        reasons = joined(parts, len(self._df))
        reasons[self.named] = None
        return reasons

    def notes(self, types: Iterable[EnrichmentType]) -> Objects:
        """Say of each row that is sent what was left out of it, and which value it has is none."""
        parts = [*(self.broken(name, ", so it is left out") for name in ANY), *self._taken]
        own_columns = {id(c): c for type_ in types for c in self.columns_of(type_)}.values()
        parts += [_worded(column.header, column.problems) for column in own_columns]
        return joined(parts, len(self._df))

    def columns_of(self, type_: EnrichmentType) -> list[OwnColumn]:
        """Return the list's own columns that may hold values of a type."""
        own = {
            "email": self.emails,
            "personal_email": [*self.emails, *self.personal_emails],
            "phone": self.phones,
        }
        return own.get(type_, [])


def _worded(name: str, problems: Objects, after: str = "") -> Objects:
    """Say of which field or column each problem is."""
    there = present(problems)
    return replaced(problems, there, f"{name} " + problems[there] + after)


def holds(values: pd.Series) -> Bools:
    """Return which cells hold something; an empty list and what programs write for none do not."""
    texts, problems = fields.cleaned(values, str)
    empty = (isinstance(cell, list | np.ndarray) and not len(cell) for cell in cells_of(values))
    return (present(texts) | present(problems)) & ~np.fromiter(empty, np.bool_, len(values))


def numbered(values: Mapping[str, Objects], rows: Bools) -> Ints:
    """Give each distinct person a number, in the order of their first rows; others get -1.

    Two rows are one person where all fields are the same but for case and width.
    """
    places = np.flatnonzero(rows)
    codes = np.zeros(len(places), dtype=np.int64)
    for column in values.values():
        kinds = alike(column[places])
        codes = pd.factorize(codes * (kinds.max(initial=0) + 2) + kinds + 1)[0]
    numbers = np.full(len(rows), -1, dtype=np.intp)
    numbers[places] = codes
    return numbers


def alike(values: Objects, key: Callable[[str], str] = same) -> Ints:
    """Give values that mean the same, by their key, the same number; None gets -1."""
    codes, distinct = pd.factorize(values)
    kinds, _ = pd.factorize(objects(map(key, distinct), len(distinct)))
    return np.append(kinds, -1)[codes]


def companies(values: Mapping[str, Objects]) -> Ints:
    """Give each row's company a number, -1 where none is named.

    A company's name stands for the first domain that it is seen with. Legal forms do not count.
    """
    domain, name = alike(values["domain"]), alike(values["company_name"], company_key)
    both = np.flatnonzero((domain >= 0) & (name >= 0))
    first = np.unique(name[both], return_index=True)[1]
    domain_of = np.full(name.max(initial=-1) + 1, -1, dtype=np.intp)
    domain_of[name[both[first]]] = domain[both[first]]
    known = np.where(name >= 0, domain_of[name], -1) if len(domain_of) else domain
    number = np.where(domain >= 0, domain, known)
    # Companies without any domain are numbered after those with one.
    return np.where((number < 0) & (name >= 0), name + domain.max(initial=-1) + 1, number)


def people(df: pd.DataFrame, overrides: Mapping[str, object] | None) -> list[Contact]:
    """Return the distinct people of a frame who have both names, sendable or not."""
    cells = Cells(df, overrides)
    columns.require(df, cells.found, [(name,) for name in NAMES])
    contact = numbered(cells.values, cells.named)
    numbers, rows = np.unique(contact, return_index=True)
    return cells.contacts(rows[numbers >= 0])
