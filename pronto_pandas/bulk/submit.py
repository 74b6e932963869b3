"""Sends a bulk job: claims people, puts them together, and sends batch after batch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from itertools import islice

from ..api.spec import BULK_LEAST
from ..errors import LedgerError, ProntoError
from ..sending.budget import Budget
from ..sending.cancellation import Halt
from ..sending.concurrency import Window
from ..sending.dispatcher import CANCEL_GRACE, OnOutcome
from ..sending.rate_limit import Clock, Pace
from ..sending.request import (
    NOT_DELIVERED,
    NOT_FETCHED,
    OVER_BUDGET,
    PENDING,
    Outcome,
    Request,
    Service,
    sorted_out,
)
from ..sending.retry import Patience
from ..sending.starts import Starts
from ..sending.worker import Worker
from .batches import BulkRecorder, as_one, put_together

AT_ONCE = 5
"""Batches under way at a time; a general page of the vendor says that no more are worked on."""

CLAIM_AHEAD = 1_000
"""People claimed in one commit."""

ALONE = Outcome(
    "pending",
    message="Not sent: a bulk request takes two people or more, and everybody else is settled. "
    "df.pronto.enrich asks for one.",
)
HELD = Outcome("pending", message="Not sent: another run is about to have the answer.")
TAKEN_OVER = Outcome(
    "pending",
    message="Not sent: this process was stopped or slept, and another run has taken over people of "
    "this request. Run the same line again.",
)


class _Delivered:
    """What the service has taken is delivered to the webhook."""

    async def fetched(self, job: Request, name: str, *, submitted_now: bool) -> Outcome:
        return NOT_DELIVERED


class Submission:
    """Sends the jobs of one bulk job, each of one person, in batches.

    Parameters
    ----------
    service : Service
        Makes requests.
    pace : Pace
        Gives each request its start.
    book : BulkRecorder
        Has an entry of each person and batch before it leaves.
    budget : Budget
        Keeps the run below a number of credits, on the worst case.
    retry_budget : float
        Seconds without any answer, while requests fail that were not worked on, before the run
        stops.
    timeout : float
        Seconds without any answer after which those that are awaited are lost.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        service: Service,
        pace: Pace,
        book: BulkRecorder,
        budget: Budget,
        *,
        retry_budget: float,
        timeout: float,
        clock: Clock,
    ) -> None:
        self._book, self._budget, self._clock = book, budget, clock
        self._halt = Halt()
        self._starts = Starts(pace, book, self._halt, clock)
        self._worker = Worker(
            service,
            book,
            self._starts,
            _Delivered(),
            self._halt,
            Patience(pace, retry_budget, clock, random.uniform),
            Window(AT_ONCE, pace.rate, clock),
            timeout=timeout,
            clock=clock,
            sleep=asyncio.sleep,
        )
        self._people: dict[int, list[Request]] = {}
        self._desk = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self._crash: Exception | None = None
        self.over_budget = False

    @property
    def stopped_by(self) -> ProntoError | None:
        """What ended the run early."""
        return self._halt.error

    async def run(self, jobs: Iterable[Request], on_outcome: OnOutcome) -> None:
        """Send everybody and report each outcome once; ``unknown`` until the answer is there."""
        self._on_outcome = on_outcome
        free = await self._affordable(await self._claimed(jobs))
        if len(free) < BULK_LEAST:
            await self._let_go(free, ALONE)
            return
        try:
            for number, people in enumerate(put_together(free), 1):
                self._people[number] = people
                await self._send(as_one(people, number))
            await self._drain()
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            self.interrupt(CANCEL_GRACE if cancelled else None)
            await self._drain()
            raise
        if self._crash is not None:
            raise self._crash

    async def _claimed(self, jobs: Iterable[Request]) -> list[Request]:
        """Claim everybody; report whom the ledger knows meanwhile, and whom another run has."""
        left = iter(jobs)
        free: list[Request] = []
        while block := list(islice(left, CLAIM_AHEAD)):
            claims = None
            try:
                claims = None if self._halt.stopped() else await self._book.claim(block)
            except LedgerError as error:
                self._halt.stop(error)
            if claims is None or self._halt.stopped():
                self._report(block, PENDING)
                continue
            for job in block:
                parts = sorted_out(job, claims)
                free += parts.free
                self._report(parts.held, HELD)
                self._report(parts.submitted, NOT_FETCHED)
                for part, outcome in parts.settled:
                    self._on_outcome(part, outcome)
        return free

    async def _affordable(self, jobs: list[Request]) -> list[Request]:
        """Keep those whose worst case the budget allows."""
        within, over = list[Request](), list[Request]()
        for job in jobs:
            fits = not over and self._budget.fits(job)
            (within if fits else over).append(job)
            if fits:
                self._budget.reserve(job)
        self.over_budget = bool(over)
        await self._let_go(over, OVER_BUDGET)
        return within

    async def _send(self, batch: Request) -> None:
        """Give a batch its start, as soon as there is room for it."""
        begun = False

        def begin(batch: Request, started: float) -> None:
            nonlocal begun
            begun = True
            task = asyncio.create_task(self._one(batch, started))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

        await self._halt.wait(self._desk.acquire())
        taken_over = []
        if not self._halt.stopped():
            taken_over = await self._starts.give([batch], begin)
        if not begun:
            self._settle(batch, TAKEN_OVER if taken_over else PENDING)

    async def _one(self, batch: Request, started: float) -> None:
        try:
            try:
                outcome = await self._worker.work(batch, started) or TAKEN_OVER
            finally:
                self._desk.release()
            if outcome.state == "error":
                noted = self._book.note(batch, "refused", outcome.message)
                await self._halt.kept(noted, outcome)
            self._settle(batch, outcome)
        except Exception as error:  # noqa: BLE001  the others end in order, then it is raised
            self._crash = self._crash or error
            self._halt.stop()

    async def _drain(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    def _settle(self, batch: Request, outcome: Outcome) -> None:
        people = self._people.pop(batch.number)
        for job in people:
            self._budget.settle(job, outcome)
        self._report(people, outcome)

    def _report(self, people: Sequence[Request], outcome: Outcome) -> None:
        for job in people:
            self._on_outcome(job, outcome)

    async def _let_go(self, people: Sequence[Request], outcome: Outcome) -> None:
        """Take claims back."""
        await asyncio.gather(*(self._halt.kept(self._book.give_up(job), outcome) for job in people))
        self._report(people, outcome)

    @property
    def awaited(self) -> int:
        """How many answers are in flight."""
        return self._halt.awaited

    def interrupt(self, grace: float | None) -> None:
        """Start nothing more; let go of what is in flight after ``grace`` seconds, if any."""
        self._halt.interrupt(grace)

    def abandon(self) -> None:
        """Let go of everything at once; what was in flight is ``unknown``."""
        self._halt.abandon()
