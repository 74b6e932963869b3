"""The history of an account in the ledger: runs, balances, prices and what was spent."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import pronto_pandas as pronto

from .seams.storage import (
    Database,
    Ledger,
    Renewal,
    Run,
    RunRecord,
    Wanted,
    carry_over,
    charges,
    connect,
    new_run,
    schema,
    spending,
)
from .test_ledger import ledger_file

ACCOUNT = spending.account_name("pronto", "a key")
EMAILS = spending.Beginning("pronto", ("email",), "sync", 10, 8, 2, 2.0, 100.0, 50.0)


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger in the file that the settings name."""
    return connect(str(ledger_file()), "pronto")


def charge(ledger: Ledger, record: RunRecord, type_: str, *numbers: int | None, at: float) -> None:
    """Record charges of a run."""
    with ledger.write() as t:
        new = (f"{record.id} {type_} {n} {at}" for n in range(len(numbers)))
        charges.add(
            t,
            [
                charges.Charge(id_, record, type_, number, at=at)
                for id_, number in zip(new, numbers, strict=True)
            ],
        )


def past_run(ledger: Ledger, name: str, began: float, price: float, *values: int) -> RunRecord:
    """Record a run of 10 seconds."""
    record = RunRecord(ACCOUNT, name)
    beginning = spending.Beginning(
        "pronto", ("phone",), "sync", 9, 9, balance=1_000.0, at=began
    )  # fmt: skip
    end = spending.End("finished", balance=1_000 - price * sum(values), at=began + 10)
    with ledger.write() as t:
        spending.begin_run(t, record, beginning)
    charge(ledger, record, "phone", *values, at=began + 5)
    with ledger.write() as t:
        spending.end_run(t, record, end)
    return record


def test_the_name_of_an_account_shows_no_key() -> None:
    """It is the same for the same key only, and the same in every version."""
    assert "key" not in ACCOUNT
    assert spending.account_name("pronto", "a key") == ACCOUNT
    assert spending.account_name("pronto", "another") != ACCOUNT
    assert spending.account_name("sandbox", "a key") != ACCOUNT
    assert spending.account_name("pronto", "k") == "e5994874b5d5a791bacc3fd8"


def test_a_run_is_in_the_history_from_its_beginning(ledger: Ledger) -> None:
    """And complete after its end; both may be written twice."""
    record = RunRecord(ACCOUNT)
    for _ in range(2):
        with ledger.write() as t:
            spending.begin_run(t, record, EMAILS)
    with ledger.read() as t:
        (run,) = spending.read_history(t, ACCOUNT)
        assert spending.read_history(t, "another") == []
    assert (run.id, run.began, run.ended, run.why) == (record.id, 50.0, None, None)
    assert (run.rows, run.people, run.from_ledger, run.saved) == (10, 8, 2, 2.0)
    for _ in range(2):
        with ledger.write() as t:
            spending.end_run(t, record, spending.End("finished", 5, 2, 1, 90.0, 60.0))
    with ledger.read() as t:
        (run,) = spending.read_history(t)
        assert spending.read_balances(t, ACCOUNT) == [(50.0, 100.0), (60.0, 90.0)]
    assert (run.ended, run.balance_before, run.balance_after) == (60.0, 100.0, 90.0)
    assert (run.found, run.not_found, run.unknown, run.why) == (5, 2, 1, "finished")


def test_the_ledger_shows_what_an_account_pays_and_finds(ledger: Ledger) -> None:
    """Per type; lost answers are no observation."""
    past_run(ledger, "a", 100.0, 12.0, 0, 1, 1, 3)
    other = RunRecord("another", "b")
    charge(ledger, other, "phone", 5, at=1.0)
    charge(ledger, RunRecord(ACCOUNT, "b"), "email", 1, None, at=200_000.0)
    with ledger.read() as t:
        seen = spending.observed(t, ACCOUNT)
        assert spending.observed(t, "unknown") == type(seen)()
    assert seen.prices == {"phone": 12.0}
    assert seen.dates == {"phone": 110.0}
    assert seen.values == {"phone": {0: 1, 1: 2, 3: 1}, "email": {1: 1}}


def test_what_was_spent_since_a_date(ledger: Ledger) -> None:
    """At the learned price; and at most what requests without an answer can cost."""
    past_run(ledger, "a", 100.0, 12.0, 0, 1, 1, 3)
    with ledger.read() as t:
        assert spending.spent_since(t, ACCOUNT, 0.0) == (60.0, 60.0)
        assert spending.spent_since(t, ACCOUNT, 110.0) == (0.0, 0.0)
    charge(ledger, RunRecord(ACCOUNT, "b"), "phone", 1, None, at=200.0)
    charge(ledger, RunRecord(ACCOUNT, "b"), "email", 1, None, at=200.0)
    with ledger.read() as t:
        assert spending.spent_since(t, ACCOUNT, 200.0) == (12 + 1, 6 * 12 + 2 * 3)


