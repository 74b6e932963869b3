"""Estimates how long a run will still take, from when its requests started and ended.

The first answer comes after one latency, so "done divided by elapsed" is far too slow at first.
There are two estimates:

- by answers: what is left, at the rate of the recent answers. It is right if all answers take
  equally long, or if Pronto processes a few requests at a time and queues the rest.
- by starts: when the last request will start, plus the longest recent latency. If latencies differ
  and the rate limit decides, it is longer, and right: the last answers are slow ones. It can be
  longer by no more than latencies differ; otherwise Pronto queues, and a start tells nothing.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from typing import Final

from .rate_limit import Clock

FIRST: Final = 5
"""Number of answers from which on they have a rate."""

FEWEST, MOST = 20, 1_000
"""Minimum and maximum number of recent answers whose rate counts; in between, half of all."""

LATENCIES: Final = 30
"""Number of recent latencies."""


class TimeLeft:
    """The starts and ends of a run's requests; ``clock`` returns seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = self._ended = 0
        self._first_start = self._last_start = 0.0
        self._ends = deque[float](maxlen=MOST + 1)
        self._latencies = deque[float](maxlen=LATENCIES)

    def started(self, at: float) -> None:
        """Record that a request started."""
        if not self._started:
            self._first_start = at
        self._started, self._last_start = self._started + 1, at

    def ended(self, started: float) -> None:
        """Record that a request that started at ``started`` has an outcome."""
        now = self._clock()
        self._ended += 1
        self._ends.append(now)
        self._latencies.append(now - started)

    def seconds(
        self, done: int, total: int, spent: float = 0.0, most: float = math.inf
    ) -> float | None:
        """Return the seconds until the end; None before the first answer.

        Parameters
        ----------
        done, total : int
            Rows; those without a request of their own count with the others.
        spent, most : float
            Credits: the run may also end because it must not spend more.
        """
        if not self._ended or not done:
            return None
        left = (total - done) * self._ended / done
        if spent:
            left = min(left, max(most - spent, 0.0) * self._ended / spent)
        if not left:
            return 0.0
        if self._ended < FIRST:
            return self._by_starts(left)
        by_answers = self._by_answers(left)
        return max(by_answers, min(self._by_starts(left), by_answers + self._spread()))

    def _spread(self) -> float:
        """Return how much latencies differ from one answer to the next.

        Not from the first to the last: behind a queue they all grow or shrink together.
        """
        return 3 * statistics.median(abs(b - a) for a, b in itertools.pairwise(self._latencies))

    def _by_answers(self, left: float) -> float:
        recent = min(max(self._ended // 2, FEWEST), len(self._ends) - 1)
        return left * (self._clock() - self._ends[-1 - recent]) / recent

    def _by_starts(self, left: float) -> float:
        unstarted = max(left - (self._started - self._ended), 0.0)
        between = (self._last_start - self._first_start) / max(self._started - 1, 1)
        end = self._last_start + unstarted * between + max(self._latencies)
        return max(end - self._clock(), 0.0)
