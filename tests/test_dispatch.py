"""The engine in virtual time: one outcome a job, and only what surely failed is repeated."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronto_pandas import (
    AnswerLostError,
    AuthenticationError,
    ConnectionFailedError,
    ConsentRequiredError,
    CreditsExhaustedError,
    LedgerError,
    ProntoError,
    RateLimitedError,
    RefusedError,
    ServerFailedError,
    ServiceBusyError,
    UnreadableAnswerError,
)

from . import virtual
from .seams.api import Answer, Contact
from .seams.root import Prices
from .seams.sending import (
    BUSY_ATTEMPTS,
    LOSSES_IN_A_ROW,
    Batch,
    Budget,
    Context,
    Dispatcher,
    Mode,
    Outcome,
    RateLimit,
    Recorder,
    Request,
    Timing,
    wanted_by,
)
from .seams.storage import Claims, Key
from .test_rate_limit import most_in_a_second

Behaviour = Callable[[Request], Awaitable[Answer]]
Look = Callable[[str], Awaitable[Answer]]
FOUND = Answer(status="success", email="ana@acme.example")


class Service:
    """Answers as a test says, and keeps count."""

    def __init__(self, behaviour: Behaviour, look: Look | None = None) -> None:
        self.behaviour, self.look = behaviour, look
        self.starts: list[float] = []
        self.asked: Counter[int] = Counter()
        self.looks: Counter[str] = Counter()
        self.flying = self.most_flying = 0

    async def send(self, batch: Batch) -> Answer:
        (job,) = batch.requests
        self.starts.append(virtual.now())
        self.asked[job.number] += 1
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            return await self.behaviour(job)
        finally:
            self.flying -= 1

    async def fetch(self, enrichment_id: str) -> Answer:
        self.starts.append(virtual.now())
        self.looks[enrichment_id] += 1
        assert self.look is not None
        return await self.look(enrichment_id)


class FakeRecorder:
    """A ledger in a dict; real ones have a thread, which virtual time cannot wait for."""

    def __init__(self) -> None:
        self.states: dict[Key, str] = {}

    async def claim(self, requests: Sequence[Request]) -> Claims:
        wanted = [one for request in requests for one in wanted_by(request)]
        self._set([Batch(requests)], "claimed")
        return Claims({one.key: one.keys[0] for one in wanted}, {})

    async def held_elsewhere(self, requests: Sequence[Request]) -> list[Request]:
        return []

    async def release(self, requests: Sequence[Request]) -> None:
        await self.free(Batch(requests))

    async def about_to_send(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
        self._set(batches, "sent")
        return list(batches), []

    def may_send(self, batch: Batch) -> bool:
        assert {self.states[key] for key in batch.keys} == {"sent"}, "sent without an entry"
        return True

    async def not_processed(self, batch: Batch) -> None:
        self._set([batch], "claimed")

    async def submitted(self, batch: Batch, enrichment_id: str) -> None:
        self._set([batch], "submitted")

    async def enqueued(self, batch: Batch, enrichment_id: str) -> None:
        self._set([batch], "enqueued")

    async def not_fetched(self, batch: Batch) -> None:
        self._set([batch], "submitted")

    async def answered(self, batch: Batch, answer: Answer) -> float:
        self._set([batch], "answered")
        return 0.0

    async def lost(self, batch: Batch) -> None:
        self._set([batch], "unknown")

    async def free(self, batch: Batch, message: str | None = None) -> None:
        for key in batch.keys:
            del self.states[key]

    def _set(self, batches: Sequence[Batch], state: str) -> None:
        self.states.update({key: state for batch in batches for key in batch.keys})


def dispatcher(
    mode: Mode,
    recorder: FakeRecorder,
    rate_limit: RateLimit,
    retry_budget: float = 120,
    most: float = math.inf,
) -> Dispatcher:
    """Make a dispatcher in virtual time; its waits are the longest that chance allows."""
    timing = Timing(virtual.now, jitter=lambda low, high: high)
    book = cast("Recorder", recorder)
    context = Context(mode, rate_limit, book, 300, retry_budget, timing)
    return Dispatcher(context, Budget(Prices(), most))


class Result:
    """What a run left behind."""

    def __init__(
        self, service: Service, dispatch: Dispatcher, outcomes: dict[int, Outcome]
    ) -> None:
        self.service, self.dispatch, self.outcomes = service, dispatch, outcomes
        self.states = Counter(outcome.state for outcome in outcomes.values())
        self.seconds = virtual.now()


def jobs(count: int) -> list[Request]:
    """Return jobs; the engine does not look at who they are for."""
    return [Request(n, Contact("Ana", f"Lovelace {n}"), ("email",)) for n in range(count)]


async def play(
    behaviour: Behaviour,
    count: int,
    *,
    meanwhile: Callable[[Dispatcher], Awaitable[None]] | None = None,
    in_flight: int = 20_000,
    recorder: FakeRecorder | None = None,
    look: Look | None = None,
    checked: bool = True,
) -> Result:
    """Dispatch ``count`` jobs to a service in virtual time."""
    service, recorder = Service(behaviour, look), recorder or FakeRecorder()
    outcomes: dict[int, Outcome] = {}

    def record(job: Request, outcome: Outcome) -> None:
        assert job.number not in outcomes, "an outcome was reported twice"
        outcomes[job.number] = outcome

    rate_limit = RateLimit(50, clock=virtual.now, jitter=lambda low, high: high)
    dispatch = dispatcher(Mode(service.send, service.fetch, in_flight), recorder, rate_limit)
    helper = asyncio.ensure_future(meanwhile(dispatch)) if meanwhile else None
    await dispatch.run(jobs(count), record)
    if helper is not None:
        await helper
    assert sorted(outcomes) == list(range(count)), "a job has no outcome"
    for job in jobs(count) if checked else []:
        state = recorder.states.get((job.contact.key, "email"))
        kept = {"answered": "answered", "unknown": "unknown"}.get(outcomes[job.number].state)
        # What was claimed and then not sent is freed by the recorder itself at the end.
        open_ = {"claimed", "sent", "submitted"} if kept is None else set()
        assert state == kept or state in open_, "the ledger says otherwise"
    return Result(service, dispatch, outcomes)


def after(seconds: float) -> Behaviour:
    """Answer after a while."""

    async def answer(job: Request) -> Answer:
        await asyncio.sleep(seconds)
        return FOUND

    return answer


def first(errors: list[ProntoError], latency: float = 0.1) -> Behaviour:
    """Fail each job with these errors, one a request, then answer."""
    tries: Counter[int] = Counter()

    async def answer(job: Request) -> Answer:
        await asyncio.sleep(latency)
        tries[job.number] += 1
        if tries[job.number] <= len(errors):
            raise errors[tries[job.number] - 1]
        return FOUND

    return answer


@pytest.mark.parametrize("latency", [0.2, 2, 10, 30])
def test_the_pace_holds_whatever_the_latency(latency: float) -> None:
    """3,000 rows take what the pace needs plus one answer, and never 51 starts in a second."""
    result = virtual.run(play(after(latency), 3000))
    assert result.states == {"answered": 3000}
    assert result.seconds <= 3000 / 47.9 + latency + 0.1
    assert most_in_a_second(result.service.starts) <= 50
    assert result.service.most_flying == pytest.approx(48 * latency, abs=4)


def test_no_more_in_flight_than_allowed() -> None:
    """Where sockets are few, the rest waits here."""
    result = virtual.run(play(after(10), 100, in_flight=20))
    assert result.service.most_flying == 20
    assert result.states == {"answered": 100}


def test_all_wait_for_retry_after() -> None:
    """One 429 holds every start, not only its own."""
    hit = False

    async def once(job: Request) -> Answer:
        nonlocal hit
        await asyncio.sleep(0.5)
        if not hit:
            hit = True
            raise RateLimitedError("", status=429, retry_after=20)
        return FOUND

    result = virtual.run(play(once, 500))
    assert result.states == {"answered": 500}
    assert not [start for start in result.service.starts if 0.6 < start < 20.4]
    assert sum(result.service.asked.values()) == 501


def strict(jitter: float, limit: int = 50) -> Behaviour:
    """Answer at most so many in a sliding second, by when they arrive."""
    arrivals: deque[float] = deque()
    chance = random.Random(1)

    async def answer(job: Request) -> Answer:
        await asyncio.sleep(chance.uniform(0, jitter))
        while arrivals and arrivals[0] <= virtual.now() - 1:
            arrivals.popleft()
        if len(arrivals) >= limit:
            raise RateLimitedError("", status=429, retry_after=1)
        arrivals.append(virtual.now())
        await asyncio.sleep(0.2)
        return FOUND

    return answer


def test_a_network_that_bunches_requests_costs_little() -> None:
    """With 100 ms of jitter: hardly a 429, and hardly slower."""
    result = virtual.run(play(strict(0.1), 3000))
    assert result.states == {"answered": 3000}
    assert sum(result.service.asked.values()) - 3000 <= 0.01 * 3000
    assert 3000 / result.seconds >= 0.92 * 50
    assert most_in_a_second(result.service.starts) <= 50


def test_a_limit_lower_than_documented_is_found() -> None:
    """The pace comes down to what the service takes."""
    result = virtual.run(play(strict(0.02, limit=20), 3000))
    assert result.states == {"answered": 3000}
    assert sum(result.service.asked.values()) - 3000 <= 0.1 * 3000
    assert 3000 / result.seconds >= 0.75 * 20


def test_429_without_retry_after_backs_off_and_loses_nothing() -> None:
    """A service that says 429 for ten seconds gets few requests, and then all of them."""

    async def closed(job: Request) -> Answer:
        if virtual.now() < 10:
            raise RateLimitedError("", status=429)
        return FOUND

    result = virtual.run(play(closed, 300))
    assert result.states == {"answered": 300}
    assert len([start for start in result.service.starts if start < 10]) <= 12


@pytest.mark.parametrize("error", [ConnectionFailedError(""), ServiceBusyError("", status=503)])
def test_what_was_surely_not_worked_on_is_sent_again(error: ProntoError) -> None:
    """Connections that never opened and 503 cost time, not rows."""
    result = virtual.run(play(first([error, error]), 200))
    assert result.states == {"answered": 200}
    assert set(result.service.asked.values()) == {3}
    assert most_in_a_second(result.service.starts) <= 50


@pytest.mark.parametrize("call", ["claim", "about_to_send", "not_processed", "answered", "free"])
def test_a_ledger_that_fails_stops_the_run_in_order(call: str) -> None:
    """At whatever moment: nothing leaves without an entry, and each job has one outcome."""
    calls = 0

    class FillsUp(FakeRecorder):
        def __getattribute__(self, name: str) -> Any:
            nonlocal calls
            if name == call:
                calls += 1
                if calls > (2 if call == "claim" else 30):
                    return self.fail
            return super().__getattribute__(name)

        async def fail(self, *_: object) -> None:
            raise LedgerError("The disk is full.")

    async def behave(job: Request) -> Answer:
        first_time = result_of[job.number] == 0
        result_of[job.number] += 1
        await asyncio.sleep(1)
        if job.number % 3 == 0 and first_time:
            raise ServiceBusyError("", status=503, retry_after=0.1)
        if job.number % 3 == 1:
            raise RefusedError("", status=422)
        return FOUND

    result_of: Counter[int] = Counter()
    result = virtual.run(play(behave, 400, recorder=FillsUp(), checked=False))
    assert isinstance(result.dispatch.stopped_by, LedgerError)
    assert result.states["pending"] > 150
    assert result.states["answered"] + result.states["error"] >= 20


def test_503_honours_retry_after() -> None:
    """The service's own wait is taken."""
    error = ServiceBusyError("", status=503, retry_after=33)
    result = virtual.run(play(first([error], latency=0), 1))
    assert result.service.starts == pytest.approx([0, 33])


