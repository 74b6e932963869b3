"""Explains how a balance changed: by runs, late answers, and what else was added or spent.

Between two known balances, the charges recorded there explain the difference. Three things blur
this. A charge is recorded after Pronto has made it, perhaps after the next balance was read; so an
excess waits until a later charge explains it. A lost answer may have been charged; so what is left
of an excess is explained by requests without an answer, each at most at its worst case. And a price
may be known only as a range; then any amount within it is explained.

Whatever remains is unexplained. So nothing that the account's own runs have spent is.
"""

# Why: docs/decisions/041-history.md

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from .database import Transaction
from .history import Count, PastRun
from .learned_prices import PriceHistory
from .schema import charges

SETTLES: Final = 86_400.0
"""Seconds in which Pronto charges a request whose answer has not been recorded."""

Balance = tuple[float, float]
"""When it was requested, and how much it was."""


@dataclass
class Explained:
    """How a balance changed, in credits. The sum of all is the difference.

    Parameters
    ----------
    runs : dict of str to float
        What each run spent, by its ID.
    lost : dict of str to float
        The part of this for requests without an answer, which is at most their worst case.
    late : float
        Spent for answers that came after their run had ended.
    added : float
        Added to the account.
    unexplained : float
        Spent by something that is not in the ledger.
    """

    runs: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lost: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    late: float = 0.0
    added: float = 0.0
    unexplained: float = 0.0


def between(t: Transaction, account: str, balances: Sequence[Balance]) -> list[list[Count]]:
    """Return the charges before the first balance, between each two, and after the last."""
    parts: list[Counter[tuple[str, str, bool, int | None, float]]] = [Counter()]
    dates = [at for at, _ in balances]
    c = charges.c
    these = sa.select(c.run, c.type, c.late, c.charged, c.at).where(c.account == account)
    for run, type_, late, charged, at in t.execute(these.order_by(c.at)):
        while len(parts) <= len(dates) and at > dates[len(parts) - 1]:
            parts.append(Counter())
        # Those without an answer are each of their time.
        parts[-1][run, type_, bool(late), charged, at if charged is None else 0.0] += 1
    parts += [Counter() for _ in range(len(dates) + 1 - len(parts))]
    return [
        [
            Count(run, type_, late, charged, number, at or end, at or end)
            for (run, type_, late, charged, at), number in part.items()
        ]
        for part, end in zip(parts, [*dates, dates[-1] if dates else 0.0], strict=True)
    ]


def explain(
    balances: Sequence[Balance],
    runs: Iterable[PastRun],
    parts: Sequence[Sequence[Count]],
    prices: PriceHistory,
) -> Explained:
    """Explain the difference between the first and the last balance.

    Parameters
    ----------
    balances : sequence of tuple
        In the order of time; at least one.
    runs : iterable of PastRun
        The account's runs.
    parts : sequence of sequence of Count
        Its charges, as `between` returns them; the last part may also contain requests in flight.
    prices : PriceHistory
        What values have cost.
    """
    accounts = _Accounts({run.id: run.began for run in runs}, prices, balances[0][0])
    for (start, before), (end, after), part in zip(balances, balances[1:], parts[1:], strict=False):
        accounts.interval(start, end, before - after, part)
    accounts.use_open([one for part in parts[:-1] for one in part if one.charged is None])
    accounts.use_open([one for one in parts[-1] if accounts.began(one) <= balances[-1][0]])
    accounts.close()
    return accounts.result


@dataclass(slots=True)
class _Excess:
    """An amount spent in an interval beyond its charges."""

    start: float
    end: float
    amount: float


@dataclass(slots=True)
class _Open:
    """What requests may have cost of which no charge is recorded yet."""

    run: str
    began: float
    until: float
    amount: float


class _Accounts:
    """Goes through the intervals between balances; see the module's description."""

    def __init__(self, began: dict[str, float], prices: PriceHistory, since: float) -> None:
        self._began, self._prices, self._since = began, prices, since
        self._waiting: list[_Excess] = []
        self._open: list[_Open] = []
        self._moved = 0.0
        self.result = Explained()

    def began(self, one: Count) -> float:
        """Return when the run began that sent these requests."""
        return self._began.get(one.run, float("-inf"))

    def interval(self, start: float, end: float, spent: float, part: Sequence[Count]) -> None:
        """Explain what was spent between two balances, as far as it can be done now."""
        costs = [(one, *self._cost(one)) for one in part if one.charged is not None]
        low = sum(least for _, least, _ in costs)
        high = sum(most for _, _, most in costs)
        if spent > high:
            self._waiting.append(_Excess(start, end, spent - high))
            amount = high
        else:
            # What was sent before may have been charged before, where an excess waits for it.
            movable = sum(most for one, _, most in costs if self.began(one) < start)
            spent += self._take(min(high - spent, movable))
            amount = max(spent, low)
            self.result.added += amount - spent
        share = (amount - low) / (high - low) if high > low else 0.0
        for one, least, most in costs:
            self._assign(one.run, least + share * (most - least), late=one.late)

    def _cost(self, one: Count) -> tuple[float, float]:
        low, high = self._prices.cost(one)
        # It may have been charged before the first balance.
        return (0.0, high) if self.began(one) < self._since else (low, high)

    def _assign(self, run: str, amount: float, *, late: bool) -> None:
        if late:
            self.result.late += amount
        else:
            self.result.runs[run] += amount

    def _take(self, most: float) -> float:
        """Take at most this from what waits, the latest first; return how much it was."""
        left = most
        while self._waiting and left > 0:
            last = self._waiting[-1]
            amount = min(left, last.amount)
            last.amount -= amount
            left -= amount
            if not last.amount:
                self._waiting.pop()
        self._moved += most - left
        return most - left

    def use_open(self, requests: Iterable[Count]) -> None:
        """Add requests that may have been charged although no charge explains it yet."""
        for one in requests:
            amount = self._prices.cost(one)[1]
            self._open.append(_Open(one.run, self.began(one), one.last + SETTLES, amount))

    def close(self) -> None:
        """Explain what still waits by requests without an answer; the rest is unexplained."""
        self._open.sort(key=lambda one: one.began, reverse=True)
        for excess in self._waiting:
            for one in self._open:
                if one.began <= excess.end and one.until >= excess.start:
                    self._use(one, excess, excess.amount)
        # Late charges may have explained the excess of another interval than their own.
        for excess in self._waiting:
            for one in self._open:
                self._moved -= self._use(one, excess, min(excess.amount, self._moved))
        self.result.unexplained = sum(excess.amount for excess in self._waiting)

    def _use(self, one: _Open, excess: _Excess, most: float) -> float:
        amount = min(one.amount, most)
        one.amount -= amount
        excess.amount -= amount
        if amount:
            self.result.runs[one.run] += amount
            self.result.lost[one.run] += amount
        return amount
