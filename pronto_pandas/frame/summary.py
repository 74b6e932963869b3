"""Summarize an enriched DataFrame, from its own columns only.

So a DataFrame that was filtered, sorted, or saved and read back gives the same numbers. No name,
email, URL or phone number of a person is in the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from ..api.contact import same
from ..api.spec import TYPES, EnrichmentType
from ..arrays import Bools, Ints, Objects, any_of, no_rows, objects, present
from ..cleaning import fields
from ..errors import ConfigurationError
from .columns import position
from .people import Cells, number_people
from .plan import NEEDS
from .run_columns import (
    ANSWERED_AT,
    STATUSES,
    TypeColumns,
    column,
    dates_from,
    found_in_row,
    read_dates,
    statuses,
)

OTHER: Final = "other"
"""Shown instead of any text that no run has written, because such text may be personal data."""

OTHERS, NOT_GIVEN, NO_STATUS = "others", "not given", "no status"

MOST_COMPANIES: Final = 10
_LONGEST_STATUS: Final = 40


@dataclass(frozen=True)
class Rate:
    """Found rate: rows with an answer, and rows with a value found.

    Parameters
    ----------
    rows : int
        All rows.
    answered : int
        Rows with an answer.
    found : int
        Rows with a value found.
    people : int
        Distinct people in all rows; 0 if they were not counted.
    """

    rows: int
    answered: int
    found: int
    people: int = 0

    @property
    def share(self) -> float | None:
        """``found / answered``, or None if ``answered`` is 0."""
        return self.found / self.answered if self.answered else None


@dataclass(frozen=True)
class Summary:
    """The counts of `pronto_pandas.report.Report`, which describes them."""

    rows: int
    people: int
    statuses: Mapping[str, int]
    types: Mapping[str, Rate]
    domains: Mapping[str, Rate]
    domains_by: str | None
    email_statuses: Mapping[str, int]
    phones: Mapping[int, int]
    values: Mapping[str, int]
    row_a_phone: bool
    seconds: float | None
    rows_sent: int | None
    new: int | None


def summarize(df: pd.DataFrame, columns: Mapping[str, object] | None, prefix: str) -> Summary:
    """Count the results in an enriched DataFrame.

    Parameters
    ----------
    df : DataFrame
        Returned by a run, or read back from a file. Not modified.
    columns : mapping, optional
        Maps fields to column names, if a column is not recognized.
    prefix : str
        The prefix of the columns that the run added.

    Raises
    ------
    ConfigurationError
        The DataFrame was not enriched, or ``columns`` or ``prefix`` is invalid.
    """
    status = _statuses(df, prefix)
    cells = Cells(df, columns)
    person = number_people(cells.values, ~no_rows(len(df)))
    if not cells.has_names:
        person = _by_id(column(df, f"{prefix}enrichment_id"), len(df))
    answered = np.isin(status, ["found", "not_found"])
    types = _type_results(df, prefix, status, cells.values)
    once, numbers, row_per_phone = ~no_rows(len(df)), np.zeros(len(df), dtype=np.intp), False
    if "phone" in types:
        numbers, row_per_phone = types["phone"].count, types["phone"].row_per_phone
    if row_per_phone:
        once, numbers = _regrouped(person, column(df, f"{prefix}phone"), types["phone"].found)
        types["phone"] = replace(types["phone"], count=numbers)
    company = next((name for name in ("domain", "company_name") if name in cells.found), None)
    seconds, rows_sent = _duration(df)
    new = _new(df, prefix)
    with_answer, with_value = _in_any(types, status)
    return Summary(
        rows=len(df),
        people=len(np.unique(person[answered])),
        statuses=_count_statuses(status),
        types={t: _rate(once, one.answered, one.found) for t, one in types.items()},
        domains=_companies(
            cells.values[company][once], with_answer[once], with_value[once], person[once]
        )
        if company
        else {},
        domains_by=company,
        email_statuses=_email_statuses(types["email"], once) if "email" in types else {},
        phones=_rows_by_number(numbers[once & types["phone"].found]) if "phone" in types else {},
        values={t: _values_once(person, one) for t, one in types.items()},
        row_a_phone=row_per_phone,
        seconds=seconds,
        rows_sent=rows_sent,
        new=None if new is None else int((once & new).sum()),
    )


# Which rows have an answer, and which have a value


@dataclass(frozen=True)
class _TypeResults:
    """The results of one type, row by row."""

    answered: Bools  # requested, and Pronto has answered
    found: Bools  # of these, with a value
    count: Ints  # values in the row's cells, also those that the DataFrame had before
    texts: Objects  # the status of the value, or None
    row_per_phone: bool  # as phones="rows" writes them


def _type_results(
    df: pd.DataFrame, prefix: str, status: Objects, fields: Mapping[str, Objects]
) -> dict[EnrichmentType, _TypeResults]:
    """Find for each type the rows that have an answer, and those that have a value.

    See `found_in_row`. An empty cell without a status was not requested or not answered. But if no
    ``not_found`` row has one, a file has lost the "N/A" of the statuses: then every row that could
    be requested counts as answered.
    """
    answered = np.isin(status.astype(str), ["found", "not_found"])
    cells = {t: c for t in TYPES if (c := TypeColumns.of(df, prefix, t)) is not None}
    got = found_in_row(status, answered, cells)
    results = {}
    for type_, c in cells.items():
        found = got[type_]
        empty = answered & (c.count == 0)
        not_found = empty & c.has_status
        requestable = empty & _requestable(fields, NEEDS["sync", type_])
        if not not_found.any() and (requestable & (status == "not_found")).any():
            not_found = requestable
        with_answer = found | not_found | (answered & c.no_value)
        results[type_] = _TypeResults(with_answer, found, c.count, c.texts, c.row_per_phone)
    return results


def _requestable(fields: Mapping[str, Objects], needs: Iterable[str]) -> Bools:
    """Return the rows that have the fields of a type; all rows if no row has any of them."""
    able = any_of(present(fields[name]) for name in needs)
    return able if able.any() else ~able


# Rows and people


def _statuses(df: pd.DataFrame, prefix: object) -> Objects:
    """Return each row's ``pronto_status``; `OTHER` for text that no run has written."""
    if not isinstance(prefix, str):
        raise ConfigurationError("prefix must be a string.")
    name = f"{prefix}pronto_status"
    headers: Iterable[object] = df.columns
    if name not in headers:
        others = [h for h in headers if isinstance(h, str) and h.endswith("pronto_status")]
        calls = [f".report(prefix={h.removesuffix('pronto_status')!r})" for h in others]
        raise ConfigurationError(
            f"The DataFrame has no column {name!r}. "
            + (
                f"Did you mean {' or '.join(calls)}?"
                if calls
                else 'Enrich it first: out = df.pronto.enrich(type="email"), then '
                "out.pronto.report()."
            )
        )
    texts = statuses(df.iloc[:, position(df, name, "report")])
    texts[~present(texts)] = OTHER
    return texts


