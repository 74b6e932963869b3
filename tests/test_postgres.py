"""A ledger that a team shares, on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from textwrap import dedent
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

import pronto_pandas as pronto

from .conftest import Serve, people, slow
from .postgres import Postgres
from .processes import Process, asked_twice, charged_twice, ended, lined_up
from .seams.bulk import TAG, Payload, deliveries, parse
from .seams.config import current
from .seams.root import open_ledger
from .seams.storage import Renewal, Wanted, connect, new_run, schema
from .test_calling import wait_for
from .test_rate_limit import most_in_a_second

SETTLED = {"found", "not_found"}

ENRICH = 'show(people(ROWS).pronto.enrich("email", progress=False))'


def enrich(df: pd.DataFrame, **more: Any) -> pd.DataFrame:
    """Enrich in silence."""
    return pronto.enrich(df, "email", progress=False, **more)


def test_a_list_run_twice_sends_nothing_the_second_time(
    serve: Serve, postgres: Postgres, postgres_url: str
) -> None:
    """Also where the server was restarted meanwhile, and its sessions were ended."""
    server = serve()
    pronto.configure(ledger=postgres_url)
    first = enrich(people(60))
    postgres.restart()
    pd.testing.assert_frame_equal(enrich(people(60)), first)
    postgres.terminate(postgres_url)
    pd.testing.assert_frame_equal(people(60).pronto.collect("email"), first)
    assert len(server.sandbox.charges) == 60


STARTS = """
    import os
    from tests.seams.sending import RateLimit
    turn, file = RateLimit.acquire, os.open("STARTS", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    async def noted(pace):
        moment = await turn(pace)
        os.write(file, f"{moment}\\n".encode())
        return moment
    RateLimit.acquire = noted
    line_up()
"""
"""Notes each start, on the clock that all processes of this machine have in common."""

FULL_SIZE = pytest.mark.skipif("PRONTO_SLOW_TESTS" not in os.environ, reason="it takes a minute")


@slow
@pytest.mark.parametrize(
    ("machines", "rows"),
    [(3, 300), pytest.param(3, 2000, marks=FULL_SIZE), pytest.param(5, 2000, marks=FULL_SIZE)],
)
def test_machines_one_of_them_killed_and_the_server_restarted(
    serve: Serve, postgres: Postgres, postgres_url: str, tmp_path: Path, machines: int, rows: int
) -> None:
    """Nobody is charged twice, nothing that was answered is lost, and the rate limit holds.

    Their clocks are ten minutes apart.
    """
    server = serve(latency=0.5)
    pronto.configure(ledger=postgres_url)
    pronto.ledger.info()  # makes the tables
    files = [tmp_path / f"{n}.starts" for n in range(machines)]
    code = ENRICH.replace("ROWS", str(rows))
    runs = [
        Process(
            server, postgres_url, dedent(STARTS).replace("STARTS", str(file)) + code,
            tmp_path / str(n), rate=50, clock=600 * (n - 1),
        )
        for n, file in enumerate(files)
    ]  # fmt: skip
    with ended(*runs):
        lined_up(runs)
        wait_for(lambda: len(server.sandbox.charges) >= 0.2 * rows)
        runs[0].signal(signal.SIGKILL)
        wait_for(lambda: len(server.sandbox.charges) >= 0.4 * rows or not runs[1].running, 60)
        postgres.restart(hard=True)
        results = [run.result() for run in runs[1:]]
    assert (asked_twice(server), charged_twice(server)) == (0, 0)
    for result in results:
        assert result.statuses.keys() <= SETTLED | {"unknown"}, result.warnings
        assert result.statuses["unknown"] <= 0.7 * 50, "more than the killed run had in flight"
    starts = sorted(float(line) for file in files for line in file.read_text().split())
    assert most_in_a_second(starts) <= 50
    if rows == 2000:
        steady = starts[int(0.55 * len(starts)) : int(0.95 * len(starts))]  # after the restart
        share = (len(steady) - 1) / (steady[-1] - steady[0]) / 50
        assert share >= 0.95, share


@slow
@pytest.mark.parametrize("how", ["restart", "crash", "terminate"])
def test_a_run_goes_on_when_the_server_is_back(
    serve: Serve, postgres: Postgres, postgres_url: str, tmp_path: Path, how: str
) -> None:
    """Every answer that was paid for is written down, and in the frame."""
    server = serve(latency=0.3)
    run = Process(
        server, postgres_url, ENRICH.replace("ROWS", "150"), tmp_path / "home", rate=50, lease=30
    )
    with ended(run):
        for charges in (20, 60):
            wait_for(
                lambda charges=charges: len(server.sandbox.charges) >= charges or not run.running
            )
            if how == "terminate":
                assert postgres.terminate(postgres_url) > 0 or not run.running
            else:
                postgres.restart(hard=how == "crash", down=0.5)
        result = run.result()
    assert (result.warnings, result.statuses["pending"]) == ([], 0)
    assert result.statuses.keys() <= SETTLED
    assert len(server.sandbox.charges) == 150
    pronto.configure(ledger=postgres_url)
    assert set(people(150).pronto.collect("email")["pronto_status"]) <= SETTLED


def test_a_server_that_stays_away_stops_the_run_in_order(
    serve: Serve, postgres: Postgres, postgres_url: str
) -> None:
    """Before anything is sent, with an error that says why and holds no password."""
    server = serve()
    url = postgres_url.replace("pronto@", "pronto:not-for-messages@")
    pronto.configure(ledger=url)
    enrich(people(3))
    postgres.stop()
    try:
        with pytest.raises(pronto.LedgerError) as caught:
            enrich(people(10))
    finally:
        postgres.start()
    assert "not-for-messages" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert len(server.sandbox.charges) == 3


def test_reading_does_not_wait_for_who_writes(serve: Serve, postgres_url: str) -> None:
    """Nor for a lock on the tables that keeps all but readers out."""
    import psycopg

    server = serve()
    pronto.configure(ledger=postgres_url)
    known = enrich(people(20))
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
        other.execute("SET lock_timeout = '5s'")
        tables = other.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = ", ".join(name for (name,) in tables.fetchall())
        other.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        began = time.monotonic()
        # What waits for the lock would wait for ever: the end of the test is the end of the lock.
        other.execute("SET idle_in_transaction_session_timeout = '4s'")
        assert people(20).pronto.collect("email").equals(known)
        assert pronto.check(people(30), "email").counts["ready"] == 10
        assert pronto.ledger.info()["entries"].tolist() == [20]
        assert pronto.jobs() == []
        assert time.monotonic() - began < 4, "it waited for the lock"
        other.rollback()
    assert len(server.sandbox.charges) == 20


def test_a_run_that_begins_while_others_read_is_alive_to_them(postgres_url: str) -> None:
    """Who reads sees one moment: what the run has sent is not taken for a dead one's."""
    ledger, other = connect(postgres_url, "x"), connect(postgres_url, "x")
    wanted, run = [Wanted("email", ("a",))], new_run()
    began: list[object] = []

    def begin(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "pronto_runs" in statement and not began:  # who is alive was read, and no entry yet
            began.append(run)
            with other.write() as t:
                other.claim(t, wanted, run, Renewal())
                assert other.send(t, [wanted[0].key], run)

    sa.event.listen(ledger.database.engine, "after_cursor_execute", begin)
    assert ledger.find(wanted) == {}
    assert began
    assert ledger.find(wanted)[wanted[0].key].state == "held"


def test_forget_and_purge(serve: Serve, postgres_url: str) -> None:
    """What is deleted is pending again."""
    serve()
    pronto.configure(ledger=postgres_url)
    enrich(people(20))
    assert pronto.ledger.forget(people(12)).entries == 12
    assert set(people(12).pronto.collect("email")["pronto_status"]) == {"pending"}
    assert pronto.ledger.purge("1 day") == 0
    assert pronto.ledger.purge(0) == 8
    assert pronto.ledger.info().empty


def test_a_bulk_job_is_delivered(serve: Serve, postgres_url: str) -> None:
    """To a webhook that writes to the team's ledger."""
    server = serve(deliveries_doubled=0.2)
    pronto.configure(ledger=postgres_url)
    with pronto.webhook(port=0) as hook:
        job = pronto.bulk_enrich(people(150), "email", hook.url, progress=False)
        assert job.wait(30, progress=False)
        wait_for(lambda: sum(server.sandbox.delivered.values()) >= 150)
    assert set(server.sandbox.delivered) == {200}
    assert set(job.results()["pronto_status"]) <= SETTLED
    assert (asked_twice(server), charged_twice(server)) == (0, 0)


def test_two_receivers_of_one_persons_answers_keep_the_better_one(
    serve: Serve, postgres: Postgres, postgres_url: str
) -> None:
    """Though neither sees what the other is about to write."""
    serve(hold_deliveries=True)
    pronto.configure(ledger=postgres_url)
    with pronto.webhook(port=0) as hook:
        job = pronto.bulk_enrich(people(2), "email", hook.url, progress=False)
    ledger = open_ledger(current())
    with ledger.read() as t:
        contact = t.scalar(sa.select(schema.members.c.contact).limit(1))
    found, nothing = (
        parse(json.dumps({"custom": {TAG: f"{job.id}.{contact}"}} | answer))
        for answer in ({"status": "success", "email": "a@b.example"}, {"status": "error"})
    )

    def deliver(payload: Payload) -> None:
        with ledger.write() as t:
            deliveries.save(ledger, t, [payload])

    second = threading.Thread(target=deliver, args=[nothing])
    with ledger.write() as t:
        deliveries.save(ledger, t, [found])
        second.start()
        wait_for(lambda: postgres.execute(WAITING) == "1")
    second.join()
    with ledger.read() as t:
        bodies = t.connection.scalars(sa.select(schema.entries.c.body)).all()
    assert [body for body in bodies if body] == [found.body]


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def post(url: str, body: bytes) -> int:
    """Post a body and return the status."""
    request = urllib.request.Request(url, body, method="POST")  # noqa: S310  on loopback
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


NUL = "\0"
ODD = {
    "no JSON": b"\x00\x01",
    "NUL in a text": json.dumps({"email": f"a{NUL}b"}).encode(),
    "NUL in a tag": json.dumps({"custom": {"pronto_pandas": f"a{NUL}.b{NUL}"}}).encode(),
    "half a character in a tag": b'{"custom": {"pronto_pandas": "\\ud83d.\\ud83d"}}',
    "NUL as it is": b'{"email": "a\x00b"}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_a_payload_that_postgresql_cannot_hold_is_no_failure_of_its_sender(
    serve: Serve, postgres_url: str, body: bytes
) -> None:
    """A sender that got 503 would send it for ever; and others are stored as before."""
    server = serve(hold_deliveries=True)
    pronto.configure(ledger=postgres_url)
    with pronto.webhook(port=0) as hook:
        job = pronto.bulk_enrich(people(30), "email", hook.url, progress=False)
        assert post(hook.url, body) == 200
        server.sandbox.release()
        assert job.wait(30, progress=False)
    assert set(server.sandbox.delivered) == {200}


def test_an_answer_with_nul_is_kept(serve: Serve, postgres_url: str) -> None:
    """It was paid for, whatever is in it; PostgreSQL has no NUL in its texts."""
    server = serve()
    work = server.sandbox.work

    def with_nul(body: dict[str, Any]) -> dict[str, Any]:
        answer = work(body)
        return answer | {"enrichment_id": f"i{NUL}{answer['enrichment_id']}", "message": f"a{NUL}b"}

    server.sandbox.work = with_nul  # type: ignore[method-assign]
    pronto.configure(ledger=postgres_url)
    out = enrich(people(12))
    assert Counter(out["pronto_status"]).keys() <= SETTLED
    assert people(12).pronto.collect("email")["email"].equals(out["email"])
    assert enrich(people(12))["email"].equals(out["email"])
    assert len(server.sandbox.charges) == 12
