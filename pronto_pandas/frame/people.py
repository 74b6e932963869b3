"""The people of a DataFrame: their cleaned values, and which rows are the same person."""

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
class ExistingColumn:
    """A column of the DataFrame that already has emails or phones, with its cleaned values."""

    column: pd.Series
    values: Objects
    problems: Objects

    @property
    def header(self) -> str:
        """The name of the column."""
        return str(self.column.name)

    @property
    def texts(self) -> Objects:
        """The cells as they are; None for a cell that is not text."""
        cells = (cell if isinstance(cell, str) else None for cell in self.column)
        return objects(cells, len(self.column))


class Cells:
    """The cleaned values of a DataFrame's fields, and why a cell has no valid value.

    If a row lacks a name, both names are split from its full name. If it lacks a domain, the domain
    of its work email is used.

    Parameters
    ----------
    df : DataFrame
        Not modified.
    overrides : mapping, optional
        Maps fields to column names, if a column is not recognized.
    """

    def __init__(self, df: pd.DataFrame, overrides: Mapping[str, object] | None) -> None:
        self._df = df
        self.found: Columns = columns.find(df, overrides)
        self.values: dict[str, Objects] = {}
        self._has: dict[str, Bools] = {}
        self._problems: dict[str, Objects] = {}  # only of fields that have any
        self._domain_sources: list[Objects] = []
        for name in columns.FIELDS:
            values = problems = nothing(len(df))
            if name in self.found:
                column = df.iloc[:, self.found.positions[name]]
                values, problems = fields.cleaned(column, fields.CLEANERS[name])
            self._put(name, values, problems)
        if "fullname" in self.found:
            self._split_names()
        if (overrides or {}).get("domain", "") is not None:
            self._fill_domains()

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

    def _fill_domains(self) -> None:
        """Use the domains of the DataFrame's work emails for rows without a domain."""
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
                source = f"Domain taken from the email in {column.header}."
                self._domain_sources.append(replaced(nothing(len(self._df)), rows, source))

    @cached_property
    def emails(self) -> list[ExistingColumn]:
        """The DataFrame's columns of emails of either kind, work or personal."""
        return self._columns("email", emails_phones.email)

    @cached_property
    def personal_emails(self) -> list[ExistingColumn]:
        """The DataFrame's columns of personal emails."""
        return self._columns("personal_email", emails_phones.email)

    @cached_property
    def phones(self) -> list[ExistingColumn]:
        """The DataFrame's columns of phones."""
        return self._columns("phone", emails_phones.phone)

    def _columns(self, kind: Own, cleaner: fields.Cleaner) -> list[ExistingColumn]:
        places = self.found.own.get(kind, ())
        cells = [self._df.iloc[:, place] for place in places]
        return [ExistingColumn(column, *fields.cleaned(column, cleaner)) for column in cells]

    def columns_of(self, type_: EnrichmentType) -> list[ExistingColumn]:
        """Return the DataFrame's columns that may have values of a type."""
        existing = {
            "email": self.emails,
            "personal_email": [*self.emails, *self.personal_emails],
            "phone": self.phones,
        }
        return existing.get(type_, [])

    def already_in(self, type_: EnrichmentType) -> Objects:
        """Return for each row the name of the column that has a value of a type, or None."""
        headers = nothing(len(self._df))
        for column in self.columns_of(type_):
            has_value = present(column.values)
            if column in self.emails:
                emails = column.values[has_value]
                personal = np.array([*map(emails_phones.is_personal, emails)], dtype=np.bool_)
                has_value[has_value] = personal == (type_ == "personal_email")
            headers[has_value & ~present(headers)] = column.header
        return headers

    @property
    def has_names(self) -> bool:
        """Whether the DataFrame has columns of names, filled or not."""
        return "fullname" in self.found or all(name in self.found for name in NAMES)

    @property
    def named(self) -> Bools:
        """The rows that have both names."""
        return self.has("firstname") & self.has("lastname")

    def has(self, name: str) -> Bools:
        """Return the rows that have a value of a field."""
        return self._has[name]

    def contacts(self, rows: Ints) -> list[Contact]:
        """Return the people of these rows."""
        return list(
            map(Contact, *(self.values[field.name][rows] for field in dataclasses.fields(Contact)))
        )

    def problems(self, name: str) -> Objects | None:
        """Return for each row what is wrong with a field's value, or None.

        If no row has a problem, return None instead of an array.
        """
        problems = self._problems.get(name)
        return None if problems is None else _with_header(self._header(name), problems)

    def missing_names(self) -> Objects:
        """Return for each row why it lacks a name; None if it has both."""
        parts = []
        full = ["fullname"] if "fullname" in self.found else []
        for name in [*(n for n in NAMES if n in self.found or not full), *full]:
            parts.append(self.problems(name))
            missing = nothing(len(self._df))
            has_name = self.has(name) if name in NAMES else self.named
            missing[~has_name] = f"{self._header(name)} is missing"
            if name in self._problems:
                missing[present(self._problems[name])] = None
            parts.append(missing)
        reasons = joined(parts, len(self._df))
        reasons[self.named] = None
        return reasons

    def notes(self, types: Iterable[EnrichmentType]) -> Objects:
        """Return for each row which values are ignored and where its domain is from, or None."""
        existing = {id(c): c for type_ in types for c in self.columns_of(type_)}.values()
        invalid = [_with_header(column.header, column.problems) for column in existing]
        ignored = joined([*map(self.problems, ANY), *invalid], len(self._df))
        rows = present(ignored)
        ignored[rows] = "Ignored: " + ignored[rows] + "."
        return joined([ignored, *self._domain_sources], len(self._df), " ")

    def _header(self, name: str) -> str:
        """Return the name of a field's column, or the field if it has no column."""
        place = self.found.positions.get(name)
        return name if place is None else str(self._df.columns[place])


