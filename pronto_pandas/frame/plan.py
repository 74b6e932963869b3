"""Which rows to send, as which contacts, asking for what; and why the others are not sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd

from ..api.contact import Contact, same
from ..api.spec import EnrichmentType
from . import clean, columns
from .arrays import (
    Bools,
    Ints,
    Objects,
    all_of,
    any_of,
    joined,
    no_rows,
    nothing,
    objects,
    present,
)
from .columns import Columns
from .options import Endpoint, Options

NAMES: Final = ("firstname", "lastname")
_COMPANY: Final = ("domain", "company_name")
_ANY: Final = ("domain", "company_name", "linkedin_url")
_LINKEDIN: Final = ("linkedin_url",)

NEEDS: Final[dict[tuple[Endpoint, EnrichmentType], tuple[str, ...]]] = {
    # At least one of these, beside both names. The sync page asks for the names alone; but a
    # bare name can come back as somebody else of that name, paid.
    ("sync", "email"): _ANY,
    ("sync", "phone"): _ANY,
    ("sync", "personal_email"): _LINKEDIN,
    ("async", "email"): _COMPANY,
    ("async", "phone"): _LINKEDIN,
    ("async", "personal_email"): _LINKEDIN,
    ("bulk", "email"): _COMPANY,
    ("bulk", "phone"): _LINKEDIN,
    ("bulk", "personal_email"): _LINKEDIN,
}
"""What a row needs, by endpoint and type."""


@dataclass(frozen=True)
class Plan:
    """What a run will do, and what each row will get.

    Parameters
    ----------
    contacts : list of Contact
        Each person once, in the order of their first row.
    asks : list of tuple of str
        What to ask for, contact by contact.
    customs : list of dict or None
        What to pass through, contact by contact.
    row_contact : ndarray of int
        For each row the position of its contact, or -1 where it is not sent.
    row_asks : dict of str to ndarray of bool
        For each type, the rows that want it from the answer.
    row_status, row_message : ndarray of object
        For rows that are not sent, their ``pronto_status`` and why. For rows that are, None and
        what there is to say already.
    phones_without_linkedin : int
        Contacts whose phone is asked without ``linkedin_url``.
    """

    contacts: list[Contact]
    asks: list[tuple[EnrichmentType, ...]]
    customs: list[dict[str, Any] | None]
    row_contact: Ints
    row_asks: dict[EnrichmentType, Bools]
    row_status: Objects
    row_message: Objects
    phones_without_linkedin: int = 0

    @property
    def rows_per_contact(self) -> Ints:
        """How many rows get each contact's answer."""
        sent = self.row_contact[self.row_contact >= 0]
        return np.bincount(sent, minlength=len(self.contacts)).astype(np.intp)


def make(df: pd.DataFrame, options: Options, already: Mapping[EnrichmentType, Bools]) -> Plan:
    """Decide for each row whether and how it is sent.

    Parameters
    ----------
    df : DataFrame
        The caller's frame.
    options : Options
        What was asked for.
    already : mapping of str to ndarray of bool
        For each type, the rows whose value the frame holds already.

    Returns
    -------
    Plan
        Complete: nothing that follows refuses a row.

    Raises
    ------
    ColumnsError
        Where the frame lacks a column that every row needs.
    """
    found = columns.find(df, options.columns)
    groups = {type_: NEEDS[options.endpoint, type_] for type_ in options.types}
    columns.require(df, found, [*((name,) for name in NAMES), *groups.values()])
    cells = _Cells.of(df, found)
    keep = {t: already[t] & (not options.overwrite) for t in groups}
    able = {t: all_of(map(cells.has, NAMES)) & any_of(map(cells.has, g)) for t, g in groups.items()}
    asks = {t: able[t] & ~keep[t] for t in groups}
    sendable = any_of(asks.values())
    contact = _people(cells, sendable)
    status = nothing(len(df))
    status[~sendable] = "invalid"
    message = _reasons(cells, groups, able, keep)
    message[sendable] = cells.notes()[sendable]
    filled = ~sendable & all_of(keep.values())
    status[filled], message[filled] = "skipped", "Already filled; overwrite=True asks anew."
    if options.limit is not None:
        over = contact >= options.limit
        contact[over] = -1
        status[over], message[over] = "skipped", f"Over limit={options.limit}."
    numbers, rows = np.unique(contact, return_index=True)
    first_rows = rows[numbers >= 0]
    return Plan(
        contacts=cells.contacts(first_rows),
        asks=_asks(asks, contact, len(first_rows)),
        customs=_customs(df, options.custom, first_rows),
        row_contact=contact,
        row_asks=asks,
        row_status=status,
        row_message=message,
        phones_without_linkedin=_phones_without_linkedin(cells, asks, contact),
    )


def people(df: pd.DataFrame, options: Options) -> list[Contact]:
    """Return the distinct people of a frame who have both names, sendable or not."""
    found = columns.find(df, options.columns)
    columns.require(df, found, [(name,) for name in NAMES])
    cells = _Cells.of(df, found)
    contact = _people(cells, all_of(map(cells.has, NAMES)))
    numbers, rows = np.unique(contact, return_index=True)
    return cells.contacts(rows[numbers >= 0])


