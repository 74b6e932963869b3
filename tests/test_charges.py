"""What requests were charged is in the ledger: once, with the answer, and naming nobody."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

import pronto_pandas as pronto

from .seams.api import Contact
from .seams.api import parse as parse_answer
from .seams.bulk import JobNotes, JobRow, Payload, deliveries, parse, tag
from .seams.sending import Batch, Recorder, Request, keys_of
from .seams.storage import (
    Ledger,
    Renewal,
    Run,
    RunRecord,
    Wanted,
    Writer,
    connect,
    new_run,
    schema,
    spending,
)
from .test_ledger import ledger_file

ANA = Contact("Ana", "Lovelace", "Acme", "acme.example")
ME = RunRecord("account", "first")
LATER = RunRecord("account", "later")
PHONES = '{"phones": ["+33612345678", "+33612345679"], "status": "success"}'
NOTHING = '{"email": null, "status": "success"}'

Rows = list[tuple[str, str, int | None, bool]]


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger in the file that the settings name."""
    return connect(str(ledger_file()), "x")


def batch(*types: Any, number: int = 0, enrichment_id: str | None = None) -> Batch:
    """Return a batch with one request about Ana."""
    return Batch((Request(0, ANA, types, enrichment_id=enrichment_id),), number)


def charges(ledger: Ledger) -> Rows:
    """Return run, type, number of values and lateness of each charge."""
    c = schema.charges.c
    with ledger.read() as t:
        rows = t.execute(sa.select(c.run, c.type, c.charged, c.late).order_by(c.run, c.type))
        return [(row.run, row.type, row.charged, bool(row.late)) for row in rows]


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end."""
    asyncio.run(main)


async def sent(recorder: Recorder, one: Batch) -> None:
    """Record a batch as sent."""
    await recorder.claim(one.requests)
    await recorder.about_to_send([one])
    assert recorder.may_send(one)


def answered(ledger: Ledger, record: RunRecord, types: list[Any], body: str) -> None:
    """Record an answer as a run does."""

    async def main() -> None:
        renewal = Renewal(answered_before=1e12)
        async with Recorder(ledger, renewal, record=record) as recorder:
            one = batch(*types)
            await sent(recorder, one)
            await recorder.answered(one, parse_answer(body))

    run(main())


def test_an_answer_is_charged_by_its_values(ledger: Ledger) -> None:
    """Each phone number counts; a type that was not found counts as none."""
    answered(ledger, ME, ["phone", "email"], PHONES)
    assert charges(ledger) == [("first", "email", 0, False), ("first", "phone", 2, False)]


def test_a_person_who_is_paid_for_twice_has_two_charges(ledger: Ledger) -> None:
    """As after ``refresh=True``."""
    answered(ledger, ME, ["phone"], PHONES)
    answered(ledger, LATER, ["phone"], PHONES)
    assert charges(ledger) == [("first", "phone", 2, False), ("later", "phone", 2, False)]


def test_an_answer_without_its_charge_is_not_stored(ledger: Ledger) -> None:
    """They are in one transaction."""
    with closing(sqlite3.connect(ledger.place)) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON pronto_charges BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
    with pytest.raises(pronto.LedgerError):
        answered(ledger, ME, ["phone"], PHONES)
    found = ledger.find([Wanted("phone", ANA.keys("phone"))])
    assert "answered" not in {entry.state for entry in found.values()}


def test_a_transaction_that_is_repeated_charges_once(ledger: Ledger) -> None:
    """Its first attempt may have been committed."""

    class Twice(Writer):
        async def write(self, operation: Any) -> Any:
            await super().write(operation)
            return await super().write(lambda t, _: operation(t, True))

    async def main() -> None:
        async with Recorder(ledger, Renewal(), writer=Twice(ledger, new_run(ME))) as recorder:
            one = batch("phone")
            await sent(recorder, one)
            await recorder.answered(one, parse_answer(PHONES))

    run(main())
    assert charges(ledger) == [("first", "phone", 2, False)]


def test_without_a_record_nothing_is_recorded(ledger: Ledger) -> None:
    """As for a program that uses parts of the package."""

    async def main() -> None:
        async with Recorder(ledger, Renewal()) as recorder:
            one = batch("phone")
            await sent(recorder, one)
            await recorder.answered(one, parse_answer(PHONES))

    run(main())
    assert charges(ledger) == []


def test_a_lost_answer_may_have_been_charged(ledger: Ledger) -> None:
    """Also one that the run was still waiting for at its end; not one that was never sent."""

    async def main(number: int, name: str) -> None:
        contact = Contact("Ana", f"Example{'abc'[number]}", "Acme", "acme.example")
        one = Batch((Request(0, contact, ("phone",)),))
        async with Recorder(ledger, Renewal(), record=RunRecord("account", name)) as recorder:
            await sent(recorder, one)
            if name == "lost":
                await recorder.lost(one)
            if name == "busy":
                await recorder.not_processed(one)

    for number, name in enumerate(["busy", "lost", "open"]):
        run(main(number, name))
    assert charges(ledger) == [("lost", "phone", None, False), ("open", "phone", None, False)]


def submitted(ledger: Ledger, record: RunRecord, *, fetch: bool) -> None:
    """Submit a request, and fetch its answer if that is asked for."""

    async def main() -> None:
        async with Recorder(ledger, Renewal(), record=record) as recorder:
            one = batch("phone")
            await sent(recorder, one)
            await recorder.submitted(one, "id-1")
            if fetch:
                await recorder.answered(one, parse_answer(PHONES))

    run(main())


def fetched(ledger: Ledger, record: RunRecord) -> None:
    """Fetch what an earlier run has submitted."""

    async def main() -> None:
        async with Recorder(ledger, Renewal(), record=record) as recorder:
            one = batch("phone", enrichment_id="id-1")
            await recorder.claim(one.requests)
            await recorder.answered(one, parse_answer(PHONES))

    run(main())


def test_what_was_submitted_is_charged_when_it_is_answered(ledger: Ledger) -> None:
    """To the run that has submitted it."""
    submitted(ledger, ME, fetch=True)
    assert charges(ledger) == [("first", "phone", 2, False)]


def test_a_later_run_fetches_at_the_cost_of_the_first(ledger: Ledger) -> None:
    """Late, and once, however many runs fetch it."""
    submitted(ledger, ME, fetch=False)
    assert charges(ledger) == [("first", "phone", None, False)]
    fetched(ledger, LATER)
    assert charges(ledger) == [("first", "phone", 2, True)]
    fetched(ledger, RunRecord("account", "third"))
    assert charges(ledger) == [("first", "phone", 2, True)]


def killed(ledger: Ledger) -> None:
    """Leave what a run leaves that was killed while it waited for an answer."""
    dead = Run("dead", "another boot", "1", ME)
    keys = keys_of(batch("phone").requests[0])
    with ledger.write() as t:
        ledger.claim(t, [Wanted("phone", ANA.keys("phone"))], dead, Renewal())
        ledger.send(t, keys, dead)
        t.execute(sa.update(schema.runs).values(lease=0.0, renewed=0.0))


def test_what_a_killed_run_had_sent_may_have_been_charged(ledger: Ledger) -> None:
    """Even if it is sent again, and paid for again."""
    killed(ledger)
    answered(ledger, LATER, ["phone"], PHONES)  # before: nothing, as it is unknown

    async def again() -> None:
        async with Recorder(ledger, Renewal(unknown_before=1e12), record=LATER) as recorder:
            one = batch("phone")
            await sent(recorder, one)
            await recorder.answered(one, parse_answer(PHONES))

    run(again())
    assert ("first", "phone", None, False) in charges(ledger)
    assert ("later", "phone", 2, False) in charges(ledger)


def test_forgetting_people_keeps_what_they_cost(ledger: Ledger) -> None:
    """The charges name nobody; what a killed run had sent is among them."""
    killed(ledger)
    answered(ledger, LATER, ["email"], NOTHING)
    person = pd.DataFrame(
        {"firstname": ["Ana"], "lastname": ["Lovelace"], "company_name": ["Acme"],
         "domain": ["acme.example"]}
    )  # fmt: skip
    assert pronto.ledger.forget(person).people == 1
    assert charges(ledger) == [("first", "phone", None, False), ("later", "email", 0, False)]
    assert pronto.ledger.purge(0) == 0
    assert len(charges(ledger)) == 2
    with closing(sqlite3.connect(ledger.place)) as connection:
        dump = "\n".join(connection.iterdump())
    for key in (*ANA.keys("phone"), *ANA.keys("email"), "acme", "Lovelace"):
        assert key not in dump


JOB = JobRow("job-1", "x", "phone", 1.0)


def enqueued(ledger: Ledger) -> str:
    """Send a bulk job of one person; return the person's key."""

    async def main() -> None:
        async with Recorder(ledger, Renewal(), JobNotes(JOB), record=ME) as recorder:
            one = batch("phone", number=1)
            await sent(recorder, one)
            await recorder.enqueued(one, "batch-1")

    run(main())
    return keys_of(batch("phone").requests[0])[0][0]


