"""Many people in one request, and their answers by webhook."""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto

from .conftest import Serve, people, slow
from .seams.api import spec
from .seams.bulk import sizes
from .seams.sandbox import FAULTS, RefusalError, identity, truth
from .seams.sending import RateLimit
from .test_calling import script, wait_for
from .test_ledger import enrich, ledger_file


@pytest.fixture
def hook() -> Iterator[pronto.Webhook]:
    """Listen on this machine, for the ledger of the test; to be started by the test."""
    made: list[pronto.Webhook] = []

    class Late:
        """Made at its first use, when the test has set the service."""

        def __getattr__(self, name: str) -> Any:
            if not made:
                made.append(pronto.webhook(port=0).start())
            return getattr(made[0], name)

    yield Late()  # type: ignore[misc]  # stands for one
    for one in made:
        one.stop()


def bulk(
    df: pd.DataFrame, hook: pronto.Webhook, type_: Any = "email", **more: Any
) -> pronto.BulkJob:
    """Make a job whose answers come to the hook."""
    return pronto.bulk_enrich(df, type_, hook.url, progress=False, **more)


def rows(df: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows, each as a dict."""
    return [{str(name): value for name, value in row.items()} for row in df.to_dict("records")]


def numbers(df: pd.DataFrame) -> list[str]:
    """Return the headers of the phone numbers."""
    return [name for name in map(str, df.columns) if re.fullmatch(r"phone_\d+", name)]


def assert_true(out: pd.DataFrame, type_: str = "email") -> None:
    """Each row has the answer of its own person."""
    for row in rows(out):
        told = truth(row, [type_])
        if type_ == "phone":
            found = [row[name] for name in numbers(out) if pd.notna(row[name])]
            assert found == [phone["number"] for phone in told["phones"]]
        else:
            assert (row[type_] if pd.notna(row[type_]) else None) == told[type_]
        assert row["pronto_status"] == ("found" if told["status"] == "success" else "not_found")


@given(st.integers(2, 10_000))
def test_batches_are_as_few_as_can_be_and_none_is_of_one(people: int) -> None:
    """Whatever the number."""
    made = sizes(people)
    assert sum(made) == people
    assert len(made) == -(-people // spec.BULK_MOST)
    assert min(made) >= spec.BULK_LEAST
    assert max(made) <= min(spec.BULK_MOST, min(made) + 1)


def test_101_are_51_and_50() -> None:
    """Not 100 and 1, which the service refuses."""
    assert sizes(101) == [51, 50]


def test_a_thousand_and_one_shuffled_and_some_twice(serve: Serve, hook: pronto.Webhook) -> None:
    """Eleven requests; every row has its own answer, and nobody is charged twice."""
    server = serve(deliveries_doubled=0.1)
    df = people(1001).sample(frac=1, random_state=1)
    job = bulk(df, hook)
    assert (job.batches, job.sent) == (11, 1001)
    assert job.wait(60, progress=False)
    wait_for(lambda: sum(server.sandbox.delivered.values()) > 1050)
    out = job.results()
    assert out.index.equals(df.index)
    assert_true(out)
    assert set(server.sandbox.delivered) == {200}
    assert len(server.sandbox.charges) == 1001
    assert set(server.sandbox.batches.values()) == {1}
    pd.testing.assert_frame_equal(df.pronto.collect("email"), out)
    before = len(server.sandbox.arrivals)
    again = bulk(df, hook)
    assert (again.batches, again.sent, again.missing) == (0, 0, 0)
    pd.testing.assert_frame_equal(again.results(), out)
    assert len(server.sandbox.arrivals) == before


def test_who_is_left_out_of_a_job(serve: Serve, hook: pronto.Webhook) -> None:
    """By mask, by suppression; the answers are of any frame of the same people."""
    serve()
    df = people(20)
    only = [row < 10 for row in range(20)]
    job = bulk(df, hook, only=only, suppress=[df["linkedin_url"].iloc[0]])
    assert job.sent == 9
    assert job.wait(60, progress=False)
    assert job.results()["pronto_status"].isin(["found", "not_found"]).sum() == 9
    assert job.results()["pronto_message"].iloc[[0, 15]].tolist() == [
        "Not sent: on the suppress= list.", "Not sent: excluded by only=.",
    ]  # fmt: skip
    assert_true(job.results(df.iloc[1:10]))


def test_phones_of_some_countries(serve: Serve, hook: pronto.Webhook) -> None:
    """Exploded as enrich does; the caller's own fields go along."""
    server = serve()
    df = people(30).assign(crm=[f"c{n}" for n in range(30)])
    job = bulk(df, hook, "phone", phone_country_codes=["gb"], custom=["crm"])
    assert job.wait(30, progress=False)
    out = job.results()
    found = out[numbers(out)].stack().dropna()
    assert len(found) > 3
    assert found.str.startswith("+44").all()
    assert len(server.sandbox.charges) == 30


def test_a_job_says_how_far_it_is(serve: Serve, hook: pronto.Webhook) -> None:
    """And enrich leaves it alone meanwhile: it would pay twice."""
    server = serve(hold_deliveries=True)
    df = people(150)
    job = bulk(df, hook)
    assert (job.batches, job.sent, job.arrived, job.missing) == (2, 150, 0, 150)
    assert not job.wait(0.1, progress=False)
    assert "150 in 2 batches" in repr(job)
    assert "150 in 2 batches" in job._repr_html_()
    assert "Next: .wait(), then .results()." in repr(job)
    with pytest.warns(pronto.UnknownRowsWarning):
        out = df.pronto.enrich("email", progress=False)
    assert set(out["pronto_status"]) == {"unknown"}
    assert out["pronto_message"].str.contains("bulk job").all()
    assert server.sandbox.asked.total() == 150
    with pytest.warns(pronto.UnknownRowsWarning):
        assert set(job.results()["pronto_status"]) == {"unknown"}
    server.sandbox.release()
    seen: list[int] = []
    assert job.wait(30, progress=lambda now: seen.append(now.done))
    assert seen[-1] == 150
    assert "Next: .results()." in repr(job)
    assert_true(job.results())


def test_answers_that_never_come_stay_unknown(serve: Serve, hook: pronto.Webhook) -> None:
    """And are asked for again only where the caller says so."""
    server = serve(deliveries_lost=0.3)
    df = people(100)
    job = bulk(df, hook)
    delivered, deliveries = server.sandbox.delivered, server.sandbox._deliveries
    wait_for(lambda: sum(delivered.values()) > 40 and not deliveries._tasks)
    missing = job.missing
    assert 0 < missing < 60
    with pytest.warns(pronto.UnknownRowsWarning, match=str(missing)):
        out = job.results()
    assert (out["pronto_status"] == "unknown").sum() == missing
    server.sandbox.deliveries_lost = 0
    again = bulk(df, hook, resend_unknown=True)
    assert again.sent == missing
    assert again.wait(30, progress=False)
    assert_true(again.results())
    assert job.missing == 0


KILLED = """
    import os, signal
    job = pronto.bulk_enrich(people(150), "email", {hook!r}, progress=False)
    print(job.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@slow
def test_a_kernel_that_dies_and_the_next_that_picks_the_job_up(
    serve: Serve, hook: pronto.Webhook
) -> None:
    """Between submission and delivery: no request goes out twice, and the frame is full."""
    server = serve(hold_deliveries=True)
    name, _ = script(server, KILLED.format(hook=hook.url)).communicate(timeout=60)
    (job,) = pronto.jobs()
    assert job.id == name.strip()
    assert (job.sent, job.missing) == (150, 150)
    with pytest.raises(pronto.ConfigurationError, match="Pass the original DataFrame"):
        job.results()
    again = bulk(people(150), hook)
    assert again.sent == 0
    assert "No batch was sent" in repr(again)
    assert again.id not in repr(again).partition("\n")[2]  # no job has this id
    server.sandbox.release()
    job = pronto.job(job.id[:6])
    assert job.wait(30, progress=False)
    assert_true(job.results(people(150)))
    assert set(server.sandbox.batches.values()) == {1}
    assert len(server.sandbox.charges) == 150


def refused(
    server: Any, hook: pronto.Webhook, match: str, error: Any = None, **changes: Any
) -> None:
    """Nothing leaves, and the words say what to do."""
    arguments: dict[str, Any] = {"df": people(5), "type": "email", "webhook_url": hook.url}
    with pytest.raises(pronto.ConfigurationError, match=match):
        pronto.bulk_enrich(**(arguments | changes), progress=False)
    assert not server.sandbox.arrivals


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"df": people(1)}, "enrich"),
        ({"df": people(0)}, None),
        ({"type": ["email", "phone"]}, "one type"),
        ({"type": "address"}, "Unknown type"),
        ({"webhook_url": None}, "webhook_url is required"),
        ({"webhook_url": "ftp://x"}, "must be a URL"),
        ({"webhook_url": "https://…/x"}, "must be a URL"),
        ({"webhook_url": "http://127.0.0.1:9/x"}, "Nothing is listening"),
        ({"webhook_url": 5}, "must be a URL"),
        ({"webhook_url": "http://hooks.example/a"}, "https"),
        ({"phone_country_codes": ["FR"]}, "only with type"),
        ({"type": "phone", "phone_country_codes": "FR"}, "two-letter"),
        ({"type": "phone", "phone_country_codes": ["FRA"]}, "two-letter"),
        ({"df": people(5).assign(pronto_pandas="x"), "custom": ["pronto_pandas"]}, "Rename"),
        ({"df": people(5).drop(columns="linkedin_url"), "type": "phone"}, "linkedin_url"),
        ({"limit": 1}, "enrich"),
    ],
)
def test_bad_input_is_said_and_nothing_is_sent(
    serve: Serve, hook: pronto.Webhook, changes: dict[str, Any], match: str | None
) -> None:
    """Before any money is spent."""
    server = serve()
    if match is None:
        assert pronto.bulk_enrich(changes["df"], "email", hook.url, progress=False).sent == 0
        assert not server.sandbox.arrivals
    else:
        refused(server, hook, match, **changes)


def test_a_webhook_of_this_machine_is_out_of_the_services_reach() -> None:
    """Answers that are paid for would have nowhere to go."""
    pronto.configure(api_key="k")
    with pytest.raises(pronto.ConfigurationError, match="tunnel"):
        pronto.bulk_enrich(people(5), "email", "http://127.0.0.1:8790/x")


@pytest.mark.parametrize("via", ["sync", "async", "bulk", "file"])
def test_personal_emails_without_consent_send_nothing(
    serve: Serve, hook: pronto.Webhook, via: str, tmp_path: Path
) -> None:
    """On every path; with it, every path asks for them."""
    server = serve()
    people(5).to_csv(tmp_path / "in.csv", index=False)

    def ask() -> Any:
        match via:
            case "bulk":
                job = bulk(people(5), hook, "personal_email")
                assert job.wait(30, progress=False)
                return job.results()
            case "file":
                pronto.enrich_file(
                    tmp_path / "in.csv", tmp_path / "out.csv", "personal_email", progress=False
                )
                return pd.read_csv(tmp_path / "out.csv")
            case _:
                return people(5).pronto.enrich("personal_email", via=via, progress=False)

    with pytest.raises(pronto.ConsentRequiredError, match=r"\(1\) in your Pronto .*\(2\) here"):
        ask()
    assert not server.sandbox.arrivals
    pronto.configure(personal_email_consent="recruiting")
    assert_true(ask(), "personal_email")
    assert len(server.sandbox.charges) == 5


@pytest.mark.parametrize("what", ["consent", "credits", "key"])
def test_a_refusal_up_front_leaves_nothing_unknown(
    serve: Serve, hook: pronto.Webhook, what: str
) -> None:
    """And the same line sends it when the cause is mended."""
    server = serve(credits=90 if what == "credits" else 10_000, consent=what != "consent")
    pronto.configure(personal_email_consent="recruiting")
    df = people(180)
    if what == "key":
        pronto.configure(api_key="wrong")
        with pytest.raises(pronto.AuthenticationError):
            bulk(df, hook)
    elif what == "consent":
        with pytest.raises(pronto.ConsentRequiredError, match="consenting"):
            bulk(df, hook, "personal_email")
    else:
        with pytest.warns(pronto.CreditsExhaustedWarning, match="90 rows are pending"):
            job = bulk(df, hook)
        assert job.sent == 90
        assert job.wait(30, progress=False)
    type_: Any = "personal_email" if what == "consent" else "email"
    known = df.pronto.collect(type_)
    assert (known["pronto_status"] == "pending").sum() == (90 if what == "credits" else 180)
    server.sandbox.credits, server.sandbox.consent = 10_000, True
    pronto.configure(api_key=server.sandbox.api_key)
    job = bulk(df, hook, type_)
    assert job.wait(30, progress=False)
    assert_true(job.results(), type_)
    assert len(server.sandbox.charges) == 180


def test_a_rejected_batch_reads_as_sentences(
    serve: Serve, hook: pronto.Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pronto's own text may have no full stop."""
    server = serve()

    def reject(body: dict[str, Any]) -> None:
        raise RefusalError(400, {"error": "The batch is not valid"})

    monkeypatch.setattr(server.sandbox, "enqueue", reject)
    with pytest.warns(pronto.RefusedWarning) as caught:
        job = bulk(people(5), hook)
    assert str(caught[0].message) == (
        "Pronto did not process 5 rows. You were not charged. The batch is not valid. "
        "Run the same line again to resend them."
    )
    assert re.search("rejected or not sent +5: The batch is not valid\\.", repr(job))
    assert not server.sandbox.charges


def test_a_job_waits_for_nobody_whose_batch_was_not_sent(
    serve: Serve, hook: pronto.Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch ends the run; those recorded next to it have not been sent."""
    server = serve()

    def reject(body: dict[str, Any]) -> None:
        raise RefusalError(402, {"error": "insufficient_credits"})

    turns = itertools.count(1)

    async def acquire(limit: RateLimit) -> float:
        """Let the key check and the first batch start; the others have to wait."""
        return await original(limit) if next(turns) <= 2 else await asyncio.sleep(60, 0.0)

    original = RateLimit.acquire
    monkeypatch.setattr(server.sandbox, "enqueue", reject)
    monkeypatch.setattr(RateLimit, "acquire", acquire)
    with pytest.warns(pronto.CreditsExhaustedWarning):
        job = bulk(people(250), hook)
    assert job.wait(0, progress=False)
    assert (job.sent, job.batches) == (0, 0)
    assert not server.sandbox.charges


def test_max_credits_counts_the_worst_case(serve: Serve, hook: pronto.Webhook) -> None:
    """Nobody knows what a batch costs before its answers are there."""
    server = serve()
    with pytest.warns(pronto.MaxCreditsWarning):
        job = bulk(people(100), hook, max_credits=30 * 3)
    assert job.sent == 30
    assert len(server.sandbox.charges) == 30


@pytest.mark.parametrize("kind", [fault.kind for fault in FAULTS])
def test_faults_charge_nobody_twice(serve: Serve, hook: pronto.Webhook, kind: str) -> None:
    """What may have been worked on is not sent again, and its answers count when they come."""
    server = serve(faults=0.6, fault_kinds=(kind,), hold=0.3, timeout=3, seed=2)
    df = people(201)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        job = bulk(df, hook)
    assert (job.batches, job.sent) == (3, 201)
    # A connection that broke before the work looks like one that broke after it.
    wait_for(lambda: job.arrived == len(server.sandbox.charges))
    assert kind == "reset before" or job.missing == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        out = job.results()
    assert (out["pronto_status"] == "unknown").sum() == job.missing
    assert_true(out[out["pronto_status"] != "unknown"])
    assert max(Counter(charge["contact"] for charge in server.sandbox.charges).values()) == 1


def test_a_job_that_is_not_there() -> None:
    """Is said, with the way to those that are."""
    pronto.configure(base_url="http://127.0.0.1:9")
    assert pronto.jobs() == []
    with pytest.raises(pronto.ConfigurationError, match=r"pronto\.jobs"):
        pronto.job("abc")


def test_identity_is_kept_of_the_contact(serve: Serve, hook: pronto.Webhook) -> None:
    """The service is told the fields it needs and the tag, and the caller's own fields."""
    server = serve()
    df = people(3).assign(crm=["a", "", "c"])
    job = bulk(df, hook, custom=["crm"])
    assert job.wait(30, progress=False)
    asked = set(server.sandbox.asked)
    assert asked == {identity(person) for person in rows(people(3))}


def test_purge_spares_what_is_open(serve: Serve, hook: pronto.Webhook) -> None:
    """However old the answer is that it was sent to replace: it would be paid for again."""
    server = serve(hold_deliveries=True)
    enrich(people(5))
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute("update pronto_entries set at = at - 86400 * 100")
        connection.commit()
    job = pronto.bulk_enrich(people(5), "email", hook.url, progress=False)  # max_age_days is 90
    assert job.sent == 5
    newest = pronto.ledger.info()["newest"].iloc[0]
    assert pd.Timestamp.now("UTC") - newest < pd.Timedelta("1 hour"), "when it was sent"
    assert pronto.ledger.purge("90 days") == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        pronto.bulk_enrich(people(5), "email", hook.url, progress=False)
    assert set(server.sandbox.asked.values()) == {2}, "each once by each of two runs"
    assert job.missing == 5
