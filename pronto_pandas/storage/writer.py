"""Group commit: the tasks of an event loop write to the ledger together.

A thread takes what the tasks want written, commits it in one transaction, and only then lets them
go on. So a request never leaves before its entry is on disk, and waiting for the disk costs a run
with a thousand requests in flight one commit, not a thousand.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from ..errors import LedgerError
from .database import LedgerBusyError, Transaction
from .lease import LEASE, Run, machine_clock
from .store import Ledger

T = TypeVar("T")

RETRY_FOR = 45.0
"""Seconds for which a ledger that is locked or cannot be reached is tried again."""

RETRY_WAIT = 0.25
"""Seconds between two tries."""

Operation = Callable[[Transaction, bool], T]
"""Writes in a transaction; the flag says that an earlier try may have been committed."""

_Work = tuple[Operation[Any], "asyncio.Future[Any] | None"]


class Writer:
    """Writes for one run, and renews its lease; an async context manager.

    Parameters
    ----------
    ledger : Ledger
        Where to write.
    run : Run
        Whose lease is renewed.
    """

    def __init__(self, ledger: Ledger, run: Run) -> None:
        self._ledger, self.run = ledger, run
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="pronto-ledger", daemon=True)
        self._hurried = threading.Event()
        self._renewed = -math.inf

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    async def write(self, operation: Operation[T]) -> T:
        """Return what an operation returns, once it is on disk.

        Raises
        ------
        LedgerError
            Where it could not be written.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.put((operation, future))
        return await future

    def leased(self) -> bool:
        """Return whether the run's lease has not run out, also not while the machine slept."""
        return machine_clock() < self._renewed + LEASE

    def hurry(self) -> None:
        """Do not try again any more what cannot be written."""
        self._hurried.set()

    def _work(self) -> None:
        kept: sa.Connection | None = None
        while True:
            batch = self._take(LEASE / 3)
            work = [item for item in batch if item is not None]
            began = machine_clock()
            renews = began - self._renewed > LEASE / 3
            if renews:
                work.insert(0, (lambda t, _: self._ledger.renew(t, self.run), None))
            if work:
                results, kept = self._commit(work, kept)
                if renews and not isinstance(results[0], Exception):
                    self._renewed = began
                futures = [future for _, future in work]
                self._loop.call_soon_threadsafe(_set, futures, results)
            if None in batch:
                break
        if kept is not None:
            kept.close()

    def _take(self, seconds: float) -> list[_Work | None]:
        batch: list[_Work | None] = []
        try:
            batch.append(self._waiting.get(timeout=seconds))
            while True:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            return batch

    def _commit(
        self, work: list[_Work], kept: sa.Connection | None
    ) -> tuple[list[Any], sa.Connection | None]:
        """Commit all together, and where one of them cannot be written, each by itself."""
        until, again = time.monotonic() + RETRY_FOR, False
        while True:
            try:
                kept = kept or self._ledger.database.keep()
                with self._ledger.write(kept) as t:
                    results = [operation(t, again) for operation, _ in work]
                return results, kept
            except LedgerBusyError as error:
                kept, again = _discarded(kept), True
                if time.monotonic() > until or self._hurried.wait(RETRY_WAIT):
                    return [LedgerError(str(error))] * len(work), kept
            except Exception as error:  # noqa: BLE001  it is raised in the task that waits
                kept = _discarded(kept)
                if len(work) == 1:
                    return [error], kept
                alone: list[Any] = []
                for one in work:
                    result, kept = self._commit([one], kept)
                    alone += result
                return alone, kept


def commit(ledger: Ledger, operation: Callable[[Transaction], T]) -> T:
    """Return what an operation returns, once it is on disk; for writes outside of a run.

    Raises
    ------
    LedgerError
        Where it could not be written; a ledger that is busy is tried again first.
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


def _discarded(connection: sa.Connection | None) -> sa.Connection | None:
    """Close a connection that may be broken; the next one is a new one."""
    if connection is not None:
        connection.invalidate()
        connection.close()
    return None


def _set(futures: list[asyncio.Future[Any] | None], results: list[Any]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future is None or future.done():  # done: its task was cancelled meanwhile
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
            future.exception()  # retrieved, even if nobody waits
        else:
            future.set_result(result)
