"""Nobody is asked twice, whatever happens to the runs that share a ledger."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import pronto_pandas as pronto
from pronto_pandas.sandbox import Server

from .conftest import Serve, others_slow, people, slow
from .processes import LEASE, Process, asked_twice, charged_twice, ended, lined_up
from .seams.api import Contact
from .seams.sandbox import identity
from .test_calling import wait_for
from .test_old_ledgers import LEDGERS

SETTLED = {"found", "not_found"}

Place = Callable[[str], str]
"""Makes an empty ledger of a kind and returns its name."""


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """Return what makes a ledger: by a path, by a URL of SQLite, on PostgreSQL."""
    made = 0

    def make(kind: str) -> str:
        nonlocal made
        made += 1
        path = tmp_path / f"ledger_{made}.sqlite3"
        if kind == "postgres":
            return str(request.getfixturevalue("postgres").create_database())
        return str(path) if kind == "path" else f"sqlite:///{path}"

    return make


KINDS = ["path", "sqlite url", "postgres"]

SYNC = 'show(people(60).pronto.enrich("email", progress=False))'
ASYNC = 'show(people(60).pronto.enrich("email", via="async", progress=False))'
BULK = 'show(people(300).pronto.bulk_enrich("email", HOOK, progress=False).results())'


def stop_between_transactions(process: Process, ledger: str) -> None:
    """Stop a process at a moment when it holds no lock that others would wait for."""
    for _ in range(100):
        process.signal(signal.SIGSTOP)
        time.sleep(0.05)
        if not is_locked(ledger):
            return
        process.signal(signal.SIGCONT)
        time.sleep(0.02)
    pytest.fail("it holds a lock all the time")


def is_locked(ledger: str) -> bool:
    """Say whether a transaction is open in a ledger."""
    if ledger.startswith("postgresql"):
        import psycopg

        with psycopg.connect(ledger.replace("+psycopg", "")) as sessions:
            row = sessions.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            ).fetchone()
        return row != (0,)
    path = ledger.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False


def stopped_beside_another(
    server: Server, ledger: str, code: str, tmp_path: Path, *, rate: float, lease: float
) -> None:
    """Stop a run in its middle for longer than its lease, run another, and wake the first."""
    first = Process(server, ledger, code, tmp_path / "first", rate=rate, lease=lease)
    with ended(first):
        wait_for(lambda: len(server.sandbox.charges) >= 10)
        stop_between_transactions(first, ledger)
        time.sleep(lease * 1.2)
        before = len(server.sandbox.charges)
        second = Process(server, ledger, code, tmp_path / "second", lease=lease)
        with ended(second):
            second.result()
            taken_over = len(server.sandbox.charges) - before
            first.signal(signal.SIGCONT)
            first.result()
    assert taken_over > 0, "the second run was to take over what the first had claimed"
    assert (asked_twice(server), charged_twice(server)) == (0, 0)


def assert_nothing_lost(server: Server, count: int, at_once: int = 1) -> None:
    """Everybody is settled; unknown are at most some requests that were entered and never left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        out = pronto.collect(people(count), "email")
    unknown = out["pronto_status"] == "unknown"
    assert set(out.loc[~unknown, "pronto_status"]) <= SETTLED
    left = people(count)[unknown].to_dict("records")
    rows = [{str(name): value for name, value in row.items()} for row in left]
    assert not [row for row in rows if identity(row) in server.sandbox.asked]
    assert len(rows) <= 3 * at_once


@pytest.mark.parametrize(
    ("code", "kind"),
    others_slow((SYNC, "path"), (SYNC, "sqlite url"), (SYNC, "postgres"), (ASYNC, "path")),
    ids=["sync-path", "sync-url", "sync-postgres", "async-path"],
)
def test_a_run_that_was_stopped_does_not_send_what_another_has_taken_over(
    serve: Serve, place: Place, tmp_path: Path, code: str, kind: str
) -> None:
    """As with Ctrl-Z, or a laptop that slept; and the answers of both are kept."""
    server = serve(latency=0.1)
    ledger = place(kind)
    stopped_beside_another(server, ledger, code, tmp_path, rate=20, lease=LEASE)
    pronto.configure(ledger=ledger)
    assert_nothing_lost(server, 60)


@slow
@pytest.mark.parametrize("kind", ["path", "postgres"])
def test_a_bulk_run_that_was_stopped_does_not_send_what_another_has_taken_over(
    serve: Serve, place: Place, tmp_path: Path, kind: str
) -> None:
    """Nor a batch that holds one of them."""
    server = serve()
    ledger = place(kind)
    pronto.configure(ledger=ledger)
    with pronto.webhook(port=0) as hook:
        code = f"HOOK = {hook.url!r}; {BULK}"
        stopped_beside_another(server, ledger, code, tmp_path, rate=1, lease=LEASE)
        wait_for(lambda: server.sandbox.delivered[200] == len(server.sandbox.asked))
    assert_nothing_lost(server, 300, at_once=100)


