"""Which rows to send, as which contacts, asking for what; and why the others are not sent."""

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
from ..arrays import Bools, Ints, Objects, all_of, any_of, joined, no_rows, nothing, present
from . import columns
from .options import Endpoint, Options
from .people import ANY, COMPANY, NAMES, Cells, companies, numbered

_LINKEDIN: Final = ("linkedin_url",)

NEEDS: Final[dict[tuple[Endpoint, EnrichmentType], tuple[str, ...]]] = {
    # At least one of these, beside both names. The sync page asks for the names alone; but a
    # bare name can come back as somebody else of that name, paid.
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
"""What a row needs, by endpoint and type."""

Left = Literal["invalid", "filled", "suppressed", "not chosen", "over per_company", "over limit"]
"""Why a row is not sent."""


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
    row_left : ndarray of object
        For rows that are not sent, why: a `Left`. For rows that are, None.
    row_message : ndarray of object
        The same in words; for rows that are sent, what there is to say already.
    values : dict of str to ndarray of object
        The cleaned values of the fields, row by row.
    phones_without_linkedin : int
        Contacts whose phone is asked without ``linkedin_url``.
    """

    contacts: list[Contact]
    asks: list[tuple[EnrichmentType, ...]]
    customs: list[dict[str, Any] | None]
    row_contact: Ints
    row_asks: dict[EnrichmentType, Bools]
    row_left: Objects
    row_message: Objects
    values: dict[str, Objects]
    phones_without_linkedin: int = 0

    @property
    def rows_per_contact(self) -> Ints:
        """How many rows get each contact's answer."""
        sent = self.row_contact[self.row_contact >= 0]
        return np.bincount(sent, minlength=len(self.contacts)).astype(np.intp)

    def without(self, contacts: Iterable[int]) -> Plan:
        """Return the plan with the rows of these contacts left out, for what is known of them."""
        gone = np.isin(self.row_contact, list(contacts))
        return replace(
            self,
            row_contact=np.where(gone, -1, self.row_contact),
            row_left=np.where(gone, "suppressed", self.row_left),
            row_message=np.where(
                gone, "Suppressed: the answer is named by suppress=.", self.row_message
            ),
        )

    @property
    def row_status(self) -> Objects:
        """The ``pronto_status`` of rows that are not sent; None for rows that are."""
        status = nothing(len(self.row_left))
        status[present(self.row_left)] = "skipped"
        status[self.row_left == "invalid"] = "invalid"
        return status


def make(df: pd.DataFrame, options: Options, already: Mapping[EnrichmentType, Bools]) -> Plan:
    """Decide for each row whether and how it is sent.

    Parameters
    ----------
    df : DataFrame
        The caller's frame.
    options : Options
        What was asked for.
    already : mapping of str to ndarray of bool
        For each type, the rows whose value an earlier run has filled in.

    Returns
    -------
    Plan
        Complete: nothing that follows refuses a row.

    Raises
    ------
    ColumnsError
        Where the frame lacks a column that every row needs.
    """
    cells = Cells(df, options.columns)
    groups = {type_: NEEDS[options.endpoint, type_] for type_ in options.types}
    columns.require(df, cells.found, [*((name,) for name in NAMES), *groups.values()])
    owned = {t: nothing(len(df)) if options.overwrite else cells.owned(t) for t in groups}
    keep = {t: (already[t] & (not options.overwrite)) | present(owned[t]) for t in groups}
    able = {t: cells.named & any_of(map(cells.has, g)) for t, g in groups.items()}
    asks = {t: able[t] & ~keep[t] for t in groups}
    left = _Leaving(any_of(asks.values()), cells.notes(groups), _reasons(cells, groups, able, keep))
    filled = ~left.sent & all_of(keep.values())
    left.out(filled, "filled", _filled_words(cells, owned, len(df)))
    if options.suppress is not None:
        left.out(options.suppress.rows(cells), "suppressed", "Suppressed: named by suppress=.")
    if options.only is not None:
        left.out(~options.only, "not chosen", "Not chosen by only=.")
    if options.per_company is not None:
        over = _over_per_company(cells, left, options.per_company)
        left.out(over, "over per_company", f"Over per_company={options.per_company}.")
    contact = numbered(cells.values, left.sent)
    if options.limit is not None:
        left.out(contact >= options.limit, "over limit", f"Over limit={options.limit}.")
        contact[~left.sent] = -1
    numbers, rows = np.unique(contact, return_index=True)
    first_rows = rows[numbers >= 0]
    return Plan(
        contacts=cells.contacts(first_rows),
        asks=_asks(asks, contact, len(first_rows)),
        customs=_customs(df, options.custom, first_rows),
        row_contact=contact,
        row_asks=asks,
        row_left=left.why,
        row_message=left.words,
        values=cells.values,
        phones_without_linkedin=_phones_without_linkedin(cells, asks, contact),
    )


class _Leaving:
    """Which rows are not sent, and why; who is left out later for another reason has that one."""

    def __init__(self, sendable: Bools, notes: Objects, reasons: Objects) -> None:
        self.why = nothing(len(sendable))
        self.why[~sendable] = "invalid"
        self.words = reasons
        self.words[sendable] = notes[sendable]

    @property
    def sent(self) -> Bools:
        return ~present(self.why)

    def out(self, rows: Bools, why: Left, words: str | Objects) -> None:
        self.why[rows] = why
        self.words[rows] = words if isinstance(words, str) else words[rows]


def _filled_words(cells: Cells, owned: Mapping[EnrichmentType, Objects], rows: int) -> Objects:
    """Say of each row where it has a value already, if it has one."""
    words = nothing(rows)
    for type_, headers in owned.items():
        for column in cells.columns_of(type_):
            if column.header == type_:  # what stands there stays, whatever it is
                words[present(column.problems)] = (
                    f"{type_} holds what is none, and stays; overwrite=True asks anew."
                )
        there = present(headers) & ~present(words)
        words[there] = "Already filled in " + headers[there] + "; overwrite=True asks anew."
    words[~present(words)] = "Already filled; overwrite=True asks anew."
    return words


def _over_per_company(cells: Cells, left: _Leaving, most: int) -> Bools:
    """Say which rows are of a person too many; those with a value already count, and come first."""
    over, counted = no_rows(len(left.why)), left.sent | (left.why == "filled")
    company, person = companies(cells.values), numbered(cells.values, counted)
    rows = np.flatnonzero(counted & (company >= 0))
    people = pd.DataFrame(
        {"company": company[rows], "person": person[rows], "sent": left.sent[rows]}
    )
    once = people.sort_values("sent", kind="stable").drop_duplicates(["company", "person"])
    place = once.groupby("company").cumcount()
    beyond = once.loc[place >= most, "person"]
    over[rows] = people["person"].isin(beyond).to_numpy() & left.sent[rows]
    return over


def _reasons(
    cells: Cells,
    groups: Mapping[EnrichmentType, tuple[str, ...]],
    able: Mapping[EnrichmentType, Bools],
    keep: Mapping[EnrichmentType, Bools],
) -> Objects:
    """Say of each row why it cannot be sent."""
    names, rows = cells.nameless(), len(cells.named)
    wants: list[Objects] = []
    for group in dict.fromkeys(groups.values()):
        lacking = []
        for type_ in (t for t in groups if groups[t] == group):
            want = nothing(rows)
            want[cells.named & ~able[type_] & ~keep[type_]] = type_
            lacking.append(want)
        want = joined(lacking, rows, " and ")
        there = present(want)
        need = f": needs {'one of ' if len(group) > 1 else ''}{', '.join(group)}"
        want[there] = want[there] + need
        wants.append(want)
    reasons = joined([*wants, *map(cells.broken, ANY)], rows)
    return np.where(cells.named, reasons, names)


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
    cells: Cells, row_asks: Mapping[EnrichmentType, Bools], contact: Ints
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
