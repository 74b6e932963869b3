"""What was spent: the balance, the runs of an account, and a statement of every credit."""

# Why: docs/decisions/041-history.md

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from . import account
from .account import Account
from .config.settings import current
from .errors import ConfigurationError
from .lookup import open_ledger
from .notebook import card
from .notebook.card import Table
from .notebook.summarized import Summarized
from .wording import counted

if TYPE_CHECKING:  # slow to import, and not needed before there is something to show
    from .storage.accounting import Explained
    from .storage.database import Transaction
    from .storage.spending import Count, PastRun
    from .storage.store import Ledger

KILLED: Final = "unknown (process ended)"
"""Why a run ended that could not say so."""

LATE: Final = "answers that came late"
ADDED: Final = "added to the account"
UNEXPLAINED: Final = "unexplained"
TOTAL: Final = "total"

_SHOWN: Final = 20
"""Runs that the card of a statement lists."""


def balance() -> float:
    """Request the account's balance, and save it in the ledger for `statement`. Costs nothing.

    Returns
    -------
    float
        Credits.

    Raises
    ------
    MissingKeyError
        No API key is set.
    AuthenticationError
        Pronto rejected the key.
    ServiceError
        Pronto could not be reached, or its answer contains no balance.
    LedgerError
        The ledger cannot be written.
    """
    settings = current()
    return _measured(open_ledger(settings), Account(settings))


def _measured(ledger: Ledger, mine: Account) -> float:
    """Request the balance and store it, with the time before the request."""
    from .storage.spending import add_balance
    from .storage.writer import commit

    at = ledger.date()
    found = account.read_balance(mine)
    commit(ledger, lambda t: add_balance(t, mine.name, found, at=at))
    return found


class Runs(Summarized):
    """Result of `runs`: a DataFrame, shown below a sentence with the totals."""


def runs() -> Runs:
    """List the runs that the ledger has of the configured service. Sends nothing.

    Returns
    -------
    DataFrame
        One row per run, the latest first:

        - ``began`` (UTC, no time zone) and ``seconds``, which is missing if the process ended;
        - ``type``, and ``mode``: ``sync``, ``async`` or ``bulk``;
        - ``rows`` of the list, ``people`` looked up, and of these ``found``, ``not_found`` and
          ``unknown`` (sent, answer lost or not received yet);
        - ``from_ledger``: rows filled from saved answers, and ``saved``: about what they would
          have cost again;
        - ``credits``: what the run cost by the balance before and after it; missing if one of them
          is not available, another run was active at the same time, or credits were added;
        - ``credits_by_price``: what its answers cost by the prices; the highest cost if only
          a range of a price is available. Answers that came after the run had ended are included;
        - ``ended``: why it ended, ``running``, or ``unknown (process ended)``.

        ``attrs["summary"]`` is a sentence with the totals.

    Raises
    ------
    LedgerError
        The ledger cannot be read.
    """
    from .storage.spending import read_history

    settings = current()
    ledger = open_ledger(settings)
    with ledger.read() as t:
        past = [run for run in read_history(t) if run.service == ledger.service]
        rows = [
            row
            for name in dict.fromkeys(run.account for run in past)
            for row in _rows(t, name, settings.prices)
        ]
    table = Runs(rows, columns=list(_DTYPES)).astype(_DTYPES)
    table["began"] = pd.to_datetime(table["began"], unit="s").astype(_DATE)
    table = Runs(table.sort_values("began", ascending=False, ignore_index=True))
    table["began"] = table["began"].dt.floor("s")
    table.attrs["summary"] = _summary(table)
    return table


_DATE: Final = "datetime64[ns]"
"""In UTC, as ``pronto_answered_at``. Excel refuses times with a time zone."""

_DTYPES: Final = {
    "began": "float64", "seconds": "float64", "type": "string", "mode": "string",
    "rows": "Int64", "people": "Int64", "found": "Int64", "not_found": "Int64",
    "unknown": "Int64", "from_ledger": "Int64", "credits": "float64",
    "credits_by_price": "float64", "saved": "float64", "ended": "string",
}  # fmt: skip


