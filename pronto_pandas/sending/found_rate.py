"""Whether a run finds too few people to be worth continuing."""

# Why: docs/decisions/043-bill.md

from __future__ import annotations

import math
from typing import Final

FEWEST: Final = 50
"""Answers before which no run is stopped."""

CHANCE: Final = 1 / 1000
"""The greatest chance that a list whose found rate is not below the limit is stopped."""


class FoundRate:
    """Counts answers, and tests whether the found rate of the whole list is below a limit.

    The test may be repeated after each answer: `CHANCE` holds for all repetitions together. It
    compares how likely the counts are at the limit with their average likelihood at all rates
    below it. By Ville's inequality, a list at or above the limit reaches a ratio of 1,000 with a
    chance of at most 1 in 1,000. The average over the rates below is a binomial tail, which is at
    least one half if fewer than the median were found.

    Parameters
    ----------
    least : float
        The limit, greater than 0 and less than 1.
    """

    def __init__(self, least: float) -> None:
        self.least = least
        self.answers = self.found = 0

    def add(self, *, found: bool) -> None:
        """Count an answer."""
        self.answers += 1
        self.found += found

    @property
    def too_low(self) -> bool:
        """Whether the found rate is below the limit beyond reasonable doubt."""
        n, k, p = self.answers, self.found, self.least
        if n < FEWEST or k + 1 > math.floor((n + 1) * p):
            return False
        chosen = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        likelihood = chosen + k * math.log(p) + (n - k) * math.log1p(-p)
        return likelihood <= math.log(CHANCE / 2 / (p * (n + 1)))
