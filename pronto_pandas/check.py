"""``check`` and ``clean``: the outcome and the values of each row, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from .arguments import arguments, arguments_of, check_frame, signed_like
from .arrays import Bools, Ints, Objects, joined, nothing, objects, present
from .config.settings import current
from .frame.people import Cells, alike
from .frame.results import texts
from .notebook import card
from .notebook.card import Bar, Kind, Table
from .preview import Preview
from .wording import counted

_OUTCOMES: Final = {
    "filled": "already filled",
    "hidden": "suppressed",
    "answered": "already answered",
    "submitted": "already submitted: answer pending",
    "unknown": "unknown: sent earlier, not answered",
}

_IN_RESERVE: Final = "Sent if others of this company are not found."

_SAME_PERSON: Final = "Same person: same linkedin_url and name."

_WIDE: Final = 150  # characters of a cell in HTML
_NARROW: Final = 50  # in text

_MOST_REASONS: Final = 10
_ROWS_PER_REASON: Final = 3
_READY_ROWS: Final = 5

_KINDS: Final[Mapping[str, Kind]] = {"ready": "found", "invalid": "problem", "unknown": "problem"}
"""How the bars of an outcome look; for the other outcomes, nothing is sent or missing."""

_TO_FIX: Final = ("invalid", "unknown")
"""The outcomes whose rows are displayed first, by reason."""

_OUTCOME_ENDS: Final = re.compile(r": | of row ")


@signed_like(arguments)
def check(*args: Any, **kwargs: Any) -> Check:
    """Show what `enrich` would do with each row. Sends nothing, costs nothing.

    Needs no API key and no network. Takes the same parameters as `enrich`; ``max_credits``,
    ``stop_below`` and ``progress`` have no effect.

    Returns
    -------
    DataFrame
        One row per row of ``df``, with the same index and pandas' string dtype.

        Column ``check`` is one of:

        - ``ready``: would be sent.
        - ``duplicate of row …``: the same person as in that row. Looked up once, filled in both.
        - ``already answered``: filled from the ledger at no cost.
        - ``already submitted: answer pending``: `enrich` fetches the answer at no cost.
        - ``already filled``: ``df`` already has the value.
        - ``suppressed``, ``excluded by only``, ``over per_company``, ``over limit``: not sent
          because of ``suppress``, ``only``, ``per_company`` or ``limit``. People ``over
          per_company`` are sent if others of their company are not found.
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
    given = arguments_of("check", *args, **kwargs)
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

    Filter, count or save it like any DataFrame. It is displayed as a summary: the number of rows
    per outcome and per reason, some rows that need attention, then some that are ready.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a part of it has other totals

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows per outcome, most frequent first."""
        outcomes = self["check"].dropna().map(_outcome)
        return {str(outcome): int(rows) for outcome, rows in outcomes.value_counts().items()}

    def __repr__(self) -> str:
        if self._is_changed:
            return super().__repr__()
        rows = self._displayed()
        with pd.option_context("display.max_colwidth", _NARROW):
            width = pd.get_option("display.width") or 80
            table = rows.to_string(line_width=width) if len(rows) else ""
        return "\n\n".join(filter(None, [card.text(**self._card(rows)), table]))

    def _repr_html_(self) -> str:
        if self._is_changed:
            html: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]  # of pandas
            return html or ""
        rows = self._displayed()
        with pd.option_context("display.max_colwidth", _WIDE):
            table = rows.to_html(notebook=True) if len(rows) else ""
        return f'{card.html(**self._card(rows))}<div style="margin-top:8px">{table}</div>'

    @property
    def _is_changed(self) -> bool:
        """Whether somebody has removed a column that the summary needs."""
        return not {"check", "note"} <= set(self.columns)

    def _card(self, displayed: pd.DataFrame) -> dict[str, Any]:
        reasons, total = self._reasons(), counted(len(self), "row")
        lines: list[tuple[str, int, Kind]] = []
        for outcome, rows in _most_urgent_first(self.counts):
            kind = _KINDS.get(outcome, "not sent")
            lines.append((outcome, rows, kind))
            lines += [(f"    {text}", many, kind) for text, many in _shortened(reasons, outcome)]
        counts = Table(
            "Rows by outcome",
            ("check", "rows"),
            [(name, f"{rows:,}") for name, rows, _ in lines],
            [
                Bar(rows / len(self), kind, f"{name.strip()}: {rows:,} of {total}")
                for name, rows, kind in lines
            ],
        )
        note = "" if len(displayed) == len(self) else _note(displayed)
        return {
            "title": f"Pronto check: {total}; nothing was sent",
            "rows": {},
            "note": note,
            "tables": [counts] if lines else [],
        }

    def _reasons(self) -> pd.Series:
        """Return the number of rows per text of ``check`` that needs attention, most first."""
        texts = _texts(self["check"])
        urgent = texts[texts.str.startswith(_TO_FIX)]
        counts = urgent.value_counts()
        order = sorted(counts.index, key=lambda text: (_urgency(text), -counts[text], text))
        return counts[order]

    def _displayed(self) -> pd.DataFrame:
        """Return the first rows of each reason and note, then ready ones; NA is empty text."""
        checks = _texts(self["check"]).to_numpy()
        chosen = [
            np.flatnonzero(checks == text)[:_ROWS_PER_REASON]
            for text in self._reasons().index[:_MOST_REASONS]
        ]
        ready = np.flatnonzero(checks == "ready")
        notes = self["note"].iloc[ready]
        first_of_note = (notes.notna() & ~notes.duplicated()).to_numpy(dtype=bool)
        noted = ready[first_of_note][:_ROWS_PER_REASON]
        plain = ready[notes.isna().to_numpy(dtype=bool)][: _READY_ROWS - len(noted)]
        chosen += [noted, plain]
        places = np.concatenate(chosen)
        if not len(places):
            places = np.arange(min(_READY_ROWS, len(self)))
        rows = pd.DataFrame(self).iloc[places].dropna(axis="columns", how="all")
        return rows.astype(object).where(rows.notna(), "")


def _texts(column: pd.Series) -> pd.Series:
    """Return a column of texts as objects; a missing one is empty."""
    return column.astype(object).where(column.notna(), "").astype(str).astype(object)


def _outcome(text: str) -> str:
    """Return the outcome in a cell of ``check``, without the reason."""
    return _OUTCOME_ENDS.split(text, maxsplit=1)[0]


def _urgency(text: str) -> int:
    outcome = _outcome(text)
    return _TO_FIX.index(outcome) if outcome in _TO_FIX else len(_TO_FIX)


def _most_urgent_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Sort the outcomes: those that need attention, then those with the most rows."""
    return sorted(counts.items(), key=lambda item: _urgency(item[0]))


