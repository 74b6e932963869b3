"""No answer is paid for twice, and none that was paid for is lost."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import stat
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

import pronto_pandas as pronto
from pronto_pandas.sandbox import Server

from .conftest import Serve, others_slow, people
from .seams.frame import people as distinct
from .seams.sandbox import identity
from .seams.storage import (
    Renewal,
    Run,
    Wanted,
    connect,
    lease,
    new_run,
    process_gone,
    schema,
    store,
    writer,
)
from .test_calling import script, wait_for
from .test_rate_limit import most_in_a_second

SETTLED = {"found", "not_found"}


def ledger_file() -> Path:
    """Return the file of this test's ledger."""
    return Path(os.environ["PRONTO_LEDGER"])


def states() -> Counter[str]:
    """Count the entries by what is written of them."""
    with closing(sqlite3.connect(ledger_file())) as connection:
        return Counter(
            dict(connection.execute("select state, count(*) from pronto_entries group by 1"))
        )


def enrich(df: pd.DataFrame, type: Any = "email", **more: Any) -> pd.DataFrame:  # noqa: A002
    """Enrich in silence."""
    return pronto.enrich(df, type, progress=False, **more)


def test_a_list_run_twice_sends_nothing_the_second_time(serve: Serve) -> None:
    """Nor does it need a key or a network; and the frames are the same."""
    server = serve()
    first = enrich(people(60), ["email", "phone"])
    assert len(server.sandbox.charges) == 60
    server.stop()
    pronto.configure(api_key=None)
    second = enrich(people(60), ["email", "phone"])
    pd.testing.assert_frame_equal(first, second)
    assert len(server.sandbox.charges) == 60
    pd.testing.assert_frame_equal(people(60).pronto.collect(["email", "phone"]), first)


def test_a_known_type_is_not_asked_again(serve: Serve) -> None:
    """Where the email is known, the phone alone is asked for."""
    server = serve()
    enrich(people(10))
    out = enrich(people(10), ["email", "phone"])
    assert Counter(tuple(c["types"]) for c in server.sandbox.charges) == {
        ("email",): 10,
        ("phone",): 10,
    }
    assert out["email_status"].notna().all()
    assert out["phone_status"].notna().all()


def test_the_same_person_written_otherwise_is_known(serve: Serve) -> None:
    """Case and stray spaces are no new person."""
    server = serve()
    enrich(people(5))
    df = people(5)
    df["firstname"] = " " + df["firstname"].str.upper()
    enrich(df)
    assert len(server.sandbox.charges) == 5


def test_answers_of_one_address_are_not_those_of_another(serve: Serve) -> None:
    """Sandbox people never mix with real ones."""
    one = serve()
    enrich(people(3))
    other = serve()
    enrich(people(3))
    assert len(one.sandbox.charges) == len(other.sandbox.charges) == 3


def test_collect_never_sends_and_needs_no_key(serve: Serve) -> None:
    """What is not known is pending."""
    server = serve()
    enrich(people(5))
    pronto.configure(api_key=None)
    out = people(10).pronto.collect("email")
    assert set(out["pronto_status"][:5]) <= SETTLED
    assert set(out["pronto_status"][5:]) == {"pending"}
    assert len(server.sandbox.charges) == 5
    with pytest.raises(pronto.ConfigurationError, match="Series"):
        pronto.collect(out["email"], "email")


def test_refresh_asks_anew(serve: Serve) -> None:
    """And pays anew; what it brings is what is kept."""
    server = serve()
    first = enrich(people(5))
    second = enrich(people(5), refresh=True)
    assert len(server.sandbox.charges) == 10
    assert (first["enrichment_id"] != second["enrichment_id"]).all()
    pd.testing.assert_frame_equal(enrich(people(5)), second)


def test_old_answers_are_asked_again(serve: Serve) -> None:
    """After the days of the setting."""
    server = serve()
    enrich(people(5))
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute("update pronto_entries set at = at - 86400 * 80")
        connection.commit()
    enrich(people(5))
    assert len(server.sandbox.charges) == 5
    pronto.configure(max_age_days=79)
    enrich(people(5))
    assert len(server.sandbox.charges) == 10


