"""Batches: how people are put together, and how a batch is written to the ledger."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..api.answer import Answer
from ..api.client import Client
from ..api.spec import BULK_MOST
from ..sending.recorder import Recorder
from ..sending.request import Request, keys_of
from ..storage.database import Transaction
from ..storage.entry import Renewal
from ..storage.store import Ledger
from ..storage.writer import Writer
from . import store
from .payload import tag
from .store import JobRow


def sizes(people: int) -> list[int]:
    """Return how many go into each request: as few requests as can be, none of one person."""
    requests = math.ceil(people / BULK_MOST)
    return [people // requests + (n < people % requests) for n in range(requests)]


def put_together(jobs: Sequence[Request]) -> Iterator[list[Request]]:
    """Put jobs of one person each together, as many as a request takes."""
    left = iter(jobs)
    for size in sizes(len(jobs)):
        yield list(itertools.islice(left, size))


def as_one(people: Sequence[Request], number: int) -> Request:
    """Make one request of many; its number is the batch's."""
    first, *others = people
    return replace(first, number=number, others=tuple(others))


class BulkService:
    """Asks the service for a batch.

    Parameters
    ----------
    client : Client
        Makes the calls.
    job : str
        Goes along with each contact, and comes back with its answer.
    webhook_url : str
        Where the answers are posted.
    phone_country_codes : sequence of str, optional
        ISO 3166-1 alpha-2.
    """

    def __init__(
        self,
        client: Client,
        job: str,
        webhook_url: str,
        phone_country_codes: Sequence[str] | None = None,
    ) -> None:
        self._client, self._job = client, job
        self._webhook_url, self._codes = webhook_url, phone_country_codes

    async def send(self, job: Request) -> Answer:
        """Ask for all of a batch at once."""
        people = (job, *job.others)
        (type_,) = job.types
        return await self._client.bulk_enrich(
            [one.contact for one in people],
            type_,
            customs=[self._custom(one) for one in people],
            webhook_url=self._webhook_url,
            phone_country_codes=self._codes,
        )

    async def fetch(self, enrichment_id: str) -> Answer:
        """Look for an answer."""
        return await self._client.contact(enrichment_id)

    def _custom(self, one: Request) -> Mapping[str, Any]:
        return {**(one.custom or {}), **tag(self._job, key_of(one))}


def key_of(one: Request) -> str:
    """Return the key of a person's entry."""
    ((key, _),) = keys_of(replace(one, others=()))
    return key


class BulkRecorder(Recorder):
    """One run's access to the ledger, where batches are noted beside the people in them.

    Parameters
    ----------
    ledger : Ledger
        Where entries are kept.
    renewal : Renewal
        Which entries the run may send again.
    job : JobRow
        The bulk job; it is in the ledger as soon as its first batch is about to leave.
    writer : Writer, optional
        Writes; injected, so that a simulation can write in virtual time.
    """

    def __init__(
        self, ledger: Ledger, renewal: Renewal, job: JobRow, writer: Writer | None = None
    ) -> None:
        super().__init__(ledger, renewal, writer)
        self._job = job

    def _send(self, t: Transaction, job: Request, *, again: bool) -> bool:
        """Write that a batch is sent, and who is in it; False where it may not leave."""
        mine = super()._send(t, job, again=again)
        if mine:
            who = [key_of(one) for one in (job, *job.others)]
            store.add_batch(t, self._job, job.number, who)
        return mine

    async def submitted(self, job: Request, enrichment_id: str) -> None:
        """Store the name under which the service has taken the batch."""

        def write(t: Transaction, _: bool) -> None:
            self._ledger.enqueue(t, keys_of(job), self._run, enrichment_id)
            store.set_batch(t, self._job.id, job.number, "enqueued", enrichment_id=enrichment_id)

        await self._close(job, write)

    async def not_worked_on(self, job: Request) -> None:
        """Write that the batch was surely not worked on; the claims stay."""
        await super().not_worked_on(job)
        await self.note(job, "pending")

    async def lost(self, job: Request) -> None:
        """Note that nobody knows whether the service has the batch."""
        await super().lost(job)
        await self.note(job, "unknown")

    async def free(self, job: Request) -> None:
        """Give up the claims of a batch: it was refused, or another run has its people."""
        await super().free(job)
        await self.note(job, "refused")

    async def give_up(self, job: Request) -> None:
        """Give up the claim of one who was in no batch yet."""
        await super().free(job)

    async def note(self, job: Request, state: store.BatchState, message: str | None = None) -> None:
        """Write what became of a batch, in the service's words where it had some."""
        await self.writer.write(
            lambda t, _: store.set_batch(t, self._job.id, job.number, state, message=message)
        )
