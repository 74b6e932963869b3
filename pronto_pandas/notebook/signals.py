"""Let SIGINT and SIGTERM stop the runs of the main thread, then deliver them."""

# Why: docs/decisions/002-stopping-a-run.md

from __future__ import annotations

import inspect
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_LEAVE_AT = 3
"""Number of signals after which the runs are no longer waited for."""


class _Signals:
    """One signal handler for all runs of the main thread, which may end in any order.

    A KeyboardInterrupt raised while a progress bar is drawn can be lost, and the run would
    continue. So the handler stops the runs, and raises nothing before the third signal.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._held = 0
        self._received: list[int] = []
        self._stops: list[Callable[[], object]] = []

    @contextmanager
    def held(self, error: type[BaseException] = KeyboardInterrupt) -> Iterator[None]:
        """Defer signals until the block has ended.

        Parameters
        ----------
        error : type of BaseException
            Raised at the end of the block if a signal was received. ``asyncio.CancelledError`` is
            for code on the caller's event loop: the previous handler then receives the SIGINT and
            cancels the caller's task as usual. A SIGTERM is always delivered to the previous
            handler.
        """
        if not _in_main_thread():
            yield  # only the main thread receives signals
            return
        on_loop = error is not KeyboardInterrupt
        self._hold(on_loop)
        try:
            yield
            if self._received:
                raise error
        except Exception as failed:
            if self._received and not from_handler(failed):
                raise error from failed  # a script that continues after errors must end, too
            raise
        finally:
            self._release(on_loop)

    @contextmanager
    def sent_to(self, stop: Callable[[], object]) -> Iterator[None]:
        """Call a function on each signal, and at once if one has already been received."""
        if not _in_main_thread():
            yield
            return
        self._stops.append(stop)
        try:
            if self._received:
                stop()
            yield
        finally:
            self._stops.remove(stop)

    def others_are_stopping(self) -> bool:
        """Return whether other runs of this thread are still waiting for answers after a signal."""
        return _in_main_thread() and bool(self._received and self._stops)

    def _hold(self, on_loop: bool) -> None:
        self._held += 1
        if self._held > 1:
            return
        self._received.clear()
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if before == self._handle:  # put back by code that had replaced it temporarily
                continue
            # Ignored signals stay ignored, as in background jobs of a shell or a kernel. But a
            # SIGINT during a blocking call is meant for that call.
            ignored = before is None or before == signal.SIG_IGN
            if not ignored or (number == signal.SIGINT and not on_loop):
                self._before[number] = before
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._held:
            self._deliver(number)
            return
        self._received.append(number)
        if len(self._received) >= _LEAVE_AT:
            raise KeyboardInterrupt
        for stop in list(self._stops):
            stop()

    def _release(self, on_loop: bool) -> None:
        self._held -= 1
        if self._held:
            return
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handle:
                # None stands for a handler that was not set from Python.
                signal.signal(number, before or signal.default_int_handler)
        if signal.SIGTERM in self._received:
            self._deliver(signal.SIGTERM)
        elif self._received and on_loop:
            self._deliver(signal.SIGINT)

    def _deliver(self, number: int) -> None:
        """Do what the previous handler would have done."""
        before = self._before.get(number)
        if callable(before):
            before(number, inspect.currentframe())
        elif before == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


_signals = _Signals()
held, sent_to = _signals.held, _signals.sent_to
others_are_stopping = _signals.others_are_stopping


def from_handler(error: BaseException) -> bool:
    """Return whether an exception was raised by a signal handler, wherever it was caught."""
    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False
