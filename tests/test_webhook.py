"""The webhook: what Pronto, other tools and strangers send to it."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.bulk import LARGEST, TAG, deliveries, parse
from .seams.frame import people as people_of
from .seams.root import LocalServer, local_server
from .seams.sandbox import truth
from .seams.storage import schema
from .test_bulk import assert_true, bulk, rows
from .test_bulk import hook as hook
from .test_ledger import ledger_file


def keys(df: pd.DataFrame, type_: str = "email") -> list[str]:
    """Return the ledger keys of people."""
    return [contact.keys(type_)[0] for contact in people_of(df, None)]


def payloads_for(job: pronto.BulkJob, df: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what Pronto would deliver."""
    return [
        truth(person, ["email"])
        | {"enrichment_id": "e", "custom": {TAG: f"{job.id}.{contact}", "crm": 1}}
        for person, contact in zip(rows(df), keys(df), strict=True)
    ]


def aside() -> list[tuple[str, str]]:
    """Return the payloads that were set aside, and the reasons."""
    with closing(sqlite3.connect(ledger_file())) as connection:
        return connection.execute("select why, body from pronto_aside order by number").fetchall()


def test_payloads_collected_by_another_tool(
    serve: Serve, hook: pronto.Webhook, tmp_path: Path
) -> None:
    """JSON Lines, a JSON array, a table, a DataFrame or a list, with and without wrappers."""
    serve(hold_deliveries=True)
    df = people(8)
    job = bulk(df, hook)
    payloads = payloads_for(job, df)
    lines = tmp_path / "export.jsonl"
    lines.write_text("\n".join(json.dumps(p) for p in payloads[:2]) + "\nno json\n\n")
    assert job.load(lines) == pronto.Loaded(taken=2, repeated=0, set_aside=1)
    assert job.load(payloads[:3]) == pronto.Loaded(taken=1, repeated=2, set_aside=0)
    whole = tmp_path / "export.json"
    whole.write_text(json.dumps([{"headers": {}, "body": payloads[3]}]))
    assert job.load(str(whole)).taken == 1
    table = pd.DataFrame([p | {"custom": json.dumps(p["custom"])} for p in payloads[4:6]])
    table.to_csv(tmp_path / "export.csv", index=False)
    assert job.load(tmp_path / "export.csv").taken == 2
    assert job.load(pd.DataFrame(payloads[6:])).taken == 2
    assert job.missing == 0
    assert_true(job.results())
    stray: list[Any] = [{"email": "a@b.example"}, {}, 5]
    assert job.load(stray).set_aside == 3


