"""What a run would send, and what it would cost at least and at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ProntoError
from .notebook import event_loop
from .prices import Prices

if TYPE_CHECKING:
    from .run import Run

BALANCE_TIMEOUT = 20.0
"""Seconds to wait for the balance."""

_NAMES = ("credits", "balance", "remaining", "available", "left")


@dataclass(frozen=True)
class Estimate:
    """What a run would do. Counts are rows of the frame, but for ``people``.

    Parameters
    ----------
    rows : int
        All rows.
    to_send : int
        Rows whose answer would be asked for.
    people : int
        Distinct people behind them: one request each.
    duplicates : int
        Rows to send whose person another row asks for.
    answered : int
        Rows that the ledger answers; they cost nothing.
    submitted : int
        Rows that an earlier run submitted; their answers are fetched, which costs nothing more.
    unknown : int
        Rows that an earlier run sent and whose answer was lost.
    skipped, invalid : int
        Rows that would not be sent, on purpose or because something is missing.
    cost_low, cost_high : float
        Credits if everything is found: at the lowest prices with one phone number each, and at
        the highest with five. What is not found costs nothing.
    balance : float, optional
        Credits of the account, where the service's answer can be understood.
    """

    rows: int
    to_send: int
    people: int
    duplicates: int
    answered: int
    submitted: int
    unknown: int
    skipped: int
    invalid: int
    cost_low: float
    cost_high: float
    balance: float | None = None

    @property
    def _requests(self) -> str:
        if not self.people:
            return ""
        told = ": 1 person" if self.people == 1 else f": {self.people:,} people, one request each"
        repeats = "1 row repeats" if self.duplicates == 1 else f"{self.duplicates:,} rows repeat"
        return told + (f" ({repeats} one)" if self.duplicates else "")

    def __repr__(self) -> str:
        balance = "not known" if self.balance is None else f"{self.balance:,.0f} credits"
        lines = [
            f"{self.rows:>8,} rows",
            f"{self.to_send:>8,} to send{self._requests}",
            f"{self.answered:>8,} answered already",
            *([f"{self.submitted:>8,} submitted already"] if self.submitted else []),
            f"{self.unknown:>8,} unknown: sent before, answer lost",
            f"{self.skipped:>8,} skipped",
            f"{self.invalid:>8,} invalid",
            f"    cost {self.cost_low:,.0f} to {self.cost_high:,.0f} credits if all is found; "
            "what is not found costs nothing",
            f" balance {balance}",
        ]
        return "\n".join(lines)


def of(run: Run, prices: Prices, balance: float | None) -> Estimate:
    """Return what a run that was made and not started would do."""
    left = Counter(str(s) for s in run.plan.row_status if s is not None)
    states, sent = run.states(), [job for job in run.jobs if job.enrichment_id is None]
    rows: Counter[str] = Counter()
    for state, count in zip(states, run.plan.rows_per_contact.tolist(), strict=True):
        rows[state] += count
    askers = zip(run.askers(), states, strict=True)
    people = len({number for number, state in askers if state == "ready"})
    return Estimate(
        rows=len(run.plan.row_status),
        to_send=rows["ready"],
        people=people,
        duplicates=rows["ready"] - people,
        answered=rows["answered"],
        submitted=rows["submitted"],
        unknown=rows["unknown"],
        skipped=left["skipped"],
        invalid=left["invalid"],
        cost_low=sum(prices.least(job.types) for job in sent),
        cost_high=sum(prices.most(job.types) for job in sent),
        balance=balance,
    )


def balance_of(run: Run) -> float | None:
    """Ask for the account's balance, which is free; None where it cannot be had or understood."""
    try:
        run.take_key()
        return understood(event_loop.result_of(run.credits, BALANCE_TIMEOUT))
    except (ProntoError, TimeoutError):
        return None


def understood(data: Any) -> float | None:
    """Find the one number in the service's undocumented answer that must be the balance."""
    found = list(_numbers(data, named=False))
    return found[0] if len(found) == 1 else None


def _numbers(data: Any, *, named: bool) -> Iterable[float]:
    if isinstance(data, bool):
        return
    if isinstance(data, int | float) and named:
        yield float(data)
    elif isinstance(data, Mapping):
        for name, value in data.items():
            telling = any(word in str(name).lower() for word in _NAMES)
            yield from _numbers(value, named=telling or (named and len(data) == 1))
