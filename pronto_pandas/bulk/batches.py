"""Forms batches of people, sends them, and records them in the ledger."""

# Why: docs/decisions/018-bulk-jobs.md

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..api.answer import Answer
from ..api.client import Client
from ..api.spec import BULK_LEAST, BULK_MOST
from ..sending.modes import Mode
from ..sending.recorder import BatchState
from ..sending.request import Batch, Request, keys_of
from ..storage.database import Transaction
from ..storage.lease import Run
from . import job_store
from .job_store import JobRow
from .payload import tag

AT_ONCE = 5
"""Batches in flight at a time. Pronto processes no more, according to its documentation."""

CLAIM_AHEAD = 1_000
"""Number of people marked as being sent in one transaction."""


def sizes(people: int) -> list[int]:
    """Return the sizes of as few batches as possible, nearly equal so that none has one person."""
    batches = math.ceil(people / BULK_MOST)
    return [people // batches + (n < people % batches) for n in range(batches)]


def put_together(requests: Sequence[Request]) -> list[Batch]:
    """Make batches of requests; none if there are too few for one."""
    if len(requests) < BULK_LEAST:
        return []
    left = iter(requests)
    return [
        Batch(tuple(itertools.islice(left, size)), number)
        for number, size in enumerate(sizes(len(requests)), 1)
    ]


@dataclass(frozen=True, slots=True)
class BulkCall:
    """Sends the batches of a bulk job.

    Parameters
    ----------
    client : Client
        Makes the calls.
    job : str
        The id of the job, sent with each contact and returned with its answer.
    webhook_url : str
        Where the answers are posted.
    phone_country_codes : sequence of str, optional
        ISO 3166-1 alpha-2.
    """

    client: Client
    job: str
    webhook_url: str
    phone_country_codes: Sequence[str] | None = None

    async def send(self, batch: Batch) -> Answer:
        """Submit a batch; its answers are posted to the webhook."""
        (type_,) = batch.requests[0].types
        return await self.client.bulk_enrich(
            [request.contact for request in batch.requests],
            type_,
            customs=[
                {**(request.custom or {}), **tag(self.job, contact_key(request))}
                for request in batch.requests
            ],
            webhook_url=self.webhook_url,
            phone_country_codes=self.phone_country_codes,
        )


def webhook_mode(call: BulkCall) -> Mode:
    """Return the mode in which batches are sent and their answers delivered to a webhook."""
    return Mode(call.send, call.client.contact, AT_ONCE, CLAIM_AHEAD, put_together, delivered=True)


def contact_key(request: Request) -> str:
    """Return the key of a person's entry."""
    ((key, _),) = keys_of(request)
    return key


class JobNotes:
    """Records a job's batches in the ledger, and the job just before its first batch is sent."""

    def __init__(self, job: JobRow) -> None:
        self._job = job

    def sent(self, t: Transaction, batch: Batch, run: Run) -> None:
        """Record that a run is about to send a batch, and who is in it."""
        people = [contact_key(one) for one in batch.requests]
        job_store.add_batch(t, self._job, batch.number, people, run)

    def note(self, t: Transaction, batch: Batch, state: BatchState, **more: str | None) -> None:
        """Record the state of a batch, its ``enrichment_id`` and Pronto's ``message``."""
        job_store.set_batch(t, self._job.id, batch.number, state, **more)