def who(
    df: pd.DataFrame, overrides: Mapping[str, object] | None
) -> tuple[Columns, dict[str, Objects], Ints]:
    """Return which columns are fields, their cleaned values, and each row's person as a number."""
    found = columns.find(df, overrides)
    cells = _Cells.of(df, found)
    return found, cells.values, _people(cells, ~no_rows(len(df)))


@dataclass(frozen=True)
class _Cells:
    """The cleaned values of the frame's fields, and why cells have none."""

    values: dict[str, Objects]
    problems: dict[str, Objects]

    @classmethod
    def of(cls, df: pd.DataFrame, found: Columns) -> _Cells:
        values, problems = {}, {}
        for name in columns.FIELDS:
            values[name] = problems[name] = nothing(len(df))
            if name in found:
                column = df.iloc[:, found.positions[name]]
                values[name], problems[name] = clean.cleaned(column, clean.CLEANERS[name])
        return cls(values, problems)

    def contacts(self, rows: Ints) -> list[Contact]:
        return list(map(Contact, *(self.values[field.name][rows] for field in fields(Contact))))

    def has(self, name: str) -> Bools:
        return present(self.values[name])

    def broken(self, name: str, after: str = "") -> Objects:
        """Say of each cell what is wrong with it; None where it is fine or missing."""
        texts = self.problems[name].copy()
        there = present(texts)
        texts[there] = f"{name} " + texts[there] + after
        return texts

    def absent(self, name: str) -> Objects:
        """Say of each cell why there is no value; None where there is one."""
        texts = self.broken(name)
        texts[~self.has(name) & ~present(texts)] = f"{name} is missing"
        return texts

    def notes(self) -> Objects:
        """Say of each row that is sent what was left out of it."""
        return joined([self.broken(name, ", so it was not sent") for name in _ANY])


def _reasons(
    cells: _Cells,
    groups: Mapping[EnrichmentType, tuple[str, ...]],
    able: Mapping[EnrichmentType, Bools],
    keep: Mapping[EnrichmentType, Bools],
) -> Objects:
    """Say of each row why it cannot be sent."""
    names = joined([cells.absent(name) for name in NAMES])
    named = ~present(names)
    wants, details = [], []
    for group in dict.fromkeys(groups.values()):
        lacking = nothing(len(names))
        for type_ in (t for t in groups if groups[t] == group):
            want = nothing(len(names))
            want[named & ~able[type_] & ~keep[type_]] = type_
            lacking = joined([lacking, want], " and ")
        there = present(lacking)
        need = f": needs {'one of ' if len(group) > 1 else ''}{', '.join(group)}"
        lacking[there] = lacking[there] + need
        wants.append(lacking)
    for name in _ANY:
        detail = cells.broken(name)
        detail[~named] = None
        details.append(detail)
    return joined([names, *wants, *details])


def _people(cells: _Cells, sendable: Bools) -> Ints:
    """Give each distinct person a number, in the order of their first rows; others get -1.

    Two rows are one person where all fields are the same but for case and width.
    """
    rows = np.flatnonzero(sendable)
    codes = np.zeros(len(rows), dtype=np.int64)
    for values in cells.values.values():
        column, distinct = pd.factorize(values[rows])
        alike, kinds = pd.factorize(objects(map(same, distinct), len(distinct)))
        # A missing value has the code -1, which is one more kind.
        column = np.where(column < 0, len(kinds), np.append(alike, 0)[column])
        codes = pd.factorize(codes * (len(kinds) + 1) + column)[0]
    contact = np.full(len(sendable), -1, dtype=np.intp)
    contact[rows] = codes
    return contact


def _asks(
    row_asks: Mapping[EnrichmentType, Bools], contact: Ints, contacts: int
) -> list[tuple[EnrichmentType, ...]]:
    """Collect for each contact what any of its rows wants."""
    wanted = {}
    for type_, rows in row_asks.items():
        wanted[type_] = no_rows(contacts)
        wanted[type_][contact[rows & (contact >= 0)]] = True
    masks = list(zip(*(mask.tolist() for mask in wanted.values()), strict=True))
    asked = {mask: tuple(itertools.compress(wanted, mask)) for mask in set(masks)}
    return [asked[mask] for mask in masks]


def _phones_without_linkedin(
    cells: _Cells, row_asks: Mapping[EnrichmentType, Bools], contact: Ints
) -> int:
    if "phone" not in row_asks:
        return 0
    rows = row_asks["phone"] & ~cells.has("linkedin_url") & (contact >= 0)
    return len(np.unique(contact[rows]))


def _customs(
    df: pd.DataFrame, headers: Sequence[object], first_rows: Ints
) -> list[dict[str, Any] | None]:
    if not headers:
        return [None] * len(first_rows)
    places = {str(h): columns.position(df, h, "custom=") for h in headers}
    # pandas' own JSON turns every dtype into what JSON has: dates, missing values, numpy numbers.
    rows = pd.DataFrame({name: df.iloc[first_rows, place].array for name, place in places.items()})
    return list(json.loads(rows.to_json(orient="records", date_format="iso")))
