"""Write answers into a copy of the caller's DataFrame: its rows, order, index and dtypes stay."""

# Why: docs/decisions/024-dtypes.md

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pandas as pd

from ..api.spec import EnrichmentType
from ..arrays import (
    Bools,
    Ints,
    Objects,
    all_of,
    cells_of,
    encodable,
    joined,
    missing,
    no_rows,
    nothing,
    objects,
    present,
)
from ..errors import ColumnsError, ResultError
from .columns import filled, position
from .options import Options
from .people import has_value
from .plan import Plan

if TYPE_CHECKING:  # slow to import, and needed when something came back
    from ..api.answer import Answer, Phone
    from ..api.contact import Contact

RUN_COLUMNS: Final = ("pronto_status", "pronto_message", "enrichment_id")
"""The columns that every run writes."""


def text_dtype() -> Any:
    """Return pandas' string dtype: ``str`` from pandas 3.0, ``string`` before."""
    inferred = pd.Series(["text"]).dtype
    return inferred if isinstance(inferred, pd.StringDtype) else pd.StringDtype()


def texts(columns: Mapping[str, Objects], index: pd.Index) -> pd.DataFrame:
    """Return a DataFrame of string columns."""
    return pd.DataFrame({n: _text_array(v) for n, v in columns.items()}, index=index)


def _text_array(values: Objects) -> Any:
    return pd.array(encodable(values), dtype=text_dtype())


def already_filled(df: pd.DataFrame, options: Options) -> dict[EnrichmentType, Bools]:
    """Return for each type the rows that have a value in a column that the run would write.

    Raises
    ------
    ColumnsError
        Two columns have the same name, and the run would write to a column with that name; or the
        DataFrame does not allow the duplicate labels that it would get.
    """
    if options.phones == "rows" and not df.flags.allows_duplicate_labels:
        raise ColumnsError(
            'The DataFrame does not allow duplicate labels, but phones="rows" repeats the row of '
            'a person with several phones. Use phones="columns" or phones="list", or allow them '
            "with df.set_flags(allows_duplicate_labels=True). Nothing was sent."
        )
    masks: dict[EnrichmentType, Bools] = {}
    for type_ in options.types:
        mask = no_rows(len(df))
        for place in _places(df, _value_columns(type_, options)):
            mask |= has_value(df.iloc[:, place])
        masks[type_] = mask
    _places(df, "|".join(re.escape(options.prefix + name) for name in RUN_COLUMNS))
    return masks


def written(options: Options) -> re.Pattern[str]:
    """Match the names of the columns that a run may write."""
    shapes = {"columns": r"phone_\d+(_type)?", "rows": "phone(_type)?", "list": "phones"}
    names = [shapes[options.phones] if type_ == "phone" else type_ for type_ in options.types]
    names += [*(f"{type_}_status" for type_ in options.types), *RUN_COLUMNS]
    return re.compile(f"{re.escape(options.prefix)}({'|'.join(names)})")


def _value_columns(type_: EnrichmentType, options: Options) -> str:
    """Return the pattern of the columns for values of a type."""
    shapes = {"columns": r"phone_\d+", "rows": "phone", "list": "phones"}
    return re.escape(options.prefix) + (shapes[options.phones] if type_ == "phone" else type_)


def _places(df: pd.DataFrame, pattern: str) -> list[int]:
    places: dict[object, int] = {}
    headers: Iterable[object] = df.columns
    for place, header in enumerate(headers):
        if isinstance(header, str) and re.fullmatch(pattern, header):
            if header in places:
                raise ColumnsError(
                    f"The DataFrame has more than one column named {header!r}, which this run "
                    'would write. Rename one, or use prefix="new_" for the new columns. '
                    "Nothing was sent."
                )
            places[header] = place
    return list(places.values())


