"""Prices in credits: ranges, because Pronto's prices have changed over time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api.spec import MOST_PHONES, PRICES, TYPES
from .errors import ConfigurationError

Range = tuple[float, float]


def most_values(type_: str) -> int:
    """Return how many values of a type a person can have."""
    return MOST_PHONES if type_ == "phone" else 1


@dataclass(frozen=True)
class Prices:
    """The lowest and the highest price per type. Only values that are found cost credits."""

    ranges: Mapping[str, Range] = field(default_factory=lambda: PRICES)

    def with_changes(self, changes: Any) -> Prices:
        """Return a copy with some prices replaced.

        Raises
        ------
        ConfigurationError
            A type is unknown or a price is invalid.
        """
        if not isinstance(changes, Mapping):
            raise ConfigurationError(
                'prices must be a dict, for example prices={"email": 1, "phone": (10, 30)}.'
            )
        return Prices({**self.ranges, **{t: _range(t, price) for t, price in changes.items()}})

    def of(self, type_: str) -> Range:
        """Return the lowest and the highest price of a type.

        Raises
        ------
        ConfigurationError
            The type has no price.
        """
        if type_ not in self.ranges:
            raise ConfigurationError(
                f"{type_} has no price. Set it in credits, as a number or as a (lowest, highest) "
                f'tuple: pronto.configure(prices={{"{type_}": 1}}). Nothing was sent.'
            )
        return self.ranges[type_]

    def require(self, types: Iterable[str]) -> None:
        """Raise `ConfigurationError` if a type has no price."""
        for type_ in types:
            self.of(type_)

    def least(self, types: Iterable[str]) -> float:
        """Return the lowest cost of a person with a value of each type, and one phone number."""
        return sum(self.of(type_)[0] for type_ in types)

    def most(self, types: Iterable[str]) -> float:
        """Return the highest cost of a person."""
        return sum(self.of(t)[1] * most_values(t) for t in types)

    def found(self, counts: Mapping[str, int]) -> Range:
        """Return the lowest and highest cost of the values found, given their number per type."""
        low = sum(self.of(type_)[0] * count for type_, count in counts.items())
        high = sum(self.of(type_)[1] * count for type_, count in counts.items())
        return low, high


def _range(type_: object, price: Any) -> Range:
    if type_ not in TYPES:
        raise ConfigurationError(
            f"Unknown type {type_!r} in prices. The types are {', '.join(TYPES)}."
        )
    ends = price if isinstance(price, tuple | list) else (price, price)
    numbers = [e for e in ends if isinstance(e, int | float) and not isinstance(e, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise ConfigurationError(
            f"The price of {type_} must be a number of credits >= 0, or a (lowest, highest) tuple "
            "of two such numbers."
        )
    low, high = sorted(map(float, numbers))
    return low, high
