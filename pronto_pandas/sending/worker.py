"""One job from its start to its outcome.

The rule of the whole module: a request may be repeated only when it was surely not worked on.
"""

from __future__ import annotations

import asyncio
import itertools

from ..api.answer import Answer
from ..errors import (
    AnswerLostError,
    AuthenticationError,
    ConsentRequiredError,
    CreditsExhaustedError,
    FateUnknownError,
    LedgerError,
    NotWorkedOnError,
    ProntoError,
    RefusedError,
)
from .cancellation import Halt
from .concurrency import Window
from .rate_limit import Clock, Sleep
from .request import LET_GO, PENDING, Books, Later, Outcome, Request, Service, given_up
from .retry import OutOfPatienceError, Patience
from .starts import Starts
from .timeout import unless_silent


class Worker:
    """Sends jobs, again where that is safe, and says what became of them.

    Parameters
    ----------
    service : Service
        Makes requests.
    book : Books
        Has each answer before anything else.
    starts : Starts
        Gives each request that is repeated its start.
    later : Later
        Sees to what the service answers later.
    halt : Halt
        Told where a failure is everybody's.
    patience : Patience
        Says how long to go on.
    window : Window
        Told how long answers take.
    timeout : float
        Seconds without any answer after which those that are awaited count as lost.
    clock, sleep : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        service: Service,
        book: Books,
        starts: Starts,
        later: Later,
        halt: Halt,
        patience: Patience,
        window: Window,
        *,
        timeout: float,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._service, self._book, self._starts, self._later = service, book, starts, later
        self._halt, self._patience, self._window = halt, patience, window
        self._timeout, self._clock, self._sleep = timeout, clock, sleep

    async def work(self, job: Request, started: float) -> Outcome | None:
        """Return what becomes of a job that leaves now; None where another run has it now."""
        if job.enrichment_id is not None:
            return await self._later.fetched(job, job.enrichment_id, submitted_now=False)
        for attempt in itertools.count(1):
            crowd = self._window.in_flight
            if not self._book.may_leave(job):  # the process was stopped, or the machine slept
                return await self._given_up(job)
            try:
                answer = await self._sent(job)
            except asyncio.CancelledError:
                return await self._halt.kept(self._book.lost(job), LET_GO)
            except NotWorkedOnError as error:
                moment = await self._again(job, error, attempt)
                if not isinstance(moment, float):
                    return moment
                started = moment
            except ProntoError as error:
                return await self._failed(job, error, started)
            else:
                self._patience.answered(started)
                outcome = await self._answered(job, answer)
                if outcome.answer is not None:
                    self._window.answered(self._clock() - started, crowd)
                return outcome
        raise AssertionError("unreachable")  # pragma: no cover

    async def _sent(self, job: Request) -> Answer:
        with self._halt.in_flight():
            try:
                async with unless_silent(self._timeout, self._patience.last_answer):
                    return await self._service.send(job)
            except TimeoutError:
                raise AnswerLostError(
                    f"The answer took too long (nobody got one for {self._timeout:g} s); it may "
                    "have been charged."
                ) from None

    async def _answered(self, job: Request, answer: Answer) -> Outcome:
        name = answer.enrichment_id
        if answer.is_final or name is None:
            return await self._halt.kept(
                self._book.answered(job, answer), Outcome("answered", answer)
            )
        try:
            await self._book.submitted(job, name)
        except LedgerError as error:
            self._halt.stop(error)
            return LET_GO
        return await self._later.fetched(job, name, submitted_now=True)

    async def _given_up(self, job: Request) -> Outcome | None:
        """Give back what was about to leave under a lease that has run out."""
        try:
            await self._book.not_worked_on(job)
            await self._book.free(job)
        except LedgerError as error:
            self._halt.stop(error)
            return PENDING
        return None

    async def _again(
        self, job: Request, error: NotWorkedOnError, attempt: int
    ) -> float | Outcome | None:
        """Return the moment of a job's next start, or its outcome where there is none."""
        await self._halt.kept(self._book.not_worked_on(job), PENDING)
        try:
            wait = self._patience.before_retry(error, attempt)
        except OutOfPatienceError:
            self._halt.stop(error)
            return PENDING
        if wait is None:
            return await self._halt.kept(self._book.free(job), given_up(error, attempt))
        await self._halt.wait(self._sleep(wait))
        moments: list[float] = []
        not_ours = await self._starts.give([job], lambda _, moment: moments.append(moment))
        if not_ours:
            return None
        return moments[0] if moments else PENDING

    async def _failed(self, job: Request, error: ProntoError, started: float) -> Outcome:
        match error:
            case AuthenticationError() | ConsentRequiredError() | CreditsExhaustedError():
                self._halt.stop(error)
                return await self._halt.kept(self._book.free(job), PENDING)
            case RefusedError():
                self._patience.answered(started)
                outcome = Outcome("error", message=str(error))
                return await self._halt.kept(self._book.free(job), outcome)
            case FateUnknownError():
                try:
                    self._patience.lost(started)
                except OutOfPatienceError:
                    self._halt.stop(error)
                outcome = Outcome("unknown", message=str(error), may_be_charged=True)
                return await self._halt.kept(self._book.lost(job), outcome)
            case _:
                raise error
