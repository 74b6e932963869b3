"""From contacts to outcomes: every contact sent once, what surely failed sent again.

The rule of the whole module: a request may be repeated only when it was surely not worked on.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from ..api.models import Answer
from ..errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConsentRequiredError,
    CreditsExhaustedError,
    FateUnknownError,
    NotWorkedOnError,
    ProntoError,
    RateLimitedError,
    RefusedError,
    ServiceBusyError,
)
from .jobs import LET_GO, PENDING, Job, Outcome
from .limits import Clock, Jitter, Pace, Sleep, backoff

log = logging.getLogger(__name__)

BUSY_ATTEMPTS = 6
"""How often one contact is sent before 503 is taken for its answer."""

LOSSES_IN_A_ROW = 20
"""Answers lost one after the other, and none received between, after which the run stops."""

UNREACHED_IN_A_ROW = 3
"""Connections that did not open, and none that did, after which all wait together."""

CANCEL_GRACE = 1.0
"""Seconds that answers in flight get to arrive when the run itself is cancelled."""

FIRST_CONTACT_BUDGET = 15.0
"""Seconds without a connection after which a run that reached nobody gives up."""


Send = Callable[[Job], Awaitable[Answer]]
OnOutcome = Callable[[Job, Outcome], None]


class Dispatch:
    """One run over many jobs.

    Parameters
    ----------
    send : callable
        Makes one request.
    pace : Pace
        Gives each request its start.
    in_flight : int
        How many requests may be under way at once.
    retry_budget : float
        Seconds without any answer, while requests fail that were not worked on, before the run
        stops.
    clock, sleep, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        send: Send,
        pace: Pace,
        *,
        in_flight: int,
        retry_budget: float,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        jitter: Jitter = random.uniform,
    ) -> None:
        self._send, self._pace = send, pace
        self._window = asyncio.Semaphore(in_flight)
        self._retry_budget = retry_budget
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._waiting: set[asyncio.Task[Any]] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._last_answer = clock()
        self._reached = False
        self._losses = self._unreached = 0
        self._first_loss = 0.0
        self._stopping = False
        self._crash: Exception | None = None
        self.stopped_by: ProntoError | None = None

    async def run(self, jobs: Iterable[Job], on_outcome: OnOutcome) -> None:
        """Send every job and report each outcome once, in the order in which they come.

        A job is reported as ``pending`` where the run was stopped before it was sent. Sending
        order is the jobs' order. ``stopped_by`` says afterwards what ended the run early.
        """
        self._last_answer = self._clock()
        producer = _this_task()
        try:
            for job in jobs:
                started = None if self._stopping else await self._admit(producer)
                if started is None:
                    on_outcome(job, PENDING)
                    continue
                task = asyncio.create_task(self._one(job, started, on_outcome))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await self._drain()
        except asyncio.CancelledError:
            self.interrupt(CANCEL_GRACE)
            await self._drain()
            raise
        if self._crash is not None:
            raise self._crash

    def interrupt(self, grace: float) -> None:
        """Start nothing more; give what is in flight ``grace`` seconds, then let go of it."""
        self._stop(None)
        asyncio.get_running_loop().call_later(grace, self.abandon)

    def abandon(self) -> None:
        """Let go of everything at once; what was in flight is ``unknown``."""
        self._stop(None)
        for task in self._in_flight:
            task.cancel()

    def _stop(self, error: ProntoError | None) -> None:
        if not self._stopping:
            self._stopping = True
            self.stopped_by = error
        for task in self._waiting:
            task.cancel()

    async def _drain(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    async def _admit(self, producer: asyncio.Task[Any]) -> float | None:
        """Wait for room in flight and for a start; None where the run was stopped meanwhile."""
        self._waiting.add(producer)
        try:
            await self._window.acquire()
            return await self._pace.turn()
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            producer.uncancel()
            return None
        finally:
            self._waiting.discard(producer)

    async def _one(self, job: Job, started: float, on_outcome: OnOutcome) -> None:
        try:
            on_outcome(job, await self._work(job, started))
        except Exception as error:  # noqa: BLE001  the others end in order, then it is raised
            self._crash = self._crash or error
            self._stop(None)
        finally:
            self._window.release()

    async def _work(self, job: Job, started: float) -> Outcome:
        """Send one job until it has an outcome."""
        attempt = 0
        while not self._stopping:
            attempt += 1
            try:
                answer = await self._in_the_air(job)
            except asyncio.CancelledError:
                return LET_GO
            except NotWorkedOnError as error:
                wait = self._before_retry(error, attempt)
                if wait is None:
                    return self._given_up(error)
                try:
                    started = await self._again(wait)
                except asyncio.CancelledError:
                    return PENDING
            except ProntoError as error:
                return self._failed(error, started)
            else:
                self._heard(started)
                return Outcome("answered", answer)
        return PENDING

    async def _in_the_air(self, job: Job) -> Answer:
        task = _this_task()
        self._in_flight.add(task)
        try:
            return await self._send(job)
        finally:
            self._in_flight.discard(task)

    async def _again(self, wait: float) -> float:
        task = _this_task()
        self._waiting.add(task)
        try:
            if self._stopping:
                raise asyncio.CancelledError
            if wait:
                await self._sleep(wait)
            return await self._pace.turn()
        finally:
            self._waiting.discard(task)

    def _before_retry(self, error: NotWorkedOnError, attempt: int) -> float | None:
        """Return the seconds this job waits by itself before its next start; None: no retry."""
        if self._stopping:
            return None
        silent = self._clock() - self._last_answer
        budget = self._retry_budget
        if isinstance(error, ConnectionFailedError) and not self._reached:
            budget = min(budget, FIRST_CONTACT_BUDGET)
        if silent > budget or (error.retry_after or 0.0) > self._retry_budget:
            self._stop(error)
            return None
        if not isinstance(error, ConnectionFailedError):
            self._reached = True
        if isinstance(error, ConnectionFailedError):
            self._unreached += 1
            if self._unreached >= UNREACHED_IN_A_ROW:  # not one unlucky connection: the network
                self._pace.pause(None)
        if isinstance(error, RateLimitedError):
            pause = self._pace.pause(error.retry_after)
            log.info("429: all requests wait %.1f s", pause)
            return 0.0
        if isinstance(error, ServiceBusyError) and attempt >= BUSY_ATTEMPTS:
            return None
        if error.retry_after is not None:
            return error.retry_after
        return backoff(attempt, first=0.5) * self._jitter(0.5, 1.0)

    def _given_up(self, error: NotWorkedOnError) -> Outcome:
        if self._stopping:
            return PENDING
        return Outcome("error", message=f"{error} It was tried {BUSY_ATTEMPTS} times.")

    def _failed(self, error: ProntoError, started: float) -> Outcome:
        match error:
            case AuthenticationError() | ConsentRequiredError() | CreditsExhaustedError():
                self._stop(error)
                return PENDING
            case RefusedError():
                self._heard(started)
                return Outcome("error", message=str(error))
            case FateUnknownError():
                self._lost(error, started)
                return Outcome("unknown", message=str(error))
            case _:
                raise error

    def _heard(self, started: float) -> None:
        self._last_answer = self._clock()
        self._reached = True
        self._losses = self._unreached = 0
        self._pace.worked(started)

    def _lost(self, error: FateUnknownError, started: float) -> None:
        """Stop a run that only loses: each loss may be charged.

        One blip can lose all that was in flight, so only requests count that started after the
        loss before them was known.
        """
        self._reached = True
        if self._losses == 0:
            self._losses, self._first_loss = 1, self._clock()
        elif started > self._first_loss:
            self._losses += 1
        if self._losses >= LOSSES_IN_A_ROW:
            self._stop(error)


def _this_task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())
