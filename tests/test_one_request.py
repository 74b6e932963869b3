"""Contacts of one list that are one person to the ledger alone: one request, one answer."""

from __future__ import annotations

import asyncio

import pandas as pd
import pytest

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.api import Contact
from .seams.bulk import batches
from .seams.config import current
from .seams.root import open_ledger
from .seams.sending import Batch, Recorder, Request, keys_of, wanted_by
from .seams.storage import Renewal, Wanted, connect, new_run
from .test_bulk import bulk, hook  # noqa: F401  a fixture
from .test_ledger import ledger_file
from .test_people import LINKEDIN, frame, person

FULL = Contact("Ana", "Lovelace", "Acme", "acme.example", LINKEDIN)
BY_NAME = Contact("Ana", "Lovelace", "Acme", None, LINKEDIN)
"""The same person, with no key in common but that of the company's name."""

BOTH = frame(person(company_name="Acme", domain="acme.example"), person(company_name="Acme"))


def job(number: int, contact: Contact) -> Request:
    """Return a request for an email."""
    return Request(number, contact, ("email",))


def test_a_claim_that_waits_for_another_try_is_not_taken_by_the_same_run() -> None:
    """Its second request would find the first one's entry, and give it up while it is in flight."""

    async def main() -> None:
        ledger = connect(str(ledger_file()), "x")
        async with Recorder(ledger, Renewal()) as book:
            first, second = job(0, FULL), job(1, BY_NAME)
            assert (await book.claim([first])).taken
            batch = Batch((first,))
            await book.about_to_send([batch])
            assert book.may_send(batch)
            await book.not_processed(batch)  # a 429; it is sent again in a moment
            claims = await book.claim([second])
            assert not claims.taken
            assert [entry.state for entry in claims.kept.values()] == ["held"]
            assert await book.about_to_send([batch]) == ([batch], [])
            await book.free(batch)
            assert (await book.claim([second])).taken

    asyncio.run(main())


def test_two_batches_do_not_hold_the_same_person(
    serve: Serve,
    hook: pronto.Webhook,  # noqa: F811  the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the list is long and the two are far apart: nobody else goes without."""
    monkeypatch.setattr(batches, "CLAIM_AHEAD", 100)
    server = serve(latency=0.3)
    df = pd.concat([BOTH[:1], people(150), BOTH[1:]], ignore_index=True).reindex(
        columns=BOTH.columns
    )
    job = bulk(df.reindex(columns=BOTH.columns).astype("object"), hook)
    assert job.wait(20, progress=False)
    assert (job.sent, job.counts.refused) == (151, 0)
    assert sum(server.sandbox.asked.values()) == 151
    out = job.results()
    assert out["enrichment_id"].iloc[[0, -1]].nunique() == 1
    assert set(out["pronto_status"]) <= {"found", "not_found"}


def test_an_answer_that_does_not_come_in_time_is_not_waited_for_as_another_contact(
    serve: Serve,
) -> None:
    """The run has submitted it itself, and ends."""
    server = serve(latency=1_000, timeout=0.5)
    out = pronto.enrich(BOTH, "email", via="async", progress=False)
    assert out["pronto_status"].tolist() == ["pending", "pending"]
    assert sum(server.sandbox.asked.values()) == 1


def test_a_claim_in_doubt_takes_over_once_more_what_was_submitted() -> None:
    """Its first transaction was committed, and nobody heard of it."""
    ledger, wanted = connect(str(ledger_file()), "x"), [Wanted("email", ("a",))]
    dead, run = new_run(), new_run()
    with ledger.write() as t:
        ledger.claim(t, wanted, dead, Renewal())
        ledger.send(t, [("a", "email")], dead)
        ledger.submit(t, [("a", "email")], dead, "name")
        ledger.end(t, dead)
    for _ in range(2):
        with ledger.write() as t:
            claims = ledger.claim(t, wanted, run, Renewal())
        entry = claims.kept["a", "email"]
        assert (entry.state, entry.enrichment_id) == ("submitted", "name")


def test_an_answer_under_another_key_counts_more_than_a_request_without_one(serve: Serve) -> None:
    """Of two entries that turn out to be one person's."""
    server = serve()
    by_name = frame(person(company_name="Acme"))
    known = pronto.enrich(by_name, "email", progress=False)
    ledger = open_ledger(current())
    lost = job(0, Contact("Ana", "Lovelace", None, "acme.example", LINKEDIN))
    with ledger.write() as t:
        run = new_run()
        ledger.claim(t, wanted_by(lost), run, Renewal())
        ledger.send(t, keys_of(lost), run)
        ledger.lose(t, keys_of(lost), run)
    out = pronto.enrich(BOTH[:1], "email", progress=False, resend_unknown=True)
    assert out["pronto_status"].tolist() == known["pronto_status"].tolist()
    assert out["enrichment_id"].tolist() == known["enrichment_id"].tolist()
    assert sum(server.sandbox.asked.values()) == 1
    new = pronto.enrich(BOTH[:1], "email", progress=False, refresh=True)
    assert sum(server.sandbox.asked.values()) == 2
    again = pronto.enrich(by_name, "email", progress=False)
    assert again["enrichment_id"].tolist() == new["enrichment_id"].tolist()
