"""What a run may cost: the numbers behind estimates and budgets."""

# Why: docs/decisions/042-expected-cost.md

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final

from .prices import Prices, Range, most_values

FOUND: Final = 0.6
"""The share of people assumed to be found for a type, before there are answers."""

NUMBERS: Final = (0.5, 0.25, 0.15, 0.07, 0.03)
"""The shares of people with 1, 2, … phone numbers assumed among those found."""

WEIGHT: Final = 2.0
"""How many answers these assumptions count as: ten answers outweigh them."""

MEMORY: Final = 100.0
"""Answers count as at most this many, because a new list is not quite like the earlier ones."""

SHARE: Final = 0.90
"""The share of runs whose cost is in the interval."""

STEPS: Final = 20
"""How many prices of a range are tried, for the chance that credits are enough."""


@dataclass(frozen=True)
class Observed:
    """What the ledger has seen of an account.

    Parameters
    ----------
    prices : mapping of str to float
        Per type, the credits that one value cost, where a run's balance has shown it.
    dates : mapping of str to float
        Per type, when that price was last seen, in seconds since 1970.
    values : mapping of str to mapping of int to int
        Per type, how many people were answered with each number of values (0: not found).
    """

    prices: Mapping[str, float] = field(default_factory=dict)
    dates: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def answers(self, type_: str) -> int:
        """Return how many people were answered for a type."""
        return sum(self.values.get(type_, {}).values())


@dataclass(frozen=True)
class Costs:
    """The cost of sending a number of people per type.

    Parameters
    ----------
    prices : Prices
        The configured prices.
    observed : Observed, optional
        What the ledger has seen of the account.
    """

    prices: Prices
    observed: Observed = field(default_factory=Observed)

    def price(self, type_: str) -> Range:
        """Return the lowest and highest price of a type: the last one seen, if it is in the range.

        A price that `configure` sets to one number is not replaced.
        """
        low, high = self.prices.of(type_)
        seen = self.observed.prices.get(type_)
        return (low, high) if seen is None or not low <= seen <= high else (seen, seen)

    def expected(self, people: Mapping[str, int]) -> float:
        """Return the expected cost; of a range of prices, the middle counts."""
        return self._cost(people, 0.5)[0]

    def interval(self, people: Mapping[str, int]) -> Range:
        """Return the range that contains the cost with a chance of 90 %.

        It reaches from the lowest to the highest price, if there is more than one.
        """
        deviations, most = NormalDist().inv_cdf((1 + SHARE) / 2), self.most(people)
        low, low_spread = self._cost(people, 0)
        high, high_spread = self._cost(people, 1)
        least = max(low - deviations * low_spread, 0.0)
        return min(least, most), min(high + deviations * high_spread, most)

    def most(self, people: Mapping[str, int]) -> float:
        """Return the cost if everyone is found, with as many phone numbers as there can be."""
        return sum(n * self.price(t)[1] * most_values(t) for t, n in people.items())

    def chance(self, people: Mapping[str, int], credits: float) -> float:  # noqa: A002
        """Return the chance that an amount of credits is enough, if all prices are as likely."""
        if credits >= self.most(people):
            return 1.0
        chances = []
        for step in range(STEPS):
            mean, spread = self._cost(people, (step + 0.5) / STEPS)
            enough = NormalDist(mean, spread).cdf(credits) if spread else float(mean <= credits)
            chances.append(enough)
        return sum(chances) / STEPS

    def _cost(self, people: Mapping[str, int], position: float) -> tuple[float, float]:
        """Return mean and deviation of the cost, at the lowest prices (0) to the highest (1)."""
        mean = variance = 0.0
        for type_, number in people.items():
            low, high = self.price(type_)
            price, values = low + position * (high - low), self._values(type_)
            mean += price * number * values.mean
            variance += price**2 * values.variance_of_sum(number)
        return mean, math.sqrt(variance)

    def _values(self, type_: str) -> _Values:
        """Return how many values people have, from the answers and the assumptions."""
        most = most_values(type_)
        counts = {n: WEIGHT * share for n, share in _assumed(most).items()}
        for n, people in self.observed.values.get(type_, {}).items():
            counts[min(n, most)] += people
        total = sum(counts.values())
        mean = sum(n * count for n, count in counts.items()) / total
        square = sum(n * n * count for n, count in counts.items()) / total
        return _Values(mean, square - mean**2, min(total, MEMORY + WEIGHT))


@dataclass(frozen=True)
class _Values:
    """Mean and variance of the number of values per person, and how many answers show them."""

    mean: float
    variance: float
    answers: float

    def variance_of_sum(self, people: int) -> float:
        """Return the variance of the values of so many people: of a Dirichlet-multinomial.

        The shares of people with each number are uncertain, and the people are drawn from them.
        """
        return people * self.variance * (people + self.answers) / (self.answers + 1)


def _assumed(most: int) -> dict[int, float]:
    """Return the shares of people with each number of values, before there are answers."""
    found = NUMBERS[:most]
    return {0: 1 - FOUND} | {n: FOUND * s / sum(found) for n, s in enumerate(found, 1)}
