"""Keeps the cost of a run below a number of credits, also in the worst case."""

# Why: docs/decisions/020-money.md

from __future__ import annotations

import math
from collections.abc import Sequence

from ..prices import Prices
from .request import Outcome, Request


class Budget:
    """Credits that were spent, and those that the requests in flight can still cost.

    ``spent`` is the highest possible amount spent so far, ``least`` the lowest.

    Parameters
    ----------
    prices : Prices
        The highest of each range counts against the limit.
    most : float
        Credits that must not be exceeded.
    """

    def __init__(self, prices: Prices, most: float = math.inf) -> None:
        self._prices, self._most = prices, most
        self.spent = self.least = self._reserved = 0.0

    def fits(self, requests: Sequence[Request]) -> bool:
        """Return whether the budget covers these and those in flight, at their highest cost."""
        return self._allows(self.spent + self._reserved + self._worst(requests))

    def affordable(self, requests: Sequence[Request]) -> int:
        """Return how many of the requests, counted from the first, fit the budget."""
        cost = self.spent + self._reserved
        for count, request in enumerate(requests):
            cost += self._worst([request])
            if not self._allows(cost):
                return count
        return len(requests)

    def reserve(self, requests: Sequence[Request]) -> None:
        """Count requests as in flight."""
        self._reserved += self._worst(requests)

    def settle(self, requests: Sequence[Request], outcome: Outcome | None) -> None:
        """Count the cost of requests, or the highest possible cost if the actual one is unknown."""
        worst = self._worst(requests)
        self._reserved -= worst
        if outcome is not None and outcome.may_be_charged:
            self.spent += worst
        elif worst and outcome is not None and outcome.answer is not None:
            answer = outcome.answer
            found: dict[str, int] = {t: answer.count(t) for one in requests for t in one.types}
            low, high = self._prices.found(found)
            self.least += low
            self.spent += high

    def _allows(self, cost: float) -> bool:
        return cost <= self._most or math.isclose(cost, self._most)  # prices may be fractions

    def _worst(self, requests: Sequence[Request]) -> float:
        """Return the most that sending can cost; fetching an answer is free."""
        return sum(self._prices.most(one.types) for one in requests if not one.enrichment_id)
