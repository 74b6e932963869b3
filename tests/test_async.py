"""Submitted now, fetched later: an answer that is lost on the way is fetched again."""

from __future__ import annotations

import asyncio
import random
import time
import warnings
from collections import Counter
from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto
from pronto_pandas import (
    AuthenticationError,
    ConnectionFailedError,
    RateLimitedError,
    RefusedError,
    ServerFailedError,
    ServiceBusyError,
)

from . import virtual
from .conftest import Serve, others_slow, people
from .seams.api import Answer
from .seams.sandbox import identity
from .seams.sending import LATEST, REFUSED_AT_MOST, SOONEST, Dispatcher, PollSchedule, Request
from .test_calling import script, wait_for
from .test_dispatch import FOUND, play
from .test_ledger import SETTLED, enrich, states
from .test_rate_limit import most_in_a_second

NOT_YET = Answer(status="pending", enrichment_id="e")


class Work:
    """A service that takes work and has the answer after a while."""

    def __init__(self, seconds: float, *, fails: tuple[Exception, ...] = ()) -> None:
        self.seconds, self.fails = seconds, fails
        self.ready: dict[str, float] = {}
        self.failed: Counter[str] = Counter()

    async def submit(self, job: Request) -> Answer:
        await asyncio.sleep(0.05)
        self.ready[str(job.number)] = virtual.now() + self.seconds
        return NOT_YET.model_copy(update={"enrichment_id": str(job.number)})

    async def look(self, name: str) -> Answer:
        await asyncio.sleep(0.05)
        if int(name) % 8 == 0 and self.failed[name] < len(self.fails):
            self.failed[name] += 1
            raise self.fails[self.failed[name] - 1]
        return FOUND if virtual.now() >= self.ready[name] else NOT_YET


@pytest.mark.parametrize("seconds", [0.2, 2, 10, 60])
def test_each_is_submitted_once_and_looked_at_a_few_times(seconds: float) -> None:
    """However long it takes; looks and submissions keep the pace together."""
    work = Work(seconds)
    result = virtual.run(play(work.submit, 300, look=work.look))
    assert result.states == {"answered": 300}
    assert set(result.service.asked.values()) == {1}
    assert sum(result.service.looks.values()) <= 300 * 7
    assert most_in_a_second(result.service.starts) <= 50
    assert result.seconds <= sum(result.service.looks.values()) / 40 + 2 * seconds + 15


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailedError(""),
        ServiceBusyError("", status=503),
        ServerFailedError("", status=500),
        RateLimitedError("", status=429, retry_after=2),
        RefusedError("Not found", status=404),
    ],
)
def test_a_look_that_fails_is_repeated(error: Exception) -> None:
    """Looking is free, so whatever became of it, it may be repeated."""
    work = Work(1, fails=(error,) * 2)
    result = virtual.run(play(work.submit, 40, look=work.look))
    assert result.states == {"answered": 40}
    assert set(result.service.asked.values()) == {1}


def test_a_name_that_the_service_does_not_know_is_unknown_in_the_end() -> None:
    """It may have been charged, and nobody can say what came of it."""
    work = Work(0, fails=(RefusedError("Not found", status=404),) * 99)
    result = virtual.run(play(work.submit, 9, look=work.look))
    assert result.states == {"unknown": 2, "answered": 7}
    assert result.service.looks["0"] == result.service.looks["8"] == REFUSED_AT_MOST


def test_what_takes_for_ever_is_left_for_another_run() -> None:
    """Not lost: its name is in the ledger."""
    work = Work(10**9)
    result = virtual.run(play(work.submit, 10, look=work.look))
    assert result.states == {"pending": 10}
    assert 300 < result.seconds < 400
    assert "to fetch it" in str(result.outcomes[0].message)


def test_a_queue_that_moves_is_waited_for() -> None:
    """One answer a second for ten minutes: nobody's time runs out while others' answers come."""
    work = Work(0)

    async def submit(job: Request) -> Answer:
        answer = await work.submit(job)
        work.ready[str(job.number)] = float(job.number)
        return answer

    result = virtual.run(play(submit, 600, look=work.look))
    assert result.states == {"answered": 600}