@pytest.mark.parametrize("source", [5, {"a": 1}, "not there.jsonl", "bad.json", "picture.csv"])
def test_an_unreadable_export_raises(
    serve: Serve, hook: pronto.Webhook, tmp_path: Path, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is saved."""
    serve(hold_deliveries=True)
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("no json")
    Path("picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    job = bulk(people(2), hook)
    with pytest.raises(pronto.ConfigurationError):
        job.load(source)
    assert job.arrived == 0


def test_a_pending_answer_is_fetched_by_its_id(serve: Serve, hook: pronto.Webhook) -> None:
    """A pending payload contains the id of the answer; the answer is fetched with it."""
    server = serve(hold_deliveries=True)
    df = people(2)
    job = bulk(df, hook)
    answer = server.sandbox.submit(rows(df)[0] | {"enrichment_type": ["email"]})
    pending = {"status": "pending", "custom": {TAG: f"{job.id}.{keys(df)[0]}"}}
    assert job.load([pending]).set_aside == 1
    assert job.load([pending | {"enrichment_id": answer["enrichment_id"]}]).taken == 1
    with pytest.warns(pronto.UnknownRowsWarning):
        out = job.results()
    assert_true(out.iloc[:1])
    assert job.arrived == 1


def test_a_better_answer_replaces_one_that_found_nothing(
    serve: Serve, hook: pronto.Webhook
) -> None:
    """A different answer that is not better is set aside."""
    serve(hold_deliveries=True)
    df = people(2)
    job = bulk(df, hook)
    mine = {"custom": {TAG: f"{job.id}.{keys(df)[0]}"}}
    nothing = {"status": "error", "email": None} | mine
    found = {"status": "success", "email": "x@found.example"} | mine
    other = {"status": "success", "email": "y@found.example"} | mine
    assert job.load([nothing, nothing]) == pronto.Loaded(1, 1, 0)
    assert job.load([found, nothing, other]) == pronto.Loaded(1, 0, 2)
    with pytest.warns(pronto.UnknownRowsWarning):
        assert job.results()["email"][0] == "x@found.example"


def test_an_identical_answer_counts_as_arrived_after_a_refresh(
    serve: Serve, hook: pronto.Webhook
) -> None:
    """A refresh waits for a new answer, even if it equals the old one."""
    serve(hold_deliveries=True)
    df = people(2)
    first = bulk(df, hook)
    answers = [payload | {"enrichment_id": None} for payload in payloads_for(first, df)]
    assert first.load(answers).taken == 2
    again = bulk(df, hook, refresh=True)
    assert (again.sent, again.missing) == (2, 2)
    tags = [{"custom": {TAG: f"{again.id}.{key}"}} for key in keys(df)]
    assert again.load([a | t for a, t in zip(answers, tags, strict=True)]).taken == 2
    assert again.missing == 0
    assert_true(again.results())


def test_forget_and_purge_delete_from_jobs(serve: Serve, hook: pronto.Webhook) -> None:
    """purge() deletes old jobs and payloads that were set aside."""
    serve(hold_deliveries=True)
    job = bulk(people(10), hook)
    stray = {"status": "success", "email": "a@b.example"}
    job.load([stray | {"custom": {TAG: f"x.{keys(people(1))[0]}"}}])
    job.load([{"custom": "of nobody"}])
    gone = pronto.ledger.forget(people(5))
    assert (gone.people, gone.entries, gone.payloads) == (5, 5, 1)
    assert job.sent == 5
    assert len(aside()) == 1
    pronto.ledger.purge(0)
    assert len(pronto.jobs()) == 1, "people are out in it"
    pronto.ledger.forget(people(10))
    pronto.ledger.purge(0)
    assert pronto.jobs() == []
    assert aside() == []
    assert b"a@b.example" not in ledger_file().read_bytes()


def test_a_burst_of_deliveries_is_saved(serve: Serve, hook: pronto.Webhook) -> None:
    """2,000 deliveries together: each gets HTTP 200 and is in the ledger."""
    serve(hold_deliveries=True)
    df = people(2000)
    job = bulk(df, hook)
    bodies = [json.dumps(payload).encode() for payload in payloads_for(job, df)]
    assert together(hook.url, bodies) == [200] * 2000
    assert (job.arrived, job.missing) == (2000, 0)
    assert_true(job.results())


def test_wrong_requests_and_payloads(serve: Serve, hook: pronto.Webhook) -> None:
    """Wrong requests are refused or set aside; valid answers are still saved."""
    server = serve(hold_deliveries=True)
    df = people(3)
    job = bulk(df, hook)
    payloads = payloads_for(job, df)
    url = hook.url
    base = url.rpartition("/")[0]
    assert httpx.post(f"{base}/wrong", json=payloads[0]).status_code == 404
    assert httpx.post(f"{base}/é", json=payloads[0]).status_code == 404
    assert httpx.post(base, json=payloads[0]).status_code == 404
    assert (httpx.get(url).status_code, httpx.head(url).status_code) == (405, 405)
    assert httpx.post(url, content=b"x" * 5_000_000).status_code == 413
    assert job.arrived == 0
    for body in (b"", b"{", b"[" * 100_000, b"5", b"\xff\xfe", b'{"custom": 5}', b"x" * LARGEST):
        assert httpx.post(url, content=body).status_code == 200
    stranger = payloads[0] | {"custom": {TAG: f"{job.id}.{'0' * 64}"}}
    unknown = payloads[0] | {"custom": {TAG: f"abc.{keys(df)[0]}"}}
    for odd in (stranger, unknown, {"status": "success", "email": "a@b.example"}):
        assert httpx.post(url, json=odd).status_code == 200
    assert len(aside()) == 10
    with pronto.configure(base_url="http://127.0.0.1:9"), pronto.webhook(port=0) as other:
        assert httpx.post(other.url, json=payloads[0]).status_code == 200
    assert len(aside()) == 11
    assert job.arrived == 1  # set aside for another service, and taken by the job all the same
    assert len(aside()) == 10
    server.sandbox.release()
    assert job.wait(30, progress=False)
    assert_true(job.results())


def test_a_failed_write_is_not_acknowledged(
    serve: Serve, hook: pronto.Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    """The sender gets HTTP 503 and can try again; the log has one line, without personal data."""
    serve(hold_deliveries=True)
    df = people(2)
    job = bulk(df, hook)
    payload = payloads_for(job, df)[0]
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute("alter table pronto_aside rename to gone")
        connection.execute("alter table pronto_members rename to gone_too")
        connection.commit()
        assert httpx.post(hook.url, json=payload, timeout=20).status_code == 503
        (line,) = logged(caplog)
        assert "not saved (HTTP 503). The ledger at" in line
        assert job.id not in line
        connection.execute("alter table gone rename to pronto_aside")
        connection.execute("alter table gone_too rename to pronto_members")
        connection.commit()
    assert httpx.post(hook.url, json=payload).status_code == 200
    assert job.arrived == 1


def test_a_locked_ledger_is_waited_for(
    serve: Serve, hook: pronto.Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender may not try again, and the answer would be lost."""
    serve(hold_deliveries=True)
    df = people(2)
    job = bulk(df, hook)
    url, payload = hook.url, payloads_for(job, df)[0]
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 20)
    other = sqlite3.connect(ledger_file(), isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("begin immediate")
        threading.Timer(0.2, other.execute, ["rollback"]).start()
        assert httpx.post(url, json=payload, timeout=20).status_code == 200
    assert job.arrived == 1


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the package's warnings in the log."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("pronto_pandas.") and record.levelname == "WARNING"
    ]


