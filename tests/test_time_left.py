"""While a run waits: how long it will still take, and that Pronto cannot be reached."""

from __future__ import annotations

import asyncio
import io
import math
import random
import socket
from dataclasses import replace
from typing import cast

import pytest
from tqdm.std import tqdm

import pronto_pandas as pronto
from pronto_pandas import ConnectionFailedError, ProntoError, RateLimitedError, ServiceBusyError

from . import virtual
from .conftest import Serve, people, slow
from .seams.api import Answer, Contact
from .seams.notebook import Notebook, Terminal, watching
from .seams.root import Prices
from .seams.sending import (
    Budget,
    Context,
    Dispatcher,
    Mode,
    Outcome,
    RateLimit,
    Recorder,
    Request,
    Timing,
)
from .test_bar import Screen
from .test_dispatch import FOUND, Behaviour, FakeRecorder, Service, after

RETRYING = pronto.Progress(
    total=3, retrying="Pronto cannot be reached", retrying_seconds=0.6, next_attempt=1.0
)


class Watched:
    """A run in virtual time, and what a bar would get to know of it."""

    def __init__(self, behaviour: Behaviour, rows: int, most: float = math.inf) -> None:
        self.rows, self.most = rows, most
        self.left: list[tuple[float, float]] = []
        self.retries: list[tuple[float, str]] = []
        self.done = 0
        virtual.run(self._run(Service(behaviour)))

    async def _run(self, service: Service) -> None:
        rate_limit = RateLimit(50, clock=virtual.now, jitter=lambda low, high: high)
        timing = Timing(virtual.now, jitter=lambda low, high: high)
        mode = Mode(service.send, service.fetch, 20_000)
        recorder = cast("Recorder", FakeRecorder())
        self.context = Context(mode, rate_limit, recorder, 300, 60, timing)
        self.context.retry.on_retry = self._retried
        self.budget = Budget(Prices(), self.most)
        requests = [
            Request(n, Contact("Ana", f"Lovelace {n}"), ("email",)) for n in range(self.rows)
        ]
        await Dispatcher(self.context, self.budget).run(requests, self._recorded)
        self.seconds = virtual.now()

    def _retried(self) -> None:
        failing = self.context.retry.retrying
        assert failing is not None
        self.retries.append((virtual.now(), failing.reason))

    def _recorded(self, request: Request, outcome: Outcome) -> None:
        if outcome.state != "answered":
            return
        self.done += 1
        spent = self.budget.spent
        left = self.context.time_left.seconds(self.done, self.rows, spent, self.most)
        self.left.append((virtual.now(), left or 0.0))

    @property
    def right(self) -> float:
        """How often the estimate was right, within 30 % or 2 s."""
        true = [(left, self.seconds - at) for at, left in self.left[self.done // 10 :]]
        return sum(abs(said - real) <= max(2, 0.3 * real) for said, real in true) / len(true)


def differing(seconds: float, spread: float) -> Behaviour:
    """Answer after times that differ by a factor of up to ``(1 + spread) / (1 - spread)``."""
    dice = random.Random(1)

    async def answer(request: Request) -> Answer:
        await asyncio.sleep(seconds * dice.uniform(1 - spread, 1 + spread))
        return FOUND

    return answer


def queued(at_once: int, seconds: float) -> Behaviour:
    """Process a few requests at a time, in the order in which they come."""
    slots: list[asyncio.Semaphore] = []

    async def answer(request: Request) -> Answer:
        if not slots:
            slots.append(asyncio.Semaphore(at_once))
        async with slots[0]:
            await asyncio.sleep(seconds)
        return FOUND

    return answer


@pytest.mark.parametrize("rows", [50, 250, pytest.param(3000, marks=slow)])
@pytest.mark.parametrize("latency", [0.2, 2, 10, 30])
def test_the_time_left_is_right_after_a_tenth(latency: float, rows: int) -> None:
    """Always, if every answer takes equally long; and nearly so from the first answer on."""
    watched = Watched(after(latency), rows)
    assert watched.right == 1
    for at, left in watched.left:
        assert left == pytest.approx(watched.seconds - at, rel=0.5, abs=2)


@pytest.mark.parametrize("rows", [50, 250, pytest.param(3000, marks=slow)])
@pytest.mark.parametrize("latency", [2, 10, 30])
@pytest.mark.parametrize("spread", [0.3, 0.9])
def test_the_time_left_is_mostly_right_if_latencies_differ(
    spread: float, latency: float, rows: int
) -> None:
    """Not at first, while only the quick answers are known."""
    assert Watched(differing(latency, spread), rows).right > 0.8


@pytest.mark.parametrize("rows", [50, 250, pytest.param(3000, marks=slow)])
@pytest.mark.parametrize(("at_once", "latency"), [(2, 0.2), (5, 0.5)])
def test_the_time_left_is_right_behind_a_queue(at_once: int, latency: float, rows: int) -> None:
    """Ten answers per second, whatever the rate of the starts."""
    assert Watched(queued(at_once, latency), rows).right > 0.97


@pytest.mark.parametrize("most", [100, 1000])
def test_the_time_left_ends_with_the_credits(most: float) -> None:
    """If ``max_credits`` ends the run before its rows do."""
    watched = Watched(after(2), 3000, most)
    assert most / 4 < watched.done < 3000
    assert watched.right > 0.95


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionFailedError("refused"), "Pronto cannot be reached"),
        (ServiceBusyError("", status=503), "Pronto is busy"),
        (ServiceBusyError("", status=503, retry_after=20), "Pronto is busy"),
        (RateLimitedError("", status=429), "Pronto is limiting requests"),
        (RateLimitedError("", status=429, retry_after=20), "Pronto is limiting requests"),
    ],
)
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_retries_are_reported_within_three_seconds(
    rows: int, error: ProntoError, reason: str
) -> None:
    """Not a single one, which is normal."""

    async def fail(request: Request) -> Answer:
        await asyncio.sleep(0.05)
        if virtual.now() < 40:
            raise error
        return FOUND

    watched = Watched(fail, rows)
    assert watched.retries[0][0] < 3
    assert {told for _, told in watched.retries} == {reason}