@pytest.mark.skipif("PRONTO_SLOW_TESTS" not in os.environ, reason="it takes 40 s")
@pytest.mark.parametrize("kind", ["path", "postgres"])
def test_a_run_that_was_stopped_for_longer_than_the_lease_of_users(
    serve: Serve, place: Place, tmp_path: Path, kind: str
) -> None:
    """With the lease that everybody has."""
    server = serve(latency=0.1)
    stopped_beside_another(server, place(kind), SYNC, tmp_path, rate=20, lease=30)


@pytest.mark.parametrize("kind", others_slow(*KINDS))
def test_runs_that_start_together_share_the_work(
    serve: Serve, place: Place, tmp_path: Path, kind: str
) -> None:
    """Each person is asked for by one of them, and each run gets every answer."""
    server = serve(latency=0.05)
    ledger = place(kind)
    pronto.configure(ledger=ledger)
    pronto.ledger.info()  # makes the tables
    code = """
        people(1, start=MINE).pronto.enrich("email", progress=False)  # imports everything
        for part in range(8):
            line_up()
            people(60, start=60 * part).pronto.enrich("email", progress=False)
        show(people(480).pronto.enrich("email", progress=False))
    """
    runs = [
        Process(server, ledger, code.replace("MINE", str(9_000 + n)), tmp_path / str(n), rate=300)
        for n in range(3)
    ]
    with ended(*runs):
        for _ in range(8):
            lined_up(runs)
        results = [run.result() for run in runs]
    assert (asked_twice(server), charged_twice(server)) == (0, 0)
    assert all(result.statuses.keys() <= SETTLED for result in results)


TEN_OPEN = """
    import os, sys, warnings
    import pronto_pandas as pronto
    warnings.simplefilter("ignore", DeprecationWarning)  # of fork; no thread runs yet
    pronto.configure(ledger=None)
    pronto.ledger.info()  # imports what the children need
    failed = 0
    for ledger in sys.argv[1:]:
        pronto.configure(ledger=ledger)
        wait, go = os.pipe()
        children = []
        for _ in range(10):
            child = os.fork()
            if not child:
                os.close(go)
                os.read(wait, 1)
                try:
                    pronto.ledger.info()
                except BaseException as error:
                    print(error, file=sys.stderr, flush=True)
                    os._exit(1)
                os._exit(0)
            children.append(child)
        os.close(wait)
        os.close(go)
        failed += sum(os.waitpid(child, 0)[1] != 0 for child in children)
    print(failed)
"""


