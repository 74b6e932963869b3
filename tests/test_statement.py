"""What users see of their spending: the balance, the runs, and the statement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto
from pronto_pandas.sandbox import Server

from .canned import Canned
from .conftest import Serve
from .seams.config import current
from .seams.root import open_ledger
from .seams.storage import Ledger, Renewal, RunRecord, Wanted, charges, new_run, spending

DAY = 86_400.0
START = pd.Timestamp("2020-11-01", tz="UTC").timestamp()


class Account:
    """An account of the sandbox, whose past is written into the ledger."""

    def __init__(self, server: Server) -> None:
        self.sandbox = server.sandbox
        self.ledger: Ledger = open_ledger(current())
        self.name = spending.account_name(self.ledger.service, self.sandbox.api_key)
        self.credits = 100_000.0

    def run(
        self,
        day: float,
        type_: str,
        numbers: Sequence[int | None],
        spent: float,
        *,
        ended: bool = True,
        late: bool = False,
        **more: Any,
    ) -> RunRecord:
        """Record a run of ten minutes that has spent this."""
        record, began = RunRecord(self.name), START + day * DAY
        given = {"rows": len(numbers), "people": len(numbers), **more}
        beginning = spending.Beginning(
            self.ledger.service, (type_,), "sync", balance=self.credits, at=began, **given
        )  # fmt: skip
        self.credits -= spent
        found = sum(1 for number in numbers if number)
        end = spending.End("finished", found, balance=self.credits, at=began + 600)
        with self.ledger.write() as t:
            spending.begin_run(t, record, beginning)
            at = began + (1_200 if late else 300)
            charges.add(
                t,
                [
                    charges.Charge(f"{record.id} {n}", record, type_, number, late, at)
                    for n, number in enumerate(numbers)
                ],
            )
            if ended:
                spending.end_run(t, record, end)
        return record


@pytest.fixture
def account(serve: Serve) -> Account:
    """Return the sandbox's account, with an empty history."""
    return Account(serve())


def lines(table: pd.DataFrame) -> dict[str, float]:
    """Return the change per line; all runs together."""
    return {str(name): float(rows["change"].sum()) for name, rows in table.groupby("line")}


def test_the_balance_is_what_pronto_says(account: Account) -> None:
    """And the ledger has it, with its time."""
    account.sandbox.credits = 98_380
    assert pronto.balance() == 98_380.0
    with account.ledger.read() as t:
        ((at, amount),) = spending.read_balances(t, account.name)
        assert amount == 98_380.0
        assert t.date - 60 < at <= t.date


def test_a_balance_that_is_not_clear_is_an_error(canned: Canned) -> None:
    """It is not guessed, and not stored."""
    pronto.configure(base_url=canned.url, api_key="invented", rate=1_000)
    canned.says({"credits": 1, "balance": 2})
    with pytest.raises(pronto.ServiceError, match="several numbers"):
        pronto.balance()
    canned.says(b"<html>")
    with pytest.raises(pronto.ServiceError, match="did not return the balance"):
        pronto.balance()
    canned.says({"error": "no"}, status=401)
    with pytest.raises(pronto.AuthenticationError):
        pronto.balance()


def test_without_a_key_there_is_no_account() -> None:
    """The error says how to set one."""
    for function in (pronto.balance, pronto.statement):
        with pytest.raises(pronto.MissingKeyError):
            function()


def test_a_ledger_that_cannot_be_written_is_an_error(account: Account) -> None:
    """Before anything is requested."""
    with pronto.configure(ledger="/dev/null/ledger"), pytest.raises(pronto.LedgerError):
        pronto.balance()


def test_there_are_no_runs_yet(account: Account) -> None:
    """The columns and dtypes are the same as later."""
    empty = pronto.runs()
    assert list(empty.columns) == [
        "began", "seconds", "type", "mode", "rows", "people", "found", "not_found", "unknown",
        "from_ledger", "credits", "credits_by_price", "saved", "ended",
    ]  # fmt: skip
    assert "no runs yet" in repr(empty)
    account.run(0, "phone", [1], 10)
    assert pronto.runs().dtypes.equals(empty.dtypes)
    assert str(empty["began"].dtype) == "datetime64[ns]"
    assert str(empty["people"].dtype) == "Int64"


def test_each_run_has_a_row(account: Account) -> None:
    """The latest first; found and cost by the charges."""
    account.run(0, "phone", [0, 1, 2, None], 33, rows=9, from_ledger=5, saved=55.5)
    account.run(1, "phone", [1, 0], 11)
    table = pronto.runs()
    assert table["began"].dt.day.tolist() == [2, 1]
    first = table.iloc[1]
    assert (first["seconds"], first["type"], first["mode"]) == (600.0, "phone", "sync")
    assert (first["rows"], first["people"], first["from_ledger"]) == (9, 4, 5)
    assert (first["found"], first["not_found"], first["unknown"]) == (2, 1, 1)
    assert (first["credits"], first["saved"], first["ended"]) == (33.0, 55.5, "finished")
    assert first["credits_by_price"] == 33.0  # the second run has shown that a number costs 11
    assert table.attrs["summary"] == (
        "2 runs: 6 people looked up, about 44 credits. The ledger saved about 56."
    )
    assert table.attrs["summary"] in repr(table)
    assert table.attrs["summary"] in table._repr_html_()