def _shortened(reasons: pd.Series, outcome: str) -> Iterator[tuple[str, int]]:
    """Return the most frequent reasons of an outcome, and how many rows have other ones."""
    texts = [text for text in reasons.index if _outcome(text) == outcome]
    for text in texts[:_MOST_REASONS]:
        yield text.removeprefix(f"{outcome}: "), int(reasons[text])
    if rest := texts[_MOST_REASONS:]:
        yield counted(len(rest), "other reason"), int(reasons[rest].sum())


def _note(displayed: pd.DataFrame) -> str:
    urgent = _texts(displayed["check"]).str.startswith(_TO_FIX).any()
    order = ": first those that need attention, then ready ones" if urgent else ""
    rows = counted(len(displayed), "row is", "rows are")
    return f"{rows} displayed{order}. The DataFrame has all rows, in your order."


def _checked(preview: Preview) -> Check:
    plan, index = preview.plan, preview.df.index
    outcomes, notes = nothing(len(index)), plan.row_message.copy()
    left = present(plan.row_left)
    outcomes[left] = [_OUTCOMES.get(why, why) for why in plan.row_left[left]]
    invalid = plan.row_left == "invalid"
    outcomes[invalid] = "invalid: " + plan.row_message[invalid]
    notes[left] = None
    if preview.options.endpoint != "bulk":
        notes[plan.row_left == "over per_company"] = _IN_RESERVE
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
