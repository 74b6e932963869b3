"""From outcomes back to the caller's frame: same rows, order, index and dtypes, columns added."""

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
from .people import holds
from .plan import Plan

if TYPE_CHECKING:  # slow to import, and needed when something came back
    from ..api.answer import Answer, Phone
    from ..api.contact import Contact

RUN_COLUMNS: Final = ("pronto_status", "pronto_message", "enrichment_id")
"""What every run writes."""


def text_dtype() -> Any:
    """Return the string dtype of the installed pandas: ``str`` from 3.0 on, ``string`` before."""
    inferred = pd.Series(["text"]).dtype
    return inferred if isinstance(inferred, pd.StringDtype) else pd.StringDtype()


def texts(columns: Mapping[str, Objects], index: pd.Index) -> pd.DataFrame:
    """Return a frame of these columns of texts."""
    return pd.DataFrame({n: _text_array(v) for n, v in columns.items()}, index=index)


def _text_array(values: Objects) -> Any:
    return pd.array(encodable(values), dtype=text_dtype())


def already_filled(df: pd.DataFrame, options: Options) -> dict[EnrichmentType, Bools]:
    """Say for each type which rows hold a value of it already.

    Raises
    ------
    ColumnsError
        Where the frame has two columns of a name that the run would fill, or must not have the
        repeated rows that it would get.
    """
    if options.phones == "rows" and not df.flags.allows_duplicate_labels:
        raise ColumnsError(
            'The frame does not allow duplicate labels, and phones="rows" repeats the row of a '
            'person with several phones. Use phones="columns" or phones="list", or allow them: '
            "df.set_flags(allows_duplicate_labels=True). Nothing was sent."
        )
    masks: dict[EnrichmentType, Bools] = {}
    for type_ in options.types:
        mask = no_rows(len(df))
        for place in _places(df, _holding(type_, options)):
            mask |= holds(df.iloc[:, place])
        masks[type_] = mask
    _places(df, "|".join(re.escape(options.prefix + name) for name in RUN_COLUMNS))
    return masks


def written(options: Options) -> re.Pattern[str]:
    """Match the headers of the columns that a run may write."""
    shapes = {"columns": r"phone_\d+(_type)?", "rows": "phone(_type)?", "list": "phones"}
    names = [shapes[options.phones] if type_ == "phone" else type_ for type_ in options.types]
    names += [*(f"{type_}_status" for type_ in options.types), *RUN_COLUMNS]
    return re.compile(f"{re.escape(options.prefix)}({'|'.join(names)})")


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

    def __init__(self, df: pd.DataFrame, options: Options) -> None:
        with _kept("The frame", options):
            self.df = df.copy()
        self._options, self._prefix = options, options.prefix

    def filled(self, name: str) -> Bools:
        """Say which rows of a column hold a value."""
        name = self._prefix + name
        if name not in self.df.columns:
            return no_rows(len(self.df))
        with _kept(f"The column {name!r}", self._options):
            return filled(self.df.iloc[:, self._place(name)]).to_numpy()

    def replace(self, name: str, values: Objects) -> None:
        """Write a whole column."""
        name = self._prefix + name
        with _kept(f"The column {name!r}", self._options):
            self._set(name, _text_array(values))

    def fill(self, name: str, values: Objects, rows: Bools, *, lists: bool = False) -> None:
        """Write ``values`` into ``rows``; the other cells stay as they are."""
        name = self._prefix + name
        values = encodable(values)
        with _kept(f"The column {name!r}", self._options):
            if name not in self.df.columns:
                blank = nothing(len(self.df))
                blank[rows] = values[rows]
                self._set(name, blank if lists else _text_array(blank))
            elif rows.any():
                self._set(name, _filled_in(self.df.iloc[:, self._place(name)], values, rows))

    def _set(self, name: str, values: Any) -> None:
        # A Series keeps the dtype object, which pandas would else infer anew.
        column = pd.Series(values, index=self.df.index, dtype=values.dtype)
        if name in self.df.columns:
            self.df.isetitem(self._place(name), column)
        else:
            self.df.insert(len(self.df.columns), name, column)

    def _place(self, name: str) -> int:
        return position(self.df, name, "The run")


