"""Webhook deliveries: posts answers to a URL, and loses or duplicates some on request."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiohttp

AT_ONCE: Final = 50
"""Maximum concurrent deliveries."""

TIMEOUT: Final = 10.0
"""Seconds within which a receiver must respond."""

_JSON: Final = {"Content-Type": "application/json"}


def posted(
    payloads: Sequence[dict[str, Any]], dice: random.Random, doubled: float, lost: float
) -> list[dict[str, Any]]:
    """Return the payloads to post, shuffled; some are dropped or duplicated.

    Parameters
    ----------
    payloads : sequence of dict
        One per person.
    dice : random.Random
        Source of all random choices.
    doubled, lost : float
        Fractions (0 to 1) of payloads to post twice and to drop. A dropped one is not posted twice.
    """
    chosen = []
    for payload in payloads:
        # Both are drawn for each, so that a change of one fraction does not change the other draw.
        is_lost, is_doubled = dice.random() < lost, dice.random() < doubled
        chosen += [payload] * (0 if is_lost else 1 + is_doubled)
    dice.shuffle(chosen)
    return chosen


class Deliveries:
    """Posts payloads in the background of the running event loop, each once, without retries.

    Parameters
    ----------
    statuses : Counter
        Counts the HTTP statuses of the receivers, or "failed" if there was no response.
    held : callable
        Whether deliveries are held.
    """

    def __init__(self, statuses: Counter[int | str], held: Callable[[], bool]) -> None:
        self._statuses, self._held = statuses, held
        self._tasks: set[asyncio.Task[None]] = set()
        self._reset()

    def _reset(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._released = asyncio.Event()

    def send(self, url: str, payloads: Sequence[dict[str, Any]], seconds: float) -> None:
        """Post payloads to a URL, roughly in their order, after some seconds."""
        self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(self._deliver(url, payloads, seconds))
        self._tasks.add(task)  # the event loop does not keep tasks alive
        task.add_done_callback(self._tasks.discard)

    def release(self) -> None:
        """Check again whether deliveries are held. Thread-safe."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    async def close(self) -> None:
        """Cancel all deliveries; call it in the event loop that sends them."""
        tasks, session = list(self._tasks), self._session
        self._reset()  # later deliveries may run in another event loop
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if session is not None:
            await session.close()

    def _wake(self) -> None:
        self._released.set()
        self._released.clear()

    async def _deliver(self, url: str, payloads: Sequence[dict[str, Any]], seconds: float) -> None:
        await asyncio.sleep(seconds)
        while self._held():
            await self._released.wait()
        async with asyncio.TaskGroup() as group:
            for payload in payloads:
                group.create_task(self._post(url, payload))

    async def _post(self, url: str, payload: dict[str, Any]) -> None:
        body = json.dumps(payload).encode()
        async with self._slots:
            if self._session is None:  # created here, because it belongs to the running event loop
                # Close idle connections before a receiver's timeout does so during a delivery.
                connector = aiohttp.TCPConnector(limit=AT_ONCE, keepalive_timeout=2)
                self._session = aiohttp.ClientSession(connector=connector)
            try:
                async with asyncio.timeout(TIMEOUT):
                    async with self._session.post(url, data=body, headers=_JSON) as response:
                        await response.read()
            except (aiohttp.ClientError, OSError, ValueError):
                self._statuses["failed"] += 1
            else:
                self._statuses[response.status] += 1