def test_unknown_rows_are_left_alone_unless_resent(serve: Serve) -> None:
    """They may have been charged; sending them again is the caller's decision."""
    server = serve(faults=1.0, fault_kinds=("reset after",))
    with pytest.warns(pronto.UnknownRowsWarning, match="6 rows are unknown"):
        assert set(enrich(people(6))["pronto_status"]) == {"unknown"}
    server.sandbox.faults = 0.0
    with pytest.warns(pronto.UnknownRowsWarning):
        again = enrich(people(6))
    assert set(again["pronto_status"]) == {"unknown"}
    assert again["pronto_message"].str.contains("resend_unknown=True").all()
    assert len(server.sandbox.charges) == 6
    assert set(enrich(people(6), resend_unknown=True)["pronto_status"]) <= SETTLED
    assert len(server.sandbox.charges) == 12


def test_refused_and_pending_rows_are_free_to_be_sent_again(serve: Serve) -> None:
    """What was not worked on leaves no entry."""
    server = serve(credits=3, latency=0.02, rate=200)
    with pytest.warns(pronto.CreditsExhaustedWarning):
        first = enrich(people(50))
    answered = int(first["pronto_status"].isin(SETTLED).sum())
    assert states() == {"answered": answered}
    server.sandbox.credits = 1000
    assert set(enrich(people(50))["pronto_status"]) <= SETTLED
    assert len(server.sandbox.charges) == 50
    assert Counter(server.sandbox.asked.values()).keys() <= {1, 2}


def test_every_entry_is_written_before_the_request_leaves(serve: Serve, monkeypatch: Any) -> None:
    """As the service sees it: when a request arrives, its entry is on disk."""
    server = serve()
    missing: list[str] = []
    check = server.sandbox.check

    def look(body: dict[str, Any]) -> None:
        check(body)
        with closing(sqlite3.connect(ledger_file(), timeout=20)) as connection:
            rows = connection.execute("select count(*) from pronto_entries where state='sent'")
            if rows.fetchone()[0] < server.sandbox.in_flight:
                missing.append(identity(body))

    monkeypatch.setattr(server.sandbox, "check", look)
    enrich(people(40))
    assert missing == []
    assert states() == {"answered": 40}


def test_a_refresh_that_is_stopped_keeps_the_answers_it_was_to_replace(serve: Serve) -> None:
    """An answer that was paid for is not given up before another is there."""
    server = serve()
    first = enrich(people(30))
    server.sandbox.credits = 5
    with pytest.warns(pronto.CreditsExhaustedWarning):
        enrich(people(30), refresh=True)
    after = people(30).pronto.collect("email")
    pd.testing.assert_series_equal(after["email"], first["email"])
    assert states() == {"answered": 30}


def test_a_refresh_whose_answer_is_lost_does_not_hide_the_earlier_answer(serve: Serve) -> None:
    """It is shown, and is not asked for once more by itself."""
    server = serve()
    known = enrich(people(20))
    server.sandbox.faults, server.sandbox.fault_kinds = 1.0, ("500",)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.ProntoWarning)
        enrich(people(20), refresh=True)
        server.sandbox.faults = 0.0
        out = enrich(people(20))
    assert set(server.sandbox.asked.values()) == {2}
    found = known["pronto_status"] == "found"
    assert out["email"].equals(known["email"])
    assert set(out.loc[found, "pronto_status"]) == {"found"}
    assert set(out.loc[~found, "pronto_status"]) == {"unknown"}
    assert states() == Counter(unknown=20)


def test_a_resend_that_is_stopped_leaves_unknown_what_was_unknown(serve: Serve) -> None:
    """Or the next run would send it again without being asked to."""
    server = serve(faults=1.0, fault_kinds=("reset after",))
    with pytest.warns(pronto.UnknownRowsWarning):
        enrich(people(10))
    server.sandbox.faults, server.sandbox.credits = 0.0, 0
    with pytest.warns(pronto.ProntoWarning):
        enrich(people(10), resend_unknown=True)
    with pytest.warns(pronto.UnknownRowsWarning):
        out = people(10).pronto.collect("email")
    assert (out["pronto_status"] == "unknown").sum() >= 5
    assert "sent" not in states()


