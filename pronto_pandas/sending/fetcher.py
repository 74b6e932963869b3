"""Answers that come later: looked for until they are there, which is free."""

from __future__ import annotations

from ..api.answer import Answer
from ..errors import (
    AuthenticationError,
    ConsentRequiredError,
    CreditsExhaustedError,
    RefusedError,
    ServiceError,
)
from .cancellation import Halt
from .polling import Polling
from .rate_limit import Clock, Pace, Sleep
from .request import NOT_FETCHED, NOT_KNOWN_THERE, Books, Outcome, Request, Service
from .retry import OutOfPatienceError, Patience

REFUSED_AT_MOST = 5
"""Looks in a row that the service refuses, as it does for a name that it does not know."""


class Fetcher:
    """Fetches what was submitted, now or by an earlier run.

    Parameters
    ----------
    service : Service
        Makes requests.
    pace : Pace
        Gives each look its start.
    book : Books
        Has each answer before anything else.
    halt : Halt
        Ends the waiting; what was submitted is fetched by another run then.
    patience : Patience
        Says how long to go on when looks fail.
    polling : Polling
        Says when to look.
    timeout : float
        Seconds without any new answer after which those that are awaited are left for another run.
    clock, sleep : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        service: Service,
        pace: Pace,
        book: Books,
        halt: Halt,
        patience: Patience,
        polling: Polling,
        *,
        timeout: float,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._service, self._pace, self._book, self._halt = service, pace, book, halt
        self._patience, self._polling = patience, polling
        self._timeout, self._clock, self._sleep = timeout, clock, sleep
        self._last_came = clock()

    async def fetched(self, job: Request, name: str, *, submitted_now: bool) -> Outcome:
        """Return the outcome of a job that the service works on under a name."""
        since = self._clock()
        look = failures = refusals = 0
        wait = self._polling.wait(1) if submitted_now else 0.0
        while True:
            answer: Answer | ServiceError | None = await self._look(name, wait)
            if answer is None:
                return NOT_FETCHED
            look += 1
            if isinstance(answer, RefusedError):
                refusals += 1
                if refusals >= REFUSED_AT_MOST:
                    return await self._halt.kept(self._book.lost(job), NOT_KNOWN_THERE)
            elif isinstance(answer, ServiceError):
                failures += 1
                try:
                    wait = self._patience.before_look(answer, failures)
                except OutOfPatienceError:
                    self._halt.stop(answer)
                continue
            elif answer.is_final:
                self._last_came = self._clock()
                if submitted_now:
                    self._polling.came(look, self._last_came - since)
                outcome = Outcome("answered", answer)
                return await self._halt.kept(self._book.answered(job, answer), outcome)
            elif self._clock() - max(since, self._last_came) > self._timeout:
                # Another job of this very run may wait for the entry.
                return await self._halt.kept(self._book.left(job), NOT_FETCHED)
            else:
                failures = refusals = 0
            wait = self._polling.wait(look + 1)

    async def _look(self, name: str, wait: float) -> Answer | ServiceError | None:
        """Ask once; None where the run was stopped."""
        await self._halt.wait(self._sleep(wait))
        started = await self._halt.wait(self._pace.turn())
        if started is None:
            return None
        try:
            answer = await self._halt.wait(self._service.fetch(name))
        except (AuthenticationError, ConsentRequiredError, CreditsExhaustedError) as error:
            self._halt.stop(error)
            return None
        except RefusedError as error:
            self._patience.answered(started)
            return error
        except ServiceError as error:
            return error
        if answer is not None:
            self._patience.answered(started)
        return answer
