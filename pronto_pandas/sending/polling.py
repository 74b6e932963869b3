"""Fetches answers that come later, which is free: when to try, and when to stop."""

# Why: docs/decisions/017-async-and-polling.md

from __future__ import annotations

from ..api.answer import Answer
from ..errors import (
    AuthenticationError,
    ConsentRequiredError,
    CreditsExhaustedError,
    RefusedError,
    ServiceError,
)
from .context import Context
from .rate_limit import Jitter, backoff
from .request import NOT_FETCHED, NOT_RECOGNIZED, Batch, Outcome

SOONEST, LATEST = 0.5, 30.0
"""Minimum and maximum seconds between two attempts."""

REFUSED_AT_MOST = 5
"""Consecutive rejections after which fetching stops; Pronto rejects an ID that it does not know."""


class PollSchedule:
    """Schedules attempts: the first after the typical time of recent answers, then ever less often.

    Parameters
    ----------
    jitter : callable
        Spreads attempts that would coincide.
    """

    def __init__(self, jitter: Jitter) -> None:
        self._jitter = jitter
        self._typical = 2.0

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt; attempts are numbered from 1."""
        first = self._typical if attempt == 1 else self._typical / 2
        wait = backoff(max(attempt - 1, 1), first=first, most=LATEST)
        return max(SOONEST, wait) * self._jitter(0.8, 1.2)

    def answered(self, attempt: int, seconds: float) -> None:
        """Record at which attempt, and how long after the submission, an answer was ready."""
        if attempt == 1:  # it may have been ready long before
            self._typical = max(SOONEST, 0.9 * self._typical)
        else:
            self._typical += (min(seconds, LATEST) - self._typical) / 4


class Poller:
    """Fetches what was submitted, in this run or in an earlier one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._recorder, self._cancellation = context.recorder, context.cancellation
        self._schedule = PollSchedule(context.timing.jitter)
        self._clock = context.timing.clock
        self._last_came = self._clock()

    async def fetched(self, batch: Batch, name: str, *, submitted_now: bool) -> Outcome:
        """Return the outcome of a request that Pronto processes under an ID."""
        since = self._clock()
        attempt = failures = refusals = 0
        wait = self._schedule.wait(1) if submitted_now else 0.0
        while True:
            answer = await self._fetch(name, wait)
            if answer is None:
                return NOT_FETCHED
            attempt += 1
            if isinstance(answer, RefusedError):
                refusals += 1
                if refusals >= REFUSED_AT_MOST:
                    lost = self._recorder.lost(batch)
                    return await self._cancellation.recorded(lost, NOT_RECOGNIZED)
            elif isinstance(answer, ServiceError):
                failures += 1
                verdict = self._context.retry.after_failed_fetch(answer, failures)
                if verdict.action == "stop":
                    self._cancellation.stop(answer)
                wait = verdict.seconds
                continue
            elif answer.is_final:
                self._last_came = self._clock()
                if submitted_now:
                    self._schedule.answered(attempt, self._last_came - since)
                stored = self._recorder.answered(batch, answer)
                date = await self._cancellation.written(stored)
                return Outcome("answered", answer, answered_at=date)
            elif self._clock() - max(since, self._last_came) > self._context.timeout:
                # Another request of this very run may wait for the entry.
                given_up = self._recorder.not_fetched(batch)
                return await self._cancellation.recorded(given_up, NOT_FETCHED)
            else:
                failures = refusals = 0
            wait = self._schedule.wait(attempt + 1)

    async def _fetch(self, name: str, wait: float) -> Answer | ServiceError | None:
        """Try once; None if the run was stopped."""
        stop, retry = self._cancellation, self._context.retry
        await stop.wait(self._context.timing.sleep(wait))
        started = await stop.wait(self._context.rate_limit.acquire())
        if started is None:
            return None
        try:
            answer = await stop.wait(self._context.mode.fetch(name))
        except (AuthenticationError, ConsentRequiredError, CreditsExhaustedError) as error:
            stop.stop(error)
            return None
        except RefusedError as error:
            retry.answered(started)
            return error
        except ServiceError as error:
            return error
        if answer is not None:
            retry.answered(started)
        return answer
