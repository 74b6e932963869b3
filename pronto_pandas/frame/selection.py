"""Decide which people of a plan may be sent: ``only``, ``per_company`` and ``limit``.

These options exclude nobody whose answer is in the ledger: they decide only who is sent.
"""

# Why: docs/decisions/039-selection.md

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from ..api.spec import EnrichmentType
from ..arrays import Bools, Ints, Objects, no_rows, nothing
from .options import Options
from .people import number_companies, number_people
from .plan import Left, Plan

FOUND, WAITING, HELD, OPEN, NOT_FOUND = range(5)
"""What the ledger has of a contact, in the order in which they take the places of a company.

FOUND: a value. WAITING: a request without an answer yet, or whose answer was lost. HELD: another
run is looking them up. OPEN: no answer, or one that may be requested again. NOT_FOUND: an answer
without a value.
"""

_FIRST_IN_LIMIT: Final = np.array([0, 1, 1, 2, 1])
"""The order within a company for ``limit``: who has been sent counts before who has not."""


def words(options: Options) -> dict[Left, str]:
    """Return the reasons for which people are not sent, without a full stop."""
    return {
        "excluded by only": "excluded by only=",
        "over per_company": (
            f"the limit per_company={options.per_company} was reached for this company"
        ),
        "over limit": f"limit={options.limit} was reached",
    }