def test_a_run_that_cannot_claim_takes_nothing_from_another(serve: Serve) -> None:
    """What one run has sent is not freed by another that was stopped."""
    server = serve()
    ledger = connect(str(ledger_file()), server.url)
    wanted = _wanted(people(1))
    with ledger.write() as t:
        ledger.claim(t, wanted, ELSEWHERE, Renewal())
        ledger.release(t, [wanted[0].key], replace(ELSEWHERE, id="y"))
        assert ledger.find_in(t, wanted)[wanted[0].key].state == "held"
        ledger.release(t, [wanted[0].key], ELSEWHERE)
        assert ledger.find_in(t, wanted) == {}


KILLED = """
    import warnings
    warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
    df = people(ROWS)
    pronto.configure(rate=100)
    def seen(event):
        print(event.done, flush=True)
    df.pronto.enrich("email", progress=seen)
    print("end", flush=True)
"""


@pytest.mark.parametrize(("moments", "rows"), others_slow((2, 300), (20, 2000)))
def test_killed_at_some_moments_nothing_is_charged_twice_or_lost(
    serve: Serve, moments: int, rows: int
) -> None:
    """One run, killed and started again until it is through."""
    server = serve(latency=0.5)
    chance = random.Random(7)
    seen, kills = 0, 0
    while True:
        process = script(server, KILLED.replace("ROWS", str(rows)))
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # it sends
            if kills == moments:
                tail = process.communicate(timeout=120)[0]
                assert tail.endswith("end\n")
                break
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
            rest = process.communicate()[0]
            seen += int((line + rest).split()[-1])
            kills += 1
        finally:
            process.kill()
            process.communicate()
        wait_for(lambda: server.sandbox.in_flight == 0)
        assert states()["answered"] >= seen, "an answer that was shown is not in the ledger"
    charged = Counter(charge["contact"] for charge in server.sandbox.charges)
    assert max(charged.values()) == 1
    with pytest.warns(pronto.UnknownRowsWarning):
        out = people(rows).pronto.collect("email")
    counts = Counter(out["pronto_status"])
    assert set(counts) <= SETTLED | {"unknown"}
    # Unknown is what was in flight, and at times a few more: recorded, and about to be sent.
    unknown = out.loc[out["pronto_status"] == "unknown", list(people(1).columns)]
    never_arrived = [
        row for row in unknown.to_dict("records") if identity(row) not in server.sandbox.asked
    ]
    assert 0 < len(unknown) < moments * 100 * 0.8
    assert len(never_arrived) <= moments + 3


@pytest.mark.parametrize("count", others_slow(200, 1000))
def test_two_processes_ask_each_contact_once_and_both_get_all(serve: Serve, count: int) -> None:
    """They share the work and the pace: what one has sent, the other waits for."""
    server = serve(latency=0.3)
    code = f"""
        from tests.seams.sending import RateLimit
        turn, moments = RateLimit.acquire, []
        async def noted(pace):
            moments.append(await turn(pace))
            return moments[-1]
        RateLimit.acquire = noted
        pronto.configure(rate=50)
        df = people({count})
        out = df.pronto.enrich("email", progress=False)
        print(sorted(set(out.pronto_status)), len(out))
        print(moments)
    """
    processes = [script(server, code) for _ in range(2)]
    starts: list[float] = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=180)
        assert stdout, stderr
        said, moments = stdout.splitlines()
        assert said == f"['found', 'not_found'] {count}", stderr
        starts += json.loads(moments)
    assert set(server.sandbox.asked.values()) == {1}
    assert len(server.sandbox.asked) == count
    # The monotonic clock is the machine's, so the moments of both can be laid side by side.
    assert len(starts) == count + 4  # each read the balance before and after
    assert most_in_a_second(sorted(starts)) <= 50