def test_503_for_ever_is_an_error_of_that_row() -> None:
    """One row that always meets 503 does not keep the others."""

    async def one_is_out(job: Request) -> Answer:
        if job.number == 3:
            raise ServiceBusyError("Busy.", status=503)
        await asyncio.sleep(1)
        return FOUND

    result = virtual.run(play(one_is_out, 50))
    assert result.states == {"answered": 49, "error": 1}
    assert result.service.asked[3] == BUSY_ATTEMPTS
    assert "6 attempts" in str(result.outcomes[3].message)


@pytest.mark.parametrize(
    "error", [AnswerLostError(""), ServerFailedError("", status=500), UnreadableAnswerError("")]
)
def test_an_unknown_fate_is_never_sent_again(error: ProntoError) -> None:
    """What may have been charged is asked once."""

    async def half(job: Request) -> Answer:
        if job.number % 2:
            raise error
        return FOUND

    result = virtual.run(play(half, 100))
    assert result.states == {"answered": 50, "unknown": 50}
    assert set(result.service.asked.values()) == {1}


def test_a_refused_row_is_its_own_affair() -> None:
    """The service's words are the row's message; the others go on."""

    async def one(job: Request) -> Answer:
        if job.number == 7:
            raise RefusedError("lastname is required", status=422)
        return FOUND

    result = virtual.run(play(one, 20))
    assert result.states == {"answered": 19, "error": 1}
    assert result.outcomes[7].message == "lastname is required"


