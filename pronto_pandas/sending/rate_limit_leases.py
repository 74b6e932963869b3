"""Request starts that are leased from a database, so that machines share a rate limit.

The database has one number per account: when the next start is due, by the database's clock; no
other clock counts. A process leases a few starts at a time, ``T`` apart. No two leases overlap.

Why no closed one-second window contains more than ``rate`` starts, over all processes
--------------------------------------------------------------------------------------
A lease says "the first start is at ``first``; it is ``now``", and came with a statement that was
sent at ``before`` and answered at ``after`` by this process's monotonic clock. The database read
its clock between the two, so a time ``x`` of it lies between ``before + (x - now)`` and
``after + (x - now)`` here. What is between the two is the lag of the statement. Clocks that run at
different speeds widen it by `DRIFT` of ``x - now``.

1. A start is used no earlier than the later bound: by the database's clock, never before its time.
2. It is used at most ``LATENESS`` after the earlier bound, or discarded: by the database's clock,
   at most ``LATENESS`` after its time.

So the starts in a closed one-second window have their times in a closed span of ``1 + LATENESS``,
which contains at most ``floor((1 + LATENESS) / T) + 1`` of them. `interval_for` chooses ``T`` so
that this is the rate: with 50 and 40 ms, ``T`` = 1/48 s gives ``floor(49.92) + 1``, and 96 % of
the limit.

The lag uses up the lateness, and with a longer lag no start could be used. So what a lag exceeds
`EXACT` by is the *guard*: all starts of the lease may be used later by this time, because the error
is the same for all of them. In return, the last starts of the lease, a guard's worth, are given up.
The others stay ``T`` apart, and ``T`` before the next lease, whatever the error is. The second rule
applies to the shifted times. Lag costs speed, but never breaks the limit.
"""

# Why: docs/decisions/004-rate-limit-on-postgresql.md

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

log = logging.getLogger(__name__)

LATENESS = 0.04
"""Seconds by which a start may be used late."""

EXACT = 0.02
"""Seconds of lag that the lateness allows for; with more lag, some starts are given up."""

DRIFT = 5e-4
"""Fraction by which the speeds of two clocks may differ while one of them is corrected."""

WORTH = 0.3
"""Maximum seconds that the starts of one lease cover."""

SPACING = 0.25
"""Minimum seconds between two SQL statements of a process: at most five per second."""

LOW = 0.1
"""The next lease is requested when the remaining starts cover this many seconds, plus some lag."""

MOST_LAG = 5.0
"""Maximum seconds of lag for which a lease is extended."""

LONGEST_BACKOFF = 4.0
"""Maximum seconds between two statements while the database does not respond."""

Run = Callable[[Callable[[], "Lease | None"]], Awaitable["Lease | None"]]
"""Runs a blocking function without blocking the loop."""


class Lease(NamedTuple):
    """The time of the first start of a lease, and the current time, by the database's clock."""

    first_start: float
    now: float


class Lessor(Protocol):
    """Grants leases."""

    def __call__(self, account: str, count: int, interval: float) -> Lease | None:
        """Lease ``count`` starts that are ``interval`` apart; None if none are available now."""


class _Start(NamedTuple):
    earliest: float
    latest: float
    wall: float
    """By how much the wall clock was ahead of the monotonic one when the start was leased."""


def interval_for(rate: float) -> float:
    """Return the seconds between two leased starts, by the arithmetic in the module's docstring."""
    return max(1.0 / (0.96 * rate), (1.0 + LATENESS) * (1 + 1e-6) / max(int(rate), 1))


