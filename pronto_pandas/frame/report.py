"""What an enriched frame holds, counted from its own columns.

So it does not matter where the frame has been since: a file of text without dtypes, a filter, a
sort. Nothing that is returned holds a person's name, address or number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from ..api.contact import same
from ..arrays import Bools, Ints, Objects, no_rows, objects
from ..cleaning import fields
from ..errors import ConfigurationError
from .answers import Answers, column, read
from .columns import position
from .people import Cells, numbered

STATUSES: Final = ("found", "not_found", "skipped", "invalid", "error", "unknown", "pending")
"""What a row can be, as `enrich` writes it."""

OTHER: Final = "other"
"""Stands for texts that no run has written: whatever they are, they are not shown."""

OTHERS, NOT_GIVEN, NO_STATUS = "others", "not given", "no status"

MOST_DOMAINS: Final = 10
_LONGEST_STATUS: Final = 40


@dataclass(frozen=True)
class Rate:
    """How many rows were answered, and how many of those had something found.

    Parameters
    ----------
    rows : int
        All rows.
    answered : int
        Rows that were asked and answered.
    found : int
        Those of them for which something was found.
    """

    rows: int
    answered: int
    found: int

    @property
    def share(self) -> float | None:
        """Found of answered, from 0 to 1; None where nothing was answered."""
        return self.found / self.answered if self.answered else None


@dataclass(frozen=True)
class Counts:
    """What was counted; see `pronto_pandas.Report`."""

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


def count(df: pd.DataFrame, columns: Mapping[str, object] | None, prefix: str) -> Counts:
    """Count what an enriched frame holds.

    Parameters
    ----------
    df : DataFrame
        What a run has returned, or what was read back from a file of it. It is not changed.
    columns : mapping, optional
        Field to header, where a header is not understood.
    prefix : str
        What stands before the columns that the run added.

    Raises
    ------
    ConfigurationError
        Where the frame was not enriched, or ``columns`` or ``prefix`` cannot be.
    """
    status = _statuses(df, prefix)
    cells = Cells(df, columns)
    person = numbered(cells.values, ~no_rows(len(df)))
    if not cells.has_names:
        person = _by_id(column(df, f"{prefix}enrichment_id"), len(df))
    settled = np.isin(status, ["found", "not_found"])
    kinds = read(df, prefix, status, cells.values)
    once, numbers, row_a_phone = ~no_rows(len(df)), np.zeros(len(df), dtype=np.intp), False
    if "phone" in kinds:
        numbers, row_a_phone = kinds["phone"].count, kinds["phone"].row_each
    if row_a_phone:
        once, numbers = _lines(person, column(df, f"{prefix}phone"), kinds["phone"].found)
        kinds["phone"] = replace(kinds["phone"], count=numbers)
    label = next((name for name in ("domain", "company_name") if name in cells.found), None)
    seconds, rows_sent = _time(df)
    return Counts(
        rows=len(df),
        people=len(np.unique(person[settled])),
        statuses=_counted(status, STATUSES),
        types={t: _rate(once, one.answered, one.found) for t, one in kinds.items()},
        domains=_domains(cells.values[label][once], status[once]) if label else {},
        domains_by=label,
        email_statuses=_email_statuses(kinds["email"], once) if "email" in kinds else {},
        phones=_phones(numbers[once & kinds["phone"].found]) if "phone" in kinds else {},
        values={t: _paid(person, one) for t, one in kinds.items()},
        row_a_phone=row_a_phone,
        seconds=seconds,
        rows_sent=rows_sent,
    )


def _statuses(df: pd.DataFrame, prefix: object) -> Objects:
    """Return each row's ``pronto_status``; `OTHER` for what no run has written."""
    if not isinstance(prefix, str):
        raise ConfigurationError("prefix must be a text.")
    name = f"{prefix}pronto_status"
    headers: Iterable[object] = df.columns
    if name not in headers:
        others = [h for h in headers if isinstance(h, str) and h.endswith("pronto_status")]
        hint = "".join(
            f" It has {h!r}: .report(prefix={h.removesuffix('pronto_status')!r})." for h in others
        )
        raise ConfigurationError(
            f"The frame has no column {name!r}, so there is nothing to report on. Enrich it first: "
            f'out = df.pronto.enrich(type="email"), then out.pronto.report().{hint}'
        )
    texts, _ = fields.cleaned(df.iloc[:, position(df, name, "The report")], str)
    texts[~np.isin(texts.astype(str), STATUSES)] = OTHER
    return texts


