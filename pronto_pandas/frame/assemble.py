"""From outcomes back to the caller's frame: same rows, order, index and dtypes, columns added."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from ..api.models import Answer, Phone
from ..api.spec import EnrichmentType
from ..errors import ColumnsError
from .arrays import Bools, Objects, any_of, first_of, joined, no_rows, nothing, objects, present
from .columns import filled, position
from .options import Options
from .plan import Plan

RUN_COLUMNS: Final = ("pronto_status", "pronto_message", "enrichment_id")
"""What every run writes."""


def text_dtype() -> Any:
    """Return the string dtype of the installed pandas: ``str`` from 3.0 on, ``string`` before."""
    inferred = pd.Series(["text"]).dtype
    return inferred if isinstance(inferred, pd.StringDtype) else pd.StringDtype()


def already_filled(df: pd.DataFrame, options: Options) -> dict[EnrichmentType, Bools]:
    """Say for each type which rows hold a value of it already.

    Raises
    ------
    ColumnsError
        Where the frame has two columns of a name that the run would fill.
    """
    masks: dict[EnrichmentType, Bools] = {}
    for type_ in options.types:
        mask = no_rows(len(df))
        for place in _places(df, _holding(type_, options)):
            mask |= filled(df.iloc[:, place]).to_numpy()
        masks[type_] = mask
    _places(df, "|".join(re.escape(options.prefix + name) for name in RUN_COLUMNS))
    return masks


def _holding(type_: EnrichmentType, options: Options) -> str:
    """Return the pattern of the columns that hold values of a type."""
    shapes = {"columns": r"phone_\d+", "rows": "phone", "list": "phones"}
    return re.escape(options.prefix) + (shapes[options.phones] if type_ == "phone" else type_)


def _places(df: pd.DataFrame, pattern: str) -> list[int]:
    places: dict[object, int] = {}
    headers: Iterable[object] = df.columns
    for place, header in enumerate(headers):
        if isinstance(header, str) and re.fullmatch(pattern, header):
            if header in places:
                raise ColumnsError(
                    f"The frame has several columns named {header!r}, which this run would fill. "
                    'Rename one, or write elsewhere with prefix="new_". Nothing was sent.'
                )
            places[header] = place
    return list(places.values())


class _Writer:
    """Writes columns into a copy of a frame."""

    def __init__(self, df: pd.DataFrame, prefix: str) -> None:
        self.df = df.copy()
        self._prefix = prefix

    def filled(self, name: str) -> Bools:
        """Say which rows of a column hold a value."""
        name = self._prefix + name
        if name not in self.df.columns:
            return no_rows(len(self.df))
        return filled(self.df.iloc[:, self._place(name)]).to_numpy()

    def replace(self, name: str, values: Objects) -> None:
        """Write a whole column."""
        self._set(self._prefix + name, pd.array(values, dtype=text_dtype()))

    def fill(self, name: str, values: Objects, rows: Bools, *, lists: bool = False) -> None:
        """Write ``values`` into ``rows``; the other cells stay as they are."""
        name = self._prefix + name
        if name in self.df.columns:
            if rows.any():
                self._set(name, _filled_in(self.df.iloc[:, self._place(name)], values, rows))
            return
        blank = nothing(len(self.df))
        blank[rows] = values[rows]
        self._set(name, blank if lists else pd.array(blank, dtype=text_dtype()))

    def _set(self, name: str, values: Any) -> None:
        # A Series keeps the dtype object, which pandas would else infer anew.
        column = pd.Series(values, index=self.df.index, dtype=values.dtype)
        if name in self.df.columns:
            self.df.isetitem(self._place(name), column)
        else:
            self.df.insert(len(self.df.columns), name, column)

    def _place(self, name: str) -> int:
        return position(self.df, name, "The run")


def _filled_in(column: pd.Series, values: Objects, rows: Bools) -> Any:
    """Write into a column that exists and keep its dtype wherever it can hold the values."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        new = [v for v in pd.unique(values[rows]) if v not in column.cat.categories]
        column = column.cat.add_categories(new)
    elif pd.api.types.is_numeric_dtype(column.dtype):
        # An empty column of a CSV file is read as numbers.
        column = column.astype(text_dtype() if column.isna().all() else object)
    try:
        array = column.array.copy()
        array[rows] = values[rows]
    except (TypeError, ValueError):  # dates and the like cannot hold a text
        array = column.astype(object).array.copy()
        array[rows] = values[rows]
    return array


