"""How many values the people in flight can have, from the answers of the same run."""

# Why: docs/decisions/042-expected-cost.md

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

POWERS: Final = tuple(0.1 * 2.0**n for n in range(8))
"""Exponents of the bounds; the best is used. Small ones suit many people, large ones few."""

DISTANCES: Final = tuple(0.003 * 4.0**n for n in range(7))
"""How much the answers count in a bound: small ones suit many answers, large ones few."""

DOUBT: Final = math.log(1e6 * len(POWERS) * len(DISTANCES) * 3)
"""A bound fails with a chance of exp(-DOUBT): all those of three types, below one in a million."""

MISSING: Final = 20
"""One in so many may still be in flight; its number of values counts as the highest."""

GROWTH: Final = 1.1
"""The answers are counted again when there are that many times as many."""


class Reserve:
    """Bounds the values that people in flight have for one type.

    The bound assumes that people are sent in random order, and nothing else. It uses only answers
    of this run, because another list can have another found rate. It counts people in the order in
    which they were sent: if those found are answered later than the others, the answers that have
    arrived show too few of them.

    Parameters
    ----------
    most : int
        The highest number of values per person.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._order: list[int | None] = []  # None: in flight; -1: does not count
        self._places: dict[int, int] = {}
        self._answers, self._next = 0, 1.0
        self._bounds: list[_Bound] = []
        self._values: dict[int, int] = {}
        self.in_flight = 0

    def enter(self, number: int) -> None:
        """Count a person as in flight; the number identifies the request."""
        self._places[number] = len(self._order)
        self._order.append(None)
        self.in_flight += 1

    def leave(self, number: int, values: int | None) -> None:
        """Record the values of a person; None if the request was not processed."""
        self._order[self._places.pop(number)] = -1 if values is None else min(values, self._most)
        self.in_flight -= 1
        self._answers += values is not None

    def values(self, more: int = 0) -> int:
        """Return a number of values that those in flight, and so many more, do not exceed."""
        if self._answers >= self._next:
            self._next = GROWTH * self._answers + 1
            self._bounds, self._values = _bounds(self._cohort(), self._most), {}
        people = self.in_flight + more
        if people not in self._values:
            worst = people * self._most
            bounds = (math.floor(one.values(people) * self._most) for one in self._bounds)
            self._values[people] = min(worst, min(bounds, default=worst))
        return self._values[people]

    def _cohort(self) -> Counter[int]:
        """Count the values of the first people sent: as many as possible with few missing."""
        people = missing = end = 0
        for place, value in enumerate(self._order, 1):
            people += value != -1
            missing += value is None
            if missing * MISSING <= people:
                end = place
        counted = itertools.islice(self._order, end)
        return Counter(self._most if value is None else value for value in counted if value != -1)


@dataclass(frozen=True, slots=True)
class _Bound:
    """Bounds a sum of quantities from 0 to 1 over people in flight, by those of people answered.

    Let x be exp(power * quantity), and m its unknown mean. The product of x / m over the n people
    in flight has the mean 1. So has the product of (c - x) / (c - m) over the people answered, for
    any c above all x. By Markov, the product of both exceeds exp(DOUBT) with a chance of at most
    exp(-DOUBT). The bound is the highest sum for which it does not, whatever m is.
    """

    power: float
    c: float
    answers: int
    known: float

    def values(self, people: int) -> float:
        n, answers = people, self.answers
        mean = min(max(self.c * n / (n + answers), 1.0), math.exp(self.power))
        return (n * math.log(mean) + answers * math.log(self.c - mean) - self.known) / self.power


def _bounds(counts: Counter[int], most: int) -> list[_Bound]:
    """Return the bounds that follow from the number of people with each number of values."""
    answers, bounds = counts.total(), list[_Bound]()
    for power, distance in itertools.product(POWERS, DISTANCES):
        highest = math.exp(power)
        c = highest + (highest - 1) * distance
        known = sum(n * math.log(c - math.exp(power * v / most)) for v, n in counts.items())
        bounds.append(_Bound(power, c, answers, known - DOUBT))
    return bounds
