"""Batches: how people are put together, and how a batch is written to the ledger."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..api.client import Client
from ..api.models import Answer
from ..api.spec import BULK_MOST
from ..engine.book import Book, keys_of
from ..engine.entry import Replaceable
from ..engine.jobs import Job
from ..engine.ledger import Ledger
from . import store
from .payload import tag
from .rows import JobRow


def sizes(people: int) -> list[int]:
    """Return how many go into each request: as few requests as can be, none of one person."""
    requests = math.ceil(people / BULK_MOST)
    return [people // requests + (n < people % requests) for n in range(requests)]


def put_together(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Put jobs of one person each together, as many as a request takes."""
    left = iter(jobs)
    for size in sizes(len(jobs)):
        yield list(itertools.islice(left, size))


def as_one(people: Sequence[Job], number: int) -> Job:
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

    async def send(self, job: Job) -> Answer:
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

    def _custom(self, one: Job) -> Mapping[str, Any]:
        return {**(one.custom or {}), **tag(self._job, one.contact.key)}


class BulkBook(Book):
    """A run's hand on the ledger that notes its batches beside the people in them.

    Parameters
    ----------
    ledger : Ledger
        Where entries are kept.
    replaceable : callable
        Says of an entry whether this run may send its contact anew.
    job : JobRow
        The bulk job; it is in the ledger as soon as its first batch is about to leave.
    """

    def __init__(self, ledger: Ledger, replaceable: Replaceable, job: JobRow) -> None:
        super().__init__(ledger, replaceable)
        self._job = job

    async def about_to_send(self, jobs: Sequence[Job]) -> None:
        """Write who is sent in which batch; only then may they leave."""

        def write(connection: Any) -> None:
            for batch in jobs:
                who = [one.contact.key for one in (batch, *batch.others)]
                self._ledger.send(connection, keys_of(batch), self._owner)
                store.add_batch(connection, self._job, batch.number, who)

        await self._do(write)

    async def submitted(self, job: Job, enrichment_id: str) -> None:
        """Store the name under which the service has taken the batch."""

        def write(connection: Any) -> None:
            self._ledger.enqueue(connection, keys_of(job), self._owner, enrichment_id)
            store.set_batch(
                connection, self._job.id, job.number, "enqueued", enrichment_id=enrichment_id
            )

        await self._settle(job, write)

    async def not_worked_on(self, job: Job) -> None:
        """Write that the batch was surely not worked on; the claims stay."""
        await super().not_worked_on(job)
        await self.note(job, "pending")

    async def lost(self, job: Job) -> None:
        """Note that nobody knows whether the service has the batch."""
        await super().lost(job)
        await self.note(job, "unknown")

    async def free(self, job: Job) -> None:
        """Take the batch back: it was refused."""
        await super().free(job)
        await self.note(job, "refused")

    async def let_go(self, job: Job) -> None:
        """Take back the claim of one who was in no batch yet."""
        await super().free(job)

    async def note(self, job: Job, state: store.BatchState, message: str | None = None) -> None:
        """Write what became of a batch, in the service's words where it had some."""
        await self._do(
            lambda c: store.set_batch(c, self._job.id, job.number, state, message=message)
        )