@pytest.mark.parametrize("kind", others_slow(*KINDS))
def test_ten_processes_open_an_empty_ledger_at_once(place: Place, kind: str) -> None:
    """Each makes what is missing, and none stumbles over what another makes."""
    ledgers = [place(kind) for _ in range(6)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TEN_OPEN), *ledgers],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "0\n", done.stderr[-2_000:]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (False, "ledger.sqlite3"),
        (False, "what?x=1"),
        (False, "100%20 # of it.db"),
        (True, "ledger.sqlite3"),
        (True, "a # of it.db"),
    ],
)
def test_a_file_is_its_owners_alone_however_it_is_named(
    serve: Serve, tmp_path: Path, url: bool, name: str
) -> None:
    """So are the files beside it, and there is no other; one can read it while another writes."""
    serve()
    path = tmp_path / name
    pronto.configure(ledger=f"sqlite:///{path}" if url else path)
    modes: set[int] = set()

    def look(_: Any) -> None:
        for file in tmp_path.iterdir():
            with suppress(FileNotFoundError):  # SQLite takes those beside it away
                modes.add(stat.S_IMODE(file.stat().st_mode))

    before = os.umask(0)
    try:
        pronto.enrich(people(20), "email", progress=look)
    finally:
        os.umask(before)
    assert modes == {0o600}
    assert path.stat().st_size > 0
    assert {file.name.removesuffix("-wal").removesuffix("-shm") for file in tmp_path.iterdir()} == {
        name
    }
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("kind", ["path", "sqlite url"])
def test_reading_does_not_wait_for_who_writes(serve: Serve, place: Place, kind: str) -> None:
    """Nor does who writes wait for it: it takes no lock that a paying run needs."""
    server = serve()
    ledger = place(kind)
    pronto.configure(ledger=ledger)
    known = pronto.enrich(people(20), "email", progress=False)
    with closing(sqlite3.connect(ledger.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert people(20).pronto.collect("email").equals(known)
        assert pronto.check(people(30), "email").counts["ready"] == 10
        pronto.estimate(people(30), "email")
        assert pronto.ledger.info()["entries"].tolist() == [20]
        assert pronto.jobs() == []
        assert time.monotonic() - began < 4, "it waited for the lock"
    assert len(server.sandbox.charges) == 20


def known_to_a_ledger(server: Server, path: Path, count: int) -> None:
    """Fill a ledger of an earlier version with answers about so many people."""
    shutil.copy(LEDGERS / "version_1.sqlite3", path)
    answer = '{"enrichment_id": null, "status": "error", "message": null, "email": null, "email_status": null}'  # noqa: E501
    df = people(count)
    rows = (
        (server.url, Contact(first, last, None, domain, link).key, answer, time.time())
        for first, last, domain, link in df.itertuples(index=False)
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO pronto_entries (address, contact, type, state, answer, at) "
            "VALUES (?, ?, 'email', 'answered', ?, ?)",
            rows,
        )
        connection.commit()


@slow
def test_a_paying_run_goes_on_beside_one_that_reads_much(serve: Serve, tmp_path: Path) -> None:
    """Its requests do not wait for the end of what another process reads."""
    server = serve(latency=0.05)
    path = tmp_path / "ledger.sqlite3"
    known_to_a_ledger(server, path, 100_000)
    pronto.configure(ledger=path)
    pronto.collect(people(1), "email")  # brings the file up to date
    reads = """
        df = people(100_000)
        line_up()
        while True:
            assert set(df.pronto.collect("email")["pronto_status"]) == {"not_found"}
    """
    pays = 'line_up(); show(people(400, start=200_000).pronto.enrich("email", progress=False))'
    reader = Process(server, str(path), reads, tmp_path / "reader")
    payer = Process(server, str(path), pays, tmp_path / "payer", rate=100)
    with ended(reader, payer):
        lined_up([reader, payer])
        result = payer.result()
        assert reader.running
    assert result.warnings == []
    assert result.statuses.keys() <= SETTLED
    starts = sorted(server.sandbox.arrivals)
    assert max(after - before for before, after in itertools.pairwise(starts)) < 1.0


@slow
@pytest.mark.parametrize(
    ("kind", "ahead"),
    [("path", 45.0), ("path", -600.0), ("postgres", 600.0), ("postgres", -600.0)],
)
def test_clocks_that_disagree_ask_nobody_twice(
    serve: Serve, place: Place, tmp_path: Path, kind: str, ahead: float
) -> None:
    """A run whose clock is wrong may take over what another has; it does not send it again."""
    server = serve(latency=0.3)
    ledger = place(kind)
    code = 'show(people(200).pronto.enrich("email", progress=False))'
    first = Process(server, ledger, f"line_up(); {code}", tmp_path / "first", rate=80, lease=30)
    second = Process(
        server, ledger, f"line_up(); {code}", tmp_path / "second", rate=80, lease=30, clock=ahead
    )
    with ended(first, second):
        first.ready()
        second.ready()
        first.go()
        wait_for(lambda: len(server.sandbox.arrivals) >= 10)
        second.go()
        for run in (first, second):
            run.result()
    assert (asked_twice(server), charged_twice(server)) == (0, 0)
    assert len(server.sandbox.asked) == 200


JUMPS = """
def jump(event):
    global OFFSET
    OFFSET = JUMP if 20 <= event.done < 40 else 0.001
line_up()
show(people(120).pronto.enrich("email", progress=jump))
"""


@pytest.mark.parametrize(
    ("kind", "jump"), others_slow(*product(["path", "postgres"], [3600, -3600]))
)
def test_a_clock_that_is_set_while_a_run_works_asks_nobody_twice(
    serve: Serve, place: Place, tmp_path: Path, kind: str, jump: int
) -> None:
    """By an hour and back; a run with a steady clock works beside it."""
    server = serve(latency=0.3)
    ledger, code = place(kind), JUMPS.replace("JUMP", str(jump))
    runs = [
        Process(server, ledger, code, tmp_path / str(n), rate=80, lease=30, clock=clock)
        for n, clock in enumerate([0.001, 0.0])
    ]
    with ended(*runs):
        lined_up(runs)
        results = [run.result() for run in runs]
    assert (asked_twice(server), charged_twice(server)) == (0, 0)
    assert len(server.sandbox.asked) == 120
    assert {status for result in results for status in result.statuses} <= {"found", "not_found"}


@pytest.mark.parametrize("replaced", others_slow(False, True), ids=["deleted", "replaced"])
def test_a_ledger_that_is_taken_away_stops_the_run(
    serve: Serve, tmp_path: Path, replaced: bool
) -> None:
    """What it would go on to write, nobody would find; the frame has what was answered."""
    server = serve(latency=0.05)
    path = tmp_path / "ledger.sqlite3"
    code = """
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            out = people(400).pronto.enrich("email", progress=False)
        caught += [w.category.__name__ for w in said]
        print(*(w.message for w in said), file=sys.stderr)
        show(out)
    """
    run = Process(server, str(path), code, tmp_path / "home", rate=50, lease=1)
    with ended(run):
        wait_for(lambda: len(server.sandbox.charges) >= 20)
        for file in tmp_path.glob("ledger.sqlite3*"):
            file.unlink()
        if replaced:
            shutil.copy(LEDGERS / "version_3.sqlite3", path)
        result = run.result()
    assert "LedgerWarning" in result.warnings
    assert result.statuses["pending"] > 0, "it went on to the end"
    assert str(path) in result.stderr
    settled = sum(result.statuses[status] for status in SETTLED)
    told = settled + result.statuses["unknown"]
    assert 0 <= told - len(server.sandbox.charges) <= 3  # written down as sent, and never left
    assert result.statuses["unknown"] <= 10
