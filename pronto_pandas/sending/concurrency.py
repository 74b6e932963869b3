"""Decides how many requests are in flight.

If Pronto processes all requests that it gets, the rate limit decides, and nothing is limited here.
If it processes a few at a time and queues the rest, more in flight brings no more answers, only
longer waits, and finally answers that come after the timeout: lost, and perhaps charged.

A queue shows in the quickest answers. An answer takes a second or a minute, depending on the
search, but in a queue even the quickest ones wait. So the quickest recent answer is compared with
the quickest one when few were in flight. The difference is the wait, if it is longer than the
normal spread of latencies. Of what was in flight, the fraction of the mean latency that was wait
was queued, and the rest was being processed. Somewhat more than that keeps Pronto busy and its
queue short. (TCP Vegas detects a queue by the same arithmetic.)
"""

# Why: docs/decisions/007-requests-in-flight.md

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass

from .rate_limit import Clock

WINDOW, FEWEST, MOST = 1.0, 5, 512
"""Seconds in the window of recent answers; the minimum and maximum number of answers in it."""

QUEUE = 1 / 3
"""Waiting time as a fraction of the latency; from this value on, requests count as queued."""

SPREAD = 1.0
"""Increase in latency that counts as queueing, as a multiple of the spread within one window."""

LEAST, HEADROOM, SPARE = 4, 1.6, 4
"""Minimum limit; factor and constant by which the limit exceeds Pronto's estimated capacity."""

DOUBT = 30.0
"""Seconds after which the latency without a queue is measured again."""


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    seconds: float
    in_flight: int


class ConcurrencyLimit:
    """Limits the requests in flight; the limit follows from how long answers take.

    Parameters
    ----------
    most : int
        Maximum in flight, limited by the available sockets.
    rate : float
        Request starts per second; a limit that this rate cannot reach is removed.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, most: int, rate: float, clock: Clock) -> None:
        self._most, self._rate, self._clock = most, rate, clock
        self._limit = math.inf
        self._seen: deque[_Seen] = deque(maxlen=MOST)
        self._quickest = self._queued = math.inf
        self._trying: list[float] | None = None
        self._tried = 0.0
        self._judged = -math.inf
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """The number of requests in flight."""
        return self._in_flight

    @property
    def limit(self) -> float:
        """The number of requests that may be in flight."""
        return min(self._most, self._limit)

    def full(self) -> bool:
        """Return whether another request must wait."""
        return self._in_flight + 1 > self.limit

    def enter(self) -> None:
        """Count another request as in flight."""
        self._in_flight += 1

    def leave(self) -> None:
        """Count one request as finished."""
        self._in_flight -= 1

    def answered(self, seconds: float, in_flight: int) -> None:
        """Adapt to the latency of an answer, given the number in flight when it was requested."""
        if self._trying is not None:
            self._measure(self._trying, seconds, in_flight)
            return
        now = self._clock()
        self._seen.append(_Seen(now, seconds, in_flight))
        if len(self._seen) >= FEWEST and now >= self._judged + WINDOW / 10:
            self._judged = now
            self._judge(now)

    def _judge(self, now: float) -> None:
        seen = self._recent(now - WINDOW)
        if self._wait(seen) > 4 * WINDOW:  # quick answers may be few and far between
            seen = self._recent(now - self._wait(seen) / 4)
        took = [one.seconds for one in seen]
        quick, slow, mean = min(took), max(took), sum(took) / len(took)
        wait = self._wait(seen)
        if not self._tried:
            self._quickest = min(self._quickest, quick)
        in_flight = sum(one.in_flight for one in seen) / len(seen)
        processed = in_flight * (1 - wait / mean) if wait else in_flight
        limited = math.isfinite(self._limit)
        doubtful = now - self._tried > DOUBT if limited else wait > SPREAD * (slow - quick)
        if wait > QUEUE * mean and doubtful:
            self._limit, self._trying = max(LEAST, processed / 2), []
            self._queued = quick
        elif limited:
            self._limit = max(LEAST, HEADROOM * processed + SPARE)
            if self._limit > 1.5 * self._rate * mean:  # more than the rate limit can fill
                self._limit = math.inf

    def _recent(self, since: float) -> list[_Seen]:
        late = itertools.takewhile(lambda one: one.at >= since, reversed(self._seen))
        return max(list(late), list(itertools.islice(reversed(self._seen), FEWEST)), key=len)

    def _wait(self, seen: list[_Seen]) -> float:
        """Return how much longer the quickest of these took than the quickest answer of all."""
        return max(min(one.seconds for one in seen) - self._quickest, 0.0)

    def _measure(self, trying: list[float], seconds: float, in_flight: int) -> None:
        """Measure how long an answer takes when so few are in flight that none waits."""
        if in_flight > self._limit:  # sent before the limit was lowered
            return
        trying.append(seconds)
        if len(trying) < FEWEST:
            return
        self._quickest, self._trying, self._tried = min(trying), None, self._clock()
        self._seen.clear()
        waited = self._quickest < (1 - QUEUE) * self._queued
        self._limit = 4 * self._limit + SPARE if waited else math.inf