def _rows(t: Transaction, name: str, prices: Any) -> Iterable[dict[str, Any]]:
    """Yield a row per run of an account."""
    from .storage.history import alone_among, ends
    from .storage.learned_prices import PriceHistory
    from .storage.spending import active, all_charges, open_requests, read_history

    past, alive = read_history(t, name), active(t, name)
    counts = [*all_charges(t, name), *open_requests(t, name)]
    alone = alone_among(past, ends(past, counts, alive))
    learned = PriceHistory(past, counts, prices)
    mine: dict[str, list[Count]] = defaultdict(list)
    for one in counts:
        mine[one.run].append(one)
    for run in past:
        at_most = sum(learned.cost(one)[1] for one in mine[run.id] if one.charged is not None)
        yield {
            "began": run.began,
            "seconds": None if run.ended is None else round(run.ended - run.began, 1),
            "type": run.types.replace(",", ", "),
            "mode": run.mode,
            "rows": run.rows,
            **_people(run, mine[run.id]),
            "from_ledger": run.from_ledger,
            "credits": _difference(run) if run.id in alone else None,
            "credits_by_price": at_most,
            "saved": run.saved,
            "ended": run.why or ("running" if run.id in alive else KILLED),
        }


def _people(run: PastRun, counts: Sequence[Count]) -> dict[str, int | None]:
    """Return how many people were sent, and what became of them.

    The charges know it best, also of a killed run and of a bulk job; but if several types were
    requested, not which of them are of one person.
    """
    if not counts or "," in run.types:
        found = {name: getattr(run, name) for name in ("found", "not_found", "unknown")}
        return {"people": run.people, **found}
    numbers: Counter[str] = Counter()
    for one in counts:
        kind = "unknown" if one.charged is None else "found" if one.charged else "not_found"
        numbers[kind] += one.number
    return {"people": numbers.total(), **{k: numbers[k] for k in ("found", "not_found", "unknown")}}


def _difference(run: PastRun) -> float | None:
    if run.balance_before is None or run.balance_after is None:
        return None
    spent = run.balance_before - run.balance_after
    return spent if spent >= 0 else None


def _summary(table: pd.DataFrame) -> str:
    """Return the totals in a sentence."""
    if table.empty:
        return "The ledger has no runs yet."
    known = table["credits"].fillna(table["credits_by_price"])
    text = (
        f"{counted(len(table), 'run')}: {counted(int(table['people'].sum()), 'person', 'people')} "
    )
    text += f"looked up, about {known.sum():,.0f} credits."
    saved = table["saved"].sum()
    return f"{text} The ledger saved about {saved:,.0f}." if saved else text