def together(url: str, bodies: Iterable[bytes]) -> list[int]:
    """Post bodies concurrently and return the HTTP statuses."""

    async def post_all() -> list[int]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def post(body: bytes) -> int:
                async with session.post(url, data=body) as reply:
                    return reply.status

            return await asyncio.gather(*map(post, bodies))

    return asyncio.run(post_all())


@pytest.mark.parametrize(("bad", "failed"), [([0], 1), ([7, 8, 29], 3)])
def test_only_the_bad_payload_of_a_group_fails(
    serve: Serve,
    hook: pronto.Webhook,
    caplog: pytest.LogCaptureFixture,
    bad: list[int],
    failed: int,
) -> None:
    """Payloads share a transaction, but a bad one does not fail the others."""
    serve(hold_deliveries=True)
    df = people(30)
    job = bulk(df, hook)
    url = hook.url
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute(
            "CREATE TRIGGER refuses BEFORE INSERT ON pronto_aside WHEN new.body LIKE '%refuse me%' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        bodies = [json.dumps(payload).encode() for payload in payloads_for(job, df)]
        for place in bad:
            bodies.insert(place, b'{"email": "refuse me"}')
        connection.commit()
        statuses = together(url, bodies)
    assert [place for place, status in enumerate(statuses) if status != 200] == sorted(bad)
    assert {statuses[place] for place in bad} == {503}
    assert job.arrived == 30
    assert len(logged(caplog)) == failed
    assert not [line for line in logged(caplog) if "refuse me" in line]


def test_an_unexpected_error_is_logged_by_its_type(
    serve: Serve, hook: pronto.Webhook, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    """The message of an unexpected error may contain personal data, so only its type is logged."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("Ada Lovelace")

    serve()
    url = hook.url
    monkeypatch.setattr(deliveries, "save", broken)
    assert httpx.post(url, json={}).status_code == 500
    assert logged(caplog) == ["A webhook payload was not saved (HTTP 500, RuntimeError)."]


REQUEST = b"POST TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        REQUEST[:20],
        REQUEST + b"123",
        REQUEST + b"12345" + REQUEST[:20],
        REQUEST + b"12345" + REQUEST + b"123",
    ],
    ids=["nothing", "half a head", "half a body", "then half a head", "then half a body"],
)
def test_an_incomplete_request_times_out(
    hook: pronto.Webhook, serve: Serve, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """Incomplete requests would otherwise use up all connections."""
    monkeypatch.setattr(local_server, "REQUEST_TIMEOUT", 0.1)
    serve()
    url = httpx.URL(hook.url)
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(sent.replace(b"TARGET", url.raw_path))
        received = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(1 << 16):
                received += part
    assert received.count(b"HTTP/1.1 200") == sent.count(b"12345")


def test_a_slow_response_does_not_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit applies only until the request has arrived."""
    monkeypatch.setattr(local_server, "REQUEST_TIMEOUT", 0.05)

    async def slow(request: Request) -> Response:
        await request.body()
        await asyncio.sleep(0.2)
        return PlainTextResponse("there")

    with LocalServer(Starlette(routes=[Route("/", slow, methods=["POST"])])) as own:
        assert httpx.post(f"http://127.0.0.1:{own.port}/", content=b"x").text == "there"


def test_the_url_of_a_ledger_never_changes(serve: Serve) -> None:
    """Answers of a job started before a restart still arrive; the token is not in the repr."""
    serve()
    first, second = pronto.webhook(), pronto.webhook("https://hook.example/pronto/")
    token = first.url.rpartition("/")[2]
    assert second.url == f"https://hook.example/pronto/{token}"
    assert len(token) >= 32
    assert token not in repr(first) + repr(second)
    with pronto.webhook(port=0) as third:
        assert third.url.endswith(token)
        port = int(third.url.split(":")[2].split("/")[0])
        assert f"http://127.0.0.1:{port}/…, listening" in repr(third)
    with pytest.raises(pronto.ConfigurationError, match="not running"):
        _ = third.url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "hook.example"),
        ("public_url", "http://hook.example"),
        ("public_url", 5),
        ("port", -1),
        ("port", True),
    ],
)
def test_invalid_arguments_raise(name: str, value: Any) -> None:
    """An invalid argument is refused before anything listens."""
    with pytest.raises(pronto.ConfigurationError, match=name):
        pronto.webhook(**{name: value})