def payload(contact: str, **answer: Any) -> Payload:
    """Return what Pronto posts to the webhook."""
    return parse(json.dumps({**answer, "custom": tag(JOB.id, contact)}))


def deliver(ledger: Ledger, *payloads: Payload) -> None:
    """Receive answers."""
    with ledger.write() as t:
        deliveries.save(ledger, t, payloads)


def test_a_delivery_is_charged_once(ledger: Ledger) -> None:
    """To the run that has sent it, however often it comes."""
    contact = enqueued(ledger)
    assert charges(ledger) == [("first", "phone", None, False)]
    answer = payload(contact, phones=["+33612345678"])
    deliver(ledger, answer)
    assert charges(ledger) == [("first", "phone", 1, False)]
    deliver(ledger, answer, answer)
    assert charges(ledger) == [("first", "phone", 1, False)]


def test_a_delivery_after_the_end_of_its_run_is_late(ledger: Ledger) -> None:
    """As nearly all are."""
    with ledger.write() as t:
        spending.begin_run(t, ME, spending.Beginning("x", ("phone",), "bulk", 1, 1))
    contact = enqueued(ledger)
    with ledger.write() as t:
        spending.end_run(t, ME, spending.End("finished"))
    deliver(ledger, payload(contact, phones=["+33612345678"]))
    assert charges(ledger) == [("first", "phone", 1, True)]


