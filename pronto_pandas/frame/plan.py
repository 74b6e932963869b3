"""Decide which rows can be sent, for which types, and why the others cannot."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from ..api.contact import Contact
from ..api.spec import EnrichmentType
from ..arrays import (
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
    replaced,
)
from . import columns
from .options import Endpoint, Options
from .people import ANY, COMPANY, NAMES, Cells, number_people

_LINKEDIN: Final = ("linkedin_url",)

NEEDS: Final[dict[tuple[Endpoint, EnrichmentType], tuple[str, ...]]] = {
    # At least one of these, in addition to both names. The sync endpoint accepts names only, but
    # then Pronto may return, and charge for, another person of the same name.
    ("sync", "email"): ANY,
    ("sync", "phone"): ANY,
    ("sync", "personal_email"): _LINKEDIN,
    ("async", "email"): COMPANY,
    ("async", "phone"): _LINKEDIN,
    ("async", "personal_email"): _LINKEDIN,
    ("bulk", "email"): COMPANY,
    ("bulk", "phone"): _LINKEDIN,
    ("bulk", "personal_email"): _LINKEDIN,
}
"""The fields of which a row needs at least one, by endpoint and type."""

Left = Literal[
    "invalid", "filled", "suppressed", "hidden",
    "excluded by only", "over per_company", "over limit",
]  # fmt: skip
"""Why a row is not sent. "hidden": it is suppressed only because of an email in its answer."""

_NOUNS: Final = {
    "domain": "a company domain", "company_name": "a company name",
    "linkedin_url": "a LinkedIn URL", "email": "an email address",
    "personal_email": "an email address", "phone": "a phone number",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The people who can be sent, and the types that each row gets.

    Whether they are sent depends on the ledger, too: see `selection`.

    Parameters
    ----------
    contacts : list of Contact
        Each person once, in the order of their first rows.
    asks : list of tuple of str
        The types to request for each contact.
    customs : list of dict or None
        The ``custom`` field of each contact.
    row_contact : ndarray of int
        For each row the position of its contact in ``contacts``, or -1 if it cannot be sent.
    row_asks : dict of str to ndarray of bool
        For each type, the rows that get it from the answer.
    row_kept : ndarray of bool
        The rows that already have a value of a type, which is kept.
    row_left : ndarray of object
        For each row that is not sent, why: a `Left`. Otherwise None.
    row_message : ndarray of object
        For each row that is not sent, the reason in words, without a full stop. For other rows,
        sentences about their values, or None.
    values : dict of str to ndarray of object
        The cleaned values of the fields, row by row.
    """

    contacts: list[Contact]
    asks: list[tuple[EnrichmentType, ...]]
    customs: list[dict[str, Any] | None]
    row_contact: Ints
    row_asks: dict[EnrichmentType, Bools]
    row_kept: Bools
    row_left: Objects
    row_message: Objects
    values: dict[str, Objects]

    @property
    def rows_per_contact(self) -> Ints:
        """The number of rows that get each contact's answer."""
        sent = self.row_contact[self.row_contact >= 0]
        return np.bincount(sent, minlength=len(self.contacts)).astype(np.intp)

    def without(self, contacts: Iterable[int]) -> Plan:
        """Return the plan without the rows of these contacts, whose answers are suppressed."""
        hidden = np.isin(self.row_contact, list(contacts))
        return replace(
            self,
            row_contact=np.where(hidden, -1, self.row_contact),
            row_left=np.where(hidden, "hidden", self.row_left),
            row_message=np.where(
                hidden, "the email that was found is on the suppress= list", self.row_message
            ),
        )

    def leaving_out(
        self, left: Mapping[EnrichmentType, Objects], words: Mapping[Left, str]
    ) -> Plan:
        """Return the plan without the rows that get no answer because nobody is sent for them.

        Parameters
        ----------
        left : mapping of str to ndarray of object
            For each type and contact, why it is not sent: a `Left`. Otherwise None.
        words : mapping of str to str
            These reasons in words.
        """
        if not left:
            return self
        why, kept = nothing(len(self.row_contact)), no_rows(len(self.row_contact))
        for type_, reasons in left.items():
            of_row = np.concatenate([reasons, nothing(1)])[self.row_contact]
            needed = self.row_asks[type_] & (self.row_contact >= 0)
            kept |= needed & ~present(of_row)
            why[needed] = of_row[needed]
        rows = present(why) & ~kept
        texts = objects(map(words.get, why[rows]), int(rows.sum()))
        return replace(
            self,
            row_contact=np.where(rows, -1, self.row_contact),
            row_left=np.where(rows, why, self.row_left),
            row_message=replaced(self.row_message, rows, texts),
        )

    @property
    def row_status(self) -> Objects:
        """The ``pronto_status`` of rows that are not sent; None for rows that are."""
        status = nothing(len(self.row_left))
        status[present(self.row_left)] = "skipped"
        status[self.row_left == "invalid"] = "invalid"
        return status

    @property
    def row_sentences(self) -> Objects:
        """The plan's part of ``pronto_message``."""
        sentences, left = self.row_message.copy(), present(self.row_left)
        begin = np.where(self.row_left == "hidden", "Hidden: ", "Not sent: ").astype(object)
        sentences[left] = begin[left] + sentences[left] + "."
        return sentences