class _Writer:
    """Writes columns into a copy of a DataFrame."""

    def __init__(self, df: pd.DataFrame, options: Options) -> None:
        with _named_errors("The DataFrame", options):
            self.df = df.copy()
        self._options, self._prefix = options, options.prefix

    def filled(self, name: str) -> Bools:
        """Return the rows that have a value in a column."""
        name = self._prefix + name
        if name not in self.df.columns:
            return no_rows(len(self.df))
        with _named_errors(f"Column {name!r}", self._options):
            return filled(self.df.iloc[:, self._place(name)]).to_numpy()

    def replace(self, name: str, values: Objects) -> None:
        """Write a whole column."""
        name = self._prefix + name
        with _named_errors(f"Column {name!r}", self._options):
            self._set(name, _text_array(values))

    def fill(self, name: str, values: Objects, rows: Bools, *, lists: bool = False) -> None:
        """Write ``values`` into ``rows``; the other cells stay."""
        name = self._prefix + name
        values = encodable(values)
        with _named_errors(f"Column {name!r}", self._options):
            if name not in self.df.columns:
                blank = nothing(len(self.df))
                blank[rows] = values[rows]
                self._set(name, blank if lists else _text_array(blank))
            elif rows.any():
                self._set(name, _filled_in(self.df.iloc[:, self._place(name)], values, rows))

    def _set(self, name: str, values: Any) -> None:
        # A Series keeps the dtype object; pandas would infer another one.
        column = pd.Series(values, index=self.df.index, dtype=values.dtype)
        if name in self.df.columns:
            self.df.isetitem(self._place(name), column)
        else:
            self.df.insert(len(self.df.columns), name, column)

    def _place(self, name: str) -> int:
        return position(self.df, name, "enrich")