def test_a_single_failure_among_answers_is_not_shown() -> None:
    """The line would flicker."""
    screen = Screen()
    bar = notebook(screen)
    for done in range(3):
        bar.show(replace(RETRYING, done=done, found=done))
        screen.now += 0.2
        bar.tick()
        bar.show(pronto.Progress(total=3, done=done + 1, found=done + 1))
        screen.now += 0.3
        bar.tick()
    assert len(screen.drawn) == 3
    assert not any("again" in drawn["text/plain"] for drawn in screen.drawn)


def test_an_answer_ends_the_report() -> None:
    """Later failures are others."""
    seen: list[object] = []

    async def fail_for_a_while(request: Request) -> Answer:
        await asyncio.sleep(0.05)
        if virtual.now() < 10:
            raise ServiceBusyError("", status=503, retry_after=2)
        return FOUND

    class Looked(Watched):
        def _recorded(self, request: Request, outcome: Outcome) -> None:
            super()._recorded(request, outcome)
            seen.append(self.context.retry.retrying)

    watched = Looked(fail_for_a_while, 3)
    assert watched.retries
    assert seen == [None] * 3


def notebook(screen: Screen) -> Notebook:
    """Return a bar on a screen."""
    return Notebook(3, "rows", screen.display, lambda: screen.now)  # type: ignore[arg-type]  # append returns None


def test_the_notebook_says_that_requests_are_tried_again() -> None:
    """At once, for how long, and no longer than it is known."""
    screen = Screen()
    bar = notebook(screen)
    bar.show(RETRYING)
    screen.now = 0.5
    bar.tick()
    assert screen.line == "0 of 3 rows · Pronto cannot be reached; trying again (1 s so far)"
    screen.now = 4.0
    bar.tick()
    assert screen.line == "0 of 3 rows · Pronto cannot be reached; trying again (5 s so far)"
    screen.now = 12.0
    bar.tick()
    assert screen.line == "0 of 3 rows · no response for 12 s"
    bar.show(pronto.Progress(total=3, done=1, found=1))
    screen.now += 2
    bar.tick()
    assert screen.line.startswith("1 of 3 rows · 1 found · 0.1 rows/s · ")
    bar.show(RETRYING)
    bar.close(stopped=True)
    assert screen.line == "Stopped after 0 of 3 rows · in 14 s"