def make(df: pd.DataFrame, options: Options, already: Mapping[EnrichmentType, Bools]) -> Plan:
    """Decide for each row whether and how it can be sent.

    Parameters
    ----------
    df : DataFrame
        The caller's DataFrame.
    options : Options
        What the caller requested.
    already : mapping of str to ndarray of bool
        For each type, the rows that have a value in a column that the run would write.

    Returns
    -------
    Plan
        Complete: no later step excludes a row for its values.

    Raises
    ------
    ColumnsError
        The DataFrame lacks a column that every row needs.
    """
    cells = Cells(df, options.columns)
    needs = {type_: NEEDS[options.endpoint, type_] for type_ in options.types}
    columns.require(df, cells.found, [*((name,) for name in NAMES), *needs.values()])
    filled_in = {
        t: nothing(len(df)) if options.overwrite else cells.already_in(t) for t in options.types
    }
    keep = {t: (already[t] & (not options.overwrite)) | present(filled_in[t]) for t in needs}
    able = {t: cells.named & any_of(map(cells.has, fields)) for t, fields in needs.items()}
    asks = {t: able[t] & ~keep[t] for t in needs}
    lacking = {t: cells.named & ~able[t] & ~keep[t] for t in needs}
    rows = _Rows(any_of(asks.values()), cells.notes(needs), _invalid(cells, needs, lacking))
    filled = ~rows.sent & all_of(keep.values())
    rows.leave_out(filled, "filled", _filled(cells, filled_in, len(df)))
    _leave_out_unwanted(rows, cells, options)
    contact = number_people(cells.values, rows.sent)
    numbers, first = np.unique(contact, return_index=True)
    first_rows = first[numbers >= 0]
    return Plan(
        contacts=cells.contacts(first_rows),
        asks=_asks(asks, contact, len(first_rows)),
        customs=_customs(df, options.custom, first_rows),
        row_contact=contact,
        row_asks=asks,
        row_kept=any_of(keep.values()),
        row_left=rows.why,
        row_message=rows.words,
        values=cells.values,
    )


class _Rows:
    """The rows that are sent, and why the others are not; the last reason applies."""

    def __init__(self, sendable: Bools, notes: Objects, reasons: Objects) -> None:
        self.why = nothing(len(sendable))
        self.why[~sendable] = "invalid"
        self.words = np.where(sendable, notes, reasons)

    @property
    def sent(self) -> Bools:
        return ~present(self.why)

    def leave_out(self, rows: Bools, why: Left, words: str | Objects) -> None:
        self.why[rows] = why
        self.words[rows] = words if isinstance(words, str) else words[rows]


def _leave_out_unwanted(rows: _Rows, cells: Cells, options: Options) -> None:
    """Leave out suppressed rows; of those that cannot be sent, say which ``only`` excludes."""
    if options.suppress is not None:
        suppressed = options.suppress.rows(cells)
        rows.leave_out(suppressed, "suppressed", "on the suppress= list")
    if options.only is not None:
        excluded = ~options.only & ~rows.sent
        rows.leave_out(excluded, "excluded by only", "excluded by only=")


def _filled(cells: Cells, filled_in: Mapping[EnrichmentType, Objects], length: int) -> Objects:
    """Return for each row a sentence about the column that already has its value."""
    words = nothing(length)
    for type_, headers in filled_in.items():
        for column in cells.columns_of(type_):
            if column.header == type_:  # the column that the run writes, so any value is kept
                words[present(column.problems)] = (
                    f"{type_} contains something that is not {_NOUNS[type_]}; it is kept. "
                    f"Use overwrite=True to look up {_NOUNS[type_]}"
                )
        rows = present(headers) & ~present(words)
        words[rows] = headers[rows] + " is already filled. Use overwrite=True to look it up again"
    words[~present(words)] = "already filled. Use overwrite=True to look it up again"
    return words


def _invalid(
    cells: Cells,
    needs: Mapping[EnrichmentType, tuple[str, ...]],
    lacking: Mapping[EnrichmentType, Bools],
) -> Objects:
    """Return for each row why it cannot be sent, in words."""
    length = len(cells.named)
    parts: list[Objects] = []
    for fields in dict.fromkeys(needs.values()):
        types = [t for t in needs if needs[t] == fields]
        names = joined([replaced(nothing(length), lacking[t], t) for t in types], length, " and ")
        rows = present(names)
        several = np.sum([lacking[t] for t in types], axis=0)[rows] > 1
        names[rows] += np.where(several, " need ", " needs ").astype(object) + _listed(fields)
        parts.append(names)
    reasons = joined([*parts, *map(cells.problems, ANY)], length)
    return np.where(cells.named, reasons, cells.missing_names())


def _listed(fields: Sequence[str]) -> str:
    *others, last = (_NOUNS[name] for name in fields)
    return f"{', '.join(others)} or {last}" if others else last


def _asks(
    row_asks: Mapping[EnrichmentType, Bools], contact: Ints, contacts: int
) -> list[tuple[EnrichmentType, ...]]:
    """Collect for each contact the types that any of its rows needs."""
    wanted = {}
    for type_, rows in row_asks.items():
        wanted[type_] = no_rows(contacts)
        wanted[type_][contact[rows & (contact >= 0)]] = True
    masks = list(zip(*(mask.tolist() for mask in wanted.values()), strict=True))
    types = {mask: tuple(itertools.compress(wanted, mask)) for mask in set(masks)}
    return [types[mask] for mask in masks]


def _customs(
    df: pd.DataFrame, headers: Sequence[object], first_rows: Ints
) -> list[dict[str, Any] | None]:
    if not headers:
        return [None] * len(first_rows)
    places = {str(h): columns.position(df, h, "custom=") for h in headers}
    # pandas converts every dtype to JSON: dates, missing values, NumPy numbers.
    rows = pd.DataFrame({name: df.iloc[first_rows, place].array for name, place in places.items()})
    return list(json.loads(rows.to_json(orient="records", date_format="iso")))