def test_requests_in_flight_count_at_their_worst(ledger: Ledger) -> None:
    """Of a run that is active, and of one that has just been killed."""
    for run in (new_run(RunRecord(ACCOUNT)), Run("dead", "other", "1", RunRecord(ACCOUNT))):
        with ledger.write() as t:
            since = t.date
            ledger.claim(t, [Wanted("phone", (run.id,))], run, Renewal())
            ledger.send(t, [(run.id, "phone")], run)
            if run.id == "dead":
                t.execute(sa.update(schema.runs).values(lease=0.0, renewed=0.0))
    with ledger.read() as t:
        assert spending.spent_since(t, ACCOUNT, since - 1) == (0.0, 2 * 5 * 30)
        assert spending.spent_since(t, "another", since - 1) == (0.0, 0.0)


def test_the_charges_of_a_run(ledger: Ledger) -> None:
    """Per type and number of values; None is not known."""
    record = past_run(ledger, "a", 100.0, 12.0, 0, 1, 1, 3)
    charge(ledger, record, "email", None, at=1.0)
    with ledger.read() as t:
        found = spending.charges_of(t, record)
    assert found == {"phone": {0: 1, 1: 2, 3: 1}, "email": {None: 1}}


def test_whether_a_run_was_alone(ledger: Ledger) -> None:
    """Another one overlaps if it began before the end and did not end before the beginning."""
    first, second = past_run(ledger, "a", 100.0, 12.0, 1), past_run(ledger, "b", 110.0, 12.0, 1)
    with ledger.read() as t:
        assert spending.alone(t, first)
        assert spending.alone(t, second)
    third = past_run(ledger, "c", 105.0, 12.0, 1)
    with ledger.read() as t:
        assert not any(spending.alone(t, one) for one in (first, second, third))


def test_runs_that_are_active(ledger: Ledger) -> None:
    """By their lease; also one that another run of the account sees."""
    mine, other = RunRecord(ACCOUNT), RunRecord("another")
    run = new_run(mine)
    with ledger.write() as t:
        ledger.renew(t, run)
        ledger.renew(t, new_run(other))
        ledger.renew(t, new_run())
        assert spending.active(t, ACCOUNT) == {mine.id}
        ledger.end(t, run)
        assert spending.active(t, ACCOUNT) == set()


def test_a_merge_keeps_what_is_known(tmp_path: Path) -> None:
    """Of a charge and a run, the ledger that has its end; balances of both."""
    source, target = (connect(str(tmp_path / name), "pronto") for name in ("source", "target"))
    record = RunRecord(ACCOUNT, "a")
    for ledger in (source, target):
        with ledger.write() as t:
            spending.begin_run(t, record, EMAILS)
        charge(ledger, record, "email", None, None, at=1.0)
    charge(source, record, "email", 1, at=1.0)
    charge(target, record, "email", None, 1, at=1.0)
    with source.write() as t:
        spending.end_run(t, record, spending.End("finished", balance=9.0, at=99.0))
    carry_over(tmp_path / "source", tmp_path / "target")
    with target.read() as t:
        assert spending.charges_of(t, record) == {"email": {1: 2}}
        assert [run.why for run in spending.read_history(t)] == ["finished"]
        assert spending.read_balances(t, ACCOUNT) == [(50.0, 100.0), (99.0, 9.0)]


def test_a_backup_has_the_history(ledger: Ledger, tmp_path: Path) -> None:
    """It is part of the ledger."""
    past_run(ledger, "a", 100.0, 12.0, 1)
    pronto.ledger.backup(tmp_path / "backup")
    copy = connect(str(tmp_path / "backup"), "pronto")
    with copy.read() as t:
        assert len(spending.read_history(t)) == 1
        assert len(spending.read_balances(t, ACCOUNT)) == 2


def test_a_clean_run_is_written_on_postgresql(postgres_url: str) -> None:
    """Also migrated: the same tables, statements and results."""
    ledger = connect(postgres_url, "pronto")
    assert isinstance(ledger.database, Database)
    record = past_run(ledger, "a", 100.0, 12.0, 0, 1, 1, 3)
    charge(ledger, record, "email", None, at=100.0)
    charge(ledger, record, "email", 1, at=100.0)
    with ledger.read() as t:
        assert spending.observed(t, ACCOUNT).values == {
            "phone": {0: 1, 1: 2, 3: 1},
            "email": {1: 1},
        }
        assert spending.spent_since(t, ACCOUNT, 0.0) == (50 + 1, 5 * 30 + 3)
        assert spending.alone(t, record)
