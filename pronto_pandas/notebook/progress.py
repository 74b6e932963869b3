"""The progress of a run: how many rows are finished, with which outcome, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run. Counts are rows of the DataFrame (people while waiting for a bulk job).

    Parameters
    ----------
    total : int
        Rows to send.
    done, found, not_found, error, unknown, pending, submitted : int
        ``done``: rows finished so far. The others: rows by outcome; ``pending`` rows are not
        included in ``done``, and ``submitted`` rows of a bulk job get their answers later.
    seconds : float
        Seconds since the run started.
    credits_low, credits_high : float
        Lowest and highest possible cost so far, in credits, at the configured prices.
    awaited : int, optional
        If the run is stopping, the number of requests whose answers it is still waiting for.
    retrying : str, optional
        If requests fail and are tried again, and no answer has come since: why they fail.
    retrying_seconds : float
        If so, how long they have been failing.
    next_attempt : float
        If so, the seconds until the next attempt.
    left : float, optional
        Estimated seconds remaining, from when requests started and ended; see ``seconds_left``.
    """

    total: int
    done: int = 0
    found: int = 0
    not_found: int = 0
    error: int = 0
    unknown: int = 0
    pending: int = 0
    submitted: int = 0
    seconds: float = 0.0
    credits_low: float = 0.0
    credits_high: float = 0.0
    awaited: int | None = None
    retrying: str | None = None
    retrying_seconds: float = 0.0
    next_attempt: float = 0.0
    left: float | None = None

    @property
    def rows_per_second(self) -> float:
        """Rows finished per second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds remaining; None until the first row is finished.

        ``left`` or, without it, the time that the rest takes at the average rate.
        """
        if self.left is not None:
            return self.left
        rate = self.rows_per_second
        return (self.total - self.done) / rate if rate else None


Watcher = Callable[[Progress], object]

STATES = ("found", "not_found", "error", "unknown", "pending", "submitted")


class Counter:
    """Counts finished rows; ``clock`` returns seconds."""

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._total, self._clock = total, clock
        self._started = clock()
        self._counts: dict[str, Any] = dict.fromkeys(STATES, 0)

    def add_total(self, rows: int) -> None:
        """Add rows that the run has still to send."""
        self._total += rows

    def add(self, state: str, rows: int, cost: tuple[float, float] = (0.0, 0.0)) -> Progress:
        """Count rows with their outcome; ``cost`` is the run's minimum and maximum cost so far."""
        self._counts[state] += rows
        low, high = cost
        return Progress(
            total=self._total,
            done=sum(self._counts.values()) - self._counts["pending"],
            seconds=self._clock() - self._started,
            credits_low=low,
            credits_high=high,
            **self._counts,
        )
