"""From contacts to outcomes: every contact sent once, what surely failed sent again.

The rule of the whole module: a request may be repeated only when it was surely not worked on.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast

from ..api.models import Answer
from ..errors import (
    AuthenticationError,
    ConsentRequiredError,
    CreditsExhaustedError,
    FateUnknownError,
    LedgerError,
    NotWorkedOnError,
    ProntoError,
    RefusedError,
)
from ..prices import Prices
from .budget import Budget
from .jobs import LET_GO, OVER_BUDGET, PENDING, Books, Job, Outcome, given_up, sorted_out
from .limits import Clock, Jitter, Pace, Sleep
from .patience import OutOfPatienceError, Patience

CLAIM_AHEAD = 64
"""At most so many contacts are claimed in one commit; on a disk that keeps up it is one."""

HELD_POLL = 0.5
"""Seconds between looks at what another run has sent."""

CANCEL_GRACE = 1.0
"""Seconds that answers in flight get to arrive when the run itself is cancelled."""


Send = Callable[[Job], Awaitable[Answer]]
OnOutcome = Callable[[Job, Outcome], None]
T = TypeVar("T")


class Dispatch:
    """One run over many jobs.

    Parameters
    ----------
    send : callable
        Makes one request.
    pace : Pace
        Gives each request its start.
    book : Books
        Has an entry of each request before it leaves, and each answer before anything else.
    in_flight : int
        How many requests may be under way at once.
    retry_budget : float
        Seconds without any answer, while requests fail that were not worked on, before the run
        stops.
    budget : Budget, optional
        Keeps the run below a number of credits.
    clock, sleep, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        send: Send,
        pace: Pace,
        book: Books,
        *,
        in_flight: int,
        retry_budget: float,
        clock: Clock,
        budget: Budget | None = None,
        sleep: Sleep = asyncio.sleep,
        jitter: Jitter = random.uniform,
    ) -> None:
        self._send, self._pace, self._book = send, pace, book
        self._window = asyncio.Semaphore(in_flight)
        self._patience = Patience(pace, retry_budget, clock, jitter)
        self._clock, self._sleep = clock, sleep
        self._budget = budget or Budget(Prices())
        self._ahead = 1
        self._held: list[Job] = []
        self._on_outcome: OnOutcome
        self._waiting: set[asyncio.Future[Any]] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._stopped = False
        self._crash: Exception | None = None
        self.stopped_by: ProntoError | None = None
        self.over_budget = False

    async def run(self, jobs: Iterable[Job], on_outcome: OnOutcome) -> None:
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
        except asyncio.CancelledError:
            self.interrupt(CANCEL_GRACE)
            await self._drain()
            raise
        if self._crash is not None:
            raise self._crash

    async def _send_all(self, jobs: Iterable[Job]) -> None:
        jobs = iter(jobs)
        while batch := list(itertools.islice(jobs, self._ahead)):
            for job in await self._claimed(batch):
                await self._room_in_budget(job)
                started = None if self.stopped() else await self._wait(self._admit())
                if started is None:
                    self._on_outcome(job, OVER_BUDGET if self.over_budget else PENDING)
                    continue
                self._budget.reserve(job)
                task = asyncio.create_task(self._one(job, started))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _room_in_budget(self, job: Job) -> None:
        """Wait for answers that cost less than they could have; stop where there are none."""
        while not self.stopped() and not self._budget.fits(job):
            if not self._running:
                self.over_budget = True
                self._stop(None)
                return
            await self._wait(asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED))

    async def _claimed(self, batch: list[Job]) -> list[Job]:
        """Write the jobs into the ledger; return what is to be sent of them.

        What the ledger knows already is reported; what another run has sent is looked at later.
        """
        if self.stopped():
            return batch
        began = self._clock()
        try:
            kept = await self._book.claim(batch)
        except LedgerError as error:
            self._stop(error)
            return batch
        # On a slow disk several are claimed in one go, so that the disk does not set the pace.
        self._ahead = max(1, min(CLAIM_AHEAD, math.ceil((self._clock() - began) * self._pace.rate)))
        to_send = []
        for job in batch:
            parts = sorted_out(job, kept)
            to_send += parts.free
            self._held += parts.held
            for part, outcome in parts.settled:
                self._on_outcome(part, outcome)
        return to_send

    async def _look_again(self) -> None:
        """See whether another run has its answers now; send what it has left."""
        held, self._held = self._held, []
        if not self.stopped():
            await self._wait(self._sleep(HELD_POLL))
        await self._send_all(held)

    def interrupt(self, grace: float) -> None:
        """Start nothing more; give what is in flight ``grace`` seconds, then let go of it."""
        self._stop(None)
        asyncio.get_running_loop().call_later(grace, self.abandon)

    def abandon(self) -> None:
        """Let go of everything at once; what was in flight is ``unknown``."""
        self._stop(None)
        for task in self._in_flight:
            task.cancel()

    def stopped(self) -> bool:
        """Whether nothing more is sent."""
        return self._stopped

    def _stop(self, error: ProntoError | None) -> None:
        if not self.stopped():
            self._stopped = True
            self.stopped_by = error
        for task in self._waiting:
            task.cancel()

    async def _drain(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    async def _wait(self, waiting: Awaitable[T]) -> T | None:
        """Await something that a stop ends; None where it did."""
        task = asyncio.ensure_future(waiting)
        self._waiting.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if self.stopped() and not _this_task().cancelling():
                return None
            raise
        finally:
            self._waiting.discard(task)

    async def _admit(self) -> float:
        """Wait for room in flight and for a start."""
        await self._window.acquire()
        return await self._pace.turn()

    async def _one(self, job: Job, started: float) -> None:
        outcome = None
        try:
            outcome = await self._work(job, started)
            if outcome is not None:
                self._on_outcome(job, outcome)
        except Exception as error:  # noqa: BLE001  the others end in order, then it is raised
            self._crash = self._crash or error
            self._stop(None)
        finally:
            self._budget.settle(job, outcome)
            self._window.release()

    async def _work(self, job: Job, started: float) -> Outcome | None:
        """Send one job until it has an outcome; None where another run has it now."""
        attempt = 0
        while not self.stopped():
            attempt += 1
            try:
                answer = await self._in_the_air(job)
            except asyncio.CancelledError:
                return await self._kept(self._book.lost(job), LET_GO)
            except NotWorkedOnError as error:
                outcome = await self._kept(self._book.free(job), PENDING)
                try:
                    wait = self._patience.before_retry(error, attempt)
                except OutOfPatienceError:
                    self._stop(error)
                    return outcome
                if wait is None:
                    return given_up(error, attempt)
                if not await self._again(job, wait):
                    return PENDING if self.stopped() else None
                started = self._clock()
            except ProntoError as error:
                return await self._failed(job, error, started)
            else:
                self._patience.answered(started)
                return await self._kept(
                    self._book.answered(job, answer), Outcome("answered", answer)
                )
        return PENDING

    async def _kept(self, writing: Awaitable[None], outcome: Outcome) -> Outcome:
        """Write to the ledger first; where it fails, stop, and hand the outcome on all the same."""
        try:
            await writing
        except LedgerError as error:
            self._stop(error)
        return outcome

    async def _again(self, job: Job, wait: float) -> bool:
        """Wait, and claim the job anew; False where it must not be sent now."""
        if wait:
            await self._wait(self._sleep(wait))
        if self.stopped():
            return False
        claimed = await self._claimed([job])
        if self.stopped():  # the book frees at its end what was claimed and not sent
            return False
        if claimed != [job]:  # another run took it, or a part of it, meanwhile
            for part in claimed:
                await self._kept(self._book.free(part), PENDING)
                self._held.append(part)
            return False
        return await self._wait(self._pace.turn()) is not None

    async def _in_the_air(self, job: Job) -> Answer:
        task = _this_task()
        self._in_flight.add(task)
        self._book.leaves(job)
        try:
            return await self._send(job)
        finally:
            self._in_flight.discard(task)

    async def _failed(self, job: Job, error: ProntoError, started: float) -> Outcome:
        match error:
            case AuthenticationError() | ConsentRequiredError() | CreditsExhaustedError():
                self._stop(error)
                return await self._kept(self._book.free(job), PENDING)
            case RefusedError():
                self._patience.answered(started)
                outcome = Outcome("error", message=str(error))
                return await self._kept(self._book.free(job), outcome)
            case FateUnknownError():
                try:
                    self._patience.lost(started)
                except OutOfPatienceError:
                    self._stop(error)
                outcome = Outcome("unknown", message=str(error))
                return await self._kept(self._book.lost(job), outcome)
            case _:
                raise error


def _this_task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())
