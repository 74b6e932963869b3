"""What a run may cost: the numbers behind estimates and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
