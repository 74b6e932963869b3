"""Progress: counts that the engine adds to, shown as a bar or handed to the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import ProntoWarning, warn


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

    @property
    def rows_per_second(self) -> float:
        """Rows settled a second."""
        return self.done / self.seconds if self.seconds else 0.0


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

    def add(self, state: str, rows: int) -> Progress:
        """Count rows as settled and return how far the run is."""
        self._counts[state] += rows
        done = sum(self._counts.values()) - self._counts["pending"]
        seconds = self._clock() - self._started
        return Progress(total=self._total, done=done, seconds=seconds, **self._counts)


@contextmanager
def watching(progress: bool | Watcher, total: int, unit: str = "rows") -> Iterator[Watcher]:
    """Give the watcher that the caller asked for: a bar, silence, or their own function."""
    if callable(progress):
        yield _guarded(progress)
    elif progress:
        with _bar(total, unit) as bar:
            yield lambda now: _show(bar, now)
    else:
        yield lambda now: None


def _bar(total: int, unit: str) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=f" {unit}", desc="Pronto")


def _show(bar: Any, now: Progress) -> None:
    counts = {
        "found": now.found,
        "not found": now.not_found,
        "submitted": now.submitted,
        "errors": now.error,
        "unknown": now.unknown,
    }
    bar.set_postfix({k: n for k, n in counts.items() if n}, refresh=now.done == now.total)
    bar.update(now.done - bar.n)


def _guarded(watcher: Watcher) -> Watcher:
    """Wrap the caller's own function: what it raises must not cost answers."""
    watchers = [watcher]

    def guard(now: Progress) -> None:
        try:
            for call in watchers:
                call(now)
        except Exception as error:  # noqa: BLE001  it is the caller's code
            watchers.clear()
            warn(
                f"progress= raised {type(error).__name__} and is not called again; "
                "the run goes on.",
                ProntoWarning,
            )

    return guard
