"""Runs a coroutine to its end, whether or not the caller already has an event loop.

The coroutine runs on a new loop in a thread. Its events are shown in the caller's thread, where
widgets must be updated and interrupts arrive. So the same code serves scripts, notebooks, worker
threads and async code. The caller's loop is not patched (unless ``nest`` is True), and nothing that
happens to it cancels a request.
"""

# Why: docs/decisions/001-event-loop-in-a-thread.md

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar

from . import signals

T = TypeVar("T")
E = TypeVar("E", covariant=True)

CANCEL_GRACE = 1.0
"""Seconds to wait for answers in flight when the task that awaits the run is cancelled."""

_TICK = 0.1
_LEAVE_AT = 3
"""Number of exceptions in the caller's thread after which it no longer waits for the run."""


class Task(Protocol[E]):
    """A run that emits events and can be stopped from its event loop."""

    def start(self, emit: Callable[[E], object]) -> Coroutine[Any, Any, None]: ...  # noqa: D102
    def interrupt(self, grace: float | None) -> None: ...  # noqa: D102
    def abandon(self) -> None: ...  # noqa: D102


class _Ended:
    """The last event of a run in a thread."""


class _Threaded(Generic[E]):
    """A task in a thread, followed to its end by the caller's thread."""

    def __init__(
        self, task: Task[E], show: Callable[[E], object], tick: Callable[[], object]
    ) -> None:
        self._task, self._show, self._tick = task, show, tick
        self._events: queue.SimpleQueue[E | _Ended] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._caller: asyncio.AbstractEventLoop | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._raised: BaseException | None = None
        self._stops = 0
        self._grace: float | None = None
        self._thread = threading.Thread(target=self._work, name="pronto", daemon=True)

    def _work(self) -> None:
        try:
            # Not asyncio.run, which nest_asyncio.apply() replaces for the whole process.
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                if self._stops:  # before there was a loop
                    self._loop.call_soon(self._stop_task)
                runner.run(self._main())
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            self._error = error
        finally:
            self._emit(_Ended())

    async def _main(self) -> None:
        watching = asyncio.create_task(self._watch_caller())
        try:
            await self._task.start(self._emit)
        finally:
            watching.cancel()

    async def _watch_caller(self) -> None:
        """Stop when the caller's loop stops: the run must not spend money unseen."""
        while self._caller is None or self._caller.is_running():  # noqa: ASYNC110  it has no event for that
            await asyncio.sleep(_TICK)
        self._raised = self._raised or asyncio.CancelledError()
        self.stop()

    def _emit(self, event: E | _Ended) -> None:
        self._events.put(event)
        if self._caller is not None:
            with suppress(RuntimeError):  # it is closed
                self._caller.call_soon_threadsafe(self._arrived)

    def stop(self) -> None:
        """Start no more requests; on the second call, do not wait for those in flight either."""
        self._stops += 1
        self._pass_on()

    def _cancel(self) -> None:
        """Stop, and wait only a short time for answers."""
        self._grace = CANCEL_GRACE
        self._stops = self._stops or 1
        self._pass_on()

    def _pass_on(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._stop_task)

    def _stop_task(self) -> None:
        if self._stops == 1:
            self._task.interrupt(self._grace)
        else:
            self._task.abandon()

    def follow(self, pump: asyncio.AbstractEventLoop | None = None) -> None:
        """Show events until the run has ended, and keep the caller's loop ``pump`` running."""
        self._caller = pump
        begun = ended = False
        while not ended:
            try:
                if not begun:
                    begun = True
                    self._thread.start()
                if pump is None:
                    # With a timeout, an interrupt arrives on every operating system.
                    ended = self._next(_TICK)
                else:
                    pump.run_until_complete(self._arrival_or_tick())
                    ended = self._next(0.0)
            except BaseException as error:  # noqa: BLE001  raised again at the end
                self._keep(error)
        self._raise()

    async def afollow(self) -> None:
        """Show events until the run has ended, as a task on the caller's loop."""
        self._caller = asyncio.get_running_loop()
        self._thread.start()
        ended = False
        while not ended:
            try:
                await self._arrival_or_tick()
                ended = self._next(0.0)
            except asyncio.CancelledError as error:
                self._cancel()
                self._raised = self._raised or error
            except GeneratorExit:
                self.stop()
                raise
            except BaseException as error:  # noqa: BLE001  raised again at the end
                self._keep(error)
        self._raise()

    def _next(self, seconds: float) -> bool:
        """Show one event; return whether the run has ended."""
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            self._tick()
            return not self._thread.is_alive()
        if isinstance(event, _Ended):
            self._thread.join()
            return True
        self._show(event)
        return False

    async def _arrival_or_tick(self) -> None:
        self._arrival = asyncio.get_running_loop().create_future()
        if self._events.empty():
            await asyncio.wait([self._arrival], timeout=_TICK)

    def _arrived(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _keep(self, error: BaseException) -> None:
        """Stop the run after an exception in the caller's thread, and raise it at the end."""
        self._raised = self._raised or error
        self.stop()
        if self._stops >= _LEAVE_AT:
            raise error

    def _raise(self) -> None:
        error = self._raised or self._error
        if error is not None:
            raise error


def run(
    task: Task[E], show: Callable[[E], object], tick: Callable[[], object], *, nest: bool
) -> None:
    """Run a task to its end.

    Parameters
    ----------
    task : Task
        What to run.
    show : callable
        Receives each event, in the caller's thread.
    tick : callable
        Called in the caller's thread after every 0.1 s in which no event arrives.
    nest : bool
        Patch the caller's running loop with nest-asyncio and keep it running. A loop that is
        already patched is always kept running.

    Raises
    ------
    KeyboardInterrupt
        After SIGINT or SIGTERM, when all requests in flight are answered; after a second signal,
        without waiting for them. Other exceptions in the caller's thread are raised at the same
        point.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    nested = loop is not None and (nest or hasattr(loop, "_nest_patched"))
    if nested:
        import nest_asyncio

        nest_asyncio.apply(loop)
    threaded = _Threaded(task, show, tick)
    with signals.held(), signals.sent_to(threaded.stop), _callbacks_kept(loop if nested else None):
        threaded.follow(loop if nested else None)


@contextmanager
def _callbacks_kept(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Leave a loop that was just patched as many callbacks as it had before.

    Its current iteration began unpatched: it pops as many callbacks as it counted at the start, but
    nested iterations have popped some of them. Without replacements it would raise an IndexError.
    """
    ready = getattr(loop, "_ready", ())
    counted = len(ready)
    try:
        yield
    finally:
        if loop is not None:
            for _ in range(counted - len(ready)):
                loop.call_soon(_nothing)


def _nothing() -> None:
    """Do nothing."""


async def awaited(task: Task[E], show: Callable[[E], object], tick: Callable[[], object]) -> None:
    """Run a task to its end while the caller's loop continues.

    Raises
    ------
    asyncio.CancelledError
        The caller's task was cancelled (raised after `CANCEL_GRACE` seconds at most), or a signal
        was received (raised when all requests in flight are answered).
    """
    threaded = _Threaded(task, show, tick)
    with signals.held(asyncio.CancelledError):
        with signals.sent_to(threaded.stop):
            await threaded.afollow()
        # Ending before the other runs of this loop would cancel them.
        while signals.others_are_stopping():  # noqa: ASYNC110  they end one by one
            await asyncio.sleep(_TICK)


def result_of(work: Callable[[], Coroutine[Any, Any, T]], timeout: float) -> T:
    """Run a short coroutine in a thread and return its result.

    Raises
    ------
    TimeoutError
        The coroutine takes longer than ``timeout`` seconds.
    """

    async def main() -> T:
        async with asyncio.timeout(timeout):
            return await work()

    def in_thread() -> T:
        with asyncio.Runner() as runner:
            return runner.run(main())

    with ThreadPoolExecutor(1, "pronto") as pool:
        return pool.submit(in_thread).result()
