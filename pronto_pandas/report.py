"""What became of a list: found, not found, by company, and what it can have cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .config.settings import current
from .errors import ConfigurationError
from .frame.report import Counts, Rate, count
from .notebook import card
from .notebook.card import Table

if TYPE_CHECKING:  # an optional dependency
    from matplotlib.figure import Figure

_PIXELS_AN_INCH = 80  # as wide as a notebook shows without scrolling
_COMPANY = {"domain": "company domain", "company_name": "company"}


@dataclass(frozen=True, repr=False)
class Report(Counts):
    """What became of an enriched frame. It holds no name, address or number of a person.

    Shown as a card in a notebook and as text elsewhere.

    Parameters
    ----------
    rows : int
        All rows.
    people : int
        Distinct people of the rows that were answered.
    statuses : dict of str to int
        Rows by ``pronto_status``; they add up to ``rows``. ``other`` has rows with a text there
        that no run has written, or none.
    types : dict of str to Rate
        For each type that was asked for, rows with a value found of the rows answered. A row is
        answered where ``pronto_status`` is ``found`` or ``not_found`` and this type was asked for.
    domains : dict of str to Rate
        For the ten companies with most rows, then ``others``, then ``not given``: rows that are
        ``found`` of those that are ``found`` or ``not_found``.
    domains_by : str or None
        Whether companies are told apart by ``domain`` or, without one, by ``company_name``.
    email_statuses : dict of str to int
        Emails found, by ``email_status``.
    phones : dict of int to int
        How many rows have so many numbers.
    values : dict of str to int
        Values found, of each distinct person once: what was paid for.
    row_a_phone : bool
        Whether each phone has a row of its own; all but ``rows`` and ``statuses`` then count the
        rows of the frame that was enriched.
    seconds : float or None
        How long the last run took, where the frame still knows: a CSV file does not keep it.
    rows_sent : int or None
        Rows that were settled in that time.
    cost_low, cost_high : float
        Credits for ``values``, at the lowest and the highest prices of the settings. What the
        ledger had answered was not paid again; ``unknown`` rows may be charged beside.
    """

    cost_low: float
    cost_high: float

    @property
    def rows_per_second(self) -> float | None:
        """Rows settled a second; None where the time is not known."""
        return self.rows_sent / self.seconds if self.seconds and self.rows_sent else None

    def plot(self) -> Figure:
        """Draw rows by status, and the found rate by company.

        Returns
        -------
        matplotlib.figure.Figure
            With a transparent background, and colours that read on light and on dark.

        Raises
        ------
        ConfigurationError
            Where matplotlib is not installed.
        """
        try:
            from .notebook import chart
        except ImportError:
            raise ConfigurationError(
                'A chart needs matplotlib: pip install "pronto-pandas[plot]".'
            ) from None
        rates = [(name, rate.found, rate.answered) for name, rate in self.domains.items()]
        titles = (f"{self.rows:,} rows by pronto_status", f"Found rate by {self._company}")
        return chart.draw(self._occurring, rates, titles)

    @property
    def _company(self) -> str:
        return _COMPANY[self.domains_by or "domain"]

    @property
    def _occurring(self) -> dict[str, int]:
        return {name: rows for name, rows in self.statuses.items() if rows}

    def _card(self) -> tuple[str, dict[str, object], str, list[Table]]:
        time, pace = "not known", self.rows_per_second
        if pace is not None:
            time = f"{self.rows_sent:,} rows in {self.seconds:,.1f} s: {pace:,.1f} rows a second"
        rows: dict[str, object] = {
            "people answered": f"{self.people:,}",
            "spend": f"{self.cost_low:,.0f} to {self.cost_high:,.0f} credits",
            "time": time,
        }
        return f"Pronto report: {self.rows:,} rows", rows, self._note, self._tables

    @property
    def _note(self) -> str:
        note = (
            "Spend counts each person once, at the lowest and the highest price of each value "
            "found; what the ledger had answered before was not paid again."
        )
        if unknown := self.statuses["unknown"]:
            note += f" Unknown rows ({unknown:,}) may be charged beside."
        if self.row_a_phone:
            note += (
                " Each phone has a row of its own here: found rates and phones count the rows "
                "that the list had before."
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
                "Found, of the rows answered",
                ("type", "found", "answered", "found rate"),
                [(t, *_cells(rate)) for t, rate in self.types.items()],
            ),
            Table(
                "Emails found, by status",
                ("email_status", "rows"),
                [(s, f"{n:,}") for s, n in self.email_statuses.items()],
            ),
            Table(
                "Phones a contact",
                ("numbers", "rows"),
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
        """Say in words what the chart shows."""
        counts = ", ".join(f"{rows:,} {status}" for status, rows in self._occurring.items())
        rates = ", ".join(f"{n} {r.found:,} of {r.answered:,}" for n, r in self.domains.items())
        return (
            f"Two charts of bars. Rows by status: {counts or 'none'}. "
            f"Found rate by {self._company}: {rates or 'none'}."
        )

    def __repr__(self) -> str:
        return card.text(*self._card())

    def _repr_html_(self) -> str:
        return card.html(*self._card(), picture=self._picture())

    def _picture(self) -> str:
        """Return the chart as HTML; nothing where matplotlib is not there or nothing is to see."""
        if not self.rows:
            return ""
        try:
            from .notebook import chart
        except ImportError:
            return ""
        width = round(chart.WIDTH * _PIXELS_AN_INCH)
        return card.image(chart.png(self.plot()), self._alt(), width)


def report(
    df: pd.DataFrame, *, columns: Mapping[str, object] | None = None, prefix: str = ""
) -> Report:
    """Say what became of an enriched frame. Sends nothing, costs nothing, reads no ledger.

    All is counted from the frame's own columns, so a frame that was filtered, or read back from
    CSV, Excel or Parquet, does as well.

    Parameters
    ----------
    df : DataFrame
        What `enrich` or `collect` has returned. It is not changed.
    columns : mapping, optional
        Field to header, as for `enrich`, where a header is not understood.
    prefix : str
        The prefix that `enrich` was given.

    Returns
    -------
    Report
        Rows by status, found rates by type and by company, statuses of emails, phones a contact,
        the range of credits, and the time where it is known; ``.plot()`` draws it.

    Raises
    ------
    ConfigurationError
        Where the frame was not enriched, or an argument is wrong.
    """
    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            f"A DataFrame is needed, not a {df.__class__.__name__}: one that enrich has returned."
        )
    counts = count(df, columns, prefix)
    low, high = current().prices.found(counts.values)
    return Report(**vars(counts), cost_low=float(low), cost_high=float(high))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _cells(rate: Rate) -> tuple[str, str, str]:
    return f"{rate.found:,}", f"{rate.answered:,}", _percent(rate.share)
