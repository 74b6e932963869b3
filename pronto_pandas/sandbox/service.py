"""What the service would do with a request: its limit, its prices, its work, its records."""

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
from .deliveries import Deliveries, posted
from .faults import FAULTS, Fault, Kind, draw
from .people import identity, identity_of_batch, truth
from .validation import RefusalError as RefusalError
from .validation import check_bulk, check_single, check_sync, wrong

KEY: Final = "sandbox-key"
"""The key the sandbox takes. It opens nothing else."""

PRICES: Final = {type_: int(lowest) for type_, (lowest, _) in spec.PRICES.items()}
"""Credits for each value of a type."""


@dataclass
class Sandbox:
    """One account of the service.

    Parameters
    ----------
    api_key : str
        The only key that is taken.
    rate : int
        Requests that a sliding second holds; more get 429.
    credits : int
        The balance at the start.
    latency : float
        Seconds an answer takes, and a delivery of what was submitted.
    jitter : float
        Seconds by which requests are held up on their way here, at most.
    at_once : int
        Requests that are worked on at a time; more of them queue. 0 sets no limit.
    at_once_for : float
        Seconds, from the first request on, after which there is no queue any more.
    faults : float
        Part of the requests that meet a fault, from 0 to 1.
    fault_kinds : tuple of str
        Which faults.
    hold : float
        Seconds after which the fault ``timeout`` hangs up.
    consent : bool
        Whether the account has consented to the search for personal emails.
    deliveries_doubled : float
        Part of the deliveries to webhooks that are sent twice, from 0 to 1.
    deliveries_lost : float
        Part of the deliveries that are never sent, from 0 to 1.
    hold_deliveries : bool
        Whether deliveries are kept back until `release`.
    seed : int
        Draws the faults, and the order, doubles and losses of deliveries.
    clock : callable
        Seconds; injected.
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
    arrivals: list[float] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)
    submitted: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    answered: list[float] = field(default_factory=list)
    delivered: Counter[int | str] = field(default_factory=Counter)
    in_flight: int = 0
    crowds: list[int] = field(default_factory=list)
    _desk: asyncio.Semaphore | None = None
    _window: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._deliveries = Deliveries(self.delivered, lambda: self.hold_deliveries)

    def admit(self) -> None:
        """Count an arrival; refuse it where the last second is full."""
        now = self.clock()
        while self._window and self._window[0] <= now - 1.0:
            self._window.popleft()
        if len(self._window) >= self.rate:
            raise RefusalError(429, {"error": "Too many requests"}, retry_after=1)
        self._window.append(now)
        self.arrivals.append(now)
        self.crowds.append(self.in_flight)

    async def travel(self) -> None:
        """Take as long as the way here takes."""
        if self.jitter:
            await asyncio.sleep(random.uniform(0, self.jitter))  # noqa: S311  a network's

    async def take_time(self, seconds: float) -> None:
        """Take as long as the work takes, after those who came before."""
        waits = self.at_once and self.clock() < self.arrivals[0] + self.at_once_for
        if not waits:
            await asyncio.sleep(seconds)
            return
        self._desk = self._desk or asyncio.Semaphore(self.at_once)
        async with self._desk:
            await asyncio.sleep(seconds)

    def authorize(self, key: str | None) -> None:
        """Refuse every key but the one."""
        if key != self.api_key:
            raise RefusalError(401, {"error": "Unauthorized"})

    def check(self, body: Any) -> None:
        """Refuse what the synchronous endpoint does not take from this account."""
        check_sync(body)
        self._check_consent(body)

    def check_one(self, body: Any) -> None:
        """Refuse what the asynchronous endpoint does not take from this account."""
        check_single(body)
        self._check_consent(body)

    def check_many(self, body: Any) -> None:
        """Refuse what the endpoint for many contacts does not take from this account."""
        check_bulk(body)
        self._check_consent(body)

    def _check_consent(self, body: dict[str, Any]) -> None:
        if "personal_email" in body["enrichment_type"] and not self.consent:
            raise wrong(spec.CONSENT_MISSING_TEXT)

    def fault(self, body: dict[str, Any]) -> Fault | None:
        """Count the question and draw its fault."""
        who = identity(body)
        self.asked[who] += 1
        return draw(self.seed, who, self.asked[who], self.faults, self.fault_kinds)

    def fault_of_many(self, body: dict[str, Any]) -> Fault | None:
        """Count the question about each contact and draw the one fault of their request."""
        self.asked.update(map(identity, body["contacts"]))
        batch = identity_of_batch(body["contacts"])
        self.batches[batch] += 1
        return draw(self.seed, batch, self.batches[batch], self.faults, self.fault_kinds)

    def fault_of_look(self, enrichment_id: str) -> Fault | None:
        """Count the look for an answer and draw its fault."""
        self.looks[enrichment_id] += 1
        attempt = self.looks[enrichment_id]
        return draw(self.seed, enrichment_id, attempt, self.faults, self.fault_kinds)

    def work(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer and charge."""
        answer = self._answer(body)
        self._deliver(body, [answer], 0.0)
        return answer

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take work that is done later; charged now, whenever the answer is looked for."""
        answer = self._answer(body)
        self._deliver(body, [answer], self.latency)
        self.submitted[answer["enrichment_id"]] = (self.clock() + self.latency, answer)
        return {"enrichment_id": answer["enrichment_id"], "status": "pending"}

    def enqueue(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take work on many contacts that is done later; all are charged now, or none."""
        contacts, types = body["contacts"], body["enrichment_type"]
        batch = identity_of_batch(contacts)
        name = f"{batch}/{types}/{self.batches[batch]}"
        answers = self._answers(name, contacts, types, body.get("phone_country_codes"))
        self._deliver(body, answers, self.latency)
        return {"enrichment_id": answers[0]["enrichment_id"]}

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        who, types = identity(body), body["enrichment_type"]
        return self._answers(f"{who}/{types}/{self.asked[who]}", [body], types)[0]

    def _answers(
        self,
        name: str,
        contacts: Sequence[dict[str, Any]],
        types: list[str],
        countries: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Charge for all contacts, or refuse them all, and return the answer about each."""
        truths = [truth(contact, types, countries) for contact in contacts]
        costs = [_cost(data) for data in truths]
        if sum(costs) > self.credits:
            raise RefusalError(422, {"error": spec.CREDITS_EXHAUSTED_TEXT})
        self.credits -= sum(costs)
        self.answered.append(self.clock())
        for contact, cost in zip(contacts, costs, strict=True):
            self.charges.append({"contact": identity(contact), "types": types, "credits": cost})
        enrichment_id = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
        return [_told(enrichment_id, *pair) for pair in zip(contacts, truths, strict=True)]

    def _deliver(self, body: dict[str, Any], answers: list[dict[str, Any]], seconds: float) -> None:
        """Have answers posted to the webhook of their request, if it has one."""
        if "webhook_url" not in body:
            return
        name = answers[0]["enrichment_id"]
        dice = random.Random(f"{self.seed}/{name}")  # noqa: S311  repeatable, not secret
        payloads = posted(answers, dice, self.deliveries_doubled, self.deliveries_lost)
        self._deliveries.send(body["webhook_url"], payloads, seconds)

    def release(self) -> None:
        """Send the deliveries that are held, and hold none any more; from any thread."""
        self.hold_deliveries = False
        self._deliveries.release()

    async def close(self) -> None:
        """Drop the deliveries that are left; on the loop that served."""
        await self._deliveries.close()

    def look(self, enrichment_id: str) -> dict[str, Any]:
        """Return what became of submitted work, with phones as this call names and writes them."""
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
        """Return what happened.

        Moments of arrivals and answers, how many were under way at each arrival, charges,
        questions by contact, refusals by status, and deliveries by what the receiver answered.
        """
        return {
            "arrivals": self.arrivals,
            "answered": self.answered,
            "crowds": self.crowds,
            "charges": self.charges,
            "asked": dict(self.asked),
            "refused": {str(status): count for status, count in self.refused.items()},
            "delivered": {str(status): count for status, count in self.delivered.items()},
            "credits": self.credits,
        }


def _cost(data: dict[str, Any]) -> int:
    found = sum(PRICES.get(type_, 1) for type_ in spec.TYPES if data.get(type_))
    return found + PRICES["phone"] * len(data.get("phones", ()))


def _told(enrichment_id: str, contact: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the page of the synchronous endpoint has it."""
    answer = {
        "enrichment_id": enrichment_id,
        "first_name": contact["firstname"],
        "last_name": contact["lastname"],
        "linkedin_profile_url": contact.get("linkedin_url"),
        **data,
    }
    return answer | ({"custom": contact["custom"]} if "custom" in contact else {})
