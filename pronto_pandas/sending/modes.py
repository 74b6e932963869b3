"""How a run sends requests and gets their answers: awaited, fetched, or delivered to a webhook."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..api.answer import Answer
from ..api.client import Client
from .request import Batch, Request

Send = Callable[[Batch], Awaitable[Answer]]
"""Sends a batch; returns either a final answer or one with the ID of the request."""

Fetch = Callable[[str], Awaitable[Answer]]
"""Fetches the answer to a request by its ID, for free; it may not be ready."""

PutTogether = Callable[[Sequence[Request]], list[Batch]]
"""Groups requests into batches; none if there are too few."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How requests are sent and answered.

    Parameters
    ----------
    send, fetch : callable
        The calls of the API.
    in_flight : int
        Maximum number of batches in flight.
    claim_ahead : int
        Requests claimed in one commit.
    put_together : callable, optional
        Groups all requests into batches after they are claimed. By default, each request is its
        own batch, and further requests are claimed while earlier ones are sent.
    delivered : bool
        Answers are delivered to a webhook later. So the run fetches nothing, and does not wait for
        what another run holds.
    """

    send: Send
    fetch: Fetch
    in_flight: int
    claim_ahead: int = 64
    put_together: PutTogether | None = None
    delivered: bool = False


Countries = Sequence[str] | None
"""The countries whose phone numbers to find; None for the setting of the account."""


def sync_mode(client: Client, in_flight: int, countries: Countries = None) -> Mode:
    """Return the mode in which each call waits for its answer; a deferred answer is fetched."""
    return Mode(partial(_send, client, countries), client.contact, in_flight)


def poll_mode(client: Client, in_flight: int, countries: Countries = None) -> Mode:
    """Return the mode in which requests of one type are submitted, and answers are fetched."""
    return Mode(partial(_submit, client, countries), client.contact, in_flight)


async def _send(client: Client, countries: Countries, batch: Batch) -> Answer:
    (request,) = batch.requests
    return await client.sync_single_enrich(
        request.contact, request.types, custom=request.custom, phone_country_codes=countries
    )


async def _submit(client: Client, countries: Countries, batch: Batch) -> Answer:
    (request,) = batch.requests
    (type_,) = request.types
    return await client.single_enrich(
        request.contact, type_, custom=request.custom, phone_country_codes=countries
    )


MODES = {"sync": sync_mode, "async": poll_mode}
"""The modes, by the endpoint of the options."""
