"""What a run may cost: the numbers behind estimates and budgets."""

# Why: docs/decisions/042-expected-cost.md

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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
        return sum(n * self._values(t)[0] * sum(self.price(t)) / 2 for t, n in people.items())

    def interval(self, people: Mapping[str, int]) -> Range:
        """Return the range that contains the cost with a chance of 90 %.

        It reaches from the lowest to the highest price, if there is more than one.
        """
        deviations = NormalDist().inv_cdf((1 + SHARE) / 2)
        (low, low_spread), (high, high_spread) = self._costs(people)
        most = self.most(people)
        return (
            min(max(low - deviations * low_spread, 0.0), most),
            min(high + deviations * high_spread, most),
        )

    def most(self, people: Mapping[str, int]) -> float:
        """Return the cost if everyone is found, with as many phone numbers as there can be."""
        return sum(n * self.price(t)[1] * most_values(t) for t, n in people.items())

    def chance(self, people: Mapping[str, int], credits: float) -> float:  # noqa: A002
        """Return the chance that an amount of credits is enough, at the highest prices."""
        if credits >= self.most(people):
            return 1.0
        _, (mean, spread) = self._costs(people)
        return NormalDist(mean, spread).cdf(credits) if spread else float(credits >= mean)

    def _costs(self, people: Mapping[str, int]) -> Iterator[tuple[float, float]]:
        """Return the mean and the deviation of the cost, at the lowest and highest prices."""
        for end in (0, 1):
            parts = [(self.price(t)[end], n, *self._values(t)) for t, n in people.items()]
            yield (
                sum(price * n * mean for price, n, mean, _, _ in parts),
                math.sqrt(sum(price**2 * _variance(*rest) for price, *rest in parts)),
            )

    def _values(self, type_: str) -> tuple[float, float, float]:
        """Return mean and variance of the values per person, and how many answers say so."""
        most = most_values(type_)
        shares = _assumed(most)
        counts = {n: WEIGHT * share for n, share in shares.items()}
        for n, people in self.observed.values.get(type_, {}).items():
            counts[min(n, most)] += people
        total = sum(counts.values())
        mean = sum(n * count for n, count in counts.items()) / total
        square = sum(n * n * count for n, count in counts.items()) / total
        return mean, square - mean**2, min(total, MEMORY + WEIGHT)


def _assumed(most: int) -> dict[int, float]:
    """Return the shares of people with each number of values, before there are answers."""
    found = NUMBERS[:most]
    return {0: 1 - FOUND} | {n: FOUND * s / sum(found) for n, s in enumerate(found, 1)}


def _variance(people: float, _mean: float, variance: float, answers: float) -> float:
    """Return the variance of a sum over people, if so many answers have shown the shares.

    That of a Dirichlet-multinomial: the shares are uncertain, and the people are drawn from them.
    """
    return people * variance * (people + answers) / (answers + 1)
