"""The service and the network to it: what is worked on, what is charged, what arrives."""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pronto_pandas import (
    AnswerLostError,
    ConnectionFailedError,
    CreditsExhaustedError,
    LedgerError,
    ProntoError,
    RateLimitedError,
    RefusedError,
    ServerFailedError,
    ServiceBusyError,
    UnreadableAnswerError,
)

from ..seams.api import Answer, Contact, EnrichmentType, parse
from ..seams.bulk import deliveries
from ..seams.bulk import parse as parse_payload
from ..seams.storage import Key, Ledger
from .oracle import Oracle, RunState, Work
from .people import who
from .world import Process, World, dice

FATES = {
    "refused connection": 1.0,
    "429": 1.0,
    "503": 1.0,
    "lost on the way": 0.6,
    "lost answer": 1.0,
    "500": 0.6,
    "unreadable": 0.4,
    "late": 0.5,
    "pending": 1.5,
}
"""What becomes of a request, in per cent in fair weather."""


@dataclass(eq=False)
class Request:
    """One request.

    Parameters
    ----------
    client : Client
        Whose it is.
    contacts : sequence of Contact
        For whom.
    types : sequence of str
        For what.
    mode : str
        ``sync``, ``async`` or ``bulk``.
    fate : str
        What becomes of it.
    chance : Random
        For all that is drawn about it.
    keys : list of Key
        Its entries.
    """

    client: Client
    contacts: Sequence[Contact]
    types: Sequence[EnrichmentType]
    mode: str
    fate: str
    chance: random.Random
    keys: list[Key]
    future: asyncio.Future[Answer]
    customs: Sequence[Mapping[str, Any] | None] = ()
    works: list[Work] = field(default_factory=list)


