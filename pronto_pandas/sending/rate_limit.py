"""The rate limit: when each request may start, over all threads and processes with the same key.

Pronto limits the number of *starts* per second, whatever the latency of its answers. So starts are
spaced here, and how many requests are in flight follows from the latency.
"""

# Why: docs/decisions/003-rate-limit.md
# Why: docs/decisions/005-answers-429.md

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from .rate_limit_file import Shared, SharedFile, State

if TYPE_CHECKING:
    import sqlalchemy as sa

log = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Returns the seconds of a monotonic clock that all threads share."""

Sleep = Callable[[float], Awaitable[object]]
Jitter = Callable[[float, float], float]


BUSY = 0.002
"""Seconds to wait while another process has locked the shared state."""

RATE_KEPT = 2.0
"""Seconds after its last use during which the highest rate still applies to all processes."""

MOST_PLACES = 48
"""The queue for starts is at most this many intervals long."""

SLOWER, SLOWEST, RECOVERY = 0.995, 0.1, 0.0003
"""After a 429: the factor applied to the rate, the minimum factor, the recovery per second."""


def backoff(attempt: int, *, first: float = 1.0, most: float = 30.0) -> float:
    """Return the seconds before attempt ``attempt + 1``: doubling, capped."""
    return min(most, first * 2.0 ** min(attempt - 1, 16))


@dataclass(frozen=True, slots=True)
class Limit:
    """The interval between request starts, and how early a start may come.

    With an interval of ``T`` and a tolerance of ``(b - 1) T``, a one-second window (endpoints
    included) contains at most ``floor((1 + (b - 1) T) / T) + 1`` starts. With ``b = 2`` that is 50
    for any ``T`` just above 1/49 s. In addition, 4 % is held back, because requests on connections
    that open at the same time bunch up on their way to the server.
    """

    interval: float
    tolerance: float

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, rate: float) -> Limit:
        """Return the limit that allows ``rate`` starts in any one-second window."""
        whole = max(int(rate), 1)
        burst = 2 if whole >= 4 else 1
        interval = max(1.0 / (0.96 * rate), (1 + 1e-6) / (whole - burst + 1))
        return cls(interval, (burst - 1) * interval)


class Limiter(Protocol):
    """Decides when a `RateLimit` may start a request."""

    def set_rate(self, rate: float) -> None:
        """Change the rate."""

    def slow(self, part: float) -> None:
        """Use a fraction of the rate from now on."""

    def prepare(self, now: float) -> None:
        """Prepare for a start that is needed now or soon; called on the loop that waits."""

    def take(self, now: float, place: float | None) -> tuple[float, float | None]:
        """Start now and return 0; if it is too early, return the seconds to wait and a place."""

    def wait(self, now: float) -> float:
        """Return the seconds until the next start, as far as this process can tell."""

    async def sleep(self, seconds: float, sleep: Sleep) -> None:
        """Wait that long, or less if a start becomes available."""


class Gcra:
    """The generic cell rate algorithm, with a queue.

    No one-second window contains more than ``rate`` request starts of this process. Over all
    processes that share the state, none contains more than the highest of their rates.

    Each start moves ``next_start``, the time of the next regular one, forward by an interval. A
    start may come earlier than ``next_start``, by the tolerance at most. The tolerance is the same
    for all processes, even for one that was slowed down: with a larger one it would always start
    before the others. For the same reason, a request that must wait takes a place in a queue and
    starts at its time, so that a process whose loop wakes late gets as many starts as the others. A
    place is not a permission to start. That is decided at the start itself, so late requests cannot
    bunch up.

    Parameters
    ----------
    rate : float
        Maximum number of request starts in any one-second window.
    shared : Shared, optional
        The state that processes share.
    """

    def __init__(self, rate: float, shared: Shared | None = None) -> None:
        self._shared = shared or Shared()
        self._own_next = -math.inf
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        """Change the rate; earlier starts still count."""
        self._rate, self._part = rate, 1.0
        self._own = Limit.of(rate)

    def slow(self, part: float) -> None:
        """Use a fraction of the rate from now on."""
        self._part = part

    def prepare(self, now: float) -> None:
        """Do nothing: each start is decided when it happens."""

    async def sleep(self, seconds: float, sleep: Sleep) -> None:
        """Wait that long."""
        await sleep(seconds)

    def take(self, now: float, place: float | None = None) -> tuple[float, float | None]:
        """Start now and return 0; if it is too early, return the seconds to wait and a place.

        Parameters
        ----------
        now : float
            Seconds of the clock that all processes share.
        place : float, optional
            The place in the queue that the last call for the same start returned.
        """
        own = self._own_next - self._own.tolerance - now
        if own > 0 and self._rate < self._shared.state.rate:
            return own, place  # a place so far ahead would delay faster processes
        with self._shared.held() as state:
            if state is None:
                return BUSY, place
            limit = self._bring_into_bounds(state, now)
            step = limit.interval / self._part
            ready = max(state.next_start - limit.tolerance, now + own)
            has_come = place is not None and place <= now
            if ready <= now and (has_come or state.next_place <= now):
                state.next_start = max(state.next_start, now) + step
                if not has_come:
                    state.next_place = max(state.next_place, now - limit.tolerance) + step
                self._own_next = max(self._own_next, now) + self._own.interval / self._part
                return 0.0, None
            if place is None or now - place > step:  # late: take a new place
                place = max(state.next_place, ready)
                state.next_place = place + step
            return max(place, ready) - now, place

    def _bring_into_bounds(self, state: State, now: float) -> Limit:
        """Correct impossible values, whatever the file contains; return the limit for all."""
        if not (self._rate < state.rate < math.inf and now < state.rate_until <= now + RATE_KEPT):
            state.rate, state.rate_until = self._rate, now + RATE_KEPT
        limit = Limit.of(state.rate)
        # No start moves the next one further ahead than this. The state keeps the corrected value:
        # with the old one, requests would wait forever.
        furthest = now + limit.tolerance + limit.interval
        if not state.next_start <= furthest:  # or not a number
            state.next_start = furthest
        furthest = now + MOST_PLACES * limit.interval
        if not state.next_place <= furthest:
            state.next_place = furthest
        return limit

    def wait(self, now: float) -> float:
        """Return the seconds until the next start, as far as this process can tell."""
        limit, state = Limit.of(max(self._shared.state.rate, self._rate)), self._shared.state
        shared = min(state.next_start - limit.tolerance, now + limit.interval)
        return max(shared, self._own_next - self._own.tolerance) - now


class RateLimit:
    """Allows one start after another, and none during a pause that Pronto demands.

    Safe to share between threads, each with its own event loop.

    Parameters
    ----------
    rate : float
        Maximum number of request starts in any one-second window.
    limiter : Limiter, optional
        Decides on starts; a `Gcra` by default.
    clock, sleep, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        rate: float,
        limiter: Limiter | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        jitter: Jitter = random.uniform,
    ) -> None:
        self._limiter = limiter or Gcra(rate)
        self.rate = rate
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._lock = threading.Lock()
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )
        self._paused_until = -float("inf")
        self._strikes = 0
        self._part = 1.0
        self._since = clock()

    def set_rate(self, rate: float) -> None:
        """Change the rate; earlier starts still count."""
        with self._lock:
            if rate != self.rate:
                self._limiter.set_rate(rate)
                self.rate, self._part = rate, 1.0

    async def acquire(self) -> float:
        """Wait for the next start and return its time. Every request and every retry needs one."""
        place: float | None = None
        async with self._queue():  # first come, first served; and only the first one wakes
            while True:
                with self._lock:
                    now = self._clock()
                    self._recover(now)
                    paused = self._paused_until - now
                    if paused <= 0.0:
                        # Decided at the start itself: if a loop wakes late, requests that were
                        # planned one after another must not start together.
                        wait, place = self._limiter.take(now, place)
                        self._limiter.prepare(now)
                if paused > 0.0:
                    await self._sleep(paused)
                elif wait <= 0.0:
                    return now
                else:
                    await self._limiter.sleep(wait, self._sleep)

    async def nearly(self, lead: float) -> None:
        """Wait until the next start is at most ``lead`` seconds away; do not take it."""
        while True:
            with self._lock:
                now = self._clock()
                paused = self._paused_until - now - lead
                if paused <= 0.0:
                    wait = self._limiter.wait(now) - lead
                    self._limiter.prepare(now)
            if paused > 0.0:
                await self._sleep(paused)
            elif wait <= 0.0:
                return
            else:
                await self._limiter.sleep(wait, self._sleep)

    def _queue(self) -> asyncio.Lock:
        with self._lock:
            return self._queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    def pause(self, retry_after: float | None) -> float:
        """Pause all starts for a while; return the seconds until the next one.

        Parameters
        ----------
        retry_after : float, optional
            The seconds that Pronto demands. By default, exponential backoff with jitter.
        """
        with self._lock:
            now = self._clock()
            if now >= self._paused_until:  # failures of one burst are one strike
                self._strikes += 1
            wait = retry_after
            if wait is None:
                wait = backoff(self._strikes) * self._jitter(0.5, 1.0)
            self._paused_until = max(self._paused_until, now + wait)
            return self._paused_until - now

    @property
    def paused(self) -> float:
        """The seconds until the end of a pause; 0 if there is none."""
        with self._lock:
            return max(self._paused_until - self._clock(), 0.0)

    def slow_down(self) -> None:
        """Lower the rate a little; it recovers over minutes.

        An occasional 429 comes from the network: some requests arrive closer together than they
        started. A slightly lower rate avoids that.
        """
        with self._lock:
            self._recover(self._clock())
            self._part = max(SLOWEST, SLOWER * self._part)
            self._limiter.slow(self._part)

    def _recover(self, now: float) -> None:
        if self._part < 1.0:
            self._part = min(1.0, self._part + RECOVERY * (now - self._since))
            self._limiter.slow(self._part)
        self._since = now

    def answered(self, started: float) -> None:
        """Record that a request that started at ``started`` was answered."""
        with self._lock:
            if started >= self._paused_until:
                self._strikes = 0


