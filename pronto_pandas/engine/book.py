"""The ledger as a run writes to it: from its event loop, several entries in one commit.

A thread takes what the tasks of the run want written, commits it together, and only then lets them
go on. So a request never leaves before its entry is on disk, and waiting for the disk costs a run
with a thousand requests in flight one commit, not a thousand.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import sqlalchemy as sa

from ..api.models import Answer
from ..errors import LedgerError
from .entry import LEASE, Entry, Key, Replaceable, fields_of
from .jobs import Job
from .ledger import Ledger
from .owner import new_owner

Operation = Callable[[sa.Connection], Any]
_Work = tuple[Operation, asyncio.Future[Any] | None]


def keys_of(job: Job) -> list[Key]:
    """Return the keys of a job's entries."""
    return [(one.contact.key, type_) for one in (job, *job.others) for type_ in one.types]


def _keys(jobs: Sequence[Job]) -> list[Key]:
    return [key for job in jobs for key in keys_of(job)]


class Book:
    """One run's hand on the ledger; an async context manager.

    Parameters
    ----------
    ledger : Ledger
        Where entries are kept.
    replaceable : callable
        Says of an entry whether this run may send its contact anew.
    """

    def __init__(self, ledger: Ledger, replaceable: Replaceable) -> None:
        self._ledger, self._replaceable = ledger, replaceable
        self._owner = new_owner()
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="pronto-ledger", daemon=True)
        self._claimed: set[Key] = set()
        self._flying: set[Key] = set()
        self._submits = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Settle what the run leaves open: what left is unknown, what did not is free again."""
        lost, free = list(self._flying), list(self._claimed - self._flying)
        try:
            if lost:
                await self._do(lambda c: self._ledger.lose(c, lost, self._owner))
            if free:
                await self._do(lambda c: self._ledger.release(c, free, self._owner))
            if self._submits:
                await self._do(lambda c: self._ledger.leave(c, self._owner))
        except LedgerError:
            pass  # what stays ``sent`` is ``unknown`` to the next run, which is the safe side
        finally:
            self._waiting.put(None)
            await asyncio.to_thread(self._thread.join)

    async def claim(self, jobs: Sequence[Job]) -> dict[Key, Entry]:
        """Claim what may be sent; return the entries of what may not.

        What a dead run has submitted is this run's now, and among what is returned.
        """
        keys = _keys(jobs)
        self._claimed.update(keys)  # before the commit: a run stopped meanwhile must free them
        kept: dict[Key, Entry] = await self._do(
            lambda c: self._ledger.claim(c, keys, self._owner, self._replaceable)
        )
        self._claimed.difference_update(kept)
        self._submits |= any(entry.state == "submitted" for entry in kept.values())
        return kept

    async def about_to_send(self, jobs: Sequence[Job]) -> None:
        """Write that these are sent; only then may they leave."""
        await self._do(lambda c: self._ledger.send(c, _keys(jobs), self._owner))

    def leaves(self, job: Job) -> None:
        """Note that the request goes out now."""
        self._flying.update(keys_of(job))

    async def not_worked_on(self, job: Job) -> None:
        """Write that the request was surely not worked on; the claim stays."""
        await self._do(lambda c: self._ledger.unsend(c, keys_of(job), self._owner))
        self._flying.difference_update(keys_of(job))

    async def submitted(self, job: Job, enrichment_id: str) -> None:
        """Store the name under which the service works on it."""
        self._submits = True
        await self._settle(
            job, lambda c: self._ledger.submit(c, keys_of(job), self._owner, enrichment_id)
        )

    async def answered(self, job: Job, answer: Answer) -> None:
        """Store an answer."""
        fields = fields_of(answer, job.types)
        await self._settle(
            job,
            lambda c: self._ledger.answer(c, {(job.contact.key, t): fields[t] for t in job.types}),
        )

    async def lost(self, job: Job) -> None:
        """Note that nobody knows what became of a request."""
        await self._settle(job, lambda c: self._ledger.lose(c, keys_of(job), self._owner))

    async def free(self, job: Job) -> None:
        """Take the entry back: the request was refused."""
        await self._settle(job, lambda c: self._ledger.release(c, keys_of(job), self._owner))

    async def _settle(self, job: Job, operation: Operation) -> None:
        await self._do(operation)
        self._claimed.difference_update(keys_of(job))
        self._flying.difference_update(keys_of(job))

    async def _do(self, operation: Operation) -> Any:
        future = self._loop.create_future()
        self._waiting.put((operation, future))
        return await future

    def _write(self) -> None:
        """Commit what waits, together; and say now and then that the run lives."""
        renewed = time.monotonic()
        kept: sa.Connection | None = None
        while True:
            batch = self._take(LEASE / 3)
            work = [item for item in batch if item is not None]
            if time.monotonic() - renewed > LEASE / 3:
                renewed = time.monotonic()
                work.append((lambda c: self._ledger.renew(c, self._owner), None))
            if work:
                kept = self._commit(work, kept)
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

    def _commit(self, work: list[_Work], kept: sa.Connection | None) -> sa.Connection | None:
        """Commit, tell who waits, and return the connection for the next time."""
        results: list[Any] = []
        failure: Exception | None = None
        try:
            kept = kept or self._ledger.keep()
            with self._ledger.transaction(kept) as connection:
                results = [operation(connection) for operation, _ in work]
        except Exception as error:  # noqa: BLE001  it is raised in each task that waits
            failure = error
        futures = [future for _, future in work]
        self._loop.call_soon_threadsafe(_tell, futures, results, failure)
        return kept


def _tell(
    futures: list[asyncio.Future[Any] | None], results: list[Any], failure: Exception | None
) -> None:
    for number, future in enumerate(futures):
        if future is None or future.done():  # done: its task was cancelled meanwhile
            continue
        if failure is not None:
            future.set_exception(failure)
            future.exception()  # looked at, even if nobody waits
        else:
            future.set_result(results[number])
