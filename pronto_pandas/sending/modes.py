"""How a run asks the service: each answer awaited, or submitted and fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..api.answer import Answer
from ..api.client import Client
from .request import Request


class Sync:
    """Asks and waits for the answer; one that the service wants to give later is fetched.

    Parameters
    ----------
    client : Client
        Makes the calls.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, job: Request) -> Answer:
        """Ask for all types at once."""
        return await self._client.sync_single_enrich(job.contact, job.types, custom=job.custom)

    async def fetch(self, enrichment_id: str) -> Answer:
        """Look for the answer."""
        return await self._client.contact(enrichment_id)


class Async(Sync):
    """Submits, one type a request; all answers are fetched."""

    async def send(self, job: Request) -> Answer:
        """Submit the one type of a job."""
        (type_,) = job.types
        return await self._client.single_enrich(job.contact, type_, custom=job.custom)


ASKING: Final[Mapping[str, type[Sync]]] = {"sync": Sync, "async": Async}
"""By the endpoint of the options."""
