"""Simulates how Pronto handles requests: rate limit, checks, prices, answers, deliveries."""

from __future__ import annotations

import asyncio
import math
import random
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..api import spec
from . import validation
from .deliveries import Deliveries, posted
from .faults import FAULTS, Fault, Kind, draw
from .log import Log
from .people import identity, identity_of_batch, truth
from .validation import RefusalError as RefusalError

KEY: Final = "sandbox-key"
"""The default API key. It is valid only in the sandbox."""

PRICES: Final = {type_: int(lowest) for type_, (lowest, _) in spec.PRICES.items()}
"""Credits per value found, by type."""


@dataclass
class Sandbox(Log):
    """A simulated Pronto account.

    Its log (see `Log`) can be read while it is served: ``sandbox.charges``, for example.

    Parameters
    ----------
    api_key : str
        API key that the sandbox accepts.
    rate : int
        Maximum requests in any one-second window; further requests get HTTP 429.
    credits : int
        Starting balance in credits; goes down with each charge.
    latency : float
        Seconds until a response, or until a webhook delivery.
    jitter : float
        Maximum random network delay per request, in seconds.
    at_once : int
        Maximum concurrent requests; further requests queue. 0: no limit.
    at_once_for : float
        Seconds from the first request until this limit is lifted.
    faults : float
        Fraction of requests that fail, 0 to 1.
    fault_kinds : tuple of str
        Kinds of errors to simulate; see ``sandbox.faults``.
    hold : float
        Seconds before a simulated ``timeout`` closes the connection.
    consent : bool
        Whether the account allows personal emails.
    deliveries_doubled : float
        Fraction of webhook deliveries that are duplicated, 0 to 1.
    deliveries_lost : float
        Fraction of webhook deliveries that are lost, 0 to 1.
    hold_deliveries : bool
        Hold webhook deliveries until `release` is called.
    seed : int
        Random seed for errors and for the order, duplication and loss of deliveries.
    clock : callable
        Clock function, in seconds. For tests.
    """

    api_key: str = KEY
    rate: int = spec.RATE_LIMIT
    credits: int = 100_000
    latency: float = 0.0
    jitter: float = 0.0
    at_once: int = 0
    at_once_for: float = math.inf
    faults: float = 0.0
    fault_kinds: tuple[Kind, ...] = tuple(fault.kind for fault in FAULTS)
    hold: float = 30.0
    consent: bool = True
    deliveries_doubled: float = 0.0
    deliveries_lost: float = 0.0
    hold_deliveries: bool = False
    seed: int = 0
    clock: Callable[[], float] = time.monotonic
    _slots: asyncio.Semaphore | None = field(init=False, default=None)
    _last_second: deque[float] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        self._deliveries = Deliveries(self.delivered, lambda: self.hold_deliveries)

    def admit(self) -> None:
        """Log an arrival, or refuse it if it exceeds the rate limit."""
        now = self.clock()
        while self._last_second and self._last_second[0] <= now - 1.0:
            self._last_second.popleft()
        if len(self._last_second) >= self.rate:
            raise RefusalError(429, {"error": "Too many requests"}, retry_after=1)
        self._last_second.append(now)
        self.arrivals.append(now)
        self.concurrency.append(self.in_flight)

    async def delay_arrival(self) -> None:
        """Simulate the network's delay."""
        if self.jitter:
            await asyncio.sleep(random.uniform(0, self.jitter))  # noqa: S311  no secret

    async def delay_answer(self, seconds: float) -> None:
        """Simulate the work, after a wait in the queue if there is one."""
        queues = self.at_once and self.clock() < self.arrivals[0] + self.at_once_for
        if not queues:
            await asyncio.sleep(seconds)
            return
        self._slots = self._slots or asyncio.Semaphore(self.at_once)
        async with self._slots:
            await asyncio.sleep(seconds)

    def authorize(self, key: str | None) -> None:
        """Refuse any API key but the sandbox's own."""
        if key != self.api_key:
            raise RefusalError(401, {"error": "Unauthorized"})

    def check(self, body: Any) -> None:
        """Check a body of the synchronous endpoint."""
        validation.check_sync(body)
        self._check_consent(body)

    def check_submit(self, body: Any) -> None:
        """Check a body of the asynchronous endpoint."""
        validation.check_single(body)
        self._check_consent(body)

    def check_enqueue(self, body: Any) -> None:
        """Check a body of the bulk endpoint."""
        validation.check_bulk(body)
        self._check_consent(body)

    def _check_consent(self, body: dict[str, Any]) -> None:
        if "personal_email" in body["enrichment_type"] and not self.consent:
            raise validation.invalid(spec.CONSENT_MISSING_TEXT)

    def fault(self, body: dict[str, Any]) -> Fault | None:
        """Count a request for a person and draw its fault."""
        return self._draw(identity(body), self.asked)

    def fault_of_batch(self, body: dict[str, Any]) -> Fault | None:
        """Count a request for each person of a batch and draw the fault of the batch."""
        self.asked.update(map(identity, body["contacts"]))
        return self._draw(identity_of_batch(body["contacts"]), self.batches)

    def fault_of_fetch(self, enrichment_id: str) -> Fault | None:
        """Count a fetch of an answer and draw its fault."""
        return self._draw(enrichment_id, self.fetches)

    def _draw(self, name: str, attempts: Counter[str]) -> Fault | None:
        attempts[name] += 1
        return draw(self.seed, name, attempts[name], self.faults, self.fault_kinds)

    def work(self, body: dict[str, Any]) -> dict[str, Any]:
        """Charge and return the answer."""
        answer = self._answer(body)
        self._deliver(body, [answer], 0.0)
        return answer

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Charge now, and have the answer ready later."""
        answer = self._answer(body)
        self._deliver(body, [answer], self.latency)
        self.submitted[answer["enrichment_id"]] = (self.clock() + self.latency, answer)
        return {"enrichment_id": answer["enrichment_id"], "status": "pending"}

    def enqueue(self, body: dict[str, Any]) -> dict[str, Any]:
        """Charge for a whole batch now, and deliver its answers later."""
        contacts, types = body["contacts"], body["enrichment_type"]
        batch = identity_of_batch(contacts)
        name = f"{batch}/{types}/{self.batches[batch]}"
        answers = self._answers(name, contacts, types, body.get("phone_country_codes"))
        self._deliver(body, answers, self.latency)
        return {"enrichment_id": answers[0]["enrichment_id"]}

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        who, types = identity(body), body["enrichment_type"]
        name = f"{who}/{types}/{self.asked[who]}"
        return self._answers(name, [body], types, body.get("phone_country_codes"))[0]

    def _answers(
        self,
        name: str,
        contacts: Sequence[dict[str, Any]],
        types: list[str],
        countries: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Charge for all contacts, or refuse them all, and return an answer for each."""
        truths = [truth(contact, types, countries) for contact in contacts]
        costs = [_cost(data) for data in truths]
        if sum(costs) > self.credits:
            raise RefusalError(422, {"error": spec.CREDITS_EXHAUSTED_TEXT})
        self.credits -= sum(costs)
        self.answered.append(self.clock())
        for contact, cost in zip(contacts, costs, strict=True):
            self.charges.append({"contact": identity(contact), "types": types, "credits": cost})
        enrichment_id = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
        return [_answer_to(enrichment_id, *pair) for pair in zip(contacts, truths, strict=True)]

    def _deliver(self, body: dict[str, Any], answers: list[dict[str, Any]], seconds: float) -> None:
        """Post answers to the webhook of their request, if it has one."""
        if "webhook_url" not in body:
            return
        name = answers[0]["enrichment_id"]
        dice = random.Random(f"{self.seed}/{name}")  # noqa: S311  repeatable, not secret
        payloads = posted(answers, dice, self.deliveries_doubled, self.deliveries_lost)
        self._deliveries.send(body["webhook_url"], payloads, seconds)

    def release(self) -> None:
        """Send all held deliveries and stop holding new ones. Thread-safe."""
        self.hold_deliveries = False
        self._deliveries.release()

    async def close(self) -> None:
        """Cancel the remaining deliveries; call it in the event loop that ran the server."""
        await self._deliveries.close()

    def fetch(self, enrichment_id: str) -> dict[str, Any]:
        """Return the answer to a submitted request, with phones in the format of this endpoint."""
        if enrichment_id not in self.submitted:
            raise RefusalError(404, {"error": 404, "message": "Not found"})
        ready, answer = self.submitted[enrichment_id]
        if self.clock() < ready:
            return {"enrichment_id": enrichment_id, "status": "pending"}
        found = {name: value for name, value in answer.items() if name != "phones"}
        if "phones" in answer:
            found["phone"] = [phone["number"] for phone in answer["phones"]]
        return found | {"status": "finished"}

    def record(self) -> dict[str, Any]:
        """Return the log as JSON values.

        Arrival and answer times, concurrency at each arrival, charges, requests per person, error
        responses and deliveries per HTTP status, and the balance.
        """
        return {
            "arrivals": self.arrivals,
            "answered": self.answered,
            "concurrency": self.concurrency,
            "charges": self.charges,
            "asked": dict(self.asked),
            "refused": {str(status): count for status, count in self.refused.items()},
            "delivered": {str(status): count for status, count in self.delivered.items()},
            "credits": self.credits,
        }


def _cost(data: dict[str, Any]) -> int:
    found = sum(PRICES.get(type_, 1) for type_ in spec.TYPES if data.get(type_))
    return found + PRICES["phone"] * len(data.get("phones", ()))


def _answer_to(enrichment_id: str, contact: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return an answer in the format of the synchronous endpoint."""
    answer = {
        "enrichment_id": enrichment_id,
        "first_name": contact["firstname"],
        "last_name": contact["lastname"],
        "linkedin_profile_url": contact.get("linkedin_url"),
        **data,
    }
    return answer | ({"custom": contact["custom"]} if "custom" in contact else {})
