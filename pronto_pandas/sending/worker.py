"""One batch from its start to its outcome.

The rule of the whole module: a request may be repeated only if it was certainly not processed.
"""

# Why: docs/decisions/006-what-is-retried.md
# Why: docs/decisions/008-timeouts.md

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

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
from .concurrency import ConcurrencyLimit
from .context import Context
from .polling import Poller
from .request import (
    NOT_DELIVERED,
    PENDING,
    STOPPED_WAITING,
    TAKEN_OVER,
    Batch,
    Outcome,
    given_up,
)

MOST_AT_ONCE = 64
"""Maximum number of batches written in one commit; on a fast disk it is one."""

LONGEST_LEAD = 0.5
"""Maximum seconds before a start at which its entry is written."""

MOST_TIMEOUTS = 12
"""Maximum wait for an answer, as a multiple of the timeout."""


class Starts:
    """Starts batches one after another, each as soon as its entry is on disk and its turn comes.

    The entry that says "sent" must be on disk before the request is sent, and a run that is killed
    between the two leaves an entry ``unknown`` for which nothing was sent. So the entry is written
    just before the start is due, as early as the recent speed of the disk requires. If a commit
    takes longer than the rate limit allows per request, several entries are written together, so
    that the disk does not limit the rate.
    """

    def __init__(self, context: Context) -> None:
        self._rate_limit, self._recorder = context.rate_limit, context.recorder
        self._cancellation, self._clock = context.cancellation, context.timing.clock
        self._in_line = asyncio.Lock()
        self._commit = 0.0

    @property
    def at_once(self) -> int:
        """How many batches to write in one commit."""
        return max(1, min(MOST_AT_ONCE, math.ceil(self._commit * self._rate_limit.rate)))

    async def start(self, batches: Sequence[Batch]) -> AsyncIterator[tuple[Batch, float | None]]:
        """Yield each batch with its start time, when that has come; nothing more if the run stops.

        The start time is None if another run has taken the batch over. Exhaust this iterator: the
        next batches wait for it.
        """
        async with self._in_line:
            lead = min(1.5 * self._commit, LONGEST_LEAD)
            await self._cancellation.wait(self._rate_limit.nearly(lead))
            if self._cancellation.stopped():
                return
            may_send, not_ours = await self._written(batches)
            for batch in not_ours:
                yield batch, None
            for batch in may_send:
                started = await self._cancellation.wait(self._rate_limit.acquire())
                if started is None:
                    return
                yield batch, started

    async def _written(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
        """Record batches as sent; return those that may be, and those that another run has."""
        began = self._clock()
        try:
            written = await self._recorder.about_to_send(batches)
        except LedgerError as error:
            self._cancellation.stop(error)
            return [], []
        self._commit += (self._clock() - began - self._commit) / 4
        return written


class Worker:
    """Sends batches, retries them if that is safe, and returns their outcomes."""

    def __init__(self, context: Context, starts: Starts, concurrency: ConcurrencyLimit) -> None:
        self._context, self._starts, self._concurrency = context, starts, concurrency
        self._recorder, self._cancellation = context.recorder, context.cancellation
        self._retry, self._clock = context.retry, context.timing.clock
        self._poller = Poller(context)

    async def work(self, batch: Batch, started: float) -> Outcome:
        """Return the outcome of a batch that starts now."""
        if batch.enrichment_id is not None:
            return await self._poller.fetched(batch, batch.enrichment_id, submitted_now=False)
        for attempt in itertools.count(1):
            in_flight = self._concurrency.in_flight
            if not self._recorder.may_send(batch):  # the process was stopped, or the machine slept
                return await self._released(batch)
            try:
                answer = await self._sent(batch)
            except asyncio.CancelledError:
                lost = self._recorder.lost(batch)
                return await self._cancellation.recorded(lost, STOPPED_WAITING)
            except NotWorkedOnError as error:
                again = await self._again(batch, error, attempt)
                if isinstance(again, Outcome):
                    return again
                started = again
            except ProntoError as error:
                return await self._failed(batch, error, started)
            else:
                self._retry.answered(started)
                outcome = await self._answered(batch, answer)
                if outcome.answer is not None:
                    self._concurrency.answered(self._clock() - started, in_flight)
                return outcome
        raise AssertionError("unreachable")  # pragma: no cover

    async def _sent(self, batch: Batch) -> Answer:
        timeout = self._context.timeout
        with self._cancellation.in_flight():
            try:
                async with unless_silent(timeout, self._retry.last_answer):
                    return await self._context.mode.send(batch)
            except TimeoutError:
                raise AnswerLostError(
                    f"No response arrived for {timeout:g} s. The request may have been charged."
                ) from None

    async def _answered(self, batch: Batch, answer: Answer) -> Outcome:
        name, delivered = answer.enrichment_id, self._context.mode.delivered
        if name is None or (answer.is_final and not delivered):
            stored = self._recorder.answered(batch, answer)
            date = await self._cancellation.written(stored)
            return Outcome("answered", answer, answered_at=date)
        try:
            if delivered:
                await self._recorder.enqueued(batch, name)
                return NOT_DELIVERED
            await self._recorder.submitted(batch, name)
        except LedgerError as error:
            self._cancellation.stop(error)
            return STOPPED_WAITING
        return await self._poller.fetched(batch, name, submitted_now=True)

    async def _released(self, batch: Batch) -> Outcome:
        """Give back what was about to be sent under a lease that has run out."""
        try:
            await self._recorder.not_processed(batch)
            await self._recorder.free(batch)
        except LedgerError as error:
            self._cancellation.stop(error)
            return PENDING
        return TAKEN_OVER

    async def _again(self, batch: Batch, error: NotWorkedOnError, attempt: int) -> float | Outcome:
        """Return the time of a batch's next start, or its outcome if there is none."""
        stop = self._cancellation
        await stop.recorded(self._recorder.not_processed(batch), PENDING)
        verdict = self._retry.after_failure(error, attempt)
        if verdict.action == "stop":
            stop.stop(error)
            return PENDING
        if verdict.action == "give up":
            outcome = given_up(error, attempt)
            return await stop.recorded(self._recorder.free(batch, outcome.message), outcome)
        await stop.wait(self._context.timing.sleep(verdict.seconds))
        starts = [started async for _, started in self._starts.start([batch])]
        if not starts:
            return PENDING
        return TAKEN_OVER if starts[0] is None else starts[0]

    async def _failed(self, batch: Batch, error: ProntoError, started: float) -> Outcome:
        stop = self._cancellation
        match error:
            case AuthenticationError() | ConsentRequiredError() | CreditsExhaustedError():
                stop.stop(error)
                return await stop.recorded(self._recorder.free(batch), PENDING)
            case RefusedError():
                self._retry.answered(started)
                outcome = Outcome("error", message=str(error))
                return await stop.recorded(self._recorder.free(batch, outcome.message), outcome)
            case FateUnknownError():
                if self._retry.lost(started):
                    stop.stop(error)
                outcome = Outcome("unknown", message=str(error), may_be_charged=True)
                return await stop.recorded(self._recorder.lost(batch), outcome)
            case _:
                raise error


@asynccontextmanager
async def unless_silent(seconds: float, last_answer: Callable[[], float]) -> AsyncIterator[None]:
    """Raise `TimeoutError` in the block when no request has been answered for that many seconds.

    A request that queues behind a thousand others is not lost, and giving it up could lose an
    answer that is paid for. So an answer to any request restarts the timer, up to `MOST_TIMEOUTS`
    times the timeout in total. The time of the last answer is on the clock of the event loop.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    timer: asyncio.TimerHandle

    def check() -> None:
        nonlocal timer
        due = min(max(began, last_answer()) + seconds, began + MOST_TIMEOUTS * seconds)
        if loop.time() >= due:
            limit.reschedule(loop.time())
        else:
            timer = loop.call_at(due, check)

    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(seconds, check)
        try:
            yield
        finally:
            timer.cancel()