def _by_id(ids: pd.Series | None, length: int) -> Ints:
    """Identify people by the ids of their requests, if the DataFrame has lost their names."""
    numbers = np.arange(length, dtype=np.intp)
    if ids is not None:
        codes, _ = pd.factorize(fields.cleaned(ids, str)[0])
        numbers = np.where(codes < 0, numbers + length, codes).astype(np.intp)
    return numbers


def _regrouped(person: Ints, numbers: pd.Series | None, found: Bools) -> tuple[Bools, Ints]:
    """Find the rows that phones="rows" has repeated.

    If a person has the same number twice, the second one is from the person's second row in the
    DataFrame that was enriched.

    Returns
    -------
    first, counts
        The first row of each group, and the number of phones in it.
    """
    first = ~found
    counts = np.zeros(len(found), dtype=np.intp)
    if numbers is None or not found.any():
        return ~no_rows(len(found)), counts
    rows = pd.DataFrame({"person": person[found]})
    rows["number"] = pd.factorize(numbers.astype(object).to_numpy()[found])[0]
    rows["original"] = rows.groupby(["person", "number"]).cumcount()
    groups = rows.groupby(["person", "original"])
    first[found] = (groups.cumcount() == 0).to_numpy()
    counts[found] = groups["number"].transform("size").to_numpy()
    return first, counts