class Statement(pd.DataFrame):
    """Result of `statement`: a DataFrame, shown as a card in notebooks and as text elsewhere."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        title, rows, note = self.attrs.get("card", ("", {}, ""))
        return card.text(title, rows, note, [self._table()])

    def _repr_html_(self) -> str:
        title, rows, note = self.attrs.get("card", ("", {}, ""))
        return card.html(title, rows, note, [self._table()])

    def _table(self) -> Table:
        shown = self
        hidden = max(int((self["line"] == "run").sum()) - _SHOWN, 0)
        lines = []
        if hidden:
            earlier = self[self["line"] == "run"].head(hidden)
            shown = self.drop(earlier.index)
            lines = [[f"{counted(hidden, 'earlier run')}", _signed(earlier["change"].sum())]]
        for row in shown.to_dict("records"):
            began = (
                "" if row["line"] != "run" or pd.isna(row["began"]) else f"{row['began']:%F %H:%M} "
            )
            name = f"{began}{row['type']}" if row["line"] == "run" else row["line"]
            note = f" ({row['note']})" if row["note"] else ""
            lines.append([f"{name}{note}", _signed(row["change"])])
        return Table("change of the balance", ("", "credits"), lines)


def statement(since: str | date | None = None) -> Statement:
    """Explain how the account's balance changed: by which runs, and by what else.

    If an API key is set, one free request reads the balance now. Balances are also saved before
    and after each run, and by `balance`; the statement goes from one of them to the latest.

    Parameters
    ----------
    since : str, date or Timestamp, optional
        The statement begins with the last balance before this time, in UTC if it names no time
        zone. Default: with the first balance in the ledger.

    Returns
    -------
    DataFrame
        One row per line: ``line`` (text), ``began`` (UTC, no time zone), ``type`` (text),
        ``change`` (float, credits: negative if they were spent) and ``note`` (text). The lines:

        - ``run``: what a run of this ledger spent. If answers were lost, the line may contain what
          they cost, at most the highest price of each; its note says how much that is;
        - ``answers that came late``: those of webhooks, and those that a later run fetched;
        - ``added to the account``: the balance rose;
        - ``unexplained``: spent, but not by a run in this ledger. Another program, another
          computer with its own ledger, or a colleague may have spent it;
        - ``total``: the difference of the balances, which is the sum of the lines above.

        Prices are learned from runs. If only a range of a price is available, a run may have spent
        any amount within it. So what the runs of this ledger spent is never unexplained, but what
        others spent at the same time may be missing from that line.

    Raises
    ------
    ConfigurationError
        ``since`` is not a date.
    MissingKeyError
        No API key is set, and the key identifies the account.
    LedgerError
        The ledger cannot be read or written.
    """
    settings, begin = current(), _seconds(since)
    ledger, mine = open_ledger(settings), Account(settings)
    with suppress(*account.UNAVAILABLE):  # then it ends with the last balance in the ledger
        _measured(ledger, mine)
    with ledger.read() as t:
        return _stated(t, mine.name, begin, settings.prices)


def _stated(t: Transaction, name: str, begin: float, prices: Any) -> Statement:
    from .storage.accounting import between, explain
    from .storage.learned_prices import PriceHistory
    from .storage.spending import all_charges, open_requests, read_balances, read_history

    every = read_balances(t, name)
    balances = [one for one in every if one[0] <= begin][-1:] + [
        one for one in every if one[0] > begin
    ]
    if not balances:
        return _made([], [])
    past = read_history(t, name)
    parts = between(t, name, balances)
    parts[-1] = [*parts[-1], *open_requests(t, name)]
    learned = PriceHistory(past, all_charges(t, name), prices, times=2)
    explained = explain(balances, past, parts, learned)
    first, last = balances[0][0], balances[-1][0]
    shown = [run for run in past if first <= run.began <= last or explained.runs.get(run.id)]
    return _made(balances, [*_run_lines(shown, explained), *_other_lines(explained)])


_Line = tuple[str, float | None, str, float, str]


def _run_lines(past: Iterable[PastRun], explained: Explained) -> Iterable[_Line]:
    for run in past:
        lost = explained.lost.get(run.id, 0.0)
        note = f"contains up to {lost:,.0f} for lost answers" if lost else ""
        types = run.types.replace(",", ", ")
        yield "run", run.began, types, -explained.runs.get(run.id, 0.0), note
    known = {run.id for run in past}
    for name, amount in explained.runs.items():  # its ledger was merged without its beginning
        if name not in known and amount:
            yield "run", None, "", -amount, ""


def _other_lines(explained: Explained) -> Iterable[_Line]:
    yield LATE, None, "", -explained.late, ""
    yield ADDED, None, "", explained.added, ""
    yield UNEXPLAINED, None, "", -explained.unexplained, ""


def _made(balances: Sequence[tuple[float, float]], lines: Sequence[_Line]) -> Statement:
    total = balances[-1][1] - balances[0][1] if balances else 0.0
    table = Statement(
        [*lines, (TOTAL, None, "", total, "")],
        columns=["line", "began", "type", "change", "note"],
    )
    table["began"] = pd.to_datetime(table["began"].astype("float64"), unit="s").astype(_DATE)
    table["began"] = table["began"].dt.floor("s")
    table["change"] = table["change"].astype("float64").round(6) + 0.0  # no -0.0
    for name in ("line", "type", "note"):
        table[name] = table[name].astype("string")
    table.attrs["card"] = _card(balances, total)
    return table


def _card(
    balances: Sequence[tuple[float, float]], total: float
) -> tuple[str, dict[str, object], str]:
    if len(balances) < 2:
        return (
            "Statement",
            {},
            "At least two balances at different times are needed. They are saved before and after "
            "each run, and by pronto.balance().",
        )
    rows: dict[str, object] = {
        name: f"{amount:,.0f} credits on {pd.Timestamp(at, unit='s'):%F %H:%M} UTC"
        for name, (at, amount) in (("before", balances[0]), ("after", balances[-1]))
    }
    return f"Statement: the balance changed by {_signed(total)} credits", rows, ""


def _signed(amount: float) -> str:
    """Return an amount with its sign, and with decimals only if it has any: "-1,620", "+0.5"."""
    return f"{amount:+,.2f}".rstrip("0").rstrip(".") if round(amount, 2) else "0"


def _seconds(since: str | date | None) -> float:
    """Return a date in seconds since 1970."""
    if since is None:
        return -math.inf
    try:
        when = pd.Timestamp(since)
        if pd.isna(when):
            raise ValueError
    except (ValueError, TypeError):
        raise ConfigurationError(
            'since must be a date, for example "2026-11-01", a date or a Timestamp.'
        ) from None
    return when.timestamp() if when.tzinfo else when.tz_localize("UTC").timestamp()