def test_a_delivery_that_is_fetched_as_well_is_charged_once(ledger: Ledger) -> None:
    """It was announced with the ID by which it was then fetched."""
    contact = enqueued(ledger)
    deliver(ledger, payload(contact, status="pending", enrichment_id="id-1"))
    assert charges(ledger) == [("first", "phone", None, False)]
    fetched(ledger, LATER)
    assert charges(ledger) == [("first", "phone", 2, True)]
    deliver(ledger, payload(contact, phones=["+33612345678", "+33612345679"]))
    assert charges(ledger) == [("first", "phone", 2, True)]


def test_both_answers_are_charged_if_a_person_was_sent_twice(ledger: Ledger) -> None:
    """Once in a bulk job, and again before its answer came."""
    contact = enqueued(ledger)

    async def again() -> None:
        async with Recorder(ledger, Renewal(unknown_before=1e12), record=LATER) as recorder:
            one = batch("phone")
            await sent(recorder, one)
            await recorder.answered(one, parse_answer(PHONES))

    run(again())
    deliver(ledger, payload(contact, phones=["+33612345678"]))
    assert charges(ledger) == [("first", "phone", 1, False), ("later", "phone", 2, False)]


def test_a_forgotten_person_cannot_be_found_by_a_charge(ledger: Ledger) -> None:
    """The ledger keeps the job, so its charges get other IDs."""
    enqueued(ledger)
    with ledger.read() as t:
        (before,) = t.connection.scalars(sa.select(schema.charges.c.id))
    with ledger.write() as t:
        ledger.forget(t, [set(ANA.keys("phone"))])
    with ledger.read() as t:
        (after,) = t.connection.scalars(sa.select(schema.charges.c.id))
    assert before != after
    assert charges(ledger) == [("first", "phone", None, False)]