class LeasedStarts:
    """The limiter of a `RateLimit` that leases its starts.

    It leases as many as were recently needed, for `WORTH` seconds at most, and more before they are
    used up. Unused ones expire. While the database does not respond, nothing starts.

    Parameters
    ----------
    rate : float
        Maximum number of request starts in any one-second window.
    lease : callable
        Leases from the database; may block, may raise.
    account : str
        The account.
    clock, wall, run : callable
        Injected, so that tests need no real time, and no threads.
    """

    def __init__(
        self,
        rate: float,
        lease: Lessor,
        account: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        run: Run = asyncio.to_thread,
    ) -> None:
        self._lease, self._account = lease, account
        self._clock, self._wall, self._run = clock, wall, run
        self._starts: deque[_Start] = deque()
        self._task: asyncio.Task[None] | None = None
        self._next_statement = -math.inf
        self._lag = 0.0
        self._failures = 0
        self._waiting = False
        self._pid = os.getpid()
        self.set_rate(rate)
        self._wanted = self._full

    def set_rate(self, rate: float) -> None:
        """Change the rate; starts that were leased before are given up."""
        self._fastest = interval_for(rate)
        self._full = math.ceil(WORTH / self._fastest)
        self._starts.clear()
        self.slow(1.0)

    def slow(self, part: float) -> None:
        """Lease starts at a fraction of the rate from now on."""
        self._interval = self._fastest / part

    def take(self, now: float, place: float | None = None) -> tuple[float, None]:
        """Start now and return 0, or return the seconds to wait."""
        missed = self._drop_late(now)
        if self._waiting:  # they were needed, and the loop was late
            self._wanted += missed
        wait = self.wait(now)
        self._waiting = wait > 0.0
        if not self._waiting:
            self._starts.popleft()
            self._wanted += 1
        return wait, None

    def wait(self, now: float) -> float:
        """Return the seconds until the next leased start; infinite if there is none."""
        self._drop_late(now)
        return max(self._starts[0].earliest - now, 0.0) if self._starts else math.inf

    def _drop_late(self, now: float) -> int:
        """Discard what is too late, also by the wall clock: the monotonic one stops in sleep."""
        if self._pid != os.getpid():  # the parent of a fork uses them
            self._starts.clear()
            self._task, self._pid = None, os.getpid()
        wall, before = self._wall(), len(self._starts)
        while self._starts and max(now, wall - self._starts[0].wall) > self._starts[0].latest:
            self._starts.popleft()
        return before - len(self._starts)

    def prepare(self, now: float) -> None:
        """Request a lease in the background if few starts are left."""
        left = self._starts[-1].earliest - now if self._starts else 0.0
        if left > LOW + 2 * self._lag or now < self._next_statement or self._asking():
            return
        count = max(1, min(self._full, 2 * self._wanted)) + self._given_up(self._lag)
        self._wanted = 0
        self._next_statement = now + SPACING
        self._task = asyncio.get_running_loop().create_task(self._ask(count, self._interval))

    def _asking(self) -> bool:
        task = self._task
        return task is not None and not task.done() and not task.get_loop().is_closed()

    def _given_up(self, lag: float) -> int:
        return math.ceil(max(0.0, min(lag, MOST_LAG) - EXACT) / self._interval)

    async def sleep(self, seconds: float, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Wait that long, or until a lease comes if there is none."""
        task = self._task
        if self._starts:
            await sleep(seconds)
        elif task and self._asking() and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait({task})
        else:  # another loop requests one, or it is too early for another
            await sleep(max(self._next_statement - self._clock(), EXACT))

    async def _ask(self, count: int, interval: float) -> None:
        rate = self._fastest
        before, wall = self._clock(), self._wall()
        try:
            lease = await self._run(lambda: self._lease(self._account, count, interval))
        except Exception as error:  # noqa: BLE001  whatever it is, it must not cost a request
            self._failed(error)
            return
        after = self._clock()
        if self._failures:
            log.info("The database that coordinates the rate limit responds again.")
        self._failures, self._lag = 0, after - before
        if lease is None:
            self._next_statement = after + 4 * SPACING
            return
        if rate != self._fastest:
            return
        guard = max(0.0, self._lag - EXACT)
        for number in range(count - math.ceil(guard / interval)):
            ahead = lease.first_start + number * interval - lease.now
            earliest = after + ahead * (1 + DRIFT)
            latest = before + (ahead + guard + LATENESS) * (1 - DRIFT)
            self._starts.append(_Start(earliest, latest, wall - before))

    def _failed(self, error: Exception) -> None:
        if not self._failures:
            log.warning(
                "The database that coordinates the rate limit does not respond (%s). No request is "
                "sent until it responds. The run keeps trying.",
                type(error).__name__,
            )
        self._failures += 1
        backoff = min(LONGEST_BACKOFF, SPACING * 2.0 ** min(self._failures, 8))
        self._next_statement = self._clock() + backoff