def test_a_run_that_was_killed_shows_what_its_charges_say(account: Account) -> None:
    """Also what it had in flight; one that is active is running."""
    account.run(0, "phone", [0, 1, 2], 33, ended=False)
    mine = new_run(account.run(1, "phone", [], 0, ended=False))
    with account.ledger.write() as t:
        account.ledger.claim(t, [Wanted("phone", ("x",))], mine, Renewal())
        account.ledger.send(t, [("x", "phone")], mine)
    running, killed = pronto.runs().to_dict("records")
    assert running["ended"] == "running"
    assert (running["people"], running["unknown"]) == (1, 1)
    assert killed["ended"] == "unknown (process ended)"
    assert math.isnan(killed["seconds"])
    assert math.isnan(killed["credits"])
    assert (killed["people"], killed["found"], killed["not_found"]) == (3, 2, 1)


def test_a_balance_of_two_runs_at_once_is_no_ones_cost(account: Account) -> None:
    """The prices say what each one has cost."""
    account.run(0, "phone", [1], 10)
    account.run(0.001, "phone", [2], 20)
    table = pronto.runs()
    assert table["credits"].isna().all()
    assert table["credits_by_price"].tolist() == [60.0, 30.0]


def test_every_credit_is_in_the_statement(account: Account) -> None:
    """Two runs, bought credits, and what another program spent."""
    account.run(0, "phone", [0, 1, 2], 36)
    account.run(1, "phone", [1], 12)
    account.credits += 5_000
    account.run(2, "phone", [1], 12)
    account.sandbox.credits = int(account.credits) - 700
    table = pronto.statement()
    assert lines(table) == {
        "run": -60.0,
        "answers that came late": 0.0,
        "added to the account": 5_000.0,
        "unexplained": -700.0,
        "total": 4_240.0,
    }
    assert table["change"].tolist()[:3] == [-36.0, -12.0, -12.0]
    assert table["line"].tolist()[-1] == "total"
    assert str(table["began"].dtype) == "datetime64[ns]"
    assert table["change"].iloc[:-1].sum() == table["change"].iloc[-1]


def test_a_lost_answer_is_at_most_its_worst_case(account: Account) -> None:
    """The run's line says how much of it that is; the rest is unexplained."""
    account.run(0, "email", [1, None], 4)
    account.run(1, "phone", [], 0)
    account.sandbox.credits = 100_000 - 50
    with pronto.configure(prices={"email": 1}):
        table = pronto.statement()
    assert lines(table)["run"] == -2.0
    assert lines(table)["unexplained"] == -48.0
    assert table["note"].iloc[0] == "contains up to 1 for lost answers"


def test_late_answers_have_their_own_line(account: Account) -> None:
    """They were charged when nothing ran."""
    account.run(0, "phone", [2, 1], 0, late=True)
    account.sandbox.credits = 100_000 - 30
    assert lines(pronto.statement())["answers that came late"] == -30.0


def test_a_statement_since_a_date_begins_with_the_balance_before(account: Account) -> None:
    """A date is in UTC unless it says otherwise."""
    account.run(0, "email", [1], 1)
    account.run(1, "email", [1], 1)
    account.run(2, "email", [1, 1], 2)
    account.sandbox.credits = 100_000 - 4
    assert lines(pronto.statement("2020-11-03"))["total"] == -2.0
    assert lines(pronto.statement(pd.Timestamp("2020-11-02 12:00", tz="UTC")))["total"] == -2.0
    assert lines(pronto.statement(pd.Timestamp("2020-11-02 00:30", tz="Europe/Paris")))["run"] == -3
    assert lines(pronto.statement("2019-01-01"))["total"] == -4.0
    for wrong in ("yesteryear", float("nan"), [1]):
        with pytest.raises(pronto.ConfigurationError, match="since must be a date"):
            pronto.statement(wrong)  # type: ignore[arg-type]  # on purpose


def test_without_an_answer_the_statement_ends_with_the_last_balance(account: Account) -> None:
    """It needs no network."""
    account.run(0, "email", [1], 1)
    with pronto.configure(base_url="http://127.0.0.1:9", service=account.ledger.service):
        assert lines(pronto.statement())["total"] == -1.0


def test_the_card_shows_the_lines(account: Account) -> None:
    """As text and HTML; many runs are one line."""
    for day in range(30):
        account.run(day, "email", [1], 1)
    account.sandbox.credits = 100_000 - 30
    table = pronto.statement()
    assert len(table) == 34
    for shown in (repr(table), table._repr_html_()):
        assert "the balance changed by -30 credits" in shown
        assert "100,000 credits on 2020-11-01 00:00 UTC" in shown
        assert "99,970 credits on" in shown
        assert "10 earlier runs" in shown
        assert "2020-11-30 00:00 email" in shown
        assert "unexplained" in shown
        assert "2020-11-01 00:00 email" not in shown
    assert "<table" in table._repr_html_()


def test_amounts_have_decimals_only_if_they_need_them(account: Account) -> None:
    """Zero has no sign."""
    account.run(0, "email", [1], 1.5)
    account.run(1, "email", [1], 1_499.5)
    account.credits = 98_499.0
    account.sandbox.credits = 98_499
    shown = [line.split()[-1] for line in repr(pronto.statement()).splitlines()[-6:]]
    assert shown == ["-1.5", "-3", "0", "0", "-1,496.5", "-1,501"]


def test_the_card_says_what_it_lacks(canned: Canned) -> None:
    """If no balance is known."""
    pronto.configure(base_url=canned.url, api_key="invented")
    canned.says({}, status=500)
    assert "At least two balances" in repr(pronto.statement())
    assert lines(pronto.statement())["total"] == 0.0
