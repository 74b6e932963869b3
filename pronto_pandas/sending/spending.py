"""What the answers of a run have cost: by the prices, and by the balance of the account."""

# Why: docs/decisions/042-expected-cost.md

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from ..costs import Costs
from ..prices import Range

TOLERANCE: Final = 1.25
"""The last price seen counts again if the balance shows at most so much more."""

FEW: Final = 20
"""With fewer values, requests in flight that are paid for can hide the price."""

ENOUGH: Final = 0.01
"""Credits by which two amounts may differ because of rounding."""


class Spending:
    """Counts the values received per type, and what they cost.

    Parameters
    ----------
    costs : Costs
        The prices configured, and those seen in earlier runs.
    """

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self.received = Counter[str]()
        self.doubtful = False
        self.tried = 0
        self._balance, self._at_balance = 0.0, Counter[str]()
        self._ceilings: dict[str, float] = {}

    def price(self, type_: str) -> Range:
        """Return the lowest and highest price that a type can have."""
        low, high = self._costs.prices.of(type_)
        ceiling = self._ceilings.get(type_, math.inf)
        seen = self._seen(type_)
        if seen is not None and ceiling <= TOLERANCE * seen:
            return min(seen, ceiling), seen if self._is_multiple(seen) else max(seen, ceiling)
        if seen is not None and self._at_balance[type_] < FEW:
            return seen, seen
        return low, max(low, min(high, ceiling))

    def is_confirmed(self, type_: str) -> bool:
        """Return whether this run has shown that a price seen in earlier runs is still right."""
        seen = self._seen(type_)
        ceiling = self._ceilings.get(type_, math.inf)
        return seen is None or ceiling <= TOLERANCE * seen or self._at_balance[type_] >= FEW

    def _is_multiple(self, price: float) -> bool:
        """Return whether the balance has fallen by a whole number of values at this price.

        Then the rest of the difference is requests in flight that are paid for already.
        """
        number = self._balance / price if price else 0.5
        return len(self._at_balance) == 1 and abs(number - round(number)) * price < ENOUGH

    def _seen(self, type_: str) -> float | None:
        """Return the price seen in earlier runs, if `configure` does not say which it is."""
        low, high = self._costs.prices.of(type_)
        seen, same = self._costs.price(type_)
        return seen if low < high and seen == same else None

    @property
    def by_prices(self) -> Range:
        """The lowest and highest cost of the values received, by the prices."""
        prices = [(self.price(type_), count) for type_, count in self.received.items()]
        return sum(p[0] * count for p, count in prices), sum(p[1] * count for p, count in prices)

    @property
    def most(self) -> float:
        """The most that the account can have spent: by the balance, and by the prices since."""
        if not self._at_balance:
            return self.by_prices[1]
        since = self.received - self._at_balance
        more = sum(self.price(type_)[1] * count for type_, count in since.items())
        return max(self._balance + more, self.by_prices[0])

    def has_grown(self, factor: float) -> bool:
        """Return whether there are more values than at the last reading, by a factor."""
        now = self.received.total()
        return now > self.tried and now >= factor * self.tried

    def add_reading(self, received: Counter[str], spent: float) -> None:
        """Add a reading of the balance.

        Parameters
        ----------
        received : Counter
            The values received before the reading; more may be paid for.
        spent : float
            By how much the balance has fallen since the run began.
        """
        lowest = {type_: self._costs.prices.of(type_)[0] for type_ in received}
        least = sum(lowest[type_] * count for type_, count in received.items())
        if self.doubtful or spent < max(least, self._balance) - ENOUGH:
            # Credits were added to the account: what has been spent since does not show.
            self.doubtful = True
            self._balance, self._at_balance = 0.0, Counter()
            self._ceilings.clear()
            return
        self._balance, self._at_balance = spent, received
        for type_, count in received.items():
            if count:
                ceiling = lowest[type_] + (spent - least) / count
                self._ceilings[type_] = min(ceiling, self._ceilings.get(type_, math.inf))
