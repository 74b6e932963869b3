"""Whether the service accepts the key, found out before a person is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..errors import AuthenticationError, ProntoError

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from ..api.client import Client
    from .rate_limit import RateLimit

TIMEOUT = 20.0
"""Seconds that the check of the key may take before the run goes on without it."""


class KeyCheck:
    """Asks for the balance, which is free; an interrupt ends the waiting."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Wait no longer."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, client: Client, rate_limit: RateLimit) -> None:
        """Check the key, at the start that the pace gives.

        Raises
        ------
        AuthenticationError
            Where the service says that the key is wrong.
        """
        self.task = asyncio.create_task(_checked(client, rate_limit))
        try:
            await self.task
        except AuthenticationError as error:
            if error.status == 401:  # 403 may mean this call alone
                raise
        except (ProntoError, TimeoutError):
            pass  # the page of the balance proves nothing about the one that is needed
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        finally:
            self.task = None


async def _checked(client: Client, rate_limit: RateLimit) -> None:
    await rate_limit.acquire()
    async with asyncio.timeout(TIMEOUT):
        await client.credits()
