"""How long a run goes on when requests fail: what waits how long, and when it is enough."""

from __future__ import annotations

import logging
import random

from ..errors import (
    ConnectionFailedError,
    NotWorkedOnError,
    RateLimitedError,
    ServiceBusyError,
    ServiceError,
)
from .rate_limit import Clock, Jitter, Pace, backoff

log = logging.getLogger(__name__)

BUSY_ATTEMPTS = 6
"""How often one contact is sent before 503 is taken for its answer."""

LOSSES_IN_A_ROW = 20
"""Answers lost one after the other, and none received between, after which the run stops."""

UNREACHED_IN_A_ROW = 3
"""Connections that did not open, and none that did, after which all wait together."""

LIMITED_IN_A_ROW, A_SECOND = 3, 1.0
"""429s, and none answered between, after which all wait; so they do where the service asks for more
than this many seconds. Its limit is one of each second, so a second is what it must ask for."""

FIRST_CONTACT_BUDGET = 15.0
"""Seconds without a connection after which a run that reached nobody gives up."""


class OutOfPatienceError(Exception):
    """The run is to stop."""


class Patience:
    """What a run remembers of its failures.

    Parameters
    ----------
    pace : Pace
        Told of pauses and of answers.
    budget : float
        Seconds without any answer, while requests fail that were not worked on.
    clock, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self, pace: Pace, budget: float, clock: Clock, jitter: Jitter = random.uniform
    ) -> None:
        self._pace, self._budget = pace, budget
        self._clock, self._jitter = clock, jitter
        self._last_answer = clock()
        self._reached = False
        self._losses = self._unreached = self._limited = 0
        self._first_loss = 0.0

    def last_answer(self) -> float:
        """Return the moment of the last answer, of whatever kind."""
        return self._last_answer

    def answered(self, started: float) -> None:
        """Note that a request that started at ``started`` brought an answer, of whatever kind."""
        self._last_answer = self._clock()
        self._reached = True
        self._losses = self._unreached = self._limited = 0
        self._pace.worked(started)

    def lost(self, started: float) -> None:
        """Note that an answer was lost.

        Each loss may be charged, so a run that only loses is stopped. One blip can lose all that
        was in flight, so only requests count that started after the loss before them was known.

        Raises
        ------
        OutOfPatienceError
            Where it is enough.
        """
        self._reached = True
        if self._losses == 0:
            self._losses, self._first_loss = 1, self._clock()
        elif started > self._first_loss:
            self._losses += 1
        if self._losses >= LOSSES_IN_A_ROW:
            raise OutOfPatienceError

    def before_retry(self, error: NotWorkedOnError, attempt: int) -> float | None:
        """Return the seconds that a contact waits by itself before its next start.

        Returns
        -------
        float or None
            None where the contact is not sent again.

        Raises
        ------
        OutOfPatienceError
            Where the run is to stop.
        """
        unreached = isinstance(error, ConnectionFailedError)
        self._reached = self._reached or not unreached
        budget = self._budget if self._reached else min(self._budget, FIRST_CONTACT_BUDGET)
        silent = self._clock() - self._last_answer
        if silent > budget or (error.retry_after or 0.0) > self._budget:
            raise OutOfPatienceError
        if unreached:
            self._unreached += 1
            if self._unreached >= UNREACHED_IN_A_ROW:  # not one unlucky connection: the network
                self._pace.pause(None)
        if isinstance(error, RateLimitedError):
            return self._slower(error)
        if isinstance(error, ServiceBusyError) and attempt >= BUSY_ATTEMPTS:
            return None
        if error.retry_after is not None:
            return error.retry_after
        return backoff(attempt, first=0.5) * self._jitter(0.5, 1.0)

    def _slower(self, error: RateLimitedError) -> float:
        """Slow everybody down, or hold them; return the seconds that the contact waits itself."""
        self._pace.slow_down()
        self._limited += 1
        asked = error.retry_after
        if self._limited <= LIMITED_IN_A_ROW and (asked is None or asked <= A_SECOND):
            log.info("429: somewhat slower from now on")
            return A_SECOND
        log.info("429: all requests wait %.1f s", self._pace.pause(asked))
        return 0.0

    def before_look(self, error: ServiceError, failures: int) -> float:
        """Return the seconds before the next look for an answer, after looks that failed.

        Looking is free, so whatever failed, it was not worked on; and no number of failures is
        the last one but for the time they take.

        Raises
        ------
        OutOfPatienceError
            Where the run is to stop.
        """
        free = error if isinstance(error, NotWorkedOnError) else ServiceBusyError(str(error))
        return self.before_retry(free, min(failures, BUSY_ATTEMPTS - 1)) or 0.0
