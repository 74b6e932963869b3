"""Runs a coroutine to its end from code that may or may not have an event loop already.

The coroutine gets a loop of its own in a thread; its events are shown from the caller's thread,
where widgets live and where an interrupt arrives. So one way serves scripts, notebooks and
worker threads, and nothing of the caller's loop is patched. ``nest`` is for who asks for it.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
E = TypeVar("E", covariant=True)

GRACE = 1.5
"""Seconds that answers in flight get to arrive after an interrupt."""

_TICK = 0.1


class Task(Protocol[E]):
    """A run: it emits events, and can be stopped from within its loop."""

    def start(self, emit: Callable[[E], object]) -> Coroutine[Any, Any, None]: ...  # noqa: D102
    def interrupt(self, grace: float) -> None: ...  # noqa: D102
    def abandon(self) -> None: ...  # noqa: D102


class _Ended:
    """The last event of a run in a thread."""


class _Threaded(Generic[E]):
    def __init__(self, task: Task[E]) -> None:
        self._task = task
        self._events: queue.SimpleQueue[E | _Ended] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._interrupts = 0
        self._thread = threading.Thread(target=self._work, name="pronto", daemon=True)

    def _work(self) -> None:
        try:
            # Not asyncio.run, which nest_asyncio.apply() replaces for the whole process.
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                if self._interrupts:  # while there was no loop to tell
                    self._loop.call_soon(_stop, self._task, self._interrupts)
                runner.run(self._task.start(self._events.put))
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            self._error = error
        finally:
            self._events.put(_Ended())

    def run(self, show: Callable[[E], object], tick: Callable[[], object]) -> None:
        with _interrupts_to(self._interrupted):
            self._thread.start()
            while True:
                try:
                    # The time-out is what lets an interrupt through on every system.
                    event = self._events.get(timeout=_TICK)
                    if isinstance(event, _Ended):
                        break
                    show(event)
                except queue.Empty:
                    tick()
        self._thread.join()
        if self._interrupts:
            raise KeyboardInterrupt
        if self._error is not None:
            raise self._error

    def _interrupted(self) -> None:
        self._interrupts += 1
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_stop, self._task, self._interrupts)


@contextmanager
def _interrupts_to(interrupted: Callable[[], None]) -> Iterator[None]:
    """Call a function at each interrupt, instead of raising wherever the caller's thread is.

    Raised in the middle of drawing a bar, an interrupt can be swallowed there, and the run would go
    on. The third one is raised all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # interrupts go to the main thread alone
        return
    times = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        if times > 2:
            raise KeyboardInterrupt
        interrupted()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        # None stands for a handler that was not set from Python.
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def _nested(
    task: Task[E],
    show: Callable[[E], object],
    tick: Callable[[], object],
    loop: asyncio.AbstractEventLoop,
) -> None:
    import nest_asyncio

    nest_asyncio.apply(loop)
    running = loop.create_task(awaited(task, show, tick))
    interrupts = 0
    while not running.done():
        try:
            loop.run_until_complete(running)
        except KeyboardInterrupt:
            interrupts += 1
            _stop(task, interrupts)
    if interrupts:
        raise KeyboardInterrupt
    running.result()


def _stop(task: Task[Any], interrupts: int) -> None:
    """Ask politely at the first interrupt, and not at the second."""
    if interrupts == 1:
        task.interrupt(GRACE)
    else:
        task.abandon()


async def awaited(task: Task[E], show: Callable[[E], object], tick: Callable[[], object]) -> None:
    """Run a task to its end on the loop that runs.

    An interrupt of a cell that awaits is noticed when its loop wakes; so something wakes it while
    one long answer is awaited.
    """
    ticking = asyncio.create_task(_ticking(tick))
    try:
        await task.start(show)
    finally:
        ticking.cancel()


async def _ticking(tick: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(_TICK)
        tick()


def result_of(work: Callable[[], Coroutine[Any, Any, T]], timeout: float) -> T:
    """Run a short coroutine in a thread and return its result, loop around or not.

    Raises
    ------
    TimeoutError
        Where it takes longer than ``timeout`` seconds.
    """

    async def main() -> T:
        async with asyncio.timeout(timeout):
            return await work()

    def in_thread() -> T:
        with asyncio.Runner() as runner:
            return runner.run(main())

    with ThreadPoolExecutor(1, "pronto") as pool:
        return pool.submit(in_thread).result()


def run(
    task: Task[E], show: Callable[[E], object], tick: Callable[[], object], *, nest: bool
) -> None:
    """Run a task to its end.

    Parameters
    ----------
    task : Task
        What to run.
    show : callable
        Gets each event, in the caller's thread.
    tick : callable
        Called there now and then while there is none.
    nest : bool
        Use the loop that runs already, if one does, patched by nest-asyncio. A loop that is
        patched already is used without being asked for.

    Raises
    ------
    KeyboardInterrupt
        After what was in flight had a short grace; a second interrupt does not wait.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if loop is not None and (nest or hasattr(loop, "_nest_patched")):
        _nested(task, show, tick, loop)
    else:
        _Threaded(task).run(show, tick)
