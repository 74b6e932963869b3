"""The summary of an enriched DataFrame: found rates, companies, and the estimated cost."""

# Why: docs/decisions/032-report.md, docs/decisions/045-report-card.md

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from .config.settings import current
from .errors import ConfigurationError
from .frame.reasons import count_reasons
from .frame.summary import NOT_GIVEN, OTHERS, Rate, Summary, summarize
from .notebook import card
from .notebook.card import Bar, Kind, Table
from .wording import counted, credits_between

if TYPE_CHECKING:  # an optional dependency
    from matplotlib.figure import Figure

_COMPANY = {"domain": "company domain", "company_name": "company"}

_KINDS: Final[Mapping[str, Kind]] = {
    "found": "found",
    "not_found": "rest",
    "skipped": "not sent",
    "pending": "not sent",
}
"""How the bars of a status look; those of the other statuses look like problems."""


@dataclass(frozen=True, repr=False)
class Report(Summary):
    """Summary of an enriched DataFrame. Contains no personal data.

    Shown as a card in a notebook and as text elsewhere.

    Parameters
    ----------
    rows : int
        Number of rows.
    people : int
        Distinct people in rows that are ``found`` or ``not_found``.
    statuses : dict of str to int
        Number of rows per ``pronto_status``. ``other`` counts rows with an unexpected or missing
        status.
    types : dict of str to Rate
        Found rate per requested type: the share of rows with an answer for which a value was found.
        A row has an answer if its ``pronto_status`` is ``found`` or ``not_found`` and this type was
        requested.
    domains : dict of str to Rate
        Found rate for the ten companies with the most people, then ``others`` and ``not given``.
    domains_by : str or None
        Field that identifies the companies: ``domain``, or ``company_name`` if there is no column
        of domains.
    email_statuses : dict of str to int
        Number of emails found per ``email_status``.
    phones : dict of int to int
        Number of rows per count of phone numbers found.
    values : dict of str to int
        Number of values found per type, counting each person once.
    row_a_phone : bool
        True if the DataFrame has one row per phone number (``phones="rows"``). Then all counts
        except ``rows`` and ``statuses`` refer to the original rows.
    seconds : float or None
        Duration of the last run, if it is in ``df.attrs``. Text and Excel files do not keep it.
    rows_sent : int or None
        Rows finished in that time.
    new : int or None
        Rows whose answer came in the last run, if ``df.attrs`` says when it began.
    cost_low, cost_high : float
        Estimated cost of ``values`` in credits, at the lowest and highest configured prices.
        Answers from the ledger are included, although they were not charged again. In addition,
        you may have been charged for ``unknown`` rows.
    reasons : dict of str to dict
        For ``skipped``, ``invalid`` and ``pending``: the number of rows per reason.
    credits_spent, credits_saved : float or None
        Credits that the last run spent, and that the ledger saved, if ``df.attrs`` has them.
    """

    cost_low: float
    cost_high: float
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    credits_spent: float | None = None
    credits_saved: float | None = None

    @property
    def rows_per_second(self) -> float | None:
        """Rows finished per second, or None if the duration was not recorded."""
        return self.rows_sent / self.seconds if self.seconds and self.rows_sent else None

    def plot(self) -> Figure:
        """Plot rows by status and the found rate by company.

        Returns
        -------
        matplotlib.figure.Figure
            With a transparent background and colours for light and dark pages.

        Raises
        ------
        ConfigurationError
            Matplotlib is not installed.
        """
        try:
            from .notebook import chart
        except ImportError:
            raise ConfigurationError(
                "Plotting needs matplotlib: python -m pip install matplotlib."
            ) from None
        rates = [(name, rate.found, rate.answered) for name, rate in self.domains.items()]
        titles = (
            f"{counted(self.rows, 'row')} by pronto_status",
            f"Found rate by {self._company}",
        )
        return chart.draw(self._occurring, rates, titles)

    @property
    def _company(self) -> str:
        return _COMPANY[self.domains_by or "domain"]

    @property
    def _occurring(self) -> dict[str, int]:
        return {name: rows for name, rows in self.statuses.items() if rows}

    def _card(self) -> dict[str, Any]:
        rows: dict[str, object] = {
            "people with an answer": f"{self.people:,}",
            "estimated cost": credits_between(self.cost_low, self.cost_high),
        }
        if self.credits_spent is not None:
            rows["spent in the last run"] = credits_between(self.credits_spent, self.credits_spent)
        if self.credits_saved is not None:
            rows["saved by the ledger"] = credits_between(self.credits_saved, self.credits_saved)
        if self.new is not None:
            rows["rows with a new answer"] = f"{self.new:,}"
        if (rate := self.rows_per_second) is not None:
            rows_sent = counted(self.rows_sent or 0, "row")
            rows["time"] = f"{rows_sent} in {self.seconds:,.1f} s ({rate:,.1f} rows/s)"
        return {
            "title": f"Pronto report: {counted(self.rows, 'row')}",
            "first": [t for t in (self._status_table, self._type_table) if t.rows],
            "rows": rows,
            "tables": [table for table in self._tables if table.rows],
            "note": self._note,
        }

    @property
    def _note(self) -> str:
        note = (
            "The estimated cost counts each person once, at the lowest and highest configured "
            "price of each value found. Answers from the ledger are included; they were not "
            "charged again."
        )
        if unknown := self.statuses["unknown"]:
            rows = counted(unknown, "unknown row")
            note += f" In addition, you may have been charged for {rows}."
        if self.row_a_phone:
            note += (
                " This DataFrame has one row per phone number; found rates and phone counts refer "
                "to the original rows."
            )
        return note

    @property
    def _status_table(self) -> Table:
        """Rows by status; below a status, why its rows were not sent."""
        lines: list[tuple[str, int, Kind]] = []
        for status, rows in self._occurring.items():
            kind = _KINDS.get(status, "problem")
            lines.append((status, rows, kind))
            reasons = self.reasons.get(status, {})
            lines += [(f"    {reason}", many, kind) for reason, many in reasons.items()]
        return Table(
            "Rows by status",
            ("pronto_status", "rows", "share"),
            [(name, f"{n:,}", _percent(n / self.rows)) for name, n, _ in lines],
            [
                Bar(n / self.rows, kind, f"{name.strip()}: {n:,} of {counted(self.rows, 'row')}")
                for name, n, kind in lines
            ],
        )

    @property
    def _type_table(self) -> Table:
        return Table(
            "Found by type",
            ("type", "found", "answered", "found rate"),
            [(t, *_cells(rate)) for t, rate in self.types.items()],
            [_bar(t, rate) for t, rate in self.types.items()],
        )

    @property
    def _tables(self) -> list[Table]:
        companies = _of_several(self.domains)
        return [
            Table(
                "Emails found, by status",
                ("email_status", "rows"),
                [(s, f"{n:,}") for s, n in self.email_statuses.items()],
            ),
            Table(
                "Phone numbers per row",
                ("phone numbers", "rows"),
                [(str(many), f"{n:,}") for many, n in self.phones.items()],
            ),
            Table(
                f"Found by {self._company}",
                (self._company, "people", "rows", "found", "answered", "found rate"),
                [
                    (name, f"{r.people:,}", f"{r.rows:,}", *_cells(r))
                    for name, r in companies.items()
                ],
                [_bar(name, rate) for name, rate in companies.items()],
            ),
        ]

    def __repr__(self) -> str:
        return card.text(**self._card())

    def _repr_html_(self) -> str:
        return card.html(**self._card())


