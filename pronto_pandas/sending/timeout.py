"""How long one answer is waited for: as long as the service answers others.

A request that queues behind a thousand others is not lost, and giving it up could lose what is paid
for. So the time for an answer starts anew with each answer that somebody gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

AT_MOST = 12
"""A single answer is waited for so many times longer than a silent service, and no longer."""


@asynccontextmanager
async def unless_silent(seconds: float, last_answer: Callable[[], float]) -> AsyncIterator[None]:
    """Raise `TimeoutError` in the block when nobody has got an answer for so many seconds.

    Parameters
    ----------
    seconds : float
        Since the block began, or since the last answer.
    last_answer : callable
        The moment of the last answer that anybody got, on the clock of the event loop.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        due = min(max(began, last_answer()) + seconds, began + AT_MOST * seconds)
        if loop.time() >= due:
            limit.reschedule(loop.time())
        else:
            timer = loop.call_at(due, look)

    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(seconds, look)
        try:
            yield
        finally:
            timer.cancel()
