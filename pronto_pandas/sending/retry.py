"""Decides what follows a failed request: another attempt, giving it up, or the end of the run."""

# Why: docs/decisions/006-what-is-retried.md

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from ..errors import (
    ConnectionFailedError,
    NotWorkedOnError,
    RateLimitedError,
    ServiceBusyError,
    ServiceError,
)
from .rate_limit import Clock, Jitter, RateLimit, backoff

log = logging.getLogger(__name__)

BUSY_ATTEMPTS = 6
"""How many times a request is sent before a 503 is final."""

LOSSES_IN_A_ROW = 20
"""Answers lost in a row, with none received in between, after which the run stops."""

UNREACHED_IN_A_ROW = 3
"""Consecutive failures to open a connection after which all requests wait together."""

LIMITED_IN_A_ROW, A_SECOND = 3, 1.0
"""429s in a row, with no answer in between, after which all requests wait. They also wait if Pronto
demands more than ``A_SECOND``: its limit is per second, so a wait of one second is normal."""

FIRST_CONTACT_BUDGET = 15.0
"""Seconds after which a run that never opened a connection stops."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision after a failure; ``seconds`` is the wait before another attempt."""

    action: Literal["retry", "give up", "stop"]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrying:
    """What a run waits for while its requests fail and are tried again.

    Parameters
    ----------
    reason : str
        Why they fail.
    seconds : float
        How long they have failed, with no answer in between.
    wait : float
        Seconds until the next attempt.
    """

    reason: str
    seconds: float
    wait: float


REPORTED_AFTER = 0.5
"""Seconds for which only failures came back, or until the next attempt, from which on retries are
reported."""

GIVE_UP: Final = Verdict("give up")
"""Do not send this request again."""

STOP: Final = Verdict("stop")
"""Stop the run."""


class RetryPolicy:
    """Counts the failures of a run, and decides what follows each.

    A request is sent again only if it was certainly not processed.

    Parameters
    ----------
    rate_limit : RateLimit
        Paused or slowed down after failures.
    budget : float
        Seconds after which the run stops if no answer arrives and requests fail before they are
        processed.
    clock, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self, rate_limit: RateLimit, budget: float, clock: Clock, jitter: Jitter = random.uniform
    ) -> None:
        self._rate_limit, self._budget = rate_limit, budget
        self._clock, self._jitter = clock, jitter
        self._last_answer = clock()
        self._reached = False
        self._losses = self._unreached = self._limited = 0
        self._first_loss = 0.0
        self._first_failure: float | None = None
        self._failure, self._next_attempt = "", 0.0
        self.on_retry: Callable[[], object] = lambda: None
        """Called after a failure, if requests have been failing for a while."""

    def last_answer(self) -> float:
        """Return the time of the last response of any kind."""
        return self._last_answer

    def answered(self, started: float) -> None:
        """Record a response of any kind to a request that started at ``started``."""
        self._last_answer = self._clock()
        self._reached = True
        self._losses = self._unreached = self._limited = 0
        self._first_failure = None
        self._rate_limit.answered(started)

    def lost(self, started: float) -> bool:
        """Record that an answer was lost; return whether the run is to stop.

        You may be charged for each lost answer, so a run that only loses answers is stopped. One
        interruption of the network can lose all that was in flight, so only requests that
        started after the first loss was noticed count.
        """
        self._reached = True
        self._first_failure = None
        if self._losses == 0:
            self._losses, self._first_loss = 1, self._clock()
        elif started > self._first_loss:
            self._losses += 1
        return self._losses >= LOSSES_IN_A_ROW

    @property
    def retrying(self) -> Retrying | None:
        """Why and since when requests fail; None after an answer, or if that was just now."""
        if self._first_failure is None:
            return None
        now = self._clock()
        seconds, wait = now - self._first_failure, max(self._next_attempt - now, 0.0)
        if max(seconds, wait) < REPORTED_AFTER:
            return None
        return Retrying(self._failure, seconds, wait)

    def after_failure(self, error: NotWorkedOnError, attempt: int) -> Verdict:
        """Decide what follows a request that was certainly not processed."""
        verdict = self._verdict(error, attempt)
        if verdict.action == "retry":
            self._note(error, verdict.seconds)
        elif verdict.action == "stop":
            self._first_failure = None
        return verdict

    def _note(self, error: NotWorkedOnError, seconds: float) -> None:
        now = self._clock()
        wait = max(seconds, self._rate_limit.paused)
        if self._first_failure is None:
            self._first_failure = now
        self._failure, self._next_attempt = _reason(error), now + wait
        if self.retrying is not None:
            self.on_retry()

    def _verdict(self, error: NotWorkedOnError, attempt: int) -> Verdict:
        unreached = isinstance(error, ConnectionFailedError)
        self._reached = self._reached or not unreached
        budget = self._budget if self._reached else min(self._budget, FIRST_CONTACT_BUDGET)
        silent = self._clock() - self._last_answer
        if silent > budget or (error.retry_after or 0.0) > self._budget:
            return STOP
        if unreached:
            self._unreached += 1
            if self._unreached >= UNREACHED_IN_A_ROW:  # the network, rather than one connection
                self._rate_limit.pause(None)
        if isinstance(error, RateLimitedError):
            return Verdict("retry", self._after_429(error))
        if isinstance(error, ServiceBusyError) and attempt >= BUSY_ATTEMPTS:
            return GIVE_UP
        if error.retry_after is not None:
            return Verdict("retry", error.retry_after)
        return Verdict("retry", backoff(attempt, first=0.5) * self._jitter(0.5, 1.0))

    def after_failed_fetch(self, error: ServiceError, failures: int) -> Verdict:
        """Decide what follows failed attempts to fetch an answer: a retry or a stop.

        Fetching is free, so it may always be repeated; only the time that it takes counts.
        """
        free = error if isinstance(error, NotWorkedOnError) else ServiceBusyError(str(error))
        return self.after_failure(free, min(failures, BUSY_ATTEMPTS - 1))

    def _after_429(self, error: RateLimitedError) -> float:
        """Slow all requests down, or pause them; return the seconds that this one waits."""
        self._rate_limit.slow_down()
        self._limited += 1
        wanted = error.retry_after
        if self._limited <= LIMITED_IN_A_ROW and (wanted is None or wanted <= A_SECOND):
            log.info("429: the request rate is lowered slightly")
            return A_SECOND
        log.info("429: all requests wait %.1f s", self._rate_limit.pause(wanted))
        return 0.0


def _reason(error: NotWorkedOnError) -> str:
    match error:
        case ConnectionFailedError():
            return "Pronto cannot be reached"
        case RateLimitedError():
            return "Pronto is limiting requests"
        case _:
            return "Pronto is busy"
