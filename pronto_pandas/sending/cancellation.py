"""Whether a run goes on: one place that ends all waiting when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from ..errors import LedgerError, ProntoError

T = TypeVar("T")


class Halt:
    """Stops a run in order: nothing more starts, what is in flight goes on or is let go."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[Any]] = set()
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._stopped = False
        self.error: ProntoError | None = None

    def stopped(self) -> bool:
        """Whether nothing more is sent."""
        return self._stopped

    def stop(self, error: ProntoError | None = None) -> None:
        """Start nothing more; the first error is the one that counts."""
        if not self._stopped:
            self._stopped, self.error = True, error
        for task in self._waiting:
            task.cancel()

    @property
    def awaited(self) -> int:
        """How many answers are in flight."""
        return len(self._in_flight)

    def interrupt(self, grace: float | None) -> None:
        """Stop, and let go of what is in flight after so many seconds; without, wait for it."""
        self.stop()
        if grace is not None:
            asyncio.get_running_loop().call_later(grace, self.abandon)

    def abandon(self) -> None:
        """Let go of what is in flight, too."""
        self.stop()
        for task in self._in_flight:
            task.cancel()

    async def wait(self, waiting: Awaitable[T]) -> T | None:
        """Await something that a stop ends; None where it did."""
        task = asyncio.ensure_future(waiting)
        if self._stopped:
            task.cancel()
        self._waiting.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if self._stopped and not _this_task().cancelling():
                return None
            raise
        finally:
            self._waiting.discard(task)

    async def kept(self, writing: Awaitable[None], outcome: T) -> T:
        """Write to the ledger first; where it fails, stop, and hand the outcome on all the same."""
        try:
            await writing
        except LedgerError as error:
            self.stop(error)
        return outcome

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Mark the task that runs as in flight; where it is let go, it is cancelled."""
        task = _this_task()
        self._in_flight.add(task)
        try:
            yield
        finally:
            self._in_flight.discard(task)


def _this_task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())
