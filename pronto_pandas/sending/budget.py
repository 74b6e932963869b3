"""Keeps a run below the credits that the caller wants to spend, on the worst case."""

from __future__ import annotations

import math

from ..prices import Prices
from .request import Outcome, Request


class Budget:
    """What was spent, and what the requests in flight can still cost.

    ``spent`` is the most that it can have been, ``least`` the least.

    Parameters
    ----------
    prices : Prices
        Of each range the highest counts, where something must not be passed.
    most : float
        Credits that must not be passed.
    """

    def __init__(self, prices: Prices, most: float = math.inf) -> None:
        self._prices, self._most = prices, most
        self.spent = self.least = self._reserved = 0.0

    def fits(self, job: Request) -> bool:
        """Say whether a job may be sent, whatever it and those in flight turn out to cost."""
        return self.spent + self._reserved + self._worst(job) <= self._most

    def reserve(self, job: Request) -> None:
        """Count a job as in flight."""
        self._reserved += self._worst(job)

    def settle(self, job: Request, outcome: Outcome | None) -> None:
        """Count what a job cost; all that it can have cost where nobody knows."""
        worst = self._worst(job)
        self._reserved -= worst
        if outcome is not None and outcome.may_be_charged:
            self.spent += worst
        elif worst and outcome is not None and outcome.answer is not None:
            answer = outcome.answer
            found: dict[str, int] = {t: answer.count(t) for t in job.types}
            low, high = self._prices.found(found)
            self.least += low
            self.spent += high

    def _worst(self, job: Request) -> float:
        """Return the most that sending a job can cost; fetching an answer costs nothing."""
        return 0.0 if job.enrichment_id else self._prices.most(job.types)