def test_two_threads_ask_each_contact_once(serve: Serve) -> None:
    """Also with the ledger in memory."""
    server = serve(latency=0.1)
    pronto.configure(ledger=None)
    frames: list[pd.DataFrame] = []
    threads = [threading.Thread(target=lambda: frames.append(enrich(people(80)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pd.testing.assert_frame_equal(frames[0], frames[1])
    assert set(server.sandbox.asked.values()) == {1}
    assert not ledger_file().exists()


@pytest.mark.parametrize(
    ("sent", "status", "warns"), [(True, "unknown", True), (False, "found", False)]
)
def test_a_living_run_is_waited_for_and_a_dead_ones_requests_are_unknown(
    serve: Serve, sent: bool, status: str, warns: bool
) -> None:
    """A lease that is not renewed ends; what was claimed and not sent counts for nothing then."""
    server = serve()
    ledger = connect(str(ledger_file()), server.url)
    wanted = _wanted(people(1))
    with ledger.write() as t:
        ledger.claim(t, wanted, ELSEWHERE, Renewal())
        if sent:
            ledger.send(t, [wanted[0].key], ELSEWHERE)

    def expire() -> None:
        wait_for(lambda: waiting.is_set())
        time.sleep(0.7)
        asked.append(len(server.sandbox.charges))
        with ledger.write() as t:
            t.execute(sa.update(schema.runs).values(renewed=time.time() - 31))

    waiting, asked = threading.Event(), list[int]()
    thread = threading.Thread(target=expire)
    thread.start()
    waiting.set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = enrich(people(1))
    thread.join()
    assert out["pronto_status"].tolist() == [status]
    assert asked == [0]
    assert [w.category for w in caught] == [pronto.UnknownRowsWarning] * warns
    assert len(server.sandbox.charges) == (not sent)


ELSEWHERE = Run("x", "another machine", "1")


def _wanted(df: pd.DataFrame) -> list[Wanted]:
    return [Wanted("email", contact.keys("email")) for contact in distinct(df, None)]


def test_a_living_run_renews_its_lease(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long an answer takes."""
    for module in (store, writer, lease):
        monkeypatch.setattr(module, "LEASE", 0.6)
    serve(latency=2.0)
    leases: list[float] = []

    def watch() -> None:
        for _ in range(8):
            time.sleep(0.2)
            with closing(sqlite3.connect(ledger_file(), timeout=20)) as connection:
                rows = connection.execute("select lease from pronto_runs")
                leases.extend(row[0] for row in rows)

    enrich(people(1).assign(lastname="Warm-up"))
    thread = threading.Thread(target=watch)
    thread.start()
    enrich(people(1))
    thread.join()
    assert len(set(leases)) >= 3


def test_a_process_that_has_ended_is_gone() -> None:
    """The own process lives; a number that nobody has is gone; another machine cannot be asked."""
    mine = new_run()
    space = mine.process.rpartition(":")[0]
    assert not process_gone(mine)
    assert process_gone(replace(mine, process=f"{space}:{2**22 + 1}"))
    assert not process_gone(replace(mine, process=f"{space}:1"))
    assert not process_gone(replace(mine, process=f"another container:{2**22 + 1}"))
    assert not process_gone(replace(mine, machine="elsewhere", process=f"{space}:{2**22 + 1}"))


def test_the_file_is_the_users_alone(tmp_path: Path, serve: Serve) -> None:
    """0600 from its first byte, its log too; a folder made for it 0700."""
    serve()
    path = tmp_path / "new" / "deeper" / "ledger.sqlite3"
    pronto.configure(ledger=path)
    before = os.umask(0)
    try:
        enrich(people(3))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_forgotten_people_are_gone_from_the_file(serve: Serve) -> None:
    """Not only from the tables."""
    server = serve()
    out = enrich(people(40), ["email", "phone"])
    email = out["email"].dropna().iloc[0]
    assert email.encode() in _bytes()
    gone = pronto.ledger.forget(people(30))
    assert (gone.people, gone.of, gone.entries, gone.payloads, gone.in_use) == (30, 30, 60, 0, 0)
    again = repr(pronto.ledger.forget(people(30)))
    assert again.startswith("Found in the ledger: 0 of 30 people.")
    values = out["email"][:30].dropna()
    assert not [value for value in values if value.encode() in _bytes()]
    assert set(people(40).pronto.collect("email")["pronto_status"][:30]) == {"pending"}
    assert pronto.ledger.purge(0) == 20
    assert not [value for value in out["email"].dropna() if value.encode() in _bytes()]
    assert len(server.sandbox.charges) == 40


def _bytes() -> bytes:
    return b"".join(file.read_bytes() for file in ledger_file().parent.glob("ledger*"))


def test_forget_deletes_what_an_ended_run_has_submitted_while_another_run_works(
    serve: Serve,
) -> None:
    """Its entry has no run, which in SQL is neither in nor out of the active ones."""
    server = serve()
    ledger = connect(str(ledger_file()), server.url)
    wanted, ended = _wanted(people(1)), new_run()
    with ledger.write() as t:
        ledger.claim(t, wanted, ended, Renewal())
        ledger.send(t, [wanted[0].key], ended)
        ledger.submit(t, [wanted[0].key], ended, "e-1")
        ledger.end(t, ended)
        ledger.renew(t, new_run())
    assert pronto.ledger.forget(people(1)).entries == 1
    assert states() == {}


def test_purge_by_age_and_info(serve: Serve) -> None:
    """What is older goes; ``info`` says where, how many, how old."""
    server = serve()
    enrich(people(5))
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute("update pronto_entries set at = at - 86400 * 40")
        connection.commit()
    enrich(people(3, start=5))
    info = pronto.ledger.info()
    assert info.attrs["place"] == str(ledger_file())
    assert repr(info).startswith(f"The ledger at {ledger_file()} has 8 entries: 8 answered.")
    assert info["service"].tolist() == [server.url]
    assert info["state"].tolist() == ["answered"]
    assert info["entries"].tolist() == [8]
    assert (info["newest"] - info["oldest"]).iloc[0] > pd.Timedelta("39 days")
    assert pronto.ledger.purge("30 days") == 5
    assert pronto.ledger.purge(timedelta(days=30)) == 0
    assert pronto.ledger.info()["entries"].tolist() == [3]


def test_what_is_no_list_is_not_forgotten() -> None:
    """In words, and nothing is deleted."""
    with pytest.raises(
        pronto.ConfigurationError, match="Expected a DataFrame with one row per person, got str"
    ):
        pronto.ledger.forget("Ana Lovelace")  # type: ignore[arg-type]  # what a caller may do


@pytest.mark.parametrize("older_than", ["soon", -1, "-3 days", None, float("nan")])
def test_an_age_that_cannot_be_is_said(older_than: Any) -> None:
    """Before anything is deleted."""
    with pytest.raises(pronto.ConfigurationError, match="older_than"):
        pronto.ledger.purge(older_than)


@contextmanager
def nothing_sent(server: Server, says: str) -> Iterator[None]:
    """Expect a clear error and no request."""
    with pytest.raises(pronto.LedgerError, match=says) as caught:
        yield
    assert server.sandbox.arrivals == []
    assert "Anaa" not in str(caught.value)


def test_a_damaged_file_is_said_before_anything_is_sent(serve: Serve) -> None:
    """And is left as it is, for whoever can mend it."""
    ledger_file().write_bytes(b"this is no database at all" * 400)
    with nothing_sent(serve(), "is damaged"):
        enrich(people(3))
    assert ledger_file().read_bytes().startswith(b"this is no database")


def test_tables_that_are_not_ours_are_said(serve: Serve) -> None:
    """Instead of a message of SQLite's."""
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute("create table pronto_entries (something text)")
        connection.commit()
    with nothing_sent(serve(), "is damaged"):
        enrich(people(3))


def test_a_locked_file_is_said(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, in which the other program may be done."""
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 100)
    monkeypatch.setattr(writer, "RETRY_FOR", 0.5)
    server = serve()
    enrich(people(0))
    connect(str(ledger_file()), "x")
    with closing(sqlite3.connect(ledger_file())) as other:
        other.execute("begin exclusive")
        with nothing_sent(server, "is locked by another program"):
            enrich(people(3))


def test_a_file_that_sqlite_deletes_while_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last connection that closes deletes the log; that is no missing permission."""
    enrich(people(0))
    log = ledger_file().with_name(ledger_file().name + "-wal")
    log.touch(0o600)
    access = os.access

    def deleted_first(path: Path, mode: int, **more: bool) -> bool:
        if path == log:
            log.unlink()
        return access(path, mode, **more)

    monkeypatch.setattr(os, "access", deleted_first)
    assert connect(str(ledger_file()), "x").find([]) == {}
    assert not log.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder no one can write")
def test_a_folder_that_cannot_be_written_is_said(serve: Serve) -> None:
    """With another place as the way out."""
    server = serve()
    pronto.configure(ledger="/proc/pronto/ledger.sqlite3")
    with nothing_sent(server, "Choose another location"):
        enrich(people(3))
    pronto.configure(ledger="/proc/version")
    with nothing_sent(server, "The ledger at /proc/version"):
        enrich(people(3))


def test_a_full_disk_is_said_before_anything_is_sent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own error of a full disk, here from a limit on its pages."""
    server = serve()
    fills_up(monkeypatch, 2)
    with nothing_sent(server, "the disk is full"):
        enrich(people(3))


def test_a_disk_that_fills_up_mid_run_stops_it_and_keeps_what_it_has(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partial frame, a warning, and never a request without an entry."""
    server = serve(latency=0.01)
    fills_up(monkeypatch, 60)
    with pytest.warns(pronto.LedgerWarning, match="disk is full"):
        out = enrich(people(3000))
    counts = Counter(out["pronto_status"])
    assert counts["pending"] > 1000
    assert counts["found"] > 10
    assert counts["found"] + counts["not_found"] == len(server.sandbox.charges)


def fills_up(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """Give the ledger room for some pages."""
    prepare = schema.on_connect

    def limited(connection: Any, record: object) -> None:
        prepare(connection, record)
        connection.execute(f"PRAGMA max_page_count = {pages}")

    monkeypatch.setattr(schema, "on_connect", limited)


def test_a_ledger_of_a_later_version_is_not_touched(serve: Serve) -> None:
    """Rather than misread it."""
    server = serve()
    connect(str(ledger_file()), "x")
    with closing(sqlite3.connect(ledger_file())) as connection:
        connection.execute("update pronto_meta set value = '99'")
        connection.commit()
    with nothing_sent(server, "newer version"):
        enrich(people(3))


def test_an_earlier_version_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step, once."""
    connect(str(ledger_file()), "x")
    steps: list[int] = []
    now = schema.VERSION
    todo = (now, now + 1)
    monkeypatch.setattr(schema, "VERSION", now + 2)
    monkeypatch.setattr(schema, "MIGRATIONS", {n: lambda c, n=n: steps.append(n) for n in todo})
    connect(str(ledger_file()), "x")
    connect(str(ledger_file()), "x")
    assert steps == [now, now + 1]


def test_where_there_is_no_wal_the_rollback_journal_does(serve: Serve) -> None:
    """As on a network folder."""

    class NoWal:
        isolation_level: Any = ""

        def __init__(self) -> None:
            self.real = sqlite3.connect(":memory:")
            self.said: list[str] = []

        def cursor(self) -> NoWal:
            return self

        def execute(self, statement: str) -> None:
            self.said.append(statement)
            if "WAL" in statement:
                raise sqlite3.OperationalError("disk I/O error")
            self.real.execute(statement)

        def close(self) -> None:
            self.real.close()

    connection = NoWal()
    schema.on_connect(connection, None)
    assert connection.said[-1] == "PRAGMA journal_mode = DELETE"


@pytest.mark.parametrize("where", ["nonsense://", "://"])
def test_an_address_that_is_none_is_said(where: str) -> None:
    """Without the address itself, which may hold a password."""
    with pytest.raises((pronto.LedgerError, sa.exc.NoSuchModuleError)):
        connect(where, "x")


def test_a_url_of_sqlalchemy_works(serve: Serve, tmp_path: Path) -> None:
    """For a database that a team shares."""
    server = serve()
    pronto.configure(ledger=f"sqlite:///{tmp_path / 'team.db'}")
    enrich(people(3))
    enrich(people(3))
    assert len(server.sandbox.charges) == 3


def test_interrupt_says_what_was_kept_and_the_next_run_goes_on(serve: Serve) -> None:
    """One line; nothing is charged twice."""
    server = serve(latency=0.3)
    process = script(server, "df = people(1500); df.pronto.enrich('email', progress=False)")
    wait_for(lambda: len(server.sandbox.charges) > 100)
    process.send_signal(2)
    _, stderr = process.communicate(timeout=30)
    assert "people finished and saved" in stderr
    assert "KeyboardInterrupt" in stderr
    enrich(people(1500))
    assert max(server.sandbox.asked.values()) == 1


def test_an_answer_that_was_delivered_is_not_lost_with_its_request() -> None:
    """A batch may be answered by webhook before the request that sent it has failed."""
    ledger = connect(str(ledger_file()), "x")
    key, wanted, run = ("c", "email"), [Wanted("email", ("c",))], new_run()
    with ledger.write() as t:
        ledger.claim(t, wanted, run, Renewal())
        assert ledger.send(t, [key], run) == {key}
        ledger.answer(t, {key: '{"email": "a@b.example"}'})
        ledger.lose(t, [key], run)
        entry = ledger.find_in(t, wanted)[key]
    assert (entry.state, entry.body) == ("answered", '{"email": "a@b.example"}')


@pytest.mark.parametrize("call", ["submit", "enqueue"])
def test_an_answer_that_was_delivered_is_not_overwritten_by_its_request(call: str) -> None:
    """The webhook may be quicker than the answer to the request that sent the person."""
    ledger = connect(str(ledger_file()), "x")
    key, wanted, run = ("c", "email"), [Wanted("email", ("c",))], new_run()
    with ledger.write() as t:
        ledger.claim(t, wanted, run, Renewal())
        ledger.send(t, [key], run)
        ledger.answer(t, {key: '{"email": "a@b.example"}'})
        getattr(ledger, call)(t, [key], run, "e1")
        entry = ledger.find_in(t, wanted)[key]
    assert (entry.state, entry.body) == ("answered", '{"email": "a@b.example"}')


def test_purge_of_what_a_dead_run_has_left(serve: Serve) -> None:
    """Answers that it was about to ask for again go; what it has sent may be charged, and stays."""
    ledger = connect(str(ledger_file()), "x")
    wanted, dead = [Wanted("email", (name,)) for name in "abc"], new_run()
    with ledger.write() as t:
        for one in wanted:
            ledger.answer(t, {one.key: '{"email": "a@b.example"}'})
        ledger.claim(t, wanted, dead, Renewal(answered_before=t.date + 1))
        ledger.send(t, [("b", "email"), ("c", "email")], dead)
        ledger.lose(t, [("c", "email")], dead)
    with ledger.write() as t:
        assert ledger.purge(t, t.date + 1) == 0, "its run is alive"
        t.execute(sa.delete(schema.runs))
    with ledger.write() as t:
        assert ledger.purge(t, t.date + 1) == 1
        left = t.execute(sa.select(schema.entries.c.contact, schema.entries.c.body)).all()
        assert [tuple(row) for row in left] == [("b", None), ("c", None)]


def test_an_answer_that_is_written_twice_keeps_the_name_it_was_fetched_under() -> None:
    """As where nobody knows whether the first transaction was committed."""
    ledger, run, key = connect(str(ledger_file()), "x"), new_run(), ("a", "email")
    with ledger.write() as t:
        ledger.claim(t, [Wanted("email", ("a",))], run, Renewal())
        ledger.send(t, [key], run)
        ledger.submit(t, [key], run, "name")
        for _ in range(2):
            ledger.answer(t, {key: "{}"})
            entry = ledger.find_in(t, [Wanted("email", ("a",))])[key]
            assert (entry.state, entry.enrichment_id) == ("answered", "name")
