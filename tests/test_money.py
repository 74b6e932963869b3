"""The price before it is paid, and never more than the caller allows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.api import MOST_PHONES, PRICES, Answer, Contact
from .seams.config import current
from .seams.root import Observed, Prices, balance_in, estimates
from .seams.sending import Budget, Outcome, Request


def test_an_estimate_counts_every_row_once(serve: Serve) -> None:
    """To send, repeated, answered, unknown, skipped, invalid; and nothing is sent or charged."""
    server = serve(credits=777)
    pronto.enrich(people(10), "email", progress=False)
    server.sandbox.faults, server.sandbox.fault_kinds = 1.0, ("500",)
    with pytest.warns(pronto.UnknownRowsWarning):
        pronto.enrich(people(5, start=10), "email", progress=False)
    df = pd.concat([people(40), people(3, start=30)], ignore_index=True)
    df.loc[20, "lastname"] = None
    df["email"] = pd.Series([None] * 43, dtype=object)
    df.loc[21, "email"] = "kept@acme.example"
    sent = len(server.sandbox.arrivals)
    estimate = df.pronto.estimate("email")
    assert (estimate.rows, estimate.to_send, estimate.people) == (43, 26, 23)
    assert (estimate.duplicates, estimate.answered, estimate.unknown) == (3, 10, 5)
    assert (estimate.skipped, estimate.invalid) == (1, 1)
    assert estimate.cost_low < estimate.cost_expected < estimate.cost_high <= estimate.cost_most
    assert estimate.cost_most == 69
    assert estimate.balance == server.sandbox.credits
    assert len(server.sandbox.arrivals) == sent


def test_an_estimate_reads_well(serve: Serve) -> None:
    """As text, with what is expected, how certain that is, and the balance."""
    serve(credits=1000)
    text = repr(people(1200).pronto.estimate(["email", "phone"]))
    assert "1,200 to send: 1,200 people\n" in text
    assert "    cost about 28,512 credits, at most 183,600\n" in text
    assert " with a chance of 90%\n" in text
    assert "   basis no answers of this account yet: assumes that 60% are found\n" in text
    assert "         prices in credits: email 1 to 3, phone 10 to 30\n" in text
    assert "budget" not in text
    assert "balance 1,000 credits" in text
    pronto.enrich(people(5), "email", progress=False)
    assert "    cost nothing: no new requests" in repr(people(5).pronto.estimate("email"))


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (5000, "max_credits=5,000 is enough\n"),
        (700, "max_credits=700 is enough with a chance of 6"),
        (300, "max_credits=300 is enough for about 500 of 1,000 people\n"),
    ],
)
def test_an_estimate_says_whether_a_budget_is_enough(serve: Serve, most: int, words: str) -> None:
    """Or for how many people it is."""
    serve()
    pronto.configure(prices={"email": 1})
    estimate = people(1000).pronto.estimate("email", max_credits=most)
    assert f"  budget {words}" in repr(estimate)
    assert estimate.max_credits == most
    assert estimate.chance is not None
    assert (estimate.chance > 0.5) == (most > 600)


def test_an_estimate_learns_from_answers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the account: found rates, and prices that are not configured."""
    serve()
    seen = Observed(prices={"phone": 10.0}, values={"phone": {0: 30, 1: 10, 2: 10}})
    monkeypatch.setattr(estimates, "observed_for", lambda preview: seen)
    estimate = people(1000).pronto.estimate("phone")
    assert estimate.cost_expected == pytest.approx(6000, rel=0.05)
    assert 3500 < estimate.cost_low < 5000 < 7000 < estimate.cost_high < 8500
    assert estimate.cost_most == 50_000
    assert "   basis 50 answers of this account\n" in repr(estimate)


def test_phones_are_priced_by_the_number(serve: Serve) -> None:
    """One to five of them; by the prices of the settings."""
    serve()
    pronto.configure(prices={"phone": 20, "email": (1, 2)})
    assert pronto.estimate(people(3), ["email", "phone"]).cost_most == 3 * 102
    assert current().prices.ranges["personal_email"] == PRICES["personal_email"]


def test_an_estimate_needs_neither_key_nor_network(serve: Serve) -> None:
    """Then the balance is not known; and it may be refreshed in the estimate, too."""
    server = serve()
    pronto.enrich(people(4), "email", progress=False)
    assert pronto.estimate(people(4), "email").people == 0
    assert pronto.estimate(people(4), "email", refresh=True).people == 4
    assert pronto.estimate(people(9), "email", limit=6).people == 2
    pronto.configure(api_key=None)
    assert "balance unavailable" in repr(pronto.estimate(people(9), "email"))
    pronto.configure(api_key=server.sandbox.api_key)
    server.stop()
    estimate = pronto.estimate(people(9), "email")
    assert (estimate.people, estimate.answered, estimate.balance) == (5, 4, None)


def test_an_estimate_in_the_sandbox() -> None:
    """Without a key."""
    pronto.configure(base_url="sandbox")
    assert pronto.estimate(people(9), "email").balance is not None