@pytest.mark.parametrize(
    "error", [AuthenticationError(""), ConsentRequiredError(""), CreditsExhaustedError("")]
)
def test_what_holds_for_every_row_stops_the_run(error: ProntoError) -> None:
    """In flight is awaited, nothing more is sent, and nothing that was refused counts as sent."""

    async def from_fifty(job: Request) -> Answer:
        await asyncio.sleep(1 if job.number != 50 else 0.1)
        if job.number >= 50:
            raise error
        return FOUND

    result = virtual.run(play(from_fifty, 1000))
    assert result.dispatch.stopped_by is error
    assert result.states == {"answered": 50, "pending": 950}
    assert sum(result.service.asked.values()) <= 60


def test_a_dead_network_stops_the_run_after_the_budget() -> None:
    """Rows that never left are pending; those that were in flight are unknown."""

    async def dies(job: Request) -> Answer:
        if virtual.now() < 5:
            await asyncio.sleep(2)
            if virtual.now() < 5:
                return FOUND
            raise AnswerLostError("")
        raise ConnectionFailedError("")

    result = virtual.run(play(dies, 20_000))
    assert isinstance(result.dispatch.stopped_by, ConnectionFailedError)
    assert 120 < result.seconds < 160
    assert result.states["unknown"] <= 2 * 48 + 2
    assert result.states["answered"] + result.states["unknown"] <= 5 * 48 + 3
    assert result.states["error"] == 0