@contextmanager
def _kept(what: str, options: Options) -> Iterator[None]:
    """Raise what goes wrong as an error that names the place, without a value of it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  pandas, Arrow and other dtypes have errors of many kinds
        types = list(options.types) if len(options.types) > 1 else options.types[0]
        raise ResultError(
            f"{what} could not be written ({error.__class__.__name__}). The answers are kept in "
            f'the ledger: df.pronto.collect({types!r}, prefix="new_") writes them to columns of '
            "other names, and sends nothing."
        ) from None


def _filled_in(column: pd.Series, values: Objects, rows: Bools) -> Any:
    """Write into a column that exists; where its dtype is not one of texts, it becomes one."""
    texts_alone = all(isinstance(value, str) for value in values[rows])
    if texts_alone and isinstance(column.dtype, pd.CategoricalDtype):
        new = [v for v in pd.unique(values[rows]) if v not in column.cat.categories]
        column = column.cat.add_categories(new)
    elif not (texts_alone and _holds_texts(column.dtype)):
        column = _as_texts(column, texts_alone=texts_alone)
    array = column.array.copy()
    array[rows] = values[rows]
    return array


def _holds_texts(dtype: Any) -> bool:
    """Whether every text can be written into a column of this dtype."""
    if isinstance(dtype, pd.ArrowDtype):  # views and dictionaries of texts cannot be written into
        return str(dtype.pyarrow_dtype) in {"string", "large_string"}
    objects_alone = isinstance(dtype, np.dtype) and dtype.kind == "O"
    return objects_alone or isinstance(dtype, pd.StringDtype)


def _as_texts(column: pd.Series, *, texts_alone: bool) -> pd.Series:
    """Return a column as texts, or as the objects that it holds where some are none."""
    cells = cells_of(column)
    if texts_alone and all(isinstance(cell, str) for cell in cells[~missing(column)]):
        return pd.Series(_text_array(cells))
    return pd.Series(cells, dtype=object)


class Settled(Protocol):
    """What became of one contact and type."""

    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def answer(self) -> Answer | None: ...  # noqa: D102
    @property
    def message(self) -> str | None: ...  # noqa: D102


Result = Mapping[EnrichmentType, Settled]


def verdict(result: Result, asks: Iterable[EnrichmentType]) -> str:
    """Return the ``pronto_status`` of a row that asks for these types."""
    settled = [(type_, result[type_]) for type_ in asks if type_ in result]
    if any(s.answer is not None and s.answer.has(type_) for type_, s in settled):
        return "found"
    states = {s.state for _, s in settled}
    for state in ("unknown", "error", "pending"):
        if state in states:
            return state
    return "not_found" if settled else "pending"


def assemble(
    df: pd.DataFrame, plan: Plan, options: Options, results: Sequence[Result]
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
    results : sequence of mapping
        Contact by contact, what became of each type: ``answered``, ``error``, ``unknown`` or
        ``pending``. A type that is not there is not known.

    Returns
    -------
    DataFrame
        With ``email``, ``email_status``, ``phone_1``, … as asked, and ``pronto_status``,
        ``pronto_message`` and ``enrichment_id``, all of the string dtype of the installed pandas.
    """
    writer = _Writer(df, options)
    for type_ in options.types:
        answers = _Answers(plan, [r[type_].answer if type_ in r else None for r in results])
        asked = answers.there & plan.row_asks[type_]
        got = asked & present(answers.each(_value, type_))
        if type_ == "phone":
            _write_phones(writer, options.phones, answers, asked, got)
        else:
            writer.fill(type_, answers.each(_read, type_), got)
        # A status belongs to its value: it is written with every new one, else only where empty.
        status = f"{type_}_status"
        statuses = answers.each(_read, status)
        writer.fill(status, statuses, present(statuses) & (got | (asked & ~writer.filled(status))))
        if type_ == "phone":
            phones, phones_got = answers.each(_phones, None), got
    _write_run(writer, plan, results)
    if options.phones == "rows" and "phone" in options.types:
        return _one_row_a_phone(writer.df, options, phones, phones_got)
    return writer.df


class _Answers:
    """The answers of the contacts, read once each and handed to all rows of each."""

    def __init__(self, plan: Plan, answers: list[Answer | None]) -> None:
        self._plan, self._answers = plan, answers
        self.there = present(_spread(plan, answers))

    def each(self, read: Callable[[Any, Any], Any], name: Any) -> Objects:
        """Return what is read from each row's answer; None where there is none."""
        return _spread(self._plan, [None if a is None else read(a, name) for a in self._answers])


