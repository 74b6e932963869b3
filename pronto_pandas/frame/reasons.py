"""Count why rows were not sent, from the messages that a run has written.

The names of the reasons are fixed, because a message may contain anything after a file was edited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from ..cleaning import fields

OTHER_REASONS: Final = "other reasons"

_NOT_A_NAME: Final = (
    r"number, not a name|title, not a name|role, not a name|not a person's name|contains no name|"
    r"email, not a name|more than one person|more than a first name|damaged character|is not text"
)

_REASONS: Final[Mapping[str, Sequence[tuple[re.Pattern[str], str]]]] = {
    status: [(re.compile(pattern), reason) for pattern, reason in reasons.items()]
    for status, reasons in {
        "skipped": {
            r"^Hidden: ": "email found is suppressed",
            r"\bsuppress=": "suppressed",
            r"\bonly=": "excluded by only",
            r"\bper_company=": "over per_company",
            r"\blimit=": "over limit",
            r"already filled|; it is kept": "already filled",
        },
        "invalid": {
            r" needs? a LinkedIn URL(?!,)\b": "no LinkedIn URL",
            r" needs? a company (domain|name)( or a company name)?(?=[.;])": "no company",
            r" needs? (a|an) ": "no company or LinkedIn URL",
            r" single word; a last name is missing": "full name is a single word",
            r" is missing": "a name is missing",
            _NOT_A_NAME: "not a person's name",
        },
        "pending": {
            r"^Submitted": "submitted, no answer yet",
            r"\bmax_credits or the budget\b": "over max_credits or the budget",
            r"\bmax_credits\b": "over max_credits",
            r"\bbudget\b": "over the budget",
            r"\bstop_below\b": "found rate below stop_below",
            r"another run": "another run looks them up",
            r"the run stopped first": "the run stopped first",
            r"at least two people": "alone in a bulk request",
        },
    }.items()
}
"""Per status, what a message contains and the name of the reason; the first match applies."""


def count_reasons(df: pd.DataFrame, prefix: str) -> dict[str, dict[str, int]]:
    """Count the rows per reason, for each status of rows without an answer.

    Returns
    -------
    dict
        For ``skipped``, ``invalid`` and ``pending``, if there are such rows: the number of rows per
        reason, most rows first. Empty if there is no column of messages.
    """
    columns = [f"{prefix}pronto_status", f"{prefix}pronto_message"]
    if any((df.columns == name).sum() != 1 for name in columns):
        return {}
    status, message = (fields.cleaned(df[name], str)[0] for name in columns)
    counted = {}
    for name, reasons in _REASONS.items():
        texts = pd.Series(message[status == name], dtype=object).value_counts(dropna=False)
        rows: dict[str, int] = {}
        for text, many in texts.items():
            reason = _reason(text, reasons)
            rows[reason] = rows.get(reason, 0) + int(many)
        if rows:
            counted[name] = dict(sorted(rows.items(), key=_most_first))
    return counted


def _reason(text: object, reasons: Sequence[tuple[re.Pattern[str], str]]) -> str:
    found = (name for pattern, name in reasons if isinstance(text, str) and pattern.search(text))
    return next(found, OTHER_REASONS)


def _most_first(item: tuple[str, int]) -> tuple[bool, int, str]:
    name, rows = item
    return name == OTHER_REASONS, -rows, name
