"""Keeps the cost of a run below a number of credits."""

# Why: docs/decisions/020-money.md, docs/decisions/042-expected-cost.md

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from ..api.spec import EnrichmentType
from ..costs import Costs, Observed
from ..prices import Prices, most_values
from .request import Outcome, Request
from .reserve import Reserve
from .spending import Spending

ReadSpent = Callable[[], Awaitable[float | None]]
"""Returns by how much the balance has fallen since the run began; None if that is unavailable."""

GROWTH: Final = 1.2
"""The balance is read again when there are that many times as many values."""


class Budget:
    """Credits that were spent, and those that the requests in flight can still cost.

    Parameters
    ----------
    prices : Prices
        The configured prices; of a range, the highest counts until the run shows which it is.
    most : float
        Credits that must not be exceeded.
    observed : Observed, optional
        Prices seen in earlier runs count as long as the balance does not contradict them.
    read_spent : callable, optional
        Reads the balance, which shows the prices. What others spend from the account counts too.
    """

    def __init__(
        self,
        prices: Prices,
        most: float = math.inf,
        observed: Observed | None = None,
        read_spent: ReadSpent | None = None,
    ) -> None:
        self._most, self._read_spent = most, read_spent
        self._spending = Spending(Costs(prices, observed or Observed()))
        self._lost = Counter[str]()
        self._reserves: dict[str, Reserve] = {}

    @property
    def spent(self) -> float:
        """The highest possible cost so far, by the prices."""
        return self._spending.by_prices[1] + self._lost_at_most

    @property
    def least(self) -> float:
        """The lowest possible cost so far, by the prices."""
        return self._spending.by_prices[0]

    @property
    def _lost_at_most(self) -> float:
        return sum(self._worst(type_, count) for type_, count in self._lost.items())

    def fits(self, requests: Sequence[Request]) -> bool:
        """Return whether the budget covers these and those in flight."""
        if math.isinf(self._most):
            return True
        more = Counter[str](type_ for _, type_ in _to_send(requests))
        return not more or self._allows(more)

    def affordable(self, requests: Sequence[Request]) -> int:
        """Return how many of the requests, counted from the first, fit the budget."""
        more = Counter[str]()
        for count, request in enumerate(requests):
            more.update(type_ for _, type_ in _to_send([request]))
            if more and not self._allows(more):
                return count
        return len(requests)

    def reserve(self, requests: Sequence[Request]) -> None:
        """Count requests as in flight."""
        for number, type_ in _to_send(requests):
            self._reserve(type_).enter(number)

    def settle(self, requests: Sequence[Request], outcome: Outcome | None) -> None:
        """Count the cost of requests, or the highest possible cost if the actual one is unknown."""
        for number, type_ in _to_send(requests):
            values = None
            if outcome is not None and outcome.may_be_charged:
                values = most_values(type_)
                self._lost[type_] += 1
            elif outcome is not None and outcome.answer is not None:
                values = outcome.answer.count(type_)
                self._spending.received[type_] += values
            self._reserve(type_).leave(number, values)

    def wants_balance(self, *, stopped: bool = False) -> bool:
        """Return whether to read the balance now; ``stopped``: because nothing else can go on."""
        if self._read_spent is None or self._spending.doubtful or math.isinf(self._most):
            return False
        return self._spending.has_grown(1.0 if stopped else GROWTH)

    async def read_balance(self) -> None:
        """Read the balance, and correct the prices and the cost by it."""
        if self._read_spent is not None:
            received = Counter(self._spending.received)
            self._spending.tried = received.total()
            spent = await self._read_spent()
            if spent is not None:
                self._spending.add_reading(received, spent)

    def _allows(self, more: Counter[str]) -> bool:
        cost, types = self._spending.most + self._lost_at_most, more.keys() | self._reserves.keys()
        worst = sum(self._worst(t, self._reserve(t).in_flight + more[t]) for t in types)
        if self._is_covered(cost + worst):  # quick, and enough if the budget is large
            return True
        return self._is_covered(cost + sum(self._likely(t, more[t]) for t in types))

    def _is_covered(self, cost: float) -> bool:
        return cost <= self._most or math.isclose(cost, self._most)  # prices may be fractions

    def _likely(self, type_: str, more: int) -> float:
        """Return an amount that the people in flight, and so many more, do not exceed."""
        reserve = self._reserve(type_)
        if self._read_spent is not None and not self._spending.is_confirmed(type_):
            return self._worst(type_, reserve.in_flight + more)
        return self._spending.price(type_)[1] * reserve.values(more)

    def _worst(self, type_: str, people: int) -> float:
        return self._spending.price(type_)[1] * most_values(type_) * people

    def _reserve(self, type_: str) -> Reserve:
        if type_ not in self._reserves:
            self._reserves[type_] = Reserve(most_values(type_))
        return self._reserves[type_]


def _to_send(requests: Sequence[Request]) -> Iterator[tuple[int, EnrichmentType]]:
    """Return a number and the type of each part that costs credits; fetching an answer is free."""
    for request in requests:
        if not request.enrichment_id:
            for type_ in request.types:
                yield id(request), type_