# Counts


def _count_statuses(status: Objects) -> dict[str, int]:
    counts = pd.Series(status, dtype=object).value_counts().to_dict()
    names = (*STATUSES, *([OTHER] if OTHER in counts else []))
    return {name: int(counts.get(name, 0)) for name in names}


def _rate(once: Bools, answered: Bools, found: Bools) -> Rate:
    return Rate(int(once.sum()), int((once & answered).sum()), int((once & found).sum()))


def _email_statuses(emails: _TypeResults, once: Bools) -> dict[str, int]:
    """Count the statuses of the emails found; text that may be an email is not shown."""
    texts = [NO_STATUS if text is None else text for text in emails.texts[once & emails.found]]
    shown = [t if len(t) <= _LONGEST_STATUS and "@" not in t else OTHER for t in texts]
    counts = pd.Series(shown, dtype=object).value_counts().to_dict()
    return dict(sorted(((str(k), int(n)) for k, n in counts.items()), key=lambda p: (-p[1], p[0])))


def _rows_by_number(numbers: Ints) -> dict[int, int]:
    """Count the rows per number of phones."""
    many, rows = np.unique(numbers, return_counts=True)
    return dict(zip(many.tolist(), rows.tolist(), strict=True))


def _values_once(person: Ints, one: _TypeResults) -> int:
    """Count the values found, each person once."""
    found = pd.Series(one.count[one.found]).groupby(person[one.found]).max()
    return int(found.sum())


def _in_any(types: Mapping[EnrichmentType, _TypeResults], status: Objects) -> tuple[Bools, Bools]:
    """Return the rows with an answer, and with a value, of any type.

    ``pronto_status`` alone would not do: it is about the types of the last run only.
    """
    found = any_of([status == "found", *(one.found for one in types.values())])
    return found | (status == "not_found"), found


def _companies(names: Objects, answered: Bools, found: Bools, person: Ints) -> dict[str, Rate]:
    """Return the found rates of the largest companies, of the others, and of rows without one."""
    key = pd.Series([None if name is None else same(name) for name in names], dtype=object)
    # The smallest spelling, and ties by name, so that the order of the rows does not matter.
    spelling = pd.Series(names, dtype=object).groupby(key).min()
    people = pd.Series(person).groupby(key).nunique()
    sizes = key.value_counts().drop([OTHERS, NOT_GIVEN], errors="ignore")
    order = sorted(sizes.index, key=lambda name: (-people[name], -sizes[name], name))
    order = order[:MOST_COMPANIES]
    shown = {name: str(spelling[name]) for name in order}
    label = objects((NOT_GIVEN if k is None else shown.get(k, OTHERS) for k in key), len(names))
    return {
        name: replace(
            _rate(label == name, answered, found), people=len(np.unique(person[label == name]))
        )
        for name in (*shown.values(), OTHERS, NOT_GIVEN)
        if (label == name).any()
    }


def _duration(df: pd.DataFrame) -> tuple[float | None, int | None]:
    """Return the seconds of the last run and the rows that it finished, if ``attrs`` has them."""
    recorded: Any = df.attrs.get("pronto")
    is_mapping = isinstance(recorded, Mapping)
    values = [recorded.get("seconds"), recorded.get("rows")] if is_mapping else []
    numbers = [v for v in values if isinstance(v, int | float) and math.isfinite(v) and v > 0]
    return (float(numbers[0]), int(numbers[1])) if len(numbers) == 2 else (None, None)


def _new(df: pd.DataFrame, prefix: str) -> Bools | None:
    """Return the rows whose answer came in the last run, if ``attrs`` says when that began."""
    recorded: Any = df.attrs.get("pronto")
    began = recorded.get("began") if isinstance(recorded, Mapping) else None
    dates = column(df, prefix + ANSWERED_AT)
    if dates is None or not isinstance(began, int | float) or not math.isfinite(began):
        return None
    return np.asarray(read_dates(dates)[0] >= dates_from([began], 1), dtype=np.bool_)