def report(
    df: pd.DataFrame, *, columns: Mapping[str, object] | None = None, prefix: str = ""
) -> Report:
    """Summarize an enriched DataFrame. Sends nothing, costs nothing.

    Uses only the DataFrame's columns, so it also works on a filtered DataFrame or on one that was
    read back from a file.

    Parameters
    ----------
    df : DataFrame
        Returned by `enrich` or `collect`. Not modified.
    columns : mapping, optional
        Maps Pronto fields to your column names, as for `enrich`, if a column is not recognized.
    prefix : str
        The prefix passed to `enrich`.

    Returns
    -------
    Report
        Rows by status and why rows were not sent, found rates by type and by company, email
        statuses, phone numbers per row, the estimated cost in credits, and the duration if
        recorded. ``.plot()`` draws charts with matplotlib.

    Raises
    ------
    ConfigurationError
        The DataFrame was not enriched, or an argument is invalid.
    """
    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            f"Expected a DataFrame returned by enrich, got {type(df).__name__}."
        )
    summary = summarize(df, columns, prefix)
    low, high = current().prices.found(summary.values)
    recorded = df.attrs.get("pronto")
    return Report(
        **vars(summary),
        cost_low=float(low),
        cost_high=float(high),
        reasons=count_reasons(df, prefix),
        credits_spent=_recorded(recorded, "credits_spent"),
        credits_saved=_recorded(recorded, "credits_saved"),
    )


def _recorded(recorded: object, name: str) -> float | None:
    """Return a number of credits of the last run, if ``attrs`` has it."""
    value = recorded.get(name) if isinstance(recorded, Mapping) else None
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    return None


def _of_several(companies: Mapping[str, Rate]) -> dict[str, Rate]:
    """Return the companies of several people; the others are added up. Empty if there are none."""
    rest = (OTHERS, NOT_GIVEN)
    shown = {n: r for n, r in companies.items() if n not in rest and r.people > 1}
    folded = [r for n, r in companies.items() if n not in shown and n != NOT_GIVEN]
    if shown and folded:
        shown[OTHERS] = Rate(*(sum(parts) for parts in zip(*map(astuple, folded), strict=True)))
    if shown and NOT_GIVEN in companies:
        shown[NOT_GIVEN] = companies[NOT_GIVEN]
    return shown


def _bar(name: str, rate: Rate) -> Bar:
    title = f"{name}: {rate.found:,} of {rate.answered:,} found"
    return Bar(rate.share or 0.0, "found", title, whole=True)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _cells(rate: Rate) -> tuple[str, str, str]:
    return f"{rate.found:,}", f"{rate.answered:,}", _percent(rate.share)