@contextmanager
def _named_errors(what: str, options: Options) -> Iterator[None]:
    """Replace any error by one that names the column and contains no value of it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  pandas, Arrow and other dtypes have errors of many kinds
        types = list(options.types) if len(options.types) > 1 else options.types[0]
        raise ResultError(
            f"{what} could not be written ({error.__class__.__name__}). The answers are saved in "
            f'the ledger: df.pronto.collect({types!r}, prefix="new_") writes them to new columns '
            "and sends nothing."
        ) from None


def _filled_in(column: pd.Series, values: Objects, rows: Bools) -> Any:
    """Return a column with new values; text or object if its dtype does not allow them."""
    only_text = all(isinstance(value, str) for value in values[rows])
    if only_text and isinstance(column.dtype, pd.CategoricalDtype):
        new = [v for v in pd.unique(values[rows]) if v not in column.cat.categories]
        column = column.cat.add_categories(new)
    elif not (only_text and _accepts_text(column.dtype)):
        column = _as_text(column, only_text=only_text)
    array = column.array.copy()
    array[rows] = values[rows]
    return array


def _accepts_text(dtype: Any) -> bool:
    """Whether any text can be written into a column of this dtype."""
    if isinstance(dtype, pd.ArrowDtype):  # string views and dictionaries are read-only
        return str(dtype.pyarrow_dtype) in {"string", "large_string"}
    is_object = isinstance(dtype, np.dtype) and dtype.kind == "O"
    return is_object or isinstance(dtype, pd.StringDtype)


def _as_text(column: pd.Series, *, only_text: bool) -> pd.Series:
    """Return a column as text, or as objects if some of its values are not text."""
    cells = cells_of(column)
    if only_text and all(isinstance(cell, str) for cell in cells[~missing(column)]):
        return pd.Series(_text_array(cells))
    return pd.Series(cells, dtype=object)


class Outcome(Protocol):
    """The outcome of a request for one contact and type."""

    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def answer(self) -> Answer | None: ...  # noqa: D102
    @property
    def message(self) -> str | None: ...  # noqa: D102


Result = Mapping[EnrichmentType, Outcome]


def verdict(result: Result, asks: Iterable[EnrichmentType]) -> str:
    """Return the ``pronto_status`` of a row that needs these types."""
    outcomes = [(type_, result[type_]) for type_ in asks if type_ in result]
    if any(o.answer is not None and o.answer.has(type_) for type_, o in outcomes):
        return "found"
    states = {outcome.state for _, outcome in outcomes}
    for state in ("unknown", "error", "pending"):
        if state in states:
            return state
    return "not_found" if outcomes else "pending"


def assemble(
    df: pd.DataFrame, plan: Plan, options: Options, results: Sequence[Result]
) -> pd.DataFrame:
    """Write the results into a copy of the DataFrame.

    Parameters
    ----------
    df : DataFrame
        Not modified.
    plan : Plan
        Which rows get the answer of which contact.
    options : Options
        What the caller requested.
    results : sequence of mapping
        For each contact the outcome of each type: ``answered``, ``error``, ``unknown`` or
        ``pending``. A type without an outcome is pending.

    Returns
    -------
    DataFrame
        With ``email``, ``email_status``, ``phone_1``, … as requested, and ``pronto_status``,
        ``pronto_message`` and ``enrichment_id``, with pandas' string dtype.
    """
    writer = _Writer(df, options)
    for type_ in options.types:
        answers = _Answers(plan, [r[type_].answer if type_ in r else None for r in results])
        answered = answers.available & plan.row_asks[type_]
        found = answered & present(answers.each(_value, type_))
        if type_ == "phone":
            _write_phones(writer, options.phones, answers, answered, found)
        else:
            writer.fill(type_, answers.each(_read, type_), found)
        # A status belongs to its value: a new value replaces it; otherwise it fills empty cells.
        status = f"{type_}_status"
        statuses = answers.each(_read, status)
        empty = answered & ~writer.filled(status)
        writer.fill(status, statuses, present(statuses) & (found | empty))
        if type_ == "phone":
            phones, phones_found = answers.each(_phones, None), found
    _write_run(writer, plan, results)
    if options.phones == "rows" and "phone" in options.types:
        return _one_row_per_phone(writer.df, options, phones, phones_found)
    return writer.df


class _Answers:
    """The answers of the contacts, each read once and copied to all rows of its contact."""

    def __init__(self, plan: Plan, answers: list[Answer | None]) -> None:
        self._plan, self._answers = plan, answers
        self.available = present(_spread(plan, answers))

    def each(self, read: Callable[[Any, Any], Any], name: Any) -> Objects:
        """Apply ``read`` to each row's answer; None for a row without one."""
        return _spread(self._plan, [None if a is None else read(a, name) for a in self._answers])


def _spread(plan: Plan, values: Sequence[Any]) -> Objects:
    """Copy the value of each contact to all its rows; None for rows that are not sent."""
    return objects([*values, None], len(values) + 1)[plan.row_contact]


def _read(item: Any, name: str) -> Any:
    return getattr(item, name)


def _value(answer: Answer, type_: EnrichmentType) -> bool | None:
    return answer.has(type_) or None


def _phones(answer: Answer, _: None) -> tuple[Phone, ...]:
    return answer.phones


def _part(answer: Answer, wanted: tuple[int, str]) -> str | None:
    """Return the number or the type of one of an answer's phones."""
    nth, name = wanted
    part: str | None = getattr(answer.phones[nth], name) if nth < len(answer.phones) else None
    return part


def _write_phones(
    writer: _Writer, shape: str, answers: _Answers, answered: Bools, found: Bools
) -> None:
    """Write the phones in the shape of ``phones=``; for "rows", only add the columns."""
    if shape == "list":
        lists = answers.each(lambda answer, _: [p.model_dump() for p in answer.phones], None)
        # Rows of one person must not share a list.
        separate = objects(map(copy.deepcopy, lists), len(lists))
        writer.fill("phones", separate, answered, lists=True)
    elif shape == "rows":  # `_one_row_per_phone` fills them
        writer.fill("phone", nothing(len(found)), no_rows(len(found)))
        writer.fill("phone_type", nothing(len(found)), no_rows(len(found)))
    else:
        most = max((len(phones) for phones in answers.each(_phones, None)[found]), default=1)
        for number in range(most):
            values = answers.each(_part, (number, "number"))
            rows = found & present(values)
            writer.fill(f"phone_{number + 1}", values, rows)
            writer.fill(f"phone_{number + 1}_type", answers.each(_part, (number, "type")), rows)


