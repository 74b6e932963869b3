"""Checks the API key before any person is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..errors import AuthenticationError, ProntoError

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from ..api.client import Client
    from .rate_limit import RateLimit

TIMEOUT = 20.0
"""Seconds after which the run continues without the check."""


class KeyCheck:
    """Requests the balance, which is free; an interrupt ends the wait."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Stop waiting."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, client: Client, rate_limit: RateLimit) -> None:
        """Check the key, within the rate limit.

        Raises
        ------
        AuthenticationError
            Pronto rejects the key.
        """
        self.task = asyncio.create_task(_checked(client, rate_limit))
        try:
            await self.task
        except AuthenticationError as error:
            if error.status == 401:  # 403 may concern this call only
                raise
        except (ProntoError, TimeoutError):
            pass  # a failure here says nothing about the call that is needed
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