class Selection:
    """The contacts of a plan that may be sent, and who is sent in place of those not found.

    Parameters
    ----------
    plan : Plan
        The contacts.
    options : Options
        ``only``, ``per_company`` and ``limit``.
    standing : ndarray of int
        What the ledger has of each contact; used for ``per_company``.
    """

    def __init__(self, plan: Plan, options: Options, standing: Ints) -> None:
        self.why: Objects = nothing(len(plan.contacts))
        """For each contact that may not be sent, why: a `Left`."""
        self._plan, self._options = plan, options
        every_row = ~no_rows(len(plan.row_contact))
        self._chosen_rows = every_row if options.only is None else options.only
        first = _first_rows(plan.row_contact, self._chosen_rows, len(plan.contacts))
        self._chosen = first >= 0
        self._active, self._kept = self._chosen.copy(), no_rows(len(first))
        self._company = np.full(len(first), -1, dtype=np.intp)
        self._standing = standing.copy()
        turn = np.zeros(len(first), dtype=np.intp)
        if options.per_company is not None:
            turn = self._choose_per_company(first, options.per_company)
        within = self._within_limit(first, turn)
        self.why[~within] = "over limit"
        self.why[~self._active] = "over per_company"
        self.why[~self._chosen] = "excluded by only"
        reserve = self._reserve(first, within)
        self.in_reserve = int((self._standing[reserve] >= HELD).sum())
        """How many people may be sent in place of others who are not found."""
        self._reserves = _by_group(reserve, self._company)

    def types(self, type_: EnrichmentType) -> Bools:
        """Return the contacts of which a row that ``only`` includes needs this type."""
        contacts, plan = no_rows(len(self.why)), self._plan
        rows = plan.row_asks[type_] & self._chosen_rows & (plan.row_contact >= 0)
        contacts[plan.row_contact[rows]] = True
        return contacts

    def done(self, contact: int, *, found: bool) -> int | None:
        """Record a contact's final answer; return who may be sent in their place, or None."""
        found = found or bool(self._kept[contact])
        self._standing[contact] = FOUND if found else NOT_FOUND
        if found or not self._active[contact]:
            return None
        self._active[contact] = False
        for number in self._reserves.get(int(self._company[contact]), ()):
            if self._standing[number] != NOT_FOUND:
                self._active[number], self.why[number] = True, None
                return number if self._standing[number] in {HELD, OPEN} else None
        return None

    def _choose_per_company(self, first: Ints, most: int) -> Ints:
        """Make the first people of each company active; return each contact's turn for a limit."""
        filled = self._count_people()
        self._standing[self._kept] = FOUND
        in_company = self._chosen & (self._company >= 0)
        candidates = np.flatnonzero(in_company & (self._standing != NOT_FOUND))
        place = _places(self._company[candidates], self._standing[candidates], first[candidates])
        self._active[candidates] = place + filled[self._company[candidates]] < most
        members = np.flatnonzero(in_company)
        order = _FIRST_IN_LIMIT[self._standing[members]]
        place = _places(self._company[members], order, first[members])
        turn = np.zeros(len(first), dtype=np.intp)
        turn[members] = np.maximum(0, place + filled[self._company[members]] - most + 1)
        return turn

    def _count_people(self) -> Ints:
        """Find each contact's company, and who has a value; return per company the filled people.

        The filled people are those of whom all rows are filled, so that they are no contacts.
        """
        plan = self._plan
        company, sent = number_companies(plan.values), plan.row_contact >= 0
        self._company[plan.row_contact[sent]] = company[sent]
        filled = (plan.row_left == "filled") & self._chosen_rows
        person = number_people(plan.values, sent | filled)
        is_contact, has_value = (no_rows(person.max(initial=-1) + 1) for _ in range(2))
        is_contact[person[sent]] = True
        has_value[person[plan.row_kept & self._chosen_rows & (person >= 0)]] = True
        self._kept[plan.row_contact[sent]] = has_value[person[sent]]
        rows = np.flatnonzero(filled)
        rows = rows[~is_contact[person[rows]]]
        once = rows[np.unique(person[rows], return_index=True)[1]]
        companies = company[once]
        return np.bincount(companies[companies >= 0], minlength=company.max(initial=-1) + 1)

    def _within_limit(self, first: Ints, turn: Ints) -> Bools:
        """Return the contacts within ``limit``: the first ones, then those in reserve.

        This does not depend on who is found, so that the same line never sends further people.
        """
        within = np.ones(len(first), dtype=np.bool_)
        if self._options.limit is not None:
            chosen = np.flatnonzero(self._chosen)
            order = chosen[np.lexsort((first[chosen], turn[chosen]))]
            within[order[self._options.limit :]] = False
        return within

    def _reserve(self, first: Ints, within: Bools) -> Ints:
        """Return who takes the place of people that are not found, sorted by company."""
        standing, company = self._standing, self._company
        has_place = self._chosen & (company >= 0) & ~self._active & (standing != NOT_FOUND)
        reserve = np.flatnonzero(has_place & (within | (standing < HELD)))
        return reserve[np.lexsort((first[reserve], standing[reserve], company[reserve]))]


def _first_rows(row_contact: Ints, rows: Bools, contacts: int) -> Ints:
    """Return the first of these rows of each contact; -1 if it has none."""
    places = np.flatnonzero(rows & (row_contact >= 0))
    numbers, index = np.unique(row_contact[places], return_index=True)
    first = np.full(contacts, -1, dtype=np.intp)
    first[numbers] = places[index]
    return first


def _by_group(numbers: Ints, group: Ints) -> dict[int, Iterator[int]]:
    """Return the numbers of each group; they are sorted by it."""
    starts = np.flatnonzero(np.diff(group[numbers], prepend=-1))
    parts = np.split(numbers, starts[1:]) if len(numbers) else []
    return {int(group[part[0]]): iter(part.tolist()) for part in parts}


def _places(group: Ints, order: Ints, row: Ints) -> Ints:
    """Return the position of each item in its group, sorted by ``order``, then by ``row``."""
    by_group = np.lexsort((row, order, group))
    starts = np.flatnonzero(np.diff(group[by_group], prepend=-1))
    lengths = np.diff(np.append(starts, len(group)))
    place = np.empty(len(group), dtype=np.intp)
    place[by_group] = np.arange(len(group)) - np.repeat(starts, lengths)
    return place
