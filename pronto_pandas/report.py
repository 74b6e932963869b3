"""The summary of an enriched DataFrame: found rates, companies, and the estimated cost."""

# Why: docs/decisions/032-report.md

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .config.settings import current
from .errors import ConfigurationError
from .frame.summary import Rate, Summary, summarize
from .notebook import card
from .notebook.card import Table
from .wording import counted, credits_between

if TYPE_CHECKING:  # an optional dependency
    from matplotlib.figure import Figure

_PIXELS_PER_INCH = 80  # as wide as a notebook shows without scrolling
_COMPANY = {"domain": "company domain", "company_name": "company"}


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
        Found rate per requested type: rows with a value out of rows with an answer. A row has an
        answer if its ``pronto_status`` is ``found`` or ``not_found`` and this type was requested.
    domains : dict of str to Rate
        Found rate for the ten companies with the most rows, then ``others`` and ``not given``.
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
    """

    cost_low: float
    cost_high: float

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

    def _card(self) -> tuple[str, dict[str, object], str, list[Table]]:
        time, rate = "not recorded", self.rows_per_second
        if rate is not None:
            rows_sent = counted(self.rows_sent or 0, "row")
            time = f"{rows_sent} in {self.seconds:,.1f} s ({rate:,.1f} rows/s)"
        rows: dict[str, object] = {
            "people with an answer": f"{self.people:,}",
            "estimated cost": credits_between(self.cost_low, self.cost_high),
            "time": time,
        }
        if self.new is not None:
            rows["rows with a new answer"] = f"{self.new:,}"
        return f"Pronto report: {counted(self.rows, 'row')}", rows, self._note, self._tables

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
    def _tables(self) -> list[Table]:
        made = [
            Table(
                "Rows by status",
                ("pronto_status", "rows", "share"),
                [(s, f"{n:,}", _percent(n / self.rows)) for s, n in self._occurring.items()],
            ),
            Table(
                "Found by type",
                ("type", "found", "answered", "found rate"),
                [(t, *_cells(rate)) for t, rate in self.types.items()],
            ),
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
                (self._company, "rows", "found", "answered", "found rate"),
                [(name, f"{r.rows:,}", *_cells(r)) for name, r in self.domains.items()],
            ),
        ]
        return [table for table in made if table.rows]

    def _alt(self) -> str:
        """Describe the chart for screen readers."""
        counts = ", ".join(f"{rows:,} {status}" for status, rows in self._occurring.items())
        rates = ", ".join(f"{n} {r.found:,} of {r.answered:,}" for n, r in self.domains.items())
        return (
            f"Two bar charts. Rows by status: {counts or 'none'}. "
            f"Found rate by {self._company}: {rates or 'none'}."
        )

    def __repr__(self) -> str:
        return card.text(*self._card())

    def _repr_html_(self) -> str:
        return card.html(*self._card(), picture=self._picture())

    def _picture(self) -> str:
        """Return the chart as HTML; empty without matplotlib or rows."""
        if not self.rows:
            return ""
        try:
            from .notebook import chart
        except ImportError:
            return ""
        width = round(chart.WIDTH * _PIXELS_PER_INCH)
        return card.image(chart.png(self.plot()), self._alt(), width)


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
        Rows by status, found rates by type and by company, email statuses, phone numbers per row,
        the estimated cost in credits, and the duration if recorded. ``.plot()`` draws charts.

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
    return Report(**vars(summary), cost_low=float(low), cost_high=float(high))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _cells(rate: Rate) -> tuple[str, str, str]:
    return f"{rate.found:,}", f"{rate.answered:,}", _percent(rate.share)