def test_a_stop_leaves_what_was_submitted_for_another_run() -> None:
    """At once, without a grace: nothing is lost."""
    work = Work(1000)

    async def meanwhile(dispatch: Dispatcher) -> None:
        await asyncio.sleep(20)
        dispatch.interrupt(0.5)

    result = virtual.run(play(work.submit, 5000, look=work.look, meanwhile=meanwhile))
    assert result.seconds < 21
    assert result.states == {"pending": 5000}


@pytest.mark.parametrize("error", [AuthenticationError(""), ServerFailedError("", status=500)])
def test_a_service_that_fails_for_good_stops_the_run(error: Any) -> None:
    """And what was submitted stays so."""
    work = Work(500, fails=(error,) * 10**6)
    result = virtual.run(play(work.submit, 1, look=work.look))
    assert result.dispatch.stopped_by is error
    assert result.states == {"pending": 1}
    assert result.seconds < 200


def test_looks_follow_what_answers_take() -> None:
    """Early enough where they come at once, and never too often or too seldom."""
    polling = PollSchedule(lambda low, high: 1.0)
    for _ in range(40):
        polling.answered(1, 0.6)
    assert polling.wait(1) == SOONEST
    for _ in range(40):
        polling.answered(4, 20.0)
    assert 19 < polling.wait(1) < 20
    assert [polling.wait(look) for look in (2, 3, 99)] == pytest.approx([10, 20, LATEST], abs=1)


def test_by_the_asynchronous_call(serve: Serve) -> None:
    """The same people, the same answers; one submission each; the second run sends nothing."""
    server = serve(latency=0.3)
    expected = enrich(people(80))
    server = serve(latency=0.3)
    out = enrich(people(80), via="async")
    columns = ["email", "email_status", "pronto_status"]
    pd.testing.assert_frame_equal(out[columns], expected[columns])
    assert set(server.sandbox.asked.values()) == {1}
    assert set(server.sandbox.submitted) == set(out["enrichment_id"])
    arrivals = len(server.sandbox.arrivals)
    pd.testing.assert_frame_equal(enrich(people(80), via="async"), out)
    pd.testing.assert_frame_equal(enrich(people(80)), out)
    assert len(server.sandbox.arrivals) == arrivals


def test_two_types_are_two_submissions_in_one_row(serve: Serve) -> None:
    """The service takes one type a request here."""
    server = serve(latency=0.1)
    seen: list[pronto.Progress] = []
    out = pronto.enrich(people(40), ["email", "phone"], via="async", progress=seen.append)
    assert Counter(tuple(c["types"]) for c in server.sandbox.charges) == {
        ("email",): 40,
        ("phone",): 40,
    }
    assert out["email"].notna().sum() > 20
    assert out["phone_1"].notna().sum() > 10
    assert (seen[-1].total, seen[-1].done) == (40, 40)
    assert set(enrich(people(40), ["email", "phone"])["pronto_status"]) <= SETTLED
    assert len(server.sandbox.charges) == 80


def test_what_a_row_needs_is_what_the_asynchronous_page_says(serve: Serve) -> None:
    """An email a company, a phone a LinkedIn address; said before anything is sent."""
    server = serve()
    df = people(3)
    df.loc[0, "linkedin_url"] = None
    df.loc[1, "domain"] = None
    out = enrich(df, ["email", "phone"], via="async")
    assert len(server.sandbox.charges) == 4
    assert out["email_status"].notna().tolist() == [True, False, True]
    assert out["phone_status"].notna().tolist() == [False, True, True]
    with pytest.raises(pronto.ConfigurationError, match="via must be"):
        enrich(df, via="bulk_")