def _with_header(header: str, problems: Objects) -> Objects:
    """Put the name of the column before each problem, as in "Website is not a valid domain"."""
    rows = present(problems)
    return replaced(problems, rows, f"{header} " + problems[rows])


def has_value(values: pd.Series) -> Bools:
    """Return which cells have a value; an empty list or a placeholder such as "N/A" is none."""
    texts, problems = fields.cleaned(values, str)
    empty = (isinstance(cell, list | np.ndarray) and not len(cell) for cell in cells_of(values))
    return (present(texts) | present(problems)) & ~np.fromiter(empty, np.bool_, len(values))


def number_people(values: Mapping[str, Objects], rows: Bools) -> Ints:
    """Give each distinct person a number, in the order of their first rows; other rows get -1.

    Two rows are the same person if all fields are equal, except for case and character width.
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
    """Give values with the same key the same number; None gets -1."""
    codes, distinct = pd.factorize(values)
    kinds, _ = pd.factorize(objects(map(key, distinct), len(distinct)))
    return np.append(kinds, -1)[codes]


def number_companies(values: Mapping[str, Objects]) -> Ints:
    """Give each row the number of its company; a row without one gets -1.

    A company name is treated as the first domain that appears with it in any row. Legal forms are
    ignored.
    """
    domain, name = alike(values["domain"]), alike(values["company_name"], company_key)
    both = np.flatnonzero((domain >= 0) & (name >= 0))
    first = np.unique(name[both], return_index=True)[1]
    domain_of = np.full(name.max(initial=-1) + 1, -1, dtype=np.intp)
    domain_of[name[both[first]]] = domain[both[first]]
    by_name = np.where(name >= 0, domain_of[name], -1) if len(domain_of) else domain
    number = np.where(domain >= 0, domain, by_name)
    # Companies without a domain are numbered after those with one.
    return np.where((number < 0) & (name >= 0), name + domain.max(initial=-1) + 1, number)


def people(df: pd.DataFrame, overrides: Mapping[str, object] | None) -> list[Contact]:
    """Return the distinct people of a DataFrame who have both names, even if they are not sent."""
    cells = Cells(df, overrides)
    columns.require(df, cells.found, [(name,) for name in NAMES])
    contact = number_people(cells.values, cells.named)
    numbers, rows = np.unique(contact, return_index=True)
    return cells.contacts(rows[numbers >= 0])