_rate_limits: dict[tuple[str, object], RateLimit] = {}
_rate_limits_lock = threading.Lock()


def rate_limit_for(
    service: str,
    api_key: str,
    rate: float,
    folder: Path | None = None,
    database: sa.Engine | None = None,
) -> RateLimit:
    """Return the rate limit that all runs with this key share.

    It is shared by consecutive runs, by threads, and by the processes on this machine; with a
    database, by all processes that use the database.

    Parameters
    ----------
    service, api_key : str
        The account.
    rate : float
        Maximum number of request starts in any one-second window.
    folder : Path, optional
        The folder that processes share. Without it, or while it is not writable, only the threads
        of this process share the limit.
    database : Engine, optional
        A PostgreSQL database that processes share instead of the folder. The first call for a
        database creates the table there, and blocks until it exists.

    Raises
    ------
    LedgerError
        The database cannot be used. Nothing was sent.
    """
    name = hashlib.sha256(f"{service}\0{api_key}".encode()).hexdigest()
    shared_by = name, None if database is None else database.url
    with _rate_limits_lock:
        if shared_by not in _rate_limits:
            if database is None:
                limiter: Limiter = Gcra(rate, SharedFile(folder, name) if folder else None)
            else:
                limiter = _leased(service, api_key, rate, database)
            _rate_limits[shared_by] = RateLimit(rate, limiter)
        rate_limit = _rate_limits[shared_by]
    rate_limit.set_rate(rate)
    return rate_limit


def _leased(service: str, api_key: str, rate: float, database: sa.Engine) -> Limiter:
    from .rate_limit_leases import LeasedStarts
    from .rate_limit_table import RateLimitTable, account

    table = RateLimitTable(database)
    table.prepare()
    return LeasedStarts(rate, table.lease, account(service, api_key))


_SPARE_FILES = 128
_FEWEST_IN_FLIGHT = 16


def in_flight_at_most(rate: float, timeout: float) -> int:
    """Return how many requests may be in flight: as many as rate and sockets allow."""
    wanted = int(rate * timeout) + 1
    return max(_FEWEST_IN_FLIGHT, min(wanted, allow_sockets(wanted)))


def allow_sockets(wanted: int) -> int:
    """Return how many of the wanted sockets may be open, with some spare files besides.

    If the soft limit of the process is lower, it is raised as far as the system allows.
    """
    if sys.platform == "win32":  # pragma: no cover  the event loop there needs no file numbers
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _SPARE_FILES
    if soft < needed and (hard == resource.RLIM_INFINITY or soft < hard):
        target = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            soft = target
        except (OSError, ValueError):  # a system may allow less than it says
            pass
    return min(wanted, soft - _SPARE_FILES)