class Client:
    """What a process's modes call, in the place of the HTTP client.

    Parameters
    ----------
    service : SimulatedService
        Whom it reaches.
    run : RunState
        Whose it is.
    """

    def __init__(self, service: SimulatedService, run: RunState) -> None:
        self.service, self.run, self.process = service, run, run.process
        self._tries = 0

    async def sync_single_enrich(
        self,
        contact: Contact,
        types: Sequence[EnrichmentType],
        *,
        custom: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask for one person."""
        return await self._send([contact], types, "sync", [custom])

    async def single_enrich(
        self, contact: Contact, type_: EnrichmentType, *, custom: Mapping[str, Any] | None = None
    ) -> Answer:
        """Submit one person and type."""
        return (await self._send([contact], [type_], "async", [custom])).of_later()

    async def bulk_enrich(
        self,
        contacts: Sequence[Contact],
        type_: EnrichmentType,
        *,
        customs: Sequence[Mapping[str, Any]],
        webhook_url: str,
        phone_country_codes: Sequence[str] | None = None,
    ) -> Answer:
        """Submit many."""
        return await self._send(contacts, [type_], "bulk", customs)

    async def contact(self, enrichment_id: str) -> Answer:
        """Fetch an answer."""
        process, service = self.process, self.service
        await self._check()
        service.oracle.started(process)
        service.oracle.fetched(self.run, enrichment_id)
        self._tries += 1
        chance = dice(service.seed, "fetch", enrichment_id, process.number, self._tries)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        delay = chance.uniform(0.05, 0.5)
        bad = chance.random() * 100
        result: Answer | ProntoError
        if bad < 4 * service.weather:
            result = chance.choice(
                [AnswerLostError(""), ServiceBusyError("", status=503), ConnectionFailedError(""),
                 RateLimitedError("", status=429, retry_after=1)]
            )  # fmt: skip
            service.reply(process, future, delay, result)
        else:
            service.world.at(
                service.world.now + delay,
                lambda: service.reply(process, future, 0.0, service.fetch(enrichment_id, self.run)),
            )
        return (await future).of_later()

    async def _check(self) -> None:
        if self.process.dead:
            raise AnswerLostError("dead")

    async def _send(
        self,
        contacts: Sequence[Contact],
        types: Sequence[EnrichmentType],
        mode: str,
        customs: Sequence[Mapping[str, Any] | None],
    ) -> Answer:
        await self._check()
        process, service, run = self.process, self.service, self.run
        keys, process.leaving = process.leaving, []
        if not keys:
            service.oracle.fail(f"run {process.number} sends a request without an entry")
        service.oracle.started(process)
        self._tries += 1
        chance = dice(service.seed, "send", process.number, who(contacts[0]), types, self._tries)
        request = Request(
            self, contacts, types, mode, service.fate(chance), chance, keys,
            asyncio.get_running_loop().create_future(), customs,
        )  # fmt: skip
        people = ",".join("{}.{}".format(*who(one)) for one in contacts)
        service.world.log(process, f"{mode} {'+'.join(types)} of {people} leaves: {request.fate}")
        service.send(request)
        try:
            return await request.future
        except (ServerFailedError, AnswerLostError, UnreadableAnswerError):
            service.oracle.lost(keys, request.works)
            raise
        except asyncio.CancelledError:
            if not process.dead:
                service.world.log(process, f"{mode} of {people} is let go")
                service.oracle.lost(keys, request.works)
            raise
        finally:
            run.flying.difference_update(keys)


class SimulatedService:
    """The service, with an account of its own of what it was asked.

    Parameters
    ----------
    world, oracle : object
        The time, and who watches.
    chance : Random
        For what it is like.
    rate : int
        Requests that a closed sliding second takes.
    webhook : Ledger
        Where deliveries go.
    """

    def __init__(self, world: World, oracle: Oracle, chance: random.Random, rate: int) -> None:
        self.world, self.oracle, self.seed, self._rate = world, oracle, world.seed, rate
        self.weather = chance.choice([0.0, 1.0, 1.0, 3.0, 8.0])
        self._strict = chance.random() < 0.5
        self._slow = chance.choice([0.3, 1.0, 4.0, 20.0])
        self.lossy = dice(world.seed, "lossy").random() < 0.08
        self._tardy = 0.4 if dice(world.seed, "tardy").random() < 0.15 else 0.0
        self._outage = (0.0, 0.0)
        if chance.random() < 0.15:
            begins = chance.uniform(0, 30)
            self._outage = (begins, begins + chance.choice([5.0, 40.0, 200.0]))
        self.balance = chance.choice([math.inf] * 5 + [30.0, 100.0])
        self._arrivals: list[float] = []
        self._serial = 0
        self._ready: dict[str, tuple[float, str | None]] = {}
        self.webhook: Ledger
        self.receiver: Process

    def calm(self) -> None:
        """Let nothing go wrong from now on, and have every answer that was promised."""
        self._ready = {name: (0.0, body) for name, (_, body) in self._ready.items()}
        self.weather, self._outage, self.balance, self._strict = 0.0, (0.0, 0.0), math.inf, False

    def fate(self, chance: random.Random) -> str:
        """Draw what becomes of a request."""
        if self._outage[0] <= self.world.now < self._outage[1]:
            return "refused connection"
        if self.lossy and self.weather and chance.random() < 0.5:
            return "lost answer"
        draw = chance.random() * 100
        for fate, share in FATES.items():
            draw -= share * self.weather
            if draw < 0:
                return fate
        return "answer"

    def send(self, request: Request) -> None:
        """Carry a request to the service."""
        delay = request.chance.expovariate(1 / 0.05)
        failures: dict[str, ProntoError] = {
            "refused connection": ConnectionFailedError(""),
            "lost on the way": AnswerLostError(""),
        }
        if request.fate in failures:
            self._answer(request, delay, failures[request.fate])
        else:
            self.world.at(self.world.now + delay, lambda: self._arrive(request))

    def _arrive(self, request: Request) -> None:
        chance, now = request.chance, self.world.now
        self._arrivals = [moment for moment in self._arrivals if moment >= now - 1]
        limited = self._strict and len(self._arrivals) >= self._rate
        self._arrivals.append(now)
        if limited or request.fate == "429":
            after = chance.choice([None, 1.0, 0.0, 5.0])
            self._answer(request, 0.05, RateLimitedError("", status=429, retry_after=after))
        elif request.fate == "503":
            after = chance.choice([None, None, 2.0])
            self._answer(request, 0.05, ServiceBusyError("", status=503, retry_after=after))
        elif self.balance <= 0:
            self._answer(request, 0.05, CreditsExhaustedError("", status=402))
        elif who(request.contacts[0])[0] % 11 == 10:
            self._answer(request, 0.05, RefusedError("refused", status=422))
        else:
            self._work(request)

    def _work(self, request: Request) -> None:
        run, chance = request.client.run, request.chance
        asked = [(one, type_) for one in request.contacts for type_ in request.types]
        request.works = [
            self.oracle.worked(run, one, type_, key)
            for (one, type_), key in zip(asked, request.keys, strict=True)
        ]
        if request.future.done() or request.client.process.dead:  # nobody waits any more
            for work in request.works:
                work.awaited = False
        seconds = chance.expovariate(1 / self._slow)
        if request.fate == "late":
            seconds += chance.choice([30.0, 100.0, 400.0])
        if request.mode == "bulk":
            self._take_batch(request, seconds)
        elif request.mode == "async" or request.fate == "pending":
            self._submit(request, seconds)
        else:
            self.world.at(self.world.now + seconds, lambda: self._finish(request))

    def _lost(self, request: Request) -> ProntoError | None:
        return {
            "lost answer": AnswerLostError(""),
            "500": ServerFailedError("", status=500),
            "unreadable": UnreadableAnswerError("", status=200),
        }.get(request.fate)

    def _finish(self, request: Request) -> None:
        body = self._body(request.works)
        self._answer(request, request.chance.uniform(0.01, 0.1), self._lost(request) or parse(body))

    def _submit(self, request: Request, seconds: float) -> None:
        name = self._name()
        if dice(self.seed, "tardy", name).random() < self._tardy:
            seconds += 500.0
        vanishes = request.chance.random() < 0.01 * self.weather
        ready = self.world.now + seconds
        self.oracle.named[name] = request.works
        body = self._body(request.works, name)
        self._ready[name] = (ready, None if vanishes else body)
        if vanishes:
            self.oracle.explained.update(request.keys)
        lost = self._lost(request)
        if lost is None:
            for work in request.works:
                work.name = name
        taken = parse(json.dumps({"enrichment_id": name, "status": "pending"}))
        self._answer(request, 0.05, lost or taken)

    def fetch(self, name: str, run: RunState) -> Answer | ProntoError:
        """Return an answer that is fetched."""
        if name not in self._ready or self._ready[name][1] is None:
            return RefusedError("no such enrichment", status=404)
        ready, body = self._ready[name]
        if self.world.now < ready:
            return parse(json.dumps({"enrichment_id": name, "status": "pending"}))
        assert body is not None
        return parse(body)

    def _take_batch(self, request: Request, seconds: float) -> None:
        chance, batch = request.chance, self._name()
        lost = self._lost(request)
        taken = parse(json.dumps({"enrichment_id": batch, "status": "pending"}))
        self._answer(request, chance.expovariate(2.0), lost or taken)
        for work, custom in zip(request.works, request.customs, strict=True):
            work.name = batch
            if chance.random() < 0.03 * self.weather:  # never delivered
                continue
            now = self.world.now
            due = now + chance.choice([0.0, seconds, seconds, 10 * seconds])
            if chance.random() < 0.05:
                own = self._name()
                self._ready[own] = (due, self._body([work], own, custom))
                self.oracle.named[own] = [work]
                note = {"enrichment_id": own, "status": "pending", "custom": custom}
                self._post(due, json.dumps(note), None)
                continue
            if chance.random() < 0.1:
                again = due + chance.choice([-1.0, 1.0, 30.0])
                empty = {"status": "success", "custom": custom, "serial": self._next()}
                text = json.dumps(empty)
                work.charged += 0.0
                self.oracle.bodies[text].append(work)
                self._post(max(again, now), text, work)
            body = self._body([work], None, custom)
            for _ in range(chance.choice([1, 1, 1, 2, 3])):
                self._post(due + chance.choice([0.0, 0.0, 3.0]), body, work)

    def _post(self, when: float, body: str, work: Work | None) -> None:
        self.world.at(when, lambda: self._deliver(body, work))

    def _deliver(self, body: str, work: Work | None) -> None:
        """Post a payload to the webhook, again later where it does not take it."""
        payload = parse_payload(body.encode())
        chance = dice(self.seed, "deliver", body, self.world.now)
        if chance.random() < 0.02 * self.weather:
            self._post(self.world.now + 10, body, work)
            return
        self.world.here = self.receiver.machine
        key = None if work is None else (payload.contact, work.type)
        before = None if key is None else self.oracle.row(key)
        try:
            with self.webhook.write() as t:
                fates = deliveries.save(self.webhook, t, [payload])
        except LedgerError:
            self._post(self.world.now + 10, body, work)
            return
        self.world.log(None, f"delivery to {payload.contact[:6]}: {next(iter(fates))}")
        if work is not None and fates["taken"] + fates["repeated"]:
            self.oracle.delivered(payload, work, before)

    def _body(self, works: Sequence[Work], name: str | None = None, custom: object = None) -> str:
        """Make an answer, and charge for what is in it."""
        first = works[0]
        fields: dict[str, Any] = {"status": "success", "serial": self._next(), "rank": [1, 2.5]}
        if name is not None:
            fields["enrichment_id"] = name
        if custom is not None:
            fields["custom"] = custom
        for work in works:
            chance = dice(self.seed, "found", who(work.contact)[0], work.type)
            count = chance.choice([0, 1, 1, 2]) if work.type == "phone" else chance.choice([0, 1])
            low, high = (10, 30) if work.type == "phone" else (1, 3)
            work.charged += count * chance.choice([low, high])
            work.values = count
            if work.type == "phone":
                fields["phones"] = [f"+1555000{fields['serial']}{n}" for n in range(count)]
            else:
                fields[work.type] = f"{fields['serial']}@acme.example" if count else None
        body = json.dumps(fields)
        for work in works:
            work.body = body
            self.oracle.bodies[body].append(work)
        self.balance -= sum(work.charged for work in works)
        assert first.body == body
        return body

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _name(self) -> str:
        return f"e{self._next()}"

    def _answer(self, request: Request, delay: float, result: Answer | ProntoError) -> None:
        self.reply(request.client.process, request.future, delay, result)

    def reply(
        self,
        process: Process,
        future: asyncio.Future[Answer],
        delay: float,
        result: Answer | ProntoError,
    ) -> None:
        """Carry an answer back; a machine that sleeps may lose it."""

        def arrive() -> None:
            got = result
            if process.machine.awake_at > self.world.now:
                chance = dice(self.seed, "asleep", process.number, self.world.now)
                if chance.random() < 0.5:
                    got = AnswerLostError("")
            process.deliver(_set, future, got)

        self.world.at(self.world.now + delay, arrive)


def _set(future: asyncio.Future[Answer], result: Answer | ProntoError) -> None:
    if future.done():
        return
    if isinstance(result, ProntoError):
        future.set_exception(result)
    else:
        future.set_result(result)