@pytest.mark.parametrize(
    ("host", "todo"), [("127.0.0.1", "Another webhook"), ("192.0.2.1", "another port= or host=")]
)
def test_a_port_that_cannot_be_used(serve: Serve, host: str, todo: str) -> None:
    """The error names the likely cause: a second webhook, or an address of another computer."""
    serve()
    with LocalServer(Starlette()) as other:
        hook = pronto.webhook(port=other.port, host=host)
        with pytest.raises(pronto.ConfigurationError, match=todo):
            hook.start()


@pytest.fixture
def mounted(serve: Serve) -> Iterator[str]:
    """Serve the webhook from a user's application."""
    serve()
    hook = pronto.webhook()
    with LocalServer(Starlette(routes=[Mount("/mine", app=hook.app)])) as own:
        yield pronto.webhook(f"http://127.0.0.1:{own.port}/mine").url


def test_mounted_in_an_application(mounted: str) -> None:
    """The webhook works when it is mounted in a user's application."""
    job = pronto.bulk_enrich(people(5), "email", mounted, progress=False)
    assert job.wait(30, progress=False)
    assert_true(job.results())


def test_the_webhook_command(serve: Serve) -> None:
    """`python -m pronto_pandas webhook` prints the URL, with the token of the ledger."""
    server = serve()
    command = [sys.executable, "-m", "pronto_pandas", "webhook", "--port", "0"]
    command += ["--public-url", "https://hook.example"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        running.terminate()
    assert "https://hook.example/" in said
    assert pronto.webhook().url.rpartition("/")[2] in said
    assert not server.sandbox.arrivals


def test_bodies_of_every_kind_are_read() -> None:
    """Wrapped, flat and unusable bodies are read without an error."""
    wrapped = {"data": {"payload": json.dumps({"custom": {TAG: "a.b"}})}}
    assert parse(json.dumps(wrapped).encode()).job == "a"
    assert parse(b'{"custom.pronto_pandas": "a.b", "status": "success"}').contact == "b"
    assert parse(b"null").answer is None