class Printed:
    """The bar of a terminal, and a clock that tests set."""

    def __init__(self, total: int, every: float = 0.1) -> None:
        self.now, self.out = 0.0, io.StringIO()
        made = tqdm(total=total, unit=" rows", desc="Pronto", file=self.out, ncols=130)
        self.bar = Terminal(made, every, lambda: self.now)

    @property
    def line(self) -> str:
        return self.out.getvalue().rpartition("\r")[2]


def test_the_terminal_says_that_requests_are_tried_again() -> None:
    """Before the bar, which a narrow terminal cuts off at its end."""
    printed = Printed(3, every=5.0)
    printed.bar.show(RETRYING)
    printed.now = 0.5
    printed.bar.tick()
    assert printed.line.startswith("Pronto cannot be reached; trying again (1 s so far):   0%|")
    printed.now = 5.5
    printed.bar.tick()
    assert printed.line.startswith("Pronto cannot be reached; trying again (6 s so far):   0%|")
    printed.bar.show(pronto.Progress(total=3, done=1, found=1))
    assert printed.line.startswith("Pronto:  33%|")
    printed.bar.show(replace(RETRYING, retrying_seconds=1.0))
    printed.bar.close(stopped=True)
    assert "trying again" not in printed.line


def test_the_terminal_has_the_counts_of_its_rows() -> None:
    """The number of rows is as new as the counts, also at the end; and the time left is ours."""
    printed = Printed(3, every=5.0)
    printed.now = 6.0
    printed.bar.show(pronto.Progress(total=3, done=1, found=1, left=75.0))
    assert "| 1/3 [" in printed.line
    assert "<01:15, " in printed.line
    assert printed.line.endswith("found=1]")
    for done in (2, 3):
        printed.bar.show(pronto.Progress(total=3, done=done, found=done, left=0.0))
    assert "| 1/3 [" in printed.line
    printed.bar.close(stopped=False)
    assert "| 3/3 [" in printed.line
    assert "found=3]" in printed.line


def test_the_time_left_runs_down_between_answers() -> None:
    """And never below 0."""
    screen = Screen()
    bar = notebook(screen)
    bar.show(pronto.Progress(total=3, done=1, found=1, left=8.0))
    screen.now = 3.0
    bar.tick()
    assert "· 5 s left" in screen.line
    screen.now = 9.9
    bar.tick()
    assert "· 0 s left" in screen.line


@pytest.mark.parametrize("with_bar", [True, False])
def test_a_run_says_that_pronto_cannot_be_reached(
    capsys: pytest.CaptureFixture[str], with_bar: bool
) -> None:
    """In the bar, or to a callback."""
    seen: list[pronto.Progress] = []
    with socket.socket() as closed:  # bound, but nobody listens
        closed.bind(("127.0.0.1", 0))
        pronto.configure(
            base_url=f"http://127.0.0.1:{closed.getsockname()[1]}", api_key="k", retry_budget=1.2
        )
        with pytest.raises(ConnectionFailedError):
            people(3).pronto.enrich("email", progress=True if with_bar else seen.append)
    shown = capsys.readouterr().err
    if with_bar:
        assert "Pronto cannot be reached; trying again" in shown
    else:
        retried = [now for now in seen if now.retrying]
        assert {now.retrying for now in retried} == {"Pronto cannot be reached"}
        assert {now.pending for now in retried} == {0}, "shown after the last attempt"
        assert seen[-1].pending == 3
        assert shown == ""


def test_a_run_tells_the_time_left(serve: Serve) -> None:
    """With each row."""
    serve()
    seen: list[pronto.Progress] = []
    people(20).pronto.enrich("email", progress=seen.append)
    assert all(now.seconds_left == now.left is not None for now in seen)
    assert seen[-1].left == 0


def test_without_a_bar_retries_print_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Not even a line, which a stop has."""
    with watching(False, 3) as view:
        view.show(replace(RETRYING, retrying_seconds=5.0))
        view.tick()
    assert capsys.readouterr() == ("", "")