def _write_run(writer: _Writer, plan: Plan, results: Sequence[Result]) -> None:
    """Write the columns of the run; rows of one contact may need different types."""
    length = len(writer.df)
    status, messages, ids = plan.row_status.copy(), nothing(length), nothing(length)
    needs: dict[tuple[EnrichmentType, ...], Bools] = {}
    for types in _subsets(plan):
        needs[types] = all_of([plan.row_asks[t] == (t in types) for t in plan.row_asks])
    for types, rows in needs.items():
        rows = rows & (plan.row_contact >= 0)
        status[rows] = _spread(plan, [verdict(r, types) for r in results])[rows]
        found = [_message(r, types, c) for r, c in zip(results, plan.contacts, strict=True)]
        messages[rows] = _spread(plan, found)[rows]
        ids[rows] = _spread(plan, [_id(r, types) for r in results])[rows]
    writer.replace("pronto_status", status)
    writer.replace("pronto_message", joined([messages, plan.row_sentences], length, " "))
    writer.fill("enrichment_id", ids, present(ids))


def _subsets(plan: Plan) -> list[tuple[EnrichmentType, ...]]:
    types = list(plan.row_asks)
    sizes = range(1, len(types) + 1)
    return [subset for size in sizes for subset in itertools.combinations(types, size)]


def _message(result: Result, types: Iterable[EnrichmentType], contact: Contact) -> str | None:
    outcomes = _of(result, types)
    messages = [o.message or (o.answer.message if o.answer else None) for o in outcomes]
    answers = [o.answer for o in outcomes if o.answer is not None]
    if answers:
        from ..api.answer import names_differ  # slow to import, and loaded when there is an answer

        if any(names_differ(answer, contact.firstname, contact.lastname) for answer in answers):
            messages.append(_ANOTHER_NAME)
    return " ".join(dict.fromkeys(message for message in messages if message)) or None


_ANOTHER_NAME: Final = "The answer names a different person. Check it before you use it."


def _id(result: Result, types: Iterable[EnrichmentType]) -> str | None:
    return next((s.answer.enrichment_id for s in _of(result, types) if s.answer), None)


def _of(result: Result, types: Iterable[EnrichmentType]) -> list[Outcome]:
    return [result[type_] for type_ in types if type_ in result]


def _one_row_per_phone(
    df: pd.DataFrame, options: Options, phones: Objects, found: Bools
) -> pd.DataFrame:
    """Repeat each row for each of its phones; rows without one stay."""
    counts = np.ones(len(df), dtype=np.intp)
    counts[found] = [len(of_row) for of_row in phones[found]]
    rows = np.repeat(np.arange(len(df)), counts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    with _named_errors("The DataFrame with one row per phone", options):
        repeated = _repeated(df, rows)
    writer = _Writer(repeated, options)
    for name, part in (("phone", "number"), ("phone_type", "type")):
        values = nothing(len(rows))
        for place in np.flatnonzero(found[rows]):
            values[place] = getattr(phones[rows[place]][nth[place]], part)
        writer.fill(name, values, found[rows])
    return writer.df


def _repeated(df: pd.DataFrame, rows: Ints) -> pd.DataFrame:
    """Return rows of a DataFrame; Arrow columns that do not support this become objects."""
    try:
        return df.iloc[rows]
    except (NotImplementedError, TypeError, ValueError):
        columns = [df.iloc[:, place] for place in range(df.shape[1])]
    for place, column in enumerate(columns):
        try:
            column.iloc[rows]
        except (NotImplementedError, TypeError, ValueError):
            df.isetitem(place, cells_of(column))
    return df.iloc[rows]
