"""What answers cost, as far as anybody knows: a range, because prices changed over time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from .errors import ConfigurationError

Range = tuple[float, float]

DEFAULTS: Final[Mapping[str, Range]] = MappingProxyType(
    {"email": (1.0, 3.0), "phone": (10.0, 30.0), "personal_email": (1.0, 3.0)}
)
"""Credits for each email, and for each phone *number*, lowest and highest.

Emails and phones as public users have been charged; nobody has said what personal emails cost.
"""

MOST_PHONES: Final = 5
"""Numbers that public users have seen for one contact at most."""


@dataclass(frozen=True)
class Prices:
    """Credits for what is found; what is not found costs nothing.

    Parameters
    ----------
    ranges : mapping of str to tuple of float
        For each type the lowest and the highest price.
    """

    ranges: Mapping[str, Range] = field(default_factory=lambda: DEFAULTS)

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

    def least(self, types: Iterable[str]) -> float:
        """Return what a contact costs at the lowest prices where all is found, with one phone."""
        return sum(self.ranges[type_][0] for type_ in types)

    def most(self, types: Iterable[str]) -> float:
        """Return the most that a contact can cost."""
        return sum(self.ranges[t][1] * (MOST_PHONES if t == "phone" else 1) for t in types)

    def found(self, counts: Mapping[str, int]) -> Range:
        """Return the least and the most that what was found cost, by the number of values."""
        low = sum(self.ranges[type_][0] * count for type_, count in counts.items())
        high = sum(self.ranges[type_][1] * count for type_, count in counts.items())
        return low, high


def _range(type_: object, price: Any) -> Range:
    if type_ not in DEFAULTS:
        raise ConfigurationError(f"prices names {type_!r}. The types are {', '.join(DEFAULTS)}.")
    ends = price if isinstance(price, tuple | list) else (price, price)
    numbers = [e for e in ends if isinstance(e, int | float) and not isinstance(e, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise ConfigurationError(f"The price of {type_} must be credits, or (lowest, highest).")
    low, high = sorted(map(float, numbers))
    return low, high
