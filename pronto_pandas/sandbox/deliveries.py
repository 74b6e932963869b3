"""Answers that are posted to a receiver's address: webhooks, with what goes wrong on their way."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiohttp

AT_ONCE: Final = 50
"""Deliveries that are under way at a time."""

TIMEOUT: Final = 10.0
"""Seconds a receiver has to answer."""

_JSON: Final = {"Content-Type": "application/json"}


def posted(
    payloads: Sequence[dict[str, Any]], dice: random.Random, doubled: float, lost: float
) -> list[dict[str, Any]]:
    """Return the payloads that are posted, in their order.

    Parameters
    ----------
    payloads : sequence of dict
        One a contact.
    dice : random.Random
        Draws everything; the same dice, the same deliveries.
    doubled, lost : float
        Parts that are posted twice, and never, from 0 to 1. What is lost is not doubled.
    """
    chosen = []
    for payload in payloads:
        # Both are drawn for each, so that another part of one leaves the other as it was.
        is_lost, is_doubled = dice.random() < lost, dice.random() < doubled
        chosen += [payload] * (0 if is_lost else 1 + is_doubled)
    dice.shuffle(chosen)
    return chosen


class Deliveries:
    """Posts payloads in the background of the running loop, each once, whatever comes of it.

    Parameters
    ----------
    statuses : Counter
        Counts what receivers answered: a status, or "failed" where there was no answer.
    held : callable
        Whether deliveries are kept back.
    """

    def __init__(self, statuses: Counter[int | str], held: Callable[[], bool]) -> None:
        self._statuses, self._held = statuses, held
        self._tasks: set[asyncio.Task[None]] = set()
        self._start()

    def _start(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._desk = asyncio.Semaphore(AT_ONCE)
        self._released = asyncio.Event()

    def send(self, url: str, payloads: Sequence[dict[str, Any]], seconds: float) -> None:
        """Post payloads to an address, in about their order, after some seconds."""
        self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(self._carry(url, payloads, seconds))
        self._tasks.add(task)  # a loop does not keep its tasks alive
        task.add_done_callback(self._tasks.discard)

    def release(self) -> None:
        """Look again at whether deliveries are held; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    async def close(self) -> None:
        """Drop what is under way; on the loop that sends."""
        tasks, session = list(self._tasks), self._session
        self._start()  # what is sent from now on may be sent from another loop
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if session is not None:
            await session.close()

    def _wake(self) -> None:
        self._released.set()
        self._released.clear()

    async def _carry(self, url: str, payloads: Sequence[dict[str, Any]], seconds: float) -> None:
        await asyncio.sleep(seconds)
        while self._held():
            await self._released.wait()
        async with asyncio.TaskGroup() as group:
            for payload in payloads:
                group.create_task(self._post(url, payload))

    async def _post(self, url: str, payload: dict[str, Any]) -> None:
        body = json.dumps(payload).encode()
        async with self._desk:
            if self._session is None:  # made where it is used: it belongs to a loop
                # Idle connections end before a receiver's own time-out closes one under a delivery.
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
