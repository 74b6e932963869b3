"""A rate limit in a real PostgreSQL: shared by processes, through restarts, by its clock alone."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from pronto_pandas import LedgerError

from .conftest import slow
from .postgres import Postgres
from .seams.sending import RateLimitTable, account, rate_limit_for
from .test_rate_limit import most_in_a_second


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    """Return an engine as the ledger has it."""
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def rows(engine: sa.Engine) -> list[tuple[str, float]]:
    """Return what the table holds."""
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT account, next_start FROM pronto_rate_limits"))
        return [(name, moment) for name, moment in found]


def set_next_start(engine: sa.Engine, ahead: float) -> None:
    """Write what no lease would."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE pronto_rate_limits SET next_start = "
                "extract(epoch from clock_timestamp()) + :ahead"
            ),
            {"ahead": ahead},
        )


def test_leases_follow_each_other(engine: sa.Engine) -> None:
    """One row an account, by the database's clock; and no two leases overlap."""
    tables = [RateLimitTable(engine) for _ in range(2)]
    for table in tables:
        table.prepare()
    ends: dict[str, float] = {}
    for number in range(10):
        for name in ("one", "two"):
            lease = tables[number % 2].lease(name, 10, 0.02)
            assert lease is not None
            assert abs(lease.now - time.time()) < 5  # here it is one machine
            assert lease.first_start >= ends.get(name, lease.now - 0.1) - 1e-6
            ends[name] = lease.first_start + 10 * 0.02
    assert {name: pytest.approx(end) for name, end in ends.items()} == dict(rows(engine))
    for table in tables:
        table.close()


def test_nobody_leases_far_ahead_and_a_clock_that_was_set_back_heals(engine: sa.Engine) -> None:
    """No lease is given beyond 20 s; a value that no lease can have written is corrected."""
    table = RateLimitTable(engine)
    table.prepare()
    table.lease("one", 1, 0.02)
    set_next_start(engine, 25.0)
    assert table.lease("one", 1, 0.02) is None
    ((_, before),) = rows(engine)
    assert before - time.time() == pytest.approx(25, abs=3)
    for garbage in (3600.0, 1e300, math.nan, math.inf):
        set_next_start(engine, garbage)
        assert table.lease("one", 1, 0.02) is None
        ((_, after),) = rows(engine)
        assert after - time.time() == pytest.approx(40, abs=3)
    set_next_start(engine, -1e9)
    lease = table.lease("one", 1, 0.02)
    assert lease is not None
    assert abs(lease.first_start - lease.now) < 1
    table.close()


def test_a_limit_of_one_start_in_minutes_is_kept(engine: sa.Engine) -> None:
    """Its starts are further apart than others may lease ahead."""
    table = RateLimitTable(engine)
    table.prepare()
    first, second = table.lease("one", 1, 300.0), table.lease("one", 1, 300.0)
    assert first is not None
    assert second is not None
    assert second.first_start - first.first_start == pytest.approx(300.0)
    assert table.lease("one", 1, 300.0) is None
    assert rows(engine)[0][1] - first.first_start == pytest.approx(600.0)
    table.close()


def test_many_create_the_table_at_once(postgres_url: str) -> None:
    """PostgreSQL fails where two create the same table at the same moment."""
    engines = [sa.create_engine(postgres_url, poolclass=sa.NullPool) for _ in range(8)]
    errors: list[Exception] = []
    barrier = threading.Barrier(len(engines))

    def create(engine: sa.Engine) -> None:
        barrier.wait()
        try:
            RateLimitTable(engine).prepare()
        except LedgerError as error:
            errors.append(error)

    threads = [threading.Thread(target=create, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_database_that_is_away_is_an_error_before_anything_is_sent() -> None:
    """And its message has no password in it."""
    engine = sa.create_engine("postgresql+psycopg://u:secret@127.0.0.1:9/x", poolclass=sa.NullPool)
    with pytest.raises(LedgerError, match=r"Nothing was sent\.") as caught:
        rate_limit_for("https://a.example", "key", 50, database=engine)
    assert "secret" not in str(caught.value)


def test_the_key_is_not_in_the_account() -> None:
    """All who share the database come to the same account, by a hash that takes long."""
    name = account("https://a.example", "key")
    assert name == account("https://a.example", "key")
    assert name != account("https://a.example", "other")
    assert name != account("https://b.example", "key")
    assert len(name) == 64
    assert int(name, 16)


SHARING = """
import asyncio, sys, time
import sqlalchemy as sa
from tests.seams.sending import rate_limit_for

async def main():
    engine = sa.create_engine(sys.argv[1], poolclass=sa.NullPool)
    pace = rate_limit_for("https://a.example", "key", 200, database=engine)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(100):
        await pace.acquire()
        print(time.clock_gettime(time.CLOCK_MONOTONIC))

asyncio.run(main())
"""


@slow
def test_processes_share_a_limit(postgres_url: str) -> None:
    """No sliding second of three processes together holds more than the rate."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SHARING, postgres_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    printed = [process.communicate("\n", timeout=60)[0].split() for process in processes]
    starts = sorted(float(moment) for lines in printed for moment in lines)
    assert len(starts) == 300
    assert most_in_a_second(starts) <= 200


@slow
def test_the_database_restarts(postgres: Postgres, engine: sa.Engine) -> None:
    """Starts wait for it and go on."""

    async def main() -> list[float]:
        pace = rate_limit_for("https://a.example", "restart", 50, database=engine)
        starts = [await pace.acquire() for _ in range(5)]
        postgres.stop()
        waiting = asyncio.gather(*(pace.acquire() for _ in range(60)))
        await asyncio.sleep(0.5)  # it is asked for meanwhile
        postgres.start()  # in this thread, as the server ends with the one that started it
        return starts + await waiting

    starts = asyncio.run(main())
    assert len(starts) == 65
    assert most_in_a_second(sorted(starts)) <= 50
