"""How fast, and how many at once.

The service allows a number of *starts* a second, whatever an answer's latency. So starts are
paced here, and what is in flight follows from the answers' latency by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from weakref import WeakKeyDictionary

import portalocker

from .shared import Moment, SharedMoment

log = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds of a clock that never goes back and is the same in all threads."""

Sleep = Callable[[float], Awaitable[object]]
Jitter = Callable[[float, float], float]


SLOWER, SLOWEST, RECOVERY = 0.995, 0.1, 0.0003
"""The pace after a 429, as a part of before; the least; and what comes back of it in a second."""


def backoff(attempt: int, *, first: float = 1.0, most: float = 30.0) -> float:
    """Return the seconds before attempt ``attempt + 1``: doubling, capped."""
    return min(most, first * 2.0 ** min(attempt - 1, 16))


class Gcra:
    """The generic cell rate algorithm: no closed sliding second holds more than ``rate`` starts.

    A burst of ``b`` and an interval ``T`` between starts let at most
    ``floor((1 + (b - 1) T) / T) + 1`` starts into a second. With a burst of 2 that is 50 for any
    ``T`` just above 1/49 s; 4 % are kept back on top, because connections that open at the same
    moment bunch on their way to the server.

    Parameters
    ----------
    rate : float
        Starts that no sliding second may exceed.
    moment : Moment, optional
        Where the next regular start is kept; a shared one holds the limit over all who share it.
    """

    def __init__(self, rate: float, moment: Moment | None = None) -> None:
        whole = max(int(rate), 1)
        self._burst = 2 if whole >= 4 else 1
        self._fastest = max(1.0 / (0.96 * rate), (1 + 1e-6) / (whole - self._burst + 1))
        self.slow(1.0)
        self.moment = moment or Moment()

    def slow(self, part: float) -> None:
        """Start at a part of the full pace from now on."""
        self._interval = self._fastest / part
        # Not of the slower interval: others may share the moment at full pace.
        self._tolerance = (self._burst - 1) * self._fastest

    def take(self, now: float) -> float:
        """Start now and return 0, or return the seconds to wait before asking again."""
        with self.moment.held():
            wait = self.wait(now)
            if wait > 0:
                return wait
            self.moment.value = max(self._ahead(now), now) + self._interval
            return 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until the next start, as far as it is known without asking others."""
        return self._ahead(now) - self._tolerance - now

    def _ahead(self, now: float) -> float:
        # Further ahead than this it never is, but for one left from before a restart.
        return min(self.moment.value, now + self._tolerance + self._interval)


class Pace:
    """Lets one start after the other through, and none while the service asks for a pause.

    Safe to share between threads, each with an event loop of its own.

    Parameters
    ----------
    rate : float
        Starts that no sliding second may exceed.
    moment : Moment, optional
        Shared with other processes, or the own of this one.
    clock, sleep, jitter : callable
        Injected, so that tests need no real time.
    """

    def __init__(
        self,
        rate: float,
        moment: Moment | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        jitter: Jitter = random.uniform,
    ) -> None:
        self._gcra = Gcra(rate, moment)
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
        """Change the rate; starts that were already let through still count."""
        with self._lock:
            if rate != self.rate:
                self._gcra, self.rate = Gcra(rate, self._gcra.moment), rate
                self._part = 1.0

    async def turn(self) -> float:
        """Wait for the next start and return its moment. Every request needs one, retries too."""
        async with self._queue():  # first come, first served; and only the first one wakes
            while True:
                with self._lock:
                    now = self._clock()
                    self._recover(now)
                    # Checked at the moment of the start itself: a loop that wakes late must not
                    # let those through together that were planned one after the other.
                    wait = max(self._paused_until - now, 0.0) or self._gcra.take(now)
                if wait <= 0.0:
                    return now
                await self._sleep(wait)

    async def near(self, lead: float) -> None:
        """Wait until the next start is at most ``lead`` seconds away, without taking it."""
        while True:
            with self._lock:
                now = self._clock()
                wait = max(self._paused_until - now, self._gcra.wait(now)) - lead
            if wait <= 0.0:
                return
            await self._sleep(wait)

    def _queue(self) -> asyncio.Lock:
        with self._lock:
            return self._queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    def pause(self, retry_after: float | None) -> float:
        """Hold every start for a while; return the seconds from now until the next.

        Parameters
        ----------
        retry_after : float, optional
            Seconds the service asks for. Without it, an exponential backoff with jitter.
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

    def slow_down(self) -> None:
        """Go a little slower from now on, and recover over minutes.

        One 429 now and then is the network's doing, which lets some requests arrive closer together
        than they started; a little slower, and there are none.
        """
        with self._lock:
            self._recover(self._clock())
            self._part = max(SLOWEST, SLOWER * self._part)
            self._gcra.slow(self._part)

    def _recover(self, now: float) -> None:
        if self._part < 1.0:
            self._part = min(1.0, self._part + RECOVERY * (now - self._since))
            self._gcra.slow(self._part)
        self._since = now

    def worked(self, started: float) -> None:
        """Note that a request that started at ``started`` was answered."""
        with self._lock:
            if started >= self._paused_until:
                self._strikes = 0


_paces: dict[str, Pace] = {}
_paces_lock = threading.Lock()


def pace_for(address: str, api_key: str, rate: float, folder: Path | None = None) -> Pace:
    """Return the pace that all runs with this key share.

    Two runs one after the other, side by side in threads, or in two processes of this machine,
    share one sliding second.

    Parameters
    ----------
    address, api_key : str
        Whose limit it is.
    rate : float
        Starts that no sliding second may exceed.
    folder : Path, optional
        Where processes share; without, or where it cannot be written, the threads of this one do.
    """
    name = hashlib.sha256(f"{address}\0{api_key}".encode()).hexdigest()
    with _paces_lock:
        if name not in _paces:
            _paces[name] = Pace(rate, _moment(folder, name))
        pace = _paces[name]
    pace.set_rate(rate)
    return pace


def _moment(folder: Path | None, name: str) -> Moment:
    if folder is None:
        return Moment()
    try:
        shared = SharedMoment(folder / name)
        with shared.held():
            return shared
    except (OSError, portalocker.exceptions.BaseLockException):
        log.warning("Other processes with this key are not seen: their folder is not writable.")
        return Moment()


_SPARE_FILES = 128
_FEWEST_IN_FLIGHT = 16


def in_flight_at_most(rate: float, timeout: float) -> int:
    """Return how many requests may be in flight: what the pace can reach, if sockets allow."""
    wanted = int(rate * timeout) + 1
    return max(_FEWEST_IN_FLIGHT, min(wanted, allow_sockets(wanted)))


def allow_sockets(wanted: int) -> int:
    """Return how many of the sockets that are wanted may be open, beside some files.

    Where the soft limit of the process is lower, it is raised as far as the system allows.
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
