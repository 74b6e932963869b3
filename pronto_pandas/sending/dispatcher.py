"""From contacts to outcomes: every contact sent once, as many at a time as is good for it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ..errors import LedgerError, ProntoError
from ..prices import Prices
from .budget import Budget
from .cancellation import Halt
from .concurrency import Window
from .fetcher import Fetcher
from .polling import Polling
from .rate_limit import Clock, Jitter, Pace, Sleep
from .request import OVER_BUDGET, PENDING, Books, Outcome, Request, Service, sorted_out
from .retry import Patience
from .starts import Starts
from .worker import Worker

CLAIM_AHEAD = 64
"""Contacts claimed in one commit. A claim that comes to nothing is as if never made."""

HELD_POLL = 0.5
"""Seconds between looks at what another run has sent."""

CANCEL_GRACE = 1.0
"""Seconds that answers in flight get to arrive when the run itself is cancelled."""


OnOutcome = Callable[[Request, Outcome], None]


class Sender(Protocol):
    """Sends jobs, and can be stopped."""

    over_budget: bool

    @property
    def stopped_by(self) -> ProntoError | None: ...  # noqa: D102
    async def run(self, jobs: Iterable[Request], on_outcome: OnOutcome) -> None: ...  # noqa: D102
    @property
    def awaited(self) -> int: ...  # noqa: D102
    def interrupt(self, grace: float | None) -> None: ...  # noqa: D102
    def abandon(self) -> None: ...  # noqa: D102


class Dispatch:
    """One run over many jobs.

    Parameters
    ----------
    service : Service
        Makes requests.
    pace : Pace
        Gives each request its start.
    book : Books
        Has an entry of each request before it leaves, and each answer before anything else.
    in_flight : int
        How many jobs may be under way at once; fewer where the service lets them queue.
    retry_budget : float
        Seconds without any answer, while requests fail that were not worked on, before the run
        stops.
    timeout : float
        Seconds without any answer after which those that are awaited are lost, or, where they can
        be fetched later, left for another run.
    budget : Budget, optional
        Keeps the run below a number of credits.
    clock, sleep, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        service: Service,
        pace: Pace,
        book: Books,
        *,
        in_flight: int,
        retry_budget: float,
        timeout: float,
        clock: Clock,
        budget: Budget | None = None,
        sleep: Sleep = asyncio.sleep,
        jitter: Jitter = random.uniform,
    ) -> None:
        self._book, self._clock, self._sleep = book, clock, sleep
        self._budget = budget or Budget(Prices())
        self._window = Window(in_flight, pace.rate, clock)
        self._halt = halt = Halt()
        self._starts = Starts(pace, book, halt, clock)
        patience = Patience(pace, retry_budget, clock, jitter)
        fetcher = Fetcher(
            service,
            pace,
            book,
            halt,
            patience,
            Polling(jitter),
            timeout=timeout,
            clock=clock,
            sleep=sleep,
        )
        self._worker = Worker(
            service,
            book,
            self._starts,
            fetcher,
            halt,
            patience,
            self._window,
            timeout=timeout,
            clock=clock,
            sleep=sleep,
        )
        self._held: list[Request] = []
        self._settled = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._on_outcome: OnOutcome
        self._crash: Exception | None = None
        self.over_budget = False

    @property
    def stopped_by(self) -> ProntoError | None:
        """What ended the run early."""
        return self._halt.error

    async def run(self, jobs: Iterable[Request], on_outcome: OnOutcome) -> None:
        """Send every job and report each outcome once, in the order in which they come.

        A job is reported as ``pending`` where the run was stopped before it was sent. Sending
        order is the jobs' order. ``stopped_by`` and ``over_budget`` say what ended the run early.
        """
        self._on_outcome = on_outcome
        try:
            await self._send_all(jobs)
            while self._held or self._running:
                while self._held:  # by another run, which is about to know
                    await self._look_again()
                await self._drain()
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            self.interrupt(CANCEL_GRACE if cancelled else None)
            await self._drain()
            raise
        if self._crash is not None:
            raise self._crash

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

    async def _send_all(self, jobs: Iterable[Request]) -> None:
        """Send jobs; while some are sent, the next ones are claimed."""
        jobs = iter(jobs)
        ahead = asyncio.create_task(self._next_claimed(jobs))
        try:
            while to_do := await ahead:
                ahead = asyncio.create_task(self._next_claimed(jobs))
                await self._send_block(to_do)
        finally:
            ahead.cancel()

    async def _next_claimed(self, jobs: Iterator[Request]) -> list[Request]:
        """Return the next jobs that are to be sent or fetched; none at the end."""
        while block := list(itertools.islice(jobs, CLAIM_AHEAD)):
            if to_do := await self._claimed(block):
                return to_do
        return []

    async def _send_block(self, jobs: Sequence[Request]) -> None:
        together: list[Request] = []
        for job in jobs:
            if len(together) >= self._starts.at_once or not self._has_room(job):
                await self._leave(together)
                together = []
            if not await self._room(job):
                self._on_outcome(job, OVER_BUDGET if self.over_budget else PENDING)
            elif job.enrichment_id is not None:
                self._begin(job, self._clock())
            else:
                together.append(job)
        await self._leave(together)

    async def _claimed(self, block: list[Request]) -> list[Request]:
        """Claim jobs in the ledger; return what is to be sent or fetched of them.

        What the ledger knows already is reported; what another run has sent is looked at later.
        """
        if self._halt.stopped():
            return block
        try:
            claims = await self._book.claim(block)
        except LedgerError as error:
            self._halt.stop(error)
            return block
        to_do = []
        for job in block:
            parts = sorted_out(job, claims)
            to_do += parts.free + parts.submitted
            self._held += parts.held
            for part, outcome in parts.settled:
                self._on_outcome(part, outcome)
        return to_do

    async def _look_again(self) -> None:
        """See whether another run has its answers now; send what it has left."""
        held, self._held = self._held, []
        await self._halt.wait(self._sleep(HELD_POLL))
        elsewhere: list[Request] = []
        if not self._halt.stopped():
            try:
                elsewhere = await self._book.held_elsewhere(held)
            except LedgerError as error:
                self._halt.stop(error)
        self._held += elsewhere  # others may have come meanwhile
        still = set(map(id, elsewhere))
        await self._send_all([job for job in held if id(job) not in still])

    def _has_room(self, job: Request) -> bool:
        return not self._window.full() and self._budget.fits(job)

    async def _room(self, job: Request) -> bool:
        """Wait for room in flight and in the budget, and take it; False where the run stops."""
        while not self._halt.stopped() and not self._has_room(job):
            if not self._window.in_flight:  # nothing is left that could cost less than it may
                self.over_budget = True
                self._halt.stop()
                break
            self._settled.clear()
            await self._halt.wait(self._settled.wait())
        if self._halt.stopped():
            return False
        self._window.in_flight += 1
        self._budget.reserve(job)
        return True

    async def _leave(self, jobs: list[Request]) -> None:
        """Send jobs that have room, each at its start."""
        waiting = list(jobs)

        def leave(job: Request, started: float) -> None:
            waiting.remove(job)
            self._begin(job, started)

        for job in await self._starts.give(jobs, leave) if jobs else ():
            waiting.remove(job)
            self._over(job, None)
            self._hold(job)
        for job in waiting:
            self._over(job, PENDING)
            self._on_outcome(job, PENDING)

    def _hold(self, job: Request) -> None:
        """Wait for the run that has a job now."""
        self._held.append(replace(job, enrichment_id=None, entries={}))

    def _begin(self, job: Request, started: float) -> None:
        task = asyncio.create_task(self._one(job, started))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _one(self, job: Request, started: float) -> None:
        outcome = None
        try:
            try:
                outcome = await self._worker.work(job, started)
            finally:
                self._over(job, outcome)
            if outcome is None:
                self._hold(job)
            else:
                self._on_outcome(job, outcome)
        except Exception as error:  # noqa: BLE001  the others end in order, then it is raised
            self._crash = self._crash or error
            self._halt.stop()

    def _over(self, job: Request, outcome: Outcome | None) -> None:
        """Give back the room that a job had."""
        self._budget.settle(job, outcome)
        self._window.in_flight -= 1
        self._settled.set()

    async def _drain(self) -> None:
        while self._running:
            await asyncio.wait(self._running)