def test_a_network_that_was_never_there_is_said_soon() -> None:
    """A wrong address takes seconds, not minutes."""

    async def nowhere(job: Request) -> Answer:
        raise ConnectionFailedError("")

    result = virtual.run(play(nowhere, 500))
    assert result.seconds < 40
    assert result.states == {"pending": 500}


def test_a_pause_longer_than_the_budget_stops_the_run() -> None:
    """Nobody watches a bar for an hour: the rows stay pending."""

    async def much_later(job: Request) -> Answer:
        raise RateLimitedError("", status=429, retry_after=3600)

    result = virtual.run(play(much_later, 100))
    assert result.seconds < 5
    assert result.states == {"pending": 100}


def test_a_run_that_only_loses_is_stopped() -> None:
    """Each lost answer may be charged, so a service that only fails is left alone."""

    async def broken(job: Request) -> Answer:
        await asyncio.sleep(0.5)
        raise ServerFailedError("", status=500)

    result = virtual.run(play(broken, 10_000))
    assert result.states["unknown"] <= LOSSES_IN_A_ROW + 2 * 25 + 2
    assert result.states["pending"] == 10_000 - result.states["unknown"]


def test_one_blip_that_loses_all_in_flight_does_not_stop_the_run() -> None:
    """A network that blinks costs what was in flight and no more."""

    async def blip(job: Request) -> Answer:
        started = virtual.now()
        await asyncio.sleep(5)
        if started < 20 < virtual.now():
            raise AnswerLostError("")
        return FOUND

    result = virtual.run(play(blip, 3000))
    assert result.states["unknown"] <= 5 * 48 + 3
    assert result.states["answered"] == 3000 - result.states["unknown"]


