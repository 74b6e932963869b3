"""Admits a batch when there is a free slot in flight and the budget covers it."""

from __future__ import annotations

import asyncio

from .budget import Budget
from .cancellation import Cancellation
from .concurrency import ConcurrencyLimit
from .request import OVER_BUDGET, PENDING, Batch, Outcome

PAUSE = 1.0
"""Seconds between two readings of the balance."""


class Admission:
    """The capacity that the batches of a run share: slots in flight, and the budget.

    Parameters
    ----------
    concurrency : ConcurrencyLimit
        Limits how many are in flight.
    budget : Budget
        Limits what they cost.
    cancellation : Cancellation
        Ends the wait; `enter` stops the run through it when the budget is used up.
    """

    def __init__(
        self, concurrency: ConcurrencyLimit, budget: Budget, cancellation: Cancellation
    ) -> None:
        self._concurrency, self._budget = concurrency, budget
        self._cancellation = cancellation
        self._left = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.over_budget = False

    def has_room(self, batch: Batch) -> bool:
        """Return whether a batch may enter now."""
        return not self._concurrency.full() and self._budget.fits(batch.requests)

    async def enter(self, batch: Batch) -> Outcome | None:
        """Wait for a slot, and take it; if the run stops, return the outcome of the batch."""
        while not self._cancellation.stopped() and not self.has_room(batch):
            if not self._concurrency.in_flight:  # nothing is left that could cost less than it may
                if self._reading is None and not self._budget.wants_balance(stopped=True):
                    self.over_budget = True
                    self._cancellation.stop()
                    break
                self._read_balance()
            self._left.clear()
            await self._cancellation.wait(self._left.wait())
        if self._cancellation.stopped():
            return OVER_BUDGET if self.over_budget else PENDING
        self._concurrency.enter()
        self._budget.reserve(batch.requests)
        return None

    def leave(self, batch: Batch, outcome: Outcome | None) -> None:
        """Release the slot of a batch, and count what it cost."""
        self._budget.settle(batch.requests, outcome)
        self._concurrency.leave()
        self._left.set()
        if not self._cancellation.stopped() and self._budget.wants_balance():
            self._read_balance()

    def end(self) -> None:
        """End a reading of the balance, because the run is over."""
        if self._reading is not None:
            self._reading.cancel()

    def _read_balance(self) -> None:
        """Begin to read the balance, unless it is being read; then check again who may enter."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                await self._budget.read_balance()
                self._left.set()
                await asyncio.sleep(PAUSE)
                if not self._budget.wants_balance():
                    break
        finally:
            self._reading = None
            self._left.set()
