"""What answers cost: a range, because the service's prices changed over time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api.spec import MOST_PHONES, PRICES, TYPES
from .errors import ConfigurationError

Range = tuple[float, float]


@dataclass(frozen=True)
class Prices:
    """Credits for what is found; what is not found costs nothing.

    Parameters
    ----------
    ranges : mapping of str to tuple of float
        For each type the lowest and the highest price.
    """

    ranges: Mapping[str, Range] = field(default_factory=lambda: PRICES)

    def with_changes(self, changes: Any) -> Prices:
        """Return prices in which some were set anew.

        Raises
        ------
        ConfigurationError
            Where a type is unknown or a price is none.
        """
        if not isinstance(changes, Mapping):
            raise ConfigurationError(
                'prices must be a dict: prices={"email": 1, "phone": (10, 30)}.'
            )
        return Prices({**self.ranges, **{t: _range(t, price) for t, price in changes.items()}})

    def of(self, type_: str) -> Range:
        """Return the lowest and the highest price of a type.

        Raises
        ------
        ConfigurationError
            Where it has none.
        """
        if type_ not in self.ranges:
            raise ConfigurationError(
                f"No price is known for {type_}. Set the credits that one costs, as a number or "
                f'(lowest, highest): pronto.configure(prices={{"{type_}": 1}}). Nothing was sent.'
            )
        return self.ranges[type_]

    def require(self, types: Iterable[str]) -> None:
        """Refuse types without a price.

        Raises
        ------
        ConfigurationError
            Where one has none.
        """
        for type_ in types:
            self.of(type_)

    def least(self, types: Iterable[str]) -> float:
        """Return what a contact costs at the lowest prices where all is found, with one phone."""
        return sum(self.of(type_)[0] for type_ in types)

    def most(self, types: Iterable[str]) -> float:
        """Return the most that a contact can cost."""
        return sum(self.of(t)[1] * (MOST_PHONES if t == "phone" else 1) for t in types)

    def found(self, counts: Mapping[str, int]) -> Range:
        """Return the least and the most that what was found cost, by the number of values."""
        low = sum(self.of(type_)[0] * count for type_, count in counts.items())
        high = sum(self.of(type_)[1] * count for type_, count in counts.items())
        return low, high


def _range(type_: object, price: Any) -> Range:
    if type_ not in TYPES:
        raise ConfigurationError(f"prices names {type_!r}. The types are {', '.join(TYPES)}.")
    ends = price if isinstance(price, tuple | list) else (price, price)
    numbers = [e for e in ends if isinstance(e, int | float) and not isinstance(e, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise ConfigurationError(f"The price of {type_} must be credits, or (lowest, highest).")
    low, high = sorted(map(float, numbers))
    return low, high
