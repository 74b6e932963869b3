"""An event loop that a scheduler runs step by step, on a clock of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any


class _Selector:
    """Instead of waiting, ends the step, and remembers how long the loop would have waited."""

    def __init__(self, loop: SteppedLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        loop = self._loop
        loop.iterations += 1
        loop.tick()
        if timeout != 0:
            loop.wake = math.inf if timeout is None else loop.time() + timeout
            loop.stop()
        elif loop.iterations >= loop.pause_at:
            loop.wake = loop.time()
            loop.stop()
        return []

    def close(self) -> None:
        """Close nothing: it has no files."""


class SteppedLoop(asyncio.BaseEventLoop):
    """A loop whose time is the simulation's, and which has no files.

    Parameters
    ----------
    clock : callable
        The time of timers.
    tick : callable
        Called each time that the loop goes round, which takes time.
    """

    def __init__(self, clock: Callable[[], float], tick: Callable[[], None]) -> None:
        super().__init__()
        self.tick = tick
        self._selector = _Selector(self)
        self.time = clock  # type: ignore[method-assign]  # called often
        self.wake = clock()
        self.iterations = 0
        self.pause_at: float = math.inf

    def step(self) -> None:
        """Run until there is nothing to do now, or as many iterations as were allowed."""
        self.run_forever()

    def soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Call something in the next step."""
        self.call_soon(callback, *arguments)
        self.wake = min(self.wake, self.time())

    def _process_events(self, event_list: list[Any]) -> None:
        """Do nothing: there are none."""

    def _write_to_self(self) -> None:
        """Do nothing: no other thread wakes this loop."""

    def __del__(self) -> None:
        """Close without a warning: who is killed closes nothing."""
        self.close()