def _by_id(ids: pd.Series | None, length: int) -> Ints:
    """Tell people apart by the service's name of their request, where theirs is lost."""
    numbers = np.arange(length, dtype=np.intp)
    if ids is not None:
        codes, _ = pd.factorize(fields.cleaned(ids, str)[0])
        numbers = np.where(codes < 0, numbers + length, codes).astype(np.intp)
    return numbers


def _lines(person: Ints, numbers: pd.Series | None, found: Bools) -> tuple[Bools, Ints]:
    """Put the rows of phones="rows" together again.

    A person's second row with the same number is of their second row in the frame that was
    enriched. Returned are the first row of each, and how many numbers it has.
    """
    once = ~found
    counts = np.zeros(len(found), dtype=np.intp)
    if numbers is None or not found.any():
        return ~no_rows(len(found)), counts
    rows = pd.DataFrame({"person": person[found]})
    rows["number"] = pd.factorize(numbers.astype(object).to_numpy()[found])[0]
    rows["line"] = rows.groupby(["person", "number"]).cumcount()
    lines = rows.groupby(["person", "line"])
    once[found] = (lines.cumcount() == 0).to_numpy()
    counts[found] = lines["number"].transform("size").to_numpy()
    return once, counts


def _counted(values: Objects, known: Iterable[str]) -> dict[str, int]:
    counts = pd.Series(values, dtype=object).value_counts().to_dict()
    every = dict.fromkeys(known, 0) | ({OTHER: 0} if OTHER in counts else {})
    return {name: int(counts.get(name, 0)) for name in every}


def _rate(once: Bools, answered: Bools, found: Bools) -> Rate:
    return Rate(int(once.sum()), int((once & answered).sum()), int((once & found).sum()))


def _email_statuses(emails: Answers, once: Bools) -> dict[str, int]:
    """Count the statuses of the emails found; what is no status but a text is not shown."""
    texts = [NO_STATUS if text is None else text for text in emails.texts[once & emails.found]]
    shown = [t if len(t) <= _LONGEST_STATUS and "@" not in t else OTHER for t in texts]
    counts = pd.Series(shown, dtype=object).value_counts().to_dict()
    return dict(sorted(((str(k), int(n)) for k, n in counts.items()), key=lambda p: (-p[1], p[0])))


def _phones(numbers: Ints) -> dict[int, int]:
    many, rows = np.unique(numbers, return_counts=True)
    return dict(zip(many.tolist(), rows.tolist(), strict=True))


def _paid(person: Ints, one: Answers) -> int:
    """Count the values found, of each person once."""
    found = pd.Series(one.count[one.found]).groupby(person[one.found]).max()
    return int(found.sum())


def _domains(names: Objects, status: Objects) -> dict[str, Rate]:
    """Count the rows of the companies with most of them, then of the others, then of none."""
    key = pd.Series([None if name is None else same(name) for name in names], dtype=object)
    # The smallest spelling, and ties by name: whatever the order of the rows.
    spelt = pd.Series(names, dtype=object).groupby(key).min()
    sizes = key.value_counts().drop([OTHERS, NOT_GIVEN], errors="ignore")
    order = sorted(sizes.index, key=lambda name: (-sizes[name], name))[:MOST_DOMAINS]
    shown = {name: str(spelt[name]) for name in order}
    label = objects((NOT_GIVEN if k is None else shown.get(k, OTHERS) for k in key), len(names))
    found = status == "found"
    answered = found | (status == "not_found")
    return {
        name: _rate(label == name, answered, found)
        for name in (*shown.values(), OTHERS, NOT_GIVEN)
        if (label == name).any()
    }


def _time(df: pd.DataFrame) -> tuple[float | None, int | None]:
    """Return the seconds of the run and the rows that it settled, where the frame still knows."""
    said: Any = df.attrs.get("pronto")
    values = [said.get("seconds"), said.get("rows")] if isinstance(said, Mapping) else []
    numbers = [v for v in values if isinstance(v, int | float) and math.isfinite(v) and v > 0]
    return (float(numbers[0]), int(numbers[1])) if len(numbers) == 2 else (None, None)