def test_interrupt_gives_what_is_in_flight_a_grace() -> None:
    """Answers that come within the grace count; the others are unknown; the rest is pending."""

    async def meanwhile(dispatch: Dispatcher) -> None:
        await asyncio.sleep(10.005)
        dispatch.interrupt(1.5)

    async def two_speeds(job: Request) -> Answer:
        await asyncio.sleep(1 if job.number % 2 else 60)
        return FOUND

    result = virtual.run(play(two_speeds, 3000, meanwhile=meanwhile))
    sent = sum(result.service.asked.values())
    assert result.seconds == pytest.approx(11.505)
    assert result.states["answered"] == sent // 2
    assert result.states["unknown"] == sent - sent // 2
    assert result.states["pending"] == 3000 - sent


def test_a_second_interrupt_does_not_wait() -> None:
    """Letting go is at once."""

    async def meanwhile(dispatch: Dispatcher) -> None:
        await asyncio.sleep(5)
        dispatch.interrupt(30)
        await asyncio.sleep(0.25)
        dispatch.abandon()

    result = virtual.run(play(after(100), 1000, meanwhile=meanwhile))
    assert result.seconds < 36  # the grace's own timer may still stand
    assert result.states["unknown"] == sum(result.service.asked.values())


def test_an_interrupt_ends_a_wait_for_retry() -> None:
    """What waits to be sent again was not worked on: pending."""

    async def meanwhile(dispatch: Dispatcher) -> None:
        await asyncio.sleep(2)
        dispatch.interrupt(1)

    error = ServiceBusyError("", status=503, retry_after=100)
    result = virtual.run(play(first([error]), 10, meanwhile=meanwhile))
    assert result.states == {"pending": 10}


