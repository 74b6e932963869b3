"""Stops a run: ends all waiting, and cancels requests in flight only on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from ..errors import LedgerError, ProntoError

T = TypeVar("T")


class Cancellation:
    """Whether and why a run has stopped, and its requests in flight."""

    def __init__(self) -> None:
        # In order, so that a simulation of the same seed cancels in the same order.
        self._waiting: dict[asyncio.Future[Any], None] = {}
        self._in_flight: dict[asyncio.Task[Any], None] = {}
        self._stopped = False
        self.error: ProntoError | None = None

    def stopped(self) -> bool:
        """Return whether the run has stopped sending."""
        return self._stopped

    def stop(self, error: ProntoError | None = None) -> None:
        """Send nothing more; the error of the first call is the reason."""
        if not self._stopped:
            self._stopped, self.error = True, error
        for task in list(self._waiting):
            task.cancel()

    @property
    def awaited(self) -> int:
        """The number of requests in flight."""
        return len(self._in_flight)

    def interrupt(self, grace: float | None) -> None:
        """Stop; after ``grace`` seconds (None: never), cancel what is still in flight."""
        self.stop()
        if grace is not None:
            asyncio.get_running_loop().call_later(grace, self.abandon)

    def abandon(self) -> None:
        """Stop, and cancel what is in flight."""
        self.stop()
        for task in self._in_flight:
            task.cancel()

    async def wait(self, waiting: Awaitable[T]) -> T | None:
        """Await an awaitable; return None if the run stops first."""
        task = asyncio.ensure_future(waiting)
        if self._stopped:
            task.cancel()
        self._waiting[task] = None
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if self._stopped and not _this_task().cancelling():
                return None
            raise
        finally:
            self._waiting.pop(task, None)

    async def recorded(self, writing: Awaitable[None], outcome: T) -> T:
        """Return an outcome after it was written; if that fails, stop and return it anyway."""
        await self.written(writing)
        return outcome

    async def written(self, writing: Awaitable[T]) -> T | None:
        """Return the result of a write; if it fails, stop and return None."""
        try:
            return await writing
        except LedgerError as error:
            self.stop(error)
            return None

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Mark the current task as in flight, so that `abandon` cancels it."""
        task = _this_task()
        self._in_flight[task] = None
        try:
            yield
        finally:
            self._in_flight.pop(task, None)


def _this_task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())
