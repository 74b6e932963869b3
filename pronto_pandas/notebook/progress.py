"""Progress: counts that the engine adds to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Counts are rows of the frame.

    Parameters
    ----------
    total : int
        Rows that are sent.
    done, found, not_found, error, unknown, pending, submitted : int
        Rows that are settled, and how; those submitted in a bulk job are answered later.
    seconds : float
        Since the run started.
    credits_low, credits_high : float
        What the run has cost so far at least and at most, by the prices of the settings.
    awaited : int, optional
        Where the run was stopped: the answers that are still in flight.
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

    @property
    def rows_per_second(self) -> float:
        """Rows settled a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None before anything is settled."""
        return (self.total - self.done) / self.rows_per_second if self.done else None


Watcher = Callable[[Progress], object]

STATES = ("found", "not_found", "error", "unknown", "pending", "submitted")


class Counter:
    """Adds up what is settled.

    Parameters
    ----------
    total : int
        Rows that are sent.
    clock : callable
        Seconds.
    """

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._total, self._clock = total, clock
        self._started = clock()
        self._counts = dict.fromkeys(STATES, 0)

    def add(self, state: str, rows: int, cost: tuple[float, float] = (0.0, 0.0)) -> Progress:
        """Count rows as settled and return how far the run is.

        Parameters
        ----------
        state : str
            What became of them.
        rows : int
            How many.
        cost : tuple of float
            What the run has cost by now, in credits, at least and at most.
        """
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
