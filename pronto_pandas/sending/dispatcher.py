"""From requests to outcomes: each sent once, with as many in flight as is useful."""

# Why: docs/decisions/036-three-modes-one-dispatcher.md

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..errors import LedgerError, ProntoError
from .admission import Admission
from .budget import Budget
from .concurrency import ConcurrencyLimit
from .context import Context
from .modes import PutTogether
from .request import (
    HELD,
    NOT_FETCHED,
    OVER_BUDGET,
    PENDING,
    TAKEN_OVER,
    TOO_FEW,
    Batch,
    Outcome,
    Request,
    sort_claimed,
)
from .worker import Starts, Worker

HELD_POLL = 0.5
"""Seconds between two checks of what another run holds."""

CANCEL_GRACE = 1.0
"""Seconds to wait for requests in flight when the run itself is cancelled."""

OnOutcome = Callable[[Request, Outcome], None]


class Dispatcher:
    """Sends many requests in one run.

    Parameters
    ----------
    context : Context
        What the parts of the run share; its mode decides how requests are sent and answered.
    budget : Budget
        Keeps the run below a number of credits.
    """

    def __init__(self, context: Context, budget: Budget) -> None:
        self._context, self._mode, self._budget = context, context.mode, budget
        self._recorder, self._cancellation = context.recorder, context.cancellation
        self._concurrency = ConcurrencyLimit(
            context.mode.in_flight, context.rate_limit.rate, context.timing.clock
        )
        self._admission = Admission(self._concurrency, budget, context.cancellation)
        self._starts = Starts(context)
        self._worker = Worker(context, self._starts, self._concurrency)
        self._held: list[Request] = []
        self._running: set[asyncio.Task[None]] = set()
        self._left_out = False
        self._crash: Exception | None = None
        self._on_outcome: OnOutcome

    @property
    def stopped_by(self) -> ProntoError | None:
        """The error that ended the run early."""
        return self._cancellation.error

    @property
    def over_budget(self) -> bool:
        """Whether some requests were not sent because of the budget."""
        return self._left_out or self._admission.over_budget

    @property
    def awaited(self) -> int:
        """The number of batches in flight."""
        return self._cancellation.awaited

    def interrupt(self, grace: float | None) -> None:
        """Start nothing more; after ``grace`` seconds (None: never), cancel what is in flight."""
        self._cancellation.interrupt(grace)

    def abandon(self) -> None:
        """Stop, and cancel what is in flight, which becomes ``unknown``."""
        self._cancellation.abandon()

    async def run(self, requests: Iterable[Request], on_outcome: OnOutcome) -> None:
        """Send requests in their order, and report each outcome once, as it comes.

        A request is reported as ``pending`` if the run stopped before it was sent. Then
        ``stopped_by`` or ``over_budget`` shows why.
        """
        self._on_outcome = on_outcome
        try:
            await self._send_all(requests)
            while self._held or self._running:
                while self._held:  # another run is about to have an answer
                    await self._check_held()
                await self._drain()
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            self.interrupt(CANCEL_GRACE if cancelled else None)
            await self._drain()
            raise
        finally:
            self._admission.end()
        if self._crash is not None:
            raise self._crash

    # Claiming

    async def _send_all(self, requests: Iterable[Request]) -> None:
        """Claim requests and send them; while some are sent, further ones are claimed."""
        left = iter(requests)
        if self._mode.put_together is not None:
            await self._send_together(left, self._mode.put_together)
            return
        ahead = asyncio.create_task(self._next_claimed(left))
        try:
            while to_do := await ahead:
                ahead = asyncio.create_task(self._next_claimed(left))
                await self._send([Batch((request,)) for request in to_do])
        finally:
            ahead.cancel()

    async def _send_together(self, requests: Iterator[Request], put_together: PutTogether) -> None:
        """Claim all requests, and send those within the budget in batches."""
        claimed = list[Request]()
        while to_do := await self._next_claimed(requests):
            claimed += to_do
        if self._cancellation.stopped():
            self._report(claimed, PENDING)
            return
        affordable = self._budget.affordable(claimed)
        if affordable < len(claimed):
            self._left_out = True
            await self._release(claimed[affordable:], OVER_BUDGET)
        batches = put_together(claimed[:affordable])
        if not batches:
            await self._release(claimed[:affordable], TOO_FEW)
        await self._send(batches)

    async def _next_claimed(self, requests: Iterator[Request]) -> list[Request]:
        """Return the next requests that are to be sent or fetched; none at the end."""
        while block := list(itertools.islice(requests, self._mode.claim_ahead)):
            if to_do := await self._claimed(block):
                return to_do
        return []

    async def _claimed(self, block: list[Request]) -> list[Request]:
        """Claim requests in the ledger; return those that are to be sent or fetched.

        Requests with an outcome in the ledger are reported. Those that another run holds are
        checked again later, or reported if answers are delivered.
        """
        if self._cancellation.stopped():
            return block
        try:
            claims = await self._recorder.claim(block)
        except LedgerError as error:
            self._cancellation.stop(error)
            return block
        to_do = list[Request]()
        for request in block:
            parts = sort_claimed(request, claims)
            to_do += parts.to_send
            if self._mode.delivered:
                self._report(parts.to_poll, NOT_FETCHED)
                self._report(parts.held, HELD)
            else:
                to_do += parts.to_poll
                self._held += parts.held
            for part, outcome in parts.known:
                self._on_outcome(part, outcome)
        return to_do

    async def _check_held(self) -> None:
        """Check whether another run has its answers now; send what it has released."""
        held, self._held = self._held, []
        await self._cancellation.wait(self._context.timing.sleep(HELD_POLL))
        elsewhere: list[Request] = []
        if not self._cancellation.stopped():
            try:
                elsewhere = await self._recorder.held_elsewhere(held)
            except LedgerError as error:
                self._cancellation.stop(error)
        self._held += elsewhere  # others may have come meanwhile
        still = set(map(id, elsewhere))
        await self._send_all([request for request in held if id(request) not in still])

    async def _release(self, requests: Sequence[Request], outcome: Outcome) -> None:
        """Release claims, and report why."""
        await self._cancellation.recorded(self._recorder.release(requests), outcome)
        self._report(requests, outcome)

    # Sending

    async def _send(self, batches: Iterable[Batch]) -> None:
        """Send batches as slots become free; those that are recorded together start together."""
        together: list[Batch] = []
        for batch in batches:
            if len(together) >= self._starts.at_once or not self._admission.has_room(batch):
                await self._start(together)
                together = []
            refusal = await self._admission.enter(batch)
            if refusal is not None:
                self._report(batch.requests, refusal)
            elif batch.enrichment_id is not None:
                self._begin(batch, self._context.timing.clock())
            else:
                together.append(batch)
        await self._start(together)

    async def _start(self, batches: list[Batch]) -> None:
        """Start batches that have a slot; those that the run no longer starts are pending."""
        if not batches:
            return
        waiting = {id(batch): batch for batch in batches}
        async for batch, started in self._starts.start(batches):
            del waiting[id(batch)]
            if started is None:
                self._admission.leave(batch, TAKEN_OVER)
                self._finish(batch, TAKEN_OVER)
            else:
                self._begin(batch, started)
        for batch in waiting.values():
            self._admission.leave(batch, PENDING)
            self._finish(batch, PENDING)

    def _begin(self, batch: Batch, started: float) -> None:
        task = asyncio.create_task(self._work(batch, started))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(self, batch: Batch, started: float) -> None:
        outcome = None
        try:
            try:
                outcome = await self._worker.work(batch, started)
            finally:
                self._admission.leave(batch, outcome)
            self._finish(batch, outcome)
        except Exception as error:  # noqa: BLE001  the others end in order, then it is raised
            self._crash = self._crash or error
            self._cancellation.stop()

    def _finish(self, batch: Batch, outcome: Outcome) -> None:
        """Report the outcome of a batch, or wait for the run that has taken it over."""
        if outcome is TAKEN_OVER and not self._mode.delivered:
            self._held += [replace(one, enrichment_id=None, entries={}) for one in batch.requests]
        else:
            self._report(batch.requests, outcome)

    def _report(self, requests: Iterable[Request], outcome: Outcome) -> None:
        for request in requests:
            self._on_outcome(request, outcome)

    async def _drain(self) -> None:
        while self._running:
            await asyncio.wait(self._running)
