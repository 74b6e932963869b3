"""What an account has spent, and what its requests cost, by the ledger."""

# Why: docs/decisions/041-history.md

from __future__ import annotations

import hashlib
from collections import defaultdict

from ..costs import Observed
from ..prices import Prices
from .database import Transaction
from .history import (
    Beginning,
    Count,
    End,
    PastRun,
    active,
    add_balance,
    all_charges,
    alone,
    amend_run,
    begin_run,
    charges_of,
    count_charges,
    end_run,
    latest_account,
    open_requests,
    read_balances,
    read_history,
)
from .learned_prices import PriceHistory
from .lease import RunRecord
from .schema import charges

__all__ = [
    "Beginning",
    "Count",
    "End",
    "PastRun",
    "RunRecord",
    "account_name",
    "active",
    "add_balance",
    "all_charges",
    "alone",
    "amend_run",
    "begin_run",
    "charges_of",
    "end_run",
    "latest_account",
    "observed",
    "open_requests",
    "read_balances",
    "read_history",
    "spent_since",
]


def account_name(service: str, key: str) -> str:
    """Return the name of an account in the ledger: a hash from which nobody can get the key."""
    return hashlib.sha256(f"pronto account\0{service}\0{key}".encode()).hexdigest()[:24]


def spent_since(
    t: Transaction, account: str, since: float, prices: Prices | None = None
) -> tuple[float, float]:
    """Return the lowest and the highest cost of an account's requests since a date.

    The highest includes requests without an answer, at their worst case: lost ones, those that
    Pronto has accepted, and those in flight.

    Parameters
    ----------
    t : Transaction
        A transaction.
    account : str
        The account's name in the ledger.
    since : float
        In seconds since 1970.
    prices : Prices, optional
        The configured prices.
    """
    learned = PriceHistory(read_history(t, account), all_charges(t, account), prices or Prices())
    counts = count_charges(t, charges.c.account == account, charges.c.at >= since)
    costs = [
        learned.cost(one) for one in [*counts, *open_requests(t, account)] if one.last >= since
    ]
    return sum(low for low, _ in costs), sum(high for _, high in costs)


def observed(t: Transaction, account: str, prices: Prices | None = None) -> Observed:
    """Return what the ledger has seen of an account: prices, and how much is found.

    Parameters
    ----------
    t : Transaction
        A transaction.
    account : str
        The account's name in the ledger.
    prices : Prices, optional
        The configured prices; a learned price outside their range is not believed.
    """
    counts = all_charges(t, account)
    latest = PriceHistory(read_history(t, account), counts, prices or Prices()).latest()
    values: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for one in counts:
        if one.charged is not None:
            values[one.type][one.charged] += one.number
    return Observed(
        prices={type_: price for type_, (price, _) in latest.items()},
        dates={type_: at for type_, (_, at) in latest.items()},
        values={type_: dict(numbers) for type_, numbers in values.items()},
    )
