"""Group commit: the tasks of an event loop write to the ledger together.

A thread collects the tasks' writes, commits them in one transaction, and only then lets the tasks
continue. So a request is never sent before its entry is on disk, and a thousand requests in flight
wait for one commit, not for a thousand.
"""

# Why: docs/decisions/009-ledger-and-group-commit.md

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from ..errors import LedgerError
from .database import LedgerBusyError, Transaction
from .lease import LEASE, Run, machine_clock
from .store import Ledger

T = TypeVar("T")

RETRY_FOR = 45.0
"""Seconds for which writes are retried if the ledger is locked or cannot be reached."""

RETRY_WAIT = 0.25
"""Seconds between two attempts."""

Operation = Callable[[Transaction, bool], T]
"""Writes in a transaction; the flag says whether an earlier attempt may have been committed."""

_Work = tuple[Operation[Any], "asyncio.Future[Any]"]

Commit = Generator[float, bool, list[Any]]
"""Yields the seconds to wait before a retry, receives whether to give up, and returns the results.

The result of an operation that could not be written is its exception.
"""


class Commits:
    """Commits a run's operations and its lease together; the caller does the waiting.

    ``clock`` also counts time during which the machine sleeps; ``monotonic`` measures retries.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: Run,
        *,
        clock: Callable[[], float] = machine_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._run = ledger, run
        self._clock, self._monotonic = clock, monotonic
        self._kept: sa.Connection | None = None
        self._renewed = -math.inf

    def leased(self) -> bool:
        """Return whether the run's lease is still valid; time asleep counts, too."""
        return self._clock() < self._renewed + LEASE

    def commit(self, operations: Sequence[Operation[Any]]) -> Commit:
        """Commit operations, and renew the lease if that is due."""
        began = self._clock()
        renews = began - self._renewed > LEASE / 3
        if renews:
            operations = [lambda t, _: self._ledger.renew(t, self._run), *operations]
        results = (yield from self._together(operations)) if operations else []
        if renews and not isinstance(results.pop(0), Exception):
            self._renewed = began
        return results

    def close(self) -> None:
        """Close the connection."""
        if self._kept is not None:
            self._kept.close()

    def _together(self, operations: Sequence[Operation[Any]]) -> Commit:
        """Commit all together; if one of them cannot be written, each separately."""
        until, again = self._monotonic() + RETRY_FOR, False
        while True:
            try:
                self._kept = self._kept or self._ledger.database.keep()
                with self._ledger.write(self._kept) as t:
                    results = [operation(t, again) for operation in operations]
                return results
            except LedgerBusyError as error:
                self._discard()
                again = True
                if self._monotonic() > until or (yield RETRY_WAIT):
                    return [LedgerError(str(error))] * len(operations)
            except Exception as error:  # noqa: BLE001  it is raised in the task that waits
                self._discard()
                if len(operations) == 1:
                    return [error]
                results = []
                for one in operations:
                    results += yield from self._together([one])
                return results

    def _discard(self) -> None:
        """Close a connection that may be broken; the next commit opens a new one."""
        if self._kept is not None:
            self._kept.invalidate()
            self._kept.close()
            self._kept = None


class Writer:
    """Writes for one run and renews its lease; an async context manager."""

    def __init__(self, ledger: Ledger, run: Run) -> None:
        self.run = run
        self._commits = Commits(ledger, run)
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="pronto-ledger", daemon=True)
        self._hurried = threading.Event()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    async def write(self, operation: Operation[T]) -> T:
        """Return an operation's result once it is on disk.

        Raises
        ------
        LedgerError
            The operation could not be written.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.put((operation, future))
        return await future

    def leased(self) -> bool:
        """Return whether the run's lease is still valid; time asleep counts, too."""
        return self._commits.leased()

    def hurry(self) -> None:
        """Stop retrying writes that fail."""
        self._hurried.set()

    def _work(self) -> None:
        while True:
            batch = self._take(LEASE / 3)
            work = [item for item in batch if item is not None]
            results = self._finish(self._commits.commit([operation for operation, _ in work]))
            self._loop.call_soon_threadsafe(set_results, [future for _, future in work], results)
            if None in batch:
                break
        self._commits.close()

    def _take(self, seconds: float) -> list[_Work | None]:
        batch: list[_Work | None] = []
        try:
            batch.append(self._waiting.get(timeout=seconds))
            while True:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            return batch

    def _finish(self, commit: Commit) -> list[Any]:
        """Run a commit to its end, waiting as it requests."""
        try:
            wait = next(commit)
            while True:
                wait = commit.send(self._hurried.wait(wait))
        except StopIteration as end:
            results: list[Any] = end.value
            return results


def commit(ledger: Ledger, operation: Callable[[Transaction], T]) -> T:
    """Return an operation's result once it is on disk; for writes outside of a run.

    Raises
    ------
    LedgerError
        The operation could not be written, or the ledger stayed busy for `RETRY_FOR` seconds.
    """
    until = time.monotonic() + RETRY_FOR
    while True:
        try:
            with ledger.write() as t:
                return operation(t)
        except LedgerBusyError:
            if time.monotonic() > until:
                raise
        time.sleep(RETRY_WAIT)


def set_results(futures: Sequence[asyncio.Future[Any]], results: Sequence[Any]) -> None:
    """Give each future its result, unless its task was cancelled."""
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
            future.exception()  # retrieved, even if nobody waits
        else:
            future.set_result(result)