def _spread(plan: Plan, values: Sequence[Any]) -> Objects:
    """Hand the value of each contact to all of its rows; None for rows that are not sent."""
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


def _write_phones(writer: _Writer, shape: str, answers: _Answers, asked: Bools, got: Bools) -> None:
    if shape == "list":
        lists = answers.each(lambda answer, _: [p.model_dump() for p in answer.phones], None)
        # Rows of one person shall not share a list.
        own = objects(map(copy.deepcopy, lists), len(lists))
        writer.fill("phones", own, asked, lists=True)
    elif shape == "rows":  # filled when the rows are repeated; the columns get their place here
        writer.fill("phone", nothing(len(got)), no_rows(len(got)))
        writer.fill("phone_type", nothing(len(got)), no_rows(len(got)))
    else:
        most = max((len(phones) for phones in answers.each(_phones, None)[got]), default=1)
        for number in range(most):
            values = answers.each(_part, (number, "number"))
            rows = got & present(values)
            writer.fill(f"phone_{number + 1}", values, rows)
            writer.fill(f"phone_{number + 1}_type", answers.each(_part, (number, "type")), rows)


def _write_run(writer: _Writer, plan: Plan, results: Sequence[Result]) -> None:
    """Write what became of each row; rows of one contact may ask for different types of it."""
    status, said, ids = plan.row_status.copy(), nothing(len(writer.df)), nothing(len(writer.df))
    wants: dict[tuple[EnrichmentType, ...], Bools] = {}
    for types in _subsets(plan):
        wants[types] = all_of([plan.row_asks[t] == (t in types) for t in plan.row_asks])
    for types, rows in wants.items():
        rows = rows & (plan.row_contact >= 0)
        status[rows] = _spread(plan, [verdict(r, types) for r in results])[rows]
        words = [_words(r, types, c) for r, c in zip(results, plan.contacts, strict=True)]
        said[rows] = _spread(plan, words)[rows]
        ids[rows] = _spread(plan, [_id(r, types) for r in results])[rows]
    writer.replace("pronto_status", status)
    writer.replace("pronto_message", joined([said, plan.row_message], len(said), " "))
    writer.fill("enrichment_id", ids, present(ids))


def _subsets(plan: Plan) -> list[tuple[EnrichmentType, ...]]:
    types = list(plan.row_asks)
    sizes = range(1, len(types) + 1)
    return [subset for size in sizes for subset in itertools.combinations(types, size)]


def _words(result: Result, types: Iterable[EnrichmentType], contact: Contact) -> str | None:
    said = [s.message or (s.answer.message if s.answer else None) for s in _of(result, types)]
    answers = [s.answer for s in _of(result, types) if s.answer is not None]
    if answers:
        from ..api.answer import names_differ  # slow to import, and loaded when there is an answer

        if any(names_differ(answer, contact.firstname, contact.lastname) for answer in answers):
            said.append(_ANOTHER_NAME)
    return " ".join(dict.fromkeys(words for words in said if words)) or None


_ANOTHER_NAME: Final = "The answer names another person; check it before use."


def _id(result: Result, types: Iterable[EnrichmentType]) -> str | None:
    return next((s.answer.enrichment_id for s in _of(result, types) if s.answer), None)


def _of(result: Result, types: Iterable[EnrichmentType]) -> list[Settled]:
    return [result[type_] for type_ in types if type_ in result]


def _one_row_a_phone(
    df: pd.DataFrame, options: Options, phones: Objects, got: Bools
) -> pd.DataFrame:
    """Repeat each row for each of its phones; rows without one stay as they are."""
    counts = np.ones(len(df), dtype=np.intp)
    counts[got] = [len(of_row) for of_row in phones[got]]
    rows = np.repeat(np.arange(len(df)), counts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    with _kept("The frame of one row a phone", options):
        repeated = _repeated(df, rows)
    writer = _Writer(repeated, options)
    for name, part in (("phone", "number"), ("phone_type", "type")):
        values = nothing(len(rows))
        for place in np.flatnonzero(got[rows]):
            values[place] = getattr(phones[rows[place]][nth[place]], part)
        writer.fill(name, values, got[rows])
    return writer.df


def _repeated(df: pd.DataFrame, rows: Ints) -> pd.DataFrame:
    """Take rows of a frame; columns of Arrow's types that have no such operation as objects."""
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
