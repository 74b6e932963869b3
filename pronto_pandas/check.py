"""``check`` and ``clean``: the outcome and the values of each row, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from .arguments import arguments, check_frame, signed_like
from .arrays import Bools, Ints, Objects, joined, nothing, objects, present
from .config.settings import current
from .frame.people import Cells, alike
from .frame.results import texts
from .notebook import card
from .preview import Preview
from .wording import counted

_OUTCOMES: Final = {
    "filled": "already filled",
    "hidden": "suppressed",
    "answered": "already answered",
    "submitted": "already submitted: answer pending",
    "unknown": "unknown: sent earlier, not answered",
}

_SAME_PERSON: Final = "Same person: same linkedin_url and name."

_WIDE: Final = 150  # characters: the reasons stand in the cells

_OUTCOME_ENDS: Final = re.compile(r": | of row ")


@signed_like(arguments)
def check(*args: Any, **kwargs: Any) -> Check:
    """Show what `enrich` would do with each row. Sends nothing, costs nothing.

    Needs no API key and no network. Takes the same parameters as `enrich`; ``max_credits`` and
    ``progress`` have no effect.

    Returns
    -------
    DataFrame
        One row per row of ``df``, with the same index and pandas' string dtype.

        Column ``check`` is one of:

        - ``ready``: would be sent.
        - ``duplicate of row …``: the same person as in that row. Sent once, filled in both.
        - ``already answered``: filled from the ledger at no cost.
        - ``already submitted: answer pending``: `enrich` fetches the answer at no cost.
        - ``already filled``: ``df`` already has the value.
        - ``suppressed``, ``excluded by only``, ``over per_company``, ``over limit``: not sent
          because of ``suppress``, ``only``, ``per_company`` or ``limit``.
        - ``unknown: …``: sent earlier, not answered. Sent again only with ``resend_unknown=True``.
        - ``invalid: …``: cannot be sent, for the reason given.

        Columns ``firstname``, ``lastname``, ``company_name``, ``domain`` and ``linkedin_url``
        contain the values that would be sent. Column ``note`` contains remarks, such as values that
        are ignored. ``.counts`` is the number of rows per outcome.

    Raises
    ------
    ConfigurationError
        An argument is invalid or a column is missing.
    LedgerError
        The ledger cannot be read.

    Examples
    --------
    >>> check = df.pronto.check("email")
    >>> check.counts
    {'ready': 190, 'duplicate': 24, 'invalid': 3}
    >>> df[check["check"] == "ready"]
    """
    given = arguments(*args, **kwargs)
    return _checked(Preview(given.df, given.options, current(), bodies=False))


def clean(df: pd.DataFrame, *, columns: Mapping[str, object] | None = None) -> pd.DataFrame:
    """Return the cleaned values that would be sent. Sends nothing, costs nothing.

    Parameters
    ----------
    df : DataFrame
        One row per person, as for `enrich`. Not modified.
    columns : mapping, optional
        Maps Pronto fields to column names, as for `enrich`.

    Returns
    -------
    DataFrame
        The columns ``firstname``, ``lastname``, ``company_name``, ``domain`` and ``linkedin_url``,
        with the index of ``df`` and pandas' string dtype. Values that cannot be sent are missing
        (NA).

    Raises
    ------
    ConfigurationError
        An argument is invalid.
    """
    check_frame(df)
    return texts(Cells(df, columns).values, df.index)


class Check(pd.DataFrame):
    """The result of `check`: a DataFrame with one row per input row.

    Filter, count or save it like any DataFrame. Notebooks show the totals above it.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a part of it has other totals

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows per outcome, most frequent first."""
        outcomes = self["check"].map(lambda cell: _OUTCOME_ENDS.split(cell, maxsplit=1)[0])
        return {str(outcome): int(rows) for outcome, rows in outcomes.value_counts().items()}

    def _card(self) -> tuple[str, dict[str, object]]:
        rows: dict[str, object] = {name: f"{rows:,}" for name, rows in self.counts.items()}
        return f"Pronto check: {counted(len(self), 'row')}; nothing was sent", rows

    def __repr__(self) -> str:
        return f"{card.text(*self._card())}\n\n{super().__repr__()}"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", _WIDE):
            table: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]  # of pandas
        return f"{card.html(*self._card())}<br>{table or ''}"


def _checked(preview: Preview) -> Check:
    plan, index = preview.plan, preview.df.index
    outcomes, notes = nothing(len(index)), plan.row_message.copy()
    left = present(plan.row_left)
    outcomes[left] = [_OUTCOMES.get(why, why) for why in plan.row_left[left]]
    invalid = plan.row_left == "invalid"
    outcomes[invalid] = "invalid: " + plan.row_message[invalid]
    notes[left] = None
    if plan.contacts:
        states = preview.lookup.states()
        outcomes[~left] = objects(map(_OUTCOMES.get, states), len(states))[plan.row_contact[~left]]
        to_send = ~left & ~present(outcomes)
        sent_as = np.append(preview.lookup.sent_as(), -1)[plan.row_contact]
        outcomes[to_send] = _ready_or_duplicate(index, sent_as, to_send)[to_send]
        shared = nothing(len(outcomes))
        shared[to_send & (sent_as != plan.row_contact)] = _SAME_PERSON
        twins = _twins(index, plan.values["linkedin_url"], outcomes == "ready")
        notes = joined([notes, shared, twins], len(outcomes), " ")
    return Check(texts({"check": outcomes, **plan.values, "note": notes}, index))


def _ready_or_duplicate(index: pd.Index, contact: Ints, rows: Bools) -> Objects:
    """Label the first row of each person ``ready``, and its later rows as duplicates of it."""
    places = np.flatnonzero(rows)
    _, first, inverse = np.unique(contact[places], return_index=True, return_inverse=True)
    first_row = places[first][inverse]
    outcomes = nothing(len(index))
    outcomes[places] = "ready"
    duplicate = first_row != places
    labels = _labels(index)
    outcomes[places[duplicate]] = [
        f"duplicate of row {label}" for label in labels[first_row[duplicate]]
    ]
    return outcomes


def _twins(index: pd.Index, profiles: Objects, ready: Bools) -> Objects:
    """Return notes on people who are sent although an earlier row has the same profile."""
    places = np.flatnonzero(ready & present(profiles))
    first = pd.Series(places).groupby(alike(profiles[places])).transform("first").to_numpy()
    twins = first != places
    notes = nothing(len(index))
    notes[places[twins]] = [
        f"Same linkedin_url as row {label}, but a different name or company: sent as a different "
        "person."
        for label in _labels(index)[first[twins]]
    ]
    return notes


def _labels(index: pd.Index) -> pd.Index:
    """Return the labels of the rows: the index, or positions if the index has duplicates."""
    return index if index.is_unique else pd.RangeIndex(len(index))
