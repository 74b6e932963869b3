"""How many requests are worth having in flight.

Where the service works on all that it gets, the pace decides alone, and nothing is limited here.
Where it works on a few at a time and the rest queue, more in flight brings no more answers, only
longer waits, and in the end answers that come after the time-out: lost, and maybe charged.

A queue is told by the quick answers. An answer takes a second or a minute by the luck of the
search, but in a queue even the luckiest wait. So the quickest answer of late is compared with the
quickest that was seen when few were in flight. What it took longer is the wait, if that is longer
than luck makes answers differ. Of what was in flight, the wait's part of the mean was waiting and
the rest was worked on: somewhat more than that keeps the service busy and its queue short. (TCP
Vegas tells a queue by the same arithmetic.)
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass

from .rate_limit import Clock

JUDGED, FEWEST, MOST = 1.0, 5, 512
"""Answers of how many seconds are looked at, and how many of them at least and at most."""

QUEUE = 1 / 3
"""Part of the time that goes into waiting, from which on it is called a queue."""

LUCK = 1.0
"""A wait is so many times longer than the answers of one second differ."""

LEAST, ENOUGH, SPARE = 4, 1.6, 4
"""In flight at least; and before a queue, so many times what is worked on, and some more."""

DOUBT = 30.0
"""Seconds after which it is tried out again how long an answer takes without a queue."""


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    seconds: float
    crowd: int


class Window:
    """Finds its own size.

    Parameters
    ----------
    most : int
        In flight at most: what sockets allow.
    rate : float
        Starts a second; where a window is larger than the pace can fill, it is none.
    clock : callable
        Seconds.
    """

    def __init__(self, most: int, rate: float, clock: Clock) -> None:
        self._most, self._rate, self._clock = most, rate, clock
        self._limit = math.inf
        self._seen: deque[_Seen] = deque(maxlen=MOST)
        self._quickest = self._crowded = math.inf
        self._trying: list[float] | None = None
        self._tried = 0.0
        self._judged = -math.inf
        self.in_flight = 0

    @property
    def limit(self) -> float:
        """How many may be in flight."""
        return min(self._most, self._limit)

    def full(self) -> bool:
        """Whether one more must wait."""
        return self.in_flight + 1 > self.limit

    def answered(self, seconds: float, crowd: int) -> None:
        """Learn from an answer.

        Parameters
        ----------
        seconds : float
            How long it took.
        crowd : int
            How many were in flight when it was asked for.
        """
        if self._trying is not None:
            self._try_out(self._trying, seconds, crowd)
            return
        now = self._clock()
        self._seen.append(_Seen(now, seconds, crowd))
        if len(self._seen) >= FEWEST and now >= self._judged + JUDGED / 10:
            self._judged = now
            self._judge(now)

    def _judge(self, now: float) -> None:
        seen = self._lately(now - JUDGED)
        if self._wait(seen) > 4 * JUDGED:  # the lucky ones may be few and far between
            seen = self._lately(now - self._wait(seen) / 4)
        took = [one.seconds for one in seen]
        quick, slow, mean = min(took), max(took), sum(took) / len(took)
        wait = self._wait(seen)
        if not self._tried:
            self._quickest = min(self._quickest, quick)
        crowd = sum(one.crowd for one in seen) / len(seen)
        worked_on = crowd * (1 - wait / mean) if wait else crowd
        closed = math.isfinite(self._limit)
        doubtful = now - self._tried > DOUBT if closed else wait > LUCK * (slow - quick)
        if wait > QUEUE * mean and doubtful:
            self._limit, self._trying = max(LEAST, worked_on / 2), []
            self._crowded = quick
        elif closed:
            self._limit = max(LEAST, ENOUGH * worked_on + SPARE)
            if self._limit > 1.5 * self._rate * mean:  # more than the pace can fill
                self._limit = math.inf

    def _lately(self, since: float) -> list[_Seen]:
        late = itertools.takewhile(lambda one: one.at >= since, reversed(self._seen))
        return max(list(late), list(itertools.islice(reversed(self._seen), FEWEST)), key=len)

    def _wait(self, seen: list[_Seen]) -> float:
        """Return how much longer than the quickest ever even the quickest of these took."""
        return max(min(one.seconds for one in seen) - self._quickest, 0.0)

    def _try_out(self, trying: list[float], seconds: float, crowd: int) -> None:
        """Look how long an answer takes when so few are in flight that none waits."""
        if crowd > self._limit:  # still from the crowd before
            return
        trying.append(seconds)
        if len(trying) < FEWEST:
            return
        self._quickest, self._trying, self._tried = min(trying), None, self._clock()
        self._seen.clear()
        waited = self._quickest < (1 - QUEUE) * self._crowded
        self._limit = 4 * self._limit + SPARE if waited else math.inf
