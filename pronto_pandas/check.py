"""What a run would do with each row: the rows, and their sums."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from .arrays import Bools, Ints, Objects, joined, nothing, objects, present
from .frame.people import alike
from .frame.results import texts
from .notebook import card
from .run import Run

_SAID: Final = {
    "filled": "already filled",
    "hidden": "suppressed",
    "answered": "already answered",
    "submitted": "already submitted",
    "unknown": "unknown: sent before, answer lost",
}

_ONE_PERSON: Final = "the same person: linkedin_url and name are the same"

_WIDE: Final = 150  # characters: the reasons stand in the cells

_KIND: Final = re.compile(r": | of row ")


class Check(pd.DataFrame):
    """One row a row of the list, with its index: what would become of it, and what would be sent.

    It is a frame: filter it, count it, save it. A notebook shows its sums on top.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a part of it has other sums

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are ``ready``, ``duplicate``, ``already answered``, …; most first."""
        kinds = self["check"].map(lambda said: _KIND.split(said, maxsplit=1)[0])
        return {str(kind): int(rows) for kind, rows in kinds.value_counts().items()}

    def _card(self) -> tuple[str, dict[str, object]]:
        rows: dict[str, object] = {kind: f"{rows:,}" for kind, rows in self.counts.items()}
        return f"Pronto check: {len(self):,} rows; nothing was sent", rows

    def __repr__(self) -> str:
        return f"{card.text(*self._card())}\n\n{super().__repr__()}"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", _WIDE):
            table: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]  # of pandas
        return f"{card.html(*self._card())}<br>{table or ''}"


def of(run: Run) -> Check:
    """Return what a run that was made and not started would do with each row."""
    plan = run.plan
    said, notes = nothing(len(run.df)), plan.row_message.copy()
    left = present(plan.row_left)
    said[left] = [_SAID.get(why, why) for why in plan.row_left[left]]
    invalid = plan.row_left == "invalid"
    said[invalid] = "invalid: " + plan.row_message[invalid]
    notes[left] = None
    if plan.contacts:
        states = run.states()
        said[~left] = objects(map(_SAID.get, states), len(states))[plan.row_contact[~left]]
        asked = ~left & ~present(said)
        person = np.append(run.askers(), -1)[plan.row_contact]
        said[asked] = _asked(run.df.index, person, asked)[asked]
        shared = nothing(len(said))
        shared[asked & (person != plan.row_contact)] = _ONE_PERSON
        notes = joined([notes, shared], len(said))
        twins = _twins(run.df.index, plan.values["linkedin_url"], said == "ready")
        notes = joined([notes, twins], len(said))
    return Check(texts({"check": said, **plan.values, "note": notes}, run.df.index))


def _asked(index: pd.Index, contact: Ints, rows: Bools) -> Objects:
    """Tell the first row of each person from those that repeat it."""
    places = np.flatnonzero(rows)
    _, first, inverse = np.unique(contact[places], return_index=True, return_inverse=True)
    first_row = places[first][inverse]
    said = nothing(len(index))
    said[places] = "ready"
    repeats = first_row != places
    names = _names(index)
    said[places[repeats]] = [f"duplicate of row {name}" for name in names[first_row[repeats]]]
    return said


def _twins(index: pd.Index, profiles: Objects, ready: Bools) -> Objects:
    """Say of people who would be asked for where an earlier one has the same profile."""
    places = np.flatnonzero(ready & present(profiles))
    first = pd.Series(places).groupby(alike(profiles[places])).transform("first").to_numpy()
    twins = first != places
    said = nothing(len(index))
    said[places[twins]] = [
        f"has the linkedin_url of row {name}, and is asked for as another person"
        for name in _names(index)[first[twins]]
    ]
    return said


def _names(index: pd.Index) -> pd.Index:
    """Return how rows are called: by the index, or by their places where its labels repeat."""
    return index if index.is_unique else pd.RangeIndex(len(index))
