"""Machines, processes on them, and the one who lets them run: in the order of their next event."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import random
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from ..seams.sending import Shared
from ..seams.storage import Run, RunRecord
from .loop import SteppedLoop

EPOCH = 1_800_000_000.0
LONGEST = 4 * 3600.0
"""Virtual seconds after which a simulation counts as one that does not end."""

MOST_STEPS = 150_000

ROUND = 1e-6
"""Seconds that a round of an event loop takes."""


class ViolationError(AssertionError):
    """Something happened that must not."""


def dice(*names: object) -> random.Random:
    """Return chance that depends on these names alone, not on what was drawn before."""
    return random.Random(zlib.crc32(repr(names).encode()))


@dataclass
class Machine:
    """A computer, its clocks, and its sleep.

    Parameters
    ----------
    world : World
        Has the time.
    name : str
        As a `Run` has it.
    date_offset : float
        How wrong its date is.
    coarse : bool
        Its date has whole seconds only.
    """

    world: World
    name: str
    date_offset: float = 0.0
    coarse: bool = False
    booted: float = 1000.0
    slept: float = 0.0
    awake_at: float = 0.0
    limit: Shared = field(default_factory=Shared)

    def clock(self) -> float:
        """Return the clock that goes on in sleep."""
        return self.world.now + self.booted

    def monotonic(self) -> float:
        """Return the clock that stops in sleep; timers go by it."""
        return self.world.now - self.slept + self.booted

    def date(self) -> float:
        """Return the seconds since 1970, as this machine has them."""
        date = EPOCH + self.world.now + self.date_offset
        return math.floor(date) if self.coarse else date

    def sleep(self, seconds: float) -> None:
        """Stop everything on it."""
        if self.world.now >= self.awake_at:
            self.slept += seconds
            self.awake_at = self.world.now + seconds


@dataclass(eq=False)
class Process:
    """One process, which has one run.

    Parameters
    ----------
    world : World
        Lets it run.
    machine : Machine
        Where it is.
    number : int
        Tells it from the others.
    """

    world: World
    machine: Machine
    number: int
    dead: bool = False
    resume_at: float = 0.0
    paused_until: float = -math.inf
    on_pause: Callable[[], None] | None = None
    leaving: list[tuple[str, str]] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.loop = SteppedLoop(self.machine.monotonic, self.world.tick)
        record = RunRecord("account", f"record-{self.number}")
        self.run = Run(f"run-{self.number}", self.machine.name, f"sim:{self.number}", record)

    def due(self) -> float:
        """Return when it has something to do and is able to."""
        woken = self.loop.wake + self.machine.slept - self.machine.booted
        return max(woken, self.resume_at, self.machine.awake_at)

    def start(self, main: Coroutine[Any, Any, None]) -> None:
        """Begin."""
        self.task = self.loop.create_task(main)
        self.loop.wake = self.loop.time()
        self.world.running.append(self)

    def deliver(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Hand it something from outside, which it sees when it runs."""
        if not self.dead and self in self.world.running:
            self.loop.soon(callback, *arguments)

    def stop(self, seconds: float) -> None:
        """Stop it, as SIGSTOP does, and let it go on later."""
        self.world.log(self, f"is stopped for {seconds:.1f} s")
        self.resume_at = max(self.resume_at, self.world.now + seconds)

    def pause_after(self, iterations: int, action: Callable[[], None]) -> None:
        """Do something when its loop has gone round so many times."""
        self.loop.pause_at, self.on_pause = self.loop.iterations + iterations, action

    def kill(self) -> None:
        """End it here and now: nothing of it runs any more."""
        if self.dead or self not in self.world.running:
            return
        self.world.log(self, "is killed")
        self.dead = True
        self.world.gone.add(self.run.process)
        self.world.killed(self)

    def dispose(self) -> None:
        """Let its tasks end without any effect, so that nothing of them is left."""
        now = self.loop.time()
        self.loop.time = lambda: now  # type: ignore[method-assign]  # its own, which can jump
        self.loop.pause_at = math.inf
        for turn in range(400):
            tasks = asyncio.all_tasks(self.loop)
            if not tasks:
                break
            if turn % 20 == 0:
                for task in tasks:
                    task.cancel()
            self.loop.step()
            now = now + 1 if math.isinf(self.loop.wake) else max(now, self.loop.wake)
        self.loop.close()


class World:
    """The time, and all that runs in it.

    Parameters
    ----------
    seed : int
        Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.now = seed, 0.0
        self.running: list[Process] = []
        self.gone: set[str] = set()
        self.current: Process | None = None
        self.here: Machine
        self.trace: list[tuple[float, int, str]] = []
        self.violation: str | None = None
        self.killed: Callable[[Process], None] = lambda _: None
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self.steps = 0

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a moment."""
        heapq.heappush(self._events, (when, next(self._count), action))

    def tick(self) -> None:
        """Let a little time pass."""
        self.now += ROUND

    def log(self, process: Process | None, text: str) -> None:
        """Add to the trace."""
        self.trace.append((self.now, -1 if process is None else process.number, text))

    def fail(self, text: str) -> None:
        """Note what must not have happened; the first one counts."""
        if self.violation is None:
            self.violation = text
            self.log(self.current, f"VIOLATION: {text}")

    def run(self) -> None:
        """Let everything happen.

        Raises
        ------
        ViolationError
            Where something must not have happened.
        """
        while True:
            process = min(self.running, key=Process.due, default=None)
            due = math.inf if process is None else process.due()
            event = self._events[0][0] if self._events else math.inf
            if due == event == math.inf:
                if self.running:
                    self.fail(f"{[p.number for p in self.running]} wait for nothing")
                self._raise()
                return
            self.now = max(self.now, min(due, event))
            self.steps += 1
            if self.now > LONGEST or self.steps > MOST_STEPS:
                self.fail(f"does not end: {[p.number for p in self.running]}")
            elif process is None or event <= due:
                heapq.heappop(self._events)[2]()
            else:
                self._step(process)
            self._raise()

    def _step(self, process: Process) -> None:
        loop = process.loop
        if process.resume_at > process.paused_until or process.machine.awake_at > (
            process.paused_until
        ):
            process.paused_until = max(process.resume_at, process.machine.awake_at)
        self.current, self.here = process, process.machine
        try:
            loop.step()
        finally:
            self.current = None
        if loop.iterations >= loop.pause_at and not process.dead:
            loop.pause_at, action = math.inf, process.on_pause
            if action is not None:
                action()
        if process.dead:
            self.reap(process)
        elif process.task is not None and process.task.done():
            self.reap(process)
            error = None if process.task.cancelled() else process.task.exception()
            if error is not None:
                self.fail(f"run {process.number} broke: {error!r}")

    def reap(self, process: Process) -> None:
        """Remove a process that has ended."""
        if process in self.running:
            self.running.remove(process)
            process.dispose()

    def _raise(self) -> None:
        if self.violation is not None:
            raise ViolationError(self.violation)
