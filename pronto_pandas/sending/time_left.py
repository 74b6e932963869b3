"""Estimates how long a run will still take, from when its requests started and ended.

The first answer comes after one latency, so "done divided by elapsed" is far too slow at first. Two
estimates are made, and the longer one counts:

- by answers: what is left, at the rate of the recent answers. This is right if Pronto processes a
  few requests at a time and queues the rest.
- by starts: when the last request will start, plus the longest recent latency. This is right if
  the rate limit decides; it includes the slow answers at the end.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from .rate_limit import Clock

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

    def seconds(self, share: float) -> float | None:
        """Return the seconds until the end; None before the second answer.

        Parameters
        ----------
        share : float
            What is left, as a multiple of what is done.
        """
        if self._ended < 2:
            return None
        left = share * self._ended
        return max(self._by_answers(left), self._by_starts(left)) if left else 0.0

    def _by_answers(self, left: float) -> float:
        recent = min(max(self._ended // 2, FEWEST), len(self._ends) - 1)
        return left * (self._clock() - self._ends[-1 - recent]) / recent

    def _by_starts(self, left: float) -> float:
        unstarted = max(left - (self._started - self._ended), 0.0)
        between = (self._last_start - self._first_start) / max(self._started - 1, 1)
        end = self._last_start + unstarted * between + max(self._latencies)
        return max(end - self._clock(), 0.0)
