"""The ledger of a simulated process: the real one, with faults, and a writer in virtual time."""

from __future__ import annotations

import asyncio
import functools
import random
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from pronto_pandas import LedgerError

from ..seams.storage import (
    LEASE,
    Commits,
    Database,
    Ledger,
    LedgerBusyError,
    Operation,
    Transaction,
    Writer,
    schema,
    set_results,
)
from ..seams.storage import database as databases
from .world import Process

T = TypeVar("T")

LOCK = threading.Lock()


@functools.cache
def engine() -> sa.Engine:
    """Return the one database; each simulation empties it, as statements take long to compile."""
    made = databases._sqlite(StaticPool, connect_args={"check_same_thread": False})
    Database(made, "memory", lock=LOCK).prepare()
    return made


def raw() -> sqlite3.Connection:
    """Return the connection itself, for those who only look."""
    with engine().connect() as connection:
        return cast("sqlite3.Connection", connection.connection.driver_connection)


def emptied() -> None:
    """Delete all rows."""
    connection = raw()
    for table in schema.metadata.sorted_tables:
        if table is not schema.meta:
            connection.execute(f"DELETE FROM {table.name}")  # noqa: S608  names of our own tables


class Faults:
    """What goes wrong with a process's ledger.

    Parameters
    ----------
    busy, full : tuple of float
        From when until when it is locked, or its disk is full.
    lost : dict
        By the number of a transaction: the connection is lost ``before`` or ``after`` the commit.
    """

    def __init__(
        self,
        busy: tuple[float, float] = (0.0, 0.0),
        full: tuple[float, float] = (0.0, 0.0),
        lost: dict[int, str] | None = None,
    ) -> None:
        self.busy, self.full, self.lost = busy, full, lost or {}


class SimulatedDatabase(Database):
    """The shared database, as one process reaches it.

    Parameters
    ----------
    process : Process
        Whose clocks are used.
    faults : Faults
        What goes wrong.
    committed : callable
        Called after each commit.
    """

    def __init__(self, process: Process, faults: Faults, committed: Callable[[], None]) -> None:
        machine = process.machine
        super().__init__(
            engine(), "memory", lock=LOCK, clock=machine.clock, date_clock=machine.date
        )
        self._process, self._faults, self._committed = process, faults, committed
        self.transactions = 0

    @contextmanager
    def write(self, kept: sa.Connection | None = None) -> Iterator[Transaction]:
        """Open a transaction, or fail as a database does."""
        self.transactions += 1
        now, faults = self._process.world.now, self._faults
        lost = faults.lost.get(self.transactions)
        if faults.busy[0] <= now < faults.busy[1]:
            raise LedgerBusyError("locked")
        if faults.full[0] <= now < faults.full[1]:
            raise LedgerError("full")
        with super().write(kept) as t:
            yield t
            if lost == "before":
                raise LedgerBusyError("lost")
        self._committed()
        if lost == "after":
            self._process.world.log(self._process, "loses the connection after a commit")
            raise LedgerBusyError("lost")


class SimulatedWriter(Writer):
    """Writes as the thread of the real one does, in virtual time.

    Parameters
    ----------
    process : Process
        Whose it is; it is stopped and killed with it.
    ledger : Ledger
        Where to write.
    chance : Random
        How long it takes.
    slow : float
        Seconds that a commit takes, about.
    watch : callable
        Called before and after each try with "before" or "after"; returns whether to go on.
    """

    def __init__(
        self,
        process: Process,
        ledger: Ledger,
        chance: random.Random,
        slow: float,
        watch: Callable[[str], bool],
    ) -> None:
        self.run, self._process = process.run, process
        machine = process.machine
        self._commits = Commits(
            ledger, process.run, clock=machine.clock, monotonic=machine.monotonic
        )
        self._chance, self._slow, self._watch = chance, slow, watch
        self._queue: list[tuple[Operation[Any], asyncio.Future[Any]]] = []
        self._idle: asyncio.TimerHandle | None = None
        self._busy = self._hurry = False
        self._ended: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._rest()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.dead:
            return
        self._ended = self._loop.create_future()
        if not self._busy:
            self._begin()
        await self._ended

    async def write(self, operation: Operation[T]) -> T:
        """Return what an operation returns, once it is committed and that is known."""
        if self._process.dead:
            raise LedgerError("dead")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append((operation, future))
        if not self._busy:
            self._begin()
        return await future

    def hurry(self) -> None:
        """Do not try again any more what cannot be written."""
        self._hurry = True

    def _rest(self) -> None:
        self._idle = self._loop.call_later(LEASE / 3, self._begin)

    def _begin(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._busy = True
        self._loop.call_later(self._chance.expovariate(2 / self._slow), self._collect)

    def _collect(self) -> None:
        batch, self._queue = self._queue, []
        commit = self._commits.commit([operation for operation, _ in batch])
        self._try(commit, [future for _, future in batch], None)

    def _try(
        self,
        commit: Generator[float, bool, list[Any]],
        futures: Sequence[asyncio.Future[Any]],
        give_up: bool | None,
    ) -> None:
        if not self._watch("before"):
            return
        try:
            wait = next(commit) if give_up is None else commit.send(self._hurry)
        except StopIteration as end:
            if self._watch("after"):
                delay = self._chance.expovariate(2 / self._slow)
                self._loop.call_later(delay, self._acknowledge, futures, end.value)
        else:
            self._loop.call_later(wait, self._try, commit, futures, self._hurry)

    def _acknowledge(self, futures: Sequence[asyncio.Future[Any]], results: list[Any]) -> None:
        set_results(futures, results)
        self._watch("acknowledged")
        self._busy = False
        if self._queue:
            self._begin()
        elif self._ended is None:
            self._rest()
        elif not self._ended.done():
            self._ended.set_result(None)
