"""A budget over all runs that share the ledger."""

from __future__ import annotations

import threading
import warnings
from contextlib import suppress
from typing import Any

import pytest

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.config import BudgetSetting
from .seams.root import Prices
from .seams.storage import Ledger, Run, RunRecord, budgets, connect, new_run, spending
from .test_ledger import ledger_file

PRICES = Prices({"email": (1.0, 1.0)})
MINE, OTHER = RunRecord("account", "mine"), RunRecord("account", "other")


def spent(server: Any) -> int:
    """Return the credits that the sandbox has charged."""
    return sum(charge["credits"] for charge in server.sandbox.charges)


def enrich(count: int, start: int = 0, **more: Any) -> list[str]:
    """Look up emails, and return what was warned of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        pronto.enrich(people(count, start), "email", progress=False, **more)
    return [str(one.message) for one in warned]


def test_a_budget_holds_over_runs(serve: Serve) -> None:
    """Of different lists; when it is used up, nothing is sent, and the warning says why."""
    server = serve()
    pronto.configure(prices={"email": 1}, budget=40)
    assert enrich(30) == []
    first = spent(server)
    assert 0 < first < 40
    (warning,) = enrich(200, start=30)
    assert spent(server) == 40
    assert "could have exceeded the budget of 40 credits (up to 40 spent since " in warning
    assert ", 0 left)" in warning
    asked = len(server.sandbox.asked)
    (warning,) = enrich(20, start=500)
    assert "20 rows are pending" in warning
    assert len(server.sandbox.asked) == asked


def test_a_budget_holds_in_other_sessions(serve: Serve) -> None:
    """Which have not set it, or set it again, as in a notebook that is run again."""
    server = serve()
    pronto.configure(prices={"email": 1})
    with pronto.configure(budget=40):
        enrich(30)
    assert enrich(200, start=30) != []
    pronto.configure(budget=40)
    assert enrich(200, start=30) != []
    assert spent(server) == 40


def test_a_budget_that_is_raised_goes_on(serve: Serve) -> None:
    """What was spent counts; None ends it, and then another one begins."""
    server = serve()
    pronto.configure(prices={"email": 1}, budget=40)
    enrich(100)
    pronto.configure(budget=60)
    enrich(200)
    assert spent(server) == 60
    pronto.configure(budget=None)
    pronto.configure(budget=10)
    enrich(300)
    assert spent(server) == 70
    pronto.configure(budget=None)
    assert enrich(100, start=900) == []
    assert spent(server) > 75


def test_the_lower_limit_applies(serve: Serve) -> None:
    """And is the one that the warning names."""
    server = serve()
    pronto.configure(prices={"email": 1}, budget=40)
    (warning,) = enrich(100, max_credits=15)
    assert "max_credits=15" in warning
    (warning,) = enrich(100, max_credits=30)
    assert "the budget of 40" in warning
    assert spent(server) == 40


@pytest.mark.parametrize("place", ["file", "PostgreSQL"])
def test_runs_at_the_same_time_do_not_share_what_is_left(
    serve: Serve, request: pytest.FixtureRequest, place: str
) -> None:
    """Each may spend what it has reserved."""
    server = serve(latency=0.05, rate=500)
    pronto.configure(prices={"email": 1}, budget=40)
    if place == "PostgreSQL":
        pronto.configure(ledger=request.getfixturevalue("postgres_url"))

    def run(start: int) -> None:
        with suppress(pronto.MaxCreditsWarning):  # an error in this thread, as pytest has it
            pronto.enrich(people(300, start), "email", progress=False)

    threads = [threading.Thread(target=run, args=(n * 300,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spent(server) == 40


def test_the_price_line_says_what_is_left(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """And `configure` too, from the ledger."""
    serve()
    configured = pronto.configure(prices={"email": 1}, budget=5_000)
    assert "; budget: 5,000 credits (up to 0 spent since " in repr(configured)
    enrich(30)
    pronto.enrich(people(90), "email")
    line = next(line for line in capsys.readouterr().err.splitlines() if "Looking up" in line)
    assert " left of the budget." in line
    assert "(up to 0 spent" not in repr(configured)


@pytest.mark.parametrize("value", [-1, "7", True, float("nan")])
@pytest.mark.parametrize("name", ["budget", "confirm_above"])
def test_a_budget_that_cannot_be_is_said(name: Any, value: Any) -> None:
    """And nothing is changed."""
    with pytest.raises(pronto.ConfigurationError, match=name):
        pronto.configure(**{name: value})


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger."""
    return connect(str(ledger_file()), "x")


def begin(ledger: Ledger, run: Run, wanted: float, setting: BudgetSetting | None = None) -> float:
    """Begin a run, and return what it may spend."""
    assert run.record is not None
    beginning = spending.Beginning("x", ("email",), "sync", 1, 1)
    with ledger.write() as t:
        ledger.renew(t, run)
        spending.begin_run(t, run.record, beginning)
        most, _ = budgets.reserve(t, run.record, setting, wanted, PRICES)
    return most


def test_an_active_run_keeps_what_it_has_reserved(ledger: Ledger) -> None:
    """Until it ends; a run that was killed keeps nothing."""
    setting = BudgetSetting(100.0, 5.0)
    other = new_run(OTHER)
    assert begin(ledger, other, 70.0, setting) == 70.0
    assert begin(ledger, new_run(MINE), 50.0) == 30.0
    with ledger.write() as t:
        budgets.release(t, OTHER)
    assert begin(ledger, new_run(MINE), 150.0) == 100.0
    killed = Run("killed", other.machine, f"{other.process.rpartition(':')[0]}:999999999", OTHER)
    with ledger.write() as t:
        budgets.release(t, MINE)
        ledger.end(t, other)
    assert begin(ledger, killed, 80.0) == 80.0
    assert begin(ledger, new_run(MINE), 150.0) == 100.0


def test_the_latest_setting_applies(ledger: Ledger) -> None:
    """Whichever session has made it, and whichever runs first."""
    run = new_run(MINE)
    assert begin(ledger, run, 500.0, BudgetSetting(100.0, 5.0)) == 100.0
    assert begin(ledger, run, 500.0, BudgetSetting(50.0, 3.0)) == 100.0
    assert begin(ledger, run, 500.0, BudgetSetting(70.0, 9.0)) == 70.0
    assert begin(ledger, run, 500.0, BudgetSetting(None, 11.0, 11.0)) == 500.0
    assert begin(ledger, run, 500.0) == 500.0
    assert begin(ledger, run, 500.0, BudgetSetting(60.0, 10.0)) == 500.0