def test_faults_of_every_kind_charge_nobody_twice(serve: Serve) -> None:
    """Looks fail too, and are repeated; what was submitted arrives."""
    server = serve(faults=0.3, seed=5, hold=0.2, latency=0.05, rate=400)
    with pytest.warns(pronto.UnknownRowsWarning):
        out = enrich(people(150), via="async")
    assert max(Counter(c["contact"] for c in server.sandbox.charges).values()) == 1
    charged = {charge["contact"] for charge in server.sandbox.charges}
    for (_, row), (_, person) in zip(out.iterrows(), people(150).iterrows(), strict=True):
        who = identity(dict(person))
        if row["pronto_status"] in SETTLED:
            assert who in charged
            assert row["enrichment_id"] in server.sandbox.submitted
        else:  # the submission's own answer was lost
            assert row["pronto_status"] == "unknown"
    assert states().keys() == {"answered", "unknown"}


def test_a_synchronous_run_fetches_what_was_submitted(serve: Serve) -> None:
    """Rather than pay for it again; and the estimate says so."""
    server = serve(latency=600)
    pronto.configure(timeout=0.5)
    first = enrich(people(6), via="async")
    assert set(first["pronto_status"]) == {"pending"}
    assert states() == {"submitted": 6}
    estimate = pronto.estimate(people(9), "email")
    assert (estimate.submitted, estimate.to_send, estimate.cost_most) == (6, 3, 9)
    assert "6 already submitted, answer pending" in repr(estimate)
    collected = people(6).pronto.collect("email")
    assert collected["pronto_message"].str.contains("to fetch it").all()
    for name, (_, answer) in server.sandbox.submitted.items():
        server.sandbox.submitted[name] = (0.0, answer)
    out = enrich(people(6), refresh=True)
    assert set(out["pronto_status"]) <= SETTLED
    assert len(server.sandbox.charges) == 6


def test_a_synchronous_answer_that_is_to_come_later_is_fetched(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the service says "pending" to a call that should have waited."""
    sandbox = serve(latency=0.2).sandbox
    work = sandbox.work

    def later(body: dict[str, Any]) -> dict[str, Any]:
        answer = work(body)
        sandbox.submitted[answer["enrichment_id"]] = (sandbox.clock() + 0.3, answer)
        return {"enrichment_id": answer["enrichment_id"], "status": "pending"}

    monkeypatch.setattr(sandbox, "work", later)
    out = enrich(people(5), ["email", "phone"])
    assert set(out["pronto_status"]) <= SETTLED
    assert len(sandbox.charges) == 5


KILLED = """
    import warnings
    warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
    df = people(ROWS)
    pronto.configure(rate=100)
    print("begin", flush=True)
    df.pronto.enrich("email", via="async", progress=False)
    print("end", flush=True)
"""


@pytest.mark.parametrize(("moments", "rows"), others_slow((1, 200), (20, 2000)))
def test_killed_at_some_moments_all_that_was_submitted_arrives(
    serve: Serve, moments: int, rows: int
) -> None:
    """One run, killed and started again until it is through."""
    killed = KILLED.replace("ROWS", str(rows))
    sandbox = (server := serve(latency=0.5)).sandbox
    chance = random.Random(11)
    kills: list[float] = []
    while len(kills) < moments:
        process = script(server, killed)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begin\n"
            arrived = len(sandbox.arrivals)
            wait_for(lambda: len(sandbox.arrivals) > arrived)  # noqa: B023  called in this round
            time.sleep(chance.uniform(0, 0.6))
            process.kill()
            kills.append(time.monotonic())
        finally:
            process.kill()
            process.communicate()
        wait_for(lambda: sandbox.in_flight == 0)
    assert script(server, killed).communicate(timeout=240)[0] == "begin\nend\n"
    assert max(sandbox.asked.values()) == 1
    assert max(Counter(charge["contact"] for charge in sandbox.charges).values()) == 1
    with warnings.catch_warnings():  # one kill may lose no name
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        out = people(rows).pronto.collect("email")
    assert set(out["pronto_status"]) <= SETTLED | {"unknown"}
    unknown = out.loc[out["pronto_status"] == "unknown", list(people(1).columns)]
    # Whose name was not yet told, or not yet on disk, when the run was killed. Nobody can tell.
    assert len(unknown) <= moments * 2
    assert len(sandbox.submitted) - out["enrichment_id"].notna().sum() <= len(unknown)