def test_a_cancelled_run_hands_on_what_it_can() -> None:
    """Cancelling the task that runs gives in-flight answers their grace, then cancels."""
    outcomes: list[Outcome] = []

    async def main() -> None:
        service = Service(after(0.5))
        mode = Mode(service.send, service.fetch, 100)
        rate_limit = RateLimit(50, clock=virtual.now)
        dispatch = dispatcher(mode, FakeRecorder(), rate_limit)
        task = asyncio.create_task(dispatch.run(jobs(500), lambda job, o: outcomes.append(o)))
        await asyncio.sleep(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    virtual.run(main())
    assert 90 <= len(outcomes) <= 99
    assert {outcome.state for outcome in outcomes} == {"answered"}


def test_requests_that_an_outcome_brings_are_sent_in_the_same_run() -> None:
    """As soon as there is room, while the others wait; not one after the other."""
    outcomes: dict[int, Outcome] = {}
    at: dict[int, float] = {}

    async def behave(job: Request) -> Answer:
        at[job.number] = virtual.now()
        await asyncio.sleep(9 if job.number == 0 else 1)
        return FOUND

    def record(job: Request, outcome: Outcome) -> list[Request]:
        outcomes[job.number] = outcome
        return jobs(12)[job.number + 3 : job.number + 4]

    async def main() -> None:
        service = Service(behave)
        mode = Mode(service.send, service.fetch, 100)
        rate_limit = RateLimit(50, clock=virtual.now, jitter=lambda low, high: high)
        await dispatcher(mode, FakeRecorder(), rate_limit).run(jobs(3), record)

    virtual.run(main())
    assert sorted(outcomes) == list(range(12))
    assert {outcome.state for outcome in outcomes.values()} == {"answered"}
    assert max(at[number] for number in (10, 11)) < 9, "they waited for the slowest"


def test_requests_that_come_after_a_stop_are_pending() -> None:
    """They have an outcome, too, and are not sent."""
    outcomes: dict[int, Outcome] = {}
    dispatch: list[Dispatcher] = []

    async def behave(job: Request) -> Answer:
        await asyncio.sleep(1)
        dispatch[0].interrupt(None)
        return FOUND

    def record(job: Request, outcome: Outcome) -> list[Request]:
        outcomes[job.number] = outcome
        return jobs(6)[job.number + 3 : job.number + 4]

    async def main() -> None:
        service = Service(behave)
        mode = Mode(service.send, service.fetch, 100)
        rate_limit = RateLimit(50, clock=virtual.now, jitter=lambda low, high: high)
        dispatch.append(dispatcher(mode, FakeRecorder(), rate_limit))
        await dispatch[0].run(jobs(3), record)

    virtual.run(main())
    states = [outcomes[number].state for number in range(6)]
    assert states == ["answered"] * 3 + ["pending"] * 3


def test_a_mistake_of_ours_is_raised_after_the_others_ended() -> None:
    """An unexpected exception does not vanish, and does not tear answers away."""
    outcomes: list[Outcome] = []

    async def buggy(job: Request) -> Answer:
        await asyncio.sleep(1)
        if job.number == 5:
            raise ZeroDivisionError
        return FOUND

    async def main() -> None:
        service = Service(buggy)
        mode = Mode(service.send, service.fetch, 100)
        rate_limit = RateLimit(50, clock=virtual.now)
        dispatch = dispatcher(mode, FakeRecorder(), rate_limit, 9)
        await dispatch.run(jobs(500), lambda job, outcome: outcomes.append(outcome))

    with pytest.raises(ZeroDivisionError):
        virtual.run(main())
    states = Counter(outcome.state for outcome in outcomes)
    assert states["answered"] >= 40
    assert states["pending"] == 499 - states["answered"]


FATES = {
    "answer": None,
    "429": RateLimitedError("", status=429),
    "429 wait": RateLimitedError("", status=429, retry_after=2),
    "503": ServiceBusyError("", status=503),
    "closed": ConnectionFailedError(""),
    "500": ServerFailedError("", status=500),
    "lost": AnswerLostError(""),
    "refused": RefusedError("", status=422),
}


@settings(max_examples=60, deadline=None)
@given(fates=st.lists(st.lists(st.sampled_from(sorted(FATES)), max_size=4), max_size=80))
def test_whatever_happens_nobody_is_worked_on_twice(fates: list[list[str]]) -> None:
    """After an answer or an unknown fate a contact is never sent again."""
    settled: Counter[int] = Counter()
    queue = [list(fate) for fate in fates]

    async def behave(job: Request) -> Answer:
        await asyncio.sleep(0.3)
        fate = queue[job.number].pop(0) if queue[job.number] else "answer"
        error = FATES[fate]
        if error is None or not isinstance(
            error, RateLimitedError | ServiceBusyError | ConnectionFailedError
        ):
            settled[job.number] += 1
        if error is not None:
            raise error
        return FOUND

    result = virtual.run(play(behave, len(fates)))
    assert all(count == 1 for count in settled.values())
    assert most_in_a_second(result.service.starts or [0.0]) <= 50