def assemble(
    df: pd.DataFrame,
    plan: Plan,
    options: Options,
    states: Sequence[str],
    messages: Sequence[str | None],
    answers: Sequence[Answer | None],
) -> pd.DataFrame:
    """Put what came back into a copy of the frame.

    Parameters
    ----------
    df : DataFrame
        The caller's frame; it is not changed.
    plan : Plan
        What was to be sent.
    options : Options
        What was asked for.
    states, messages, answers : sequence
        Contact by contact, what became of it: ``answered``, ``error``, ``unknown`` or ``pending``.

    Returns
    -------
    DataFrame
        With ``email``, ``email_status``, ``phone_1``, … as asked, and ``pronto_status``,
        ``pronto_message`` and ``enrichment_id``, all of the string dtype of the installed pandas.
    """
    row_answers = _spread(plan, answers)
    writer = _Writer(df, options.prefix)
    got: dict[EnrichmentType, Bools] = {}
    for type_ in options.types:
        asked = present(row_answers) & plan.row_asks[type_]
        got[type_] = asked & present(_each(row_answers, _value, type_))
        if type_ == "phone":
            _write_phones(writer, options.phones, row_answers, asked, got[type_])
        else:
            writer.fill(type_, _each(row_answers, _read, type_), got[type_])
        # A status belongs to its value: it is written with every new one, else only where empty.
        status = f"{type_}_status"
        statuses = _each(row_answers, _read, status)
        rows = got[type_] | (asked & ~writer.filled(status))
        writer.fill(status, statuses, rows & present(statuses))
    _write_run(writer, plan, states, messages, row_answers, any_of(got.values()))
    if options.phones == "rows" and "phone" in got:
        return _one_row_a_phone(writer.df, options.prefix, row_answers, got["phone"])
    return writer.df


def _spread(plan: Plan, values: Sequence[Any]) -> Objects:
    """Hand the value of each contact to all of its rows; None for rows that are not sent."""
    return objects([*values, None], len(values) + 1)[plan.row_contact]


def _each(items: Objects, read: Callable[[Any, Any], Any], name: Any) -> Objects:
    return objects((None if item is None else read(item, name) for item in items), len(items))


def _read(item: Any, name: str) -> Any:
    return getattr(item, name)


def _value(answer: Answer, type_: EnrichmentType) -> bool | None:
    return answer.has(type_) or None


def _nth(answer: Answer, number: int) -> Phone | None:
    return answer.phones[number] if number < len(answer.phones) else None


def _write_phones(writer: _Writer, shape: str, answers: Objects, asked: Bools, got: Bools) -> None:
    if shape == "list":
        lists = _each(answers, lambda answer, _: [p.model_dump() for p in answer.phones], None)
        writer.fill("phones", lists, asked, lists=True)
    elif shape == "rows":  # filled when the rows are repeated; the columns get their place here
        writer.fill("phone", answers, no_rows(len(answers)))
        writer.fill("phone_type", answers, no_rows(len(answers)))
    else:
        most = max((len(answer.phones) for answer in answers[got]), default=1)
        for number in range(most):
            _write_phone(writer, f"phone_{number + 1}", _each(answers, _nth, number), got)


def _write_phone(writer: _Writer, name: str, phones: Objects, rows: Bools) -> None:
    writer.fill(name, _each(phones, _read, "number"), rows & present(phones))
    writer.fill(f"{name}_type", _each(phones, _read, "type"), rows & present(phones))


def _write_run(
    writer: _Writer,
    plan: Plan,
    states: Sequence[str],
    messages: Sequence[str | None],
    answers: Objects,
    hits: Bools,
) -> None:
    status = _spread(plan, states)
    status[status == "answered"] = "not_found"
    status[hits] = "found"
    said = first_of(_spread(plan, messages), _each(answers, _read, "message"))
    writer.replace("pronto_status", first_of(status, plan.row_status))
    writer.replace("pronto_message", joined([said, plan.row_message], " "))
    ids = _each(answers, _read, "enrichment_id")
    writer.fill("enrichment_id", ids, present(ids))


def _one_row_a_phone(df: pd.DataFrame, prefix: str, answers: Objects, got: Bools) -> pd.DataFrame:
    """Repeat each row for each of its phones; rows without one stay as they are."""
    counts = np.ones(len(df), dtype=np.intp)
    counts[got] = [len(answer.phones) for answer in answers[got]]
    rows = np.repeat(np.arange(len(df)), counts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    phones = nothing(len(rows))
    for place in np.flatnonzero(got[rows]):
        phones[place] = _nth(answers[rows[place]], nth[place])
    writer = _Writer(df.iloc[rows], prefix)
    _write_phone(writer, "phone", phones, got[rows])
    return writer.df