@pytest.mark.parametrize(
    ("answer", "balance"),
    [
        ({"credits": 77}, 77),
        ({"credits": 77.5, "email": "a@b.example", "plan": {"seats": 3}}, 77.5),
        ({"credits": {"remaining": 12}}, 12),
        ({"data": {"remaining_credits": 9}}, 9),
        ({"credits": {"value": 5}}, 5),
        ({"balance": 0}, 0),
        ({"credits": {"used": 3, "remaining": 5}}, 5),
        ({"credits_used": 3, "credits_left": 5}, None),
        ({"credits": True}, None),
        ({"credits": "77"}, None),
        ({"plan": 3}, None),
        ({}, None),
        ([{"credits": 5}], None),
    ],
)
def test_a_balance_is_read_where_there_is_no_doubt(answer: Any, balance: float | None) -> None:
    """The fields are undocumented; two candidates are none."""
    assert balance_in(answer) == balance


@pytest.mark.parametrize(
    "prices", [7, {"mail": 1}, {"email": "1"}, {"email": -1}, {"email": (1, 2, 3)}, {"email": True}]
)
def test_a_price_that_cannot_be_is_said(prices: Any) -> None:
    """And nothing is changed."""
    before = current()
    with pytest.raises(pronto.ConfigurationError, match="price"):
        pronto.configure(prices=prices)
    assert current() is before


@pytest.mark.parametrize("most", [0, 7, 40, 150])
def test_max_credits_is_never_passed(serve: Serve, most: int) -> None:
    """However much is in flight; what is left is pending, and can be sent by the next run."""
    server = serve(latency=0.05, rate=500)
    pronto.configure(prices={"email": 1})
    with pytest.warns(pronto.MaxCreditsWarning, match=f"max_credits={most}"):
        out = pronto.enrich(people(300), "email", max_credits=most, progress=False)
    spent = sum(charge["credits"] for charge in server.sandbox.charges)
    counts = Counter(out["pronto_status"])
    assert spent == counts["found"] == most
    pending = out["pronto_status"] == "pending"
    assert pending.sum() == 300 - counts["found"] - counts["not_found"]
    assert out.loc[pending, "pronto_message"].str.contains("max_credits").all()
    pronto.enrich(people(300), "email", progress=False)
    assert max(server.sandbox.asked.values()) == 1


def test_max_credits_counts_what_may_have_been_charged(serve: Serve) -> None:
    """A lost answer counts as the most it can have cost."""
    server = serve(faults=1.0, fault_kinds=("reset after",))
    pronto.configure(prices={"email": (1, 3)})
    with pytest.warns(pronto.ProntoWarning):
        pronto.enrich(people(50), "email", max_credits=10, progress=False)
    assert len(server.sandbox.charges) == 3


def test_max_credits_that_suffice_stop_nothing(serve: Serve) -> None:
    """No warning, every row settled."""
    serve()
    out = pronto.enrich(people(30), "email", max_credits=90, progress=False)
    assert set(out["pronto_status"]) == {"found", "not_found"}


@pytest.mark.parametrize("most", [-1, "7", True, float("nan")])
def test_max_credits_that_cannot_be_are_said(serve: Serve, most: Any) -> None:
    """Before anything is sent."""
    server = serve()
    with pytest.raises(pronto.ConfigurationError, match="max_credits"):
        pronto.enrich(people(3), "email", max_credits=most)
    assert server.sandbox.arrivals == []


ANSWER = {"status": "success", "email": "a@b.example", "phones": ["+441", "+442"]}


@given(st.lists(st.sampled_from(["found", "nothing", "unknown", "gone"]), max_size=60))
def test_what_fits_the_budget_never_costs_more(fates: list[str]) -> None:
    """Whatever becomes of the jobs, the most they can have cost is within the budget."""
    prices, most = Prices(), 700.0
    budget, cost = Budget(prices, most), 0.0
    job = [Request(0, Contact("Ana", "Lovelace"), ("email", "phone"))]
    outcomes = {
        "found": Outcome("answered", Answer.model_validate(ANSWER)),
        "nothing": Outcome("answered", Answer(status="error")),
        "unknown": Outcome("unknown", may_be_charged=True),
        "gone": None,
    }
    worst = 3 + 30 * MOST_PHONES
    cost_of = {"found": 3 + 60, "nothing": 0, "unknown": worst, "gone": 0}
    for fate in fates:
        if not budget.fits(job):
            assert cost + worst > most
            break
        budget.reserve(job)
        budget.settle(job, outcomes[fate])
        cost += cost_of[fate]
    assert cost <= most


def test_credits_in_fractions_suffice_to_the_last_one() -> None:
    """Three times 0.1 is a little more than 0.3 to a computer, but not to who sets max_credits."""
    budget = Budget(Prices({"email": (0.1, 0.1)}), 0.3)
    requests = [Request(n, Contact("Ana", f"Lovelace {n}"), ("email",)) for n in range(4)]
    assert budget.affordable(requests) == 3
    for request in requests[:3]:
        assert budget.fits([request])
        budget.reserve([request])
    assert not budget.fits(requests[3:])
