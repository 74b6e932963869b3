"""What a run is likely to cost, and budgets that hold whatever it does cost."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from . import virtual
from .seams.api import Answer, Contact
from .seams.root import Costs, Observed, Prices
from .seams.sending import (
    Batch,
    Budget,
    Context,
    Dispatcher,
    Mode,
    Outcome,
    RateLimit,
    Recorder,
    Request,
    Reserve,
    Timing,
)
from .test_dispatch import FakeRecorder

Shares = list[float]
"""The share of people with each number of values."""


def emails(chance: random.Random) -> Shares:
    """Found or not."""
    found = chance.uniform(0.2, 0.9)
    return [1 - found, found]


def evenly(chance: random.Random) -> Shares:
    """One to so many numbers, each as often."""
    found, most = chance.uniform(0.2, 0.9), chance.randint(1, 5)
    return [1 - found] + [found / most] * most + [0.0] * (5 - most)


def falling(chance: random.Random) -> Shares:
    """Each further number rarer by a factor."""
    found, factor = chance.uniform(0.2, 0.9), chance.uniform(0.1, 0.8)
    shares = [factor**n for n in range(5)]
    return [1 - found] + [found * share / sum(shares) for share in shares]


def all_alike(chance: random.Random) -> Shares:
    """Everyone found has the same number."""
    found, number = chance.uniform(0.2, 0.9), chance.randint(1, 5)
    return [1 - found] + [found * (n == number) for n in range(1, 6)]


def anything(chance: random.Random) -> Shares:
    """All shares are equally likely."""
    shares = [chance.expovariate(1) for _ in range(6)]
    return [share / sum(shares) for share in shares]


TRUTHS = [emails, evenly, falling, all_alike, anything]


def drawn(chance: random.Random, shares: Shares, people: int) -> list[int]:
    """Draw the number of values of each person."""
    return chance.choices(range(len(shares)), shares, k=people)


@pytest.mark.parametrize("people", [100, 1000])
@pytest.mark.parametrize("truth", TRUTHS)
def test_the_interval_contains_nine_costs_in_ten(
    truth: Callable[[random.Random], Shares], people: int
) -> None:
    """After 50 answers of each list, whatever the lists are like, and on both sides."""
    chance, inside, below = random.Random(50), 0, 0
    for _ in range(1000):
        shares = truth(chance)
        type_ = "email" if truth is emails else "phone"
        seen = Counter(drawn(chance, shares, 50))
        costs = Costs(Prices({type_: (10, 10)}), Observed(values={type_: seen}))
        cost = 10 * sum(drawn(chance, shares, people))
        low, high = costs.interval({type_: people})
        inside += low <= cost <= high
        below += cost < low
    assert 870 <= inside <= 930
    assert 20 <= below <= 80


def test_without_answers_the_interval_is_wide() -> None:
    """It contains what lists cost at most found rates, and the expected cost is in its middle."""
    costs = Costs(Prices({"email": (1, 1)}))
    low, high = costs.interval({"email": 1000})
    assert low < 200
    assert high == costs.most({"email": 1000}) == 1000
    assert costs.expected({"email": 1000}) == pytest.approx(600)


def test_an_old_list_says_little_about_a_new_one() -> None:
    """However many answers there are, the next list may be found more or less often."""
    costs = Costs(Prices({"email": (1, 1)}), Observed(values={"email": {0: 50_000, 1: 50_000}}))
    low, high = costs.interval({"email": 10_000})
    assert costs.expected({"email": 10_000}) == pytest.approx(5000, rel=0.01)
    assert low < 4300
    assert high > 5700


@pytest.mark.parametrize(
    ("configured", "seen", "price"),
    [
        ((10, 30), {}, (10, 30)),
        ((10, 30), {"phone": 12.0}, (12, 12)),
        ((10, 30), {"phone": 31.0}, (10, 30)),
        ((20, 20), {"phone": 12.0}, (20, 20)),
        ((20, 20), {"email": 12.0}, (20, 20)),
    ],
)
def test_the_price_is_the_last_one_seen_unless_it_is_configured(
    configured: tuple[float, float], seen: dict[str, float], price: tuple[float, float]
) -> None:
    """A price outside the range that `configure` allows is not believed."""
    assert Costs(Prices({"phone": configured}), Observed(prices=seen)).price("phone") == price


def test_an_unknown_price_widens_the_interval() -> None:
    """From the lowest to the highest; the middle is expected."""
    seen = Observed(values={"email": {0: 20, 1: 80}})
    low, high = Costs(Prices({"email": (1, 1)}), seen).interval({"email": 100})
    unknown = Costs(Prices({"email": (1, 3)}), seen)
    assert unknown.interval({"email": 100}) == pytest.approx((low, min(3 * high, 300)))
    assert 0.4 < unknown.chance({"email": 100}, unknown.expected({"email": 100})) < 0.6
    assert unknown.expected({"email": 100}) == pytest.approx(2 * 79.6, rel=0.01)


def test_the_chance_that_credits_are_enough() -> None:
    """Between none and certain; half at what is expected."""
    costs = Costs(Prices({"email": (2, 2)}), Observed(values={"email": {0: 50, 1: 50}}))
    people = {"email": 1000}
    chances = [costs.chance(people, most) for most in (500, 1000, 1500, 2000)]
    assert chances == sorted(chances)
    assert chances[0] < 0.01
    assert costs.chance(people, costs.expected(people)) == pytest.approx(0.5)
    assert chances[-1] == 1


# What those in flight can have


@pytest.mark.parametrize("truth", TRUTHS)
def test_a_reserve_is_not_exceeded(truth: Callable[[random.Random], Shares]) -> None:
    """It is below the worst case, and above what those in flight have, in 2,000 of 2,000 lists."""
    chance, less = random.Random(3), 0
    for _ in range(400):
        shares = truth(chance)
        most = len(shares) - 1
        reserve = Reserve(most)
        for number, values in enumerate(drawn(chance, shares, chance.randint(10, 300))):
            reserve.enter(number)
            reserve.leave(number, values)
        for people in (10, 40, 100, 400, 1000):
            bound = reserve.values(people)
            less += bound < most * people
            assert sum(drawn(chance, shares, people)) <= bound <= most * people
    assert less > 400


def test_those_found_may_be_answered_last() -> None:
    """Answers that have arrived say nothing about those sent earlier that have not."""
    reserve = Reserve(5)
    for number in range(200):
        reserve.enter(number)
    for number in range(0, 200, 2):
        reserve.leave(number, 0)
    assert reserve.values() == 500


# Whole runs


ANSWERS = [
    Answer.model_validate({"status": "success", "phones": [f"+4412{n}" for n in range(values)]})
    for values in range(6)
]
LOST = Outcome("unknown", may_be_charged=True)
REFUSED = Outcome("error")


def phones(count: int) -> list[Request]:
    """Return requests for phones."""
    return [Request(n, Contact("Ana", f"Lovelace {n}"), ("phone",)) for n in range(count)]


FOUND = [0] * 233 + [1] * 80 + [2] * 67 + [3] * 53
"""The phone numbers of 433 people."""


def shuffled(seed: int) -> list[int]:
    """Return `FOUND` in another order."""
    return random.Random(seed).sample(FOUND, len(FOUND))


@dataclass
class Account:
    """A list at a service: what people have, what it costs, and when it is answered and charged."""

    values: Sequence[int]
    price: float
    latency: Callable[[int], float]
    at_once: int
    lost: float = 0.0
    spent: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def read(self) -> float | None:
        return self.spent

    def run(self, budget: Budget) -> int:
        """Send people as the budget allows; return how many were sent."""
        events: list[tuple[float, int, str]] = []
        requests, now, sent, flying = phones(len(self.values)), 0.0, 0, 0
        while True:
            while sent < len(requests) and flying < self.at_once and budget.fits([requests[sent]]):
                budget.reserve([requests[sent]])
                done = now + self.latency(self.values[sent]) * self.chance.uniform(0.5, 1.5)
                heapq.heappush(events, (done - self.chance.uniform(0, 0.3), sent, "charged"))
                heapq.heappush(events, (done, sent, "done"))
                sent, flying, now = sent + 1, flying + 1, now + 0.02
            if not events:
                if sent == len(requests) or not budget.wants_balance(stopped=True):
                    return sent
                _done(budget.read_balance())
                continue
            at, number, what = heapq.heappop(events)
            now = max(now, at)
            if what == "charged":
                self.spent += self.price * self.values[number]
                continue
            lost = self.chance.random() < self.lost
            outcome = LOST if lost else Outcome("answered", ANSWERS[self.values[number]])
            budget.settle([requests[number]], outcome)
            flying -= 1
            if budget.wants_balance():
                _done(budget.read_balance())


def _done(reading: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that does not wait."""
    with pytest.raises(StopIteration):
        reading.send(None)


def any_run(chance: random.Random) -> tuple[Account, Budget, float]:
    """Return an account, a budget and its credits, of which nothing is certain."""
    shares = chance.choice(TRUTHS[1:])(chance)
    people = chance.randint(5, 120)
    price = chance.choice([10.0, 10.0, 12.5, 20.0, 30.0])
    slow = chance.choice([0, 0, 1, -0.15])
    account = Account(
        drawn(chance, shares, people), price, lambda values: 1 + slow * values,
        chance.choice([1, 5, 20, 60, 200]), chance.choice([0, 0, 0.05]), chance=chance,
    )  # fmt: skip
    most = chance.choice([0.2, 0.5, 0.8, 1, 1.2, 2]) * price * sum(account.values) + 30
    prices = Prices({"phone": chance.choice([(10, 30), (10, 30), (price, price)])})
    seen = Observed(prices={"phone": price} if chance.random() < 0.5 else {})
    reader = account.read if chance.random() < 0.7 else None
    return account, Budget(prices, most, seen, reader), most


@pytest.mark.parametrize("runs", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_run_costs_more_than_its_budget(runs: int) -> None:
    """Random lists, prices, orders, budgets; and not because little is sent."""
    chance, share = random.Random(runs), 0.0
    for run in range(runs):
        account, budget, most = any_run(chance)
        sent = account.run(budget)
        assert account.spent <= most + 0.001, run
        share += min(account.spent / most, 1) if sent < len(account.values) else 1
    assert share / runs > 0.75


def account_of(values: Sequence[int], price: float = 10, at_once: int = 100) -> Account:
    """Return an account for a list that is answered in order."""
    return Account(values, price, lambda _: 1.0, at_once)


def test_dearest_last_can_cost_more_than_the_budget() -> None:
    """What is documented: the order must be random; otherwise, at most those in flight are over."""
    account = account_of(sorted(FOUND))
    account.run(Budget(Prices(), 2000, Observed(prices={"phone": 10}), account.read))
    assert account.spent <= 2000 + 10 * 3 * 100


def test_a_price_that_has_risen_is_noticed() -> None:
    """By the balance: until then, five numbers of each person in flight are reserved."""
    account = account_of(shuffled(2), price=20)
    account.run(Budget(Prices(), 3000, Observed(prices={"phone": 10}), account.read))
    assert 2500 < account.spent <= 3000


def test_what_others_spend_counts() -> None:
    """They spend as much again from the same account."""
    account = account_of(shuffled(3))

    async def read() -> float:
        return 2 * account.spent

    account.run(Budget(Prices({"phone": (10, 10)}), 3000, Observed(), read))
    assert 1000 < account.spent < 1700


def test_credits_that_are_added_do_not_count_as_less_spent() -> None:
    """From then on, the prices count."""
    account = account_of(shuffled(4), price=30)

    async def read() -> float:
        return account.spent - (4000 if account.spent > 1000 else 0)

    budget = Budget(Prices(), 3000, Observed(), read)
    account.run(budget)
    assert 2000 < account.spent <= 3000
    assert not budget.wants_balance(stopped=True)


def test_no_balance_no_harm() -> None:
    """It cannot be read: the highest price counts."""
    account = account_of(shuffled(5))

    async def read() -> None:
        return None

    account.run(Budget(Prices(), 3000, Observed(), read))
    assert 500 < account.spent <= 1000


def test_an_answer_that_is_fetched_fits_any_budget() -> None:
    """It is free, also if others have spent more than the budget."""

    async def read() -> float:
        return 500

    budget, (request, *_) = Budget(Prices(), 200, Observed(), read), phones(1)
    budget.reserve([request])
    budget.settle([request], Outcome("answered", ANSWERS[1]))
    _done(budget.read_balance())
    assert not budget.fits([request])
    assert budget.fits([replace(request, enrichment_id="e1")])


# In virtual time


class Service:
    """Looks up phones in virtual time, and charges for them."""

    def __init__(self, values: Sequence[int], price: float, seconds: float) -> None:
        self._values, self._price, self._seconds = values, price, seconds
        self._chance = random.Random(7)
        self.spent = self.finished = 0.0
        self.readings = 0

    async def send(self, batch: Batch) -> Answer:
        (request,) = batch.requests
        values = self._values[request.number]
        await asyncio.sleep(self._seconds * self._chance.uniform(0.8, 1.2))
        self.spent += self._price * values
        await asyncio.sleep(0.1)
        self.finished = virtual.now()
        return ANSWERS[values]

    async def read(self) -> float:
        """Return what is spent, after a while."""
        await asyncio.sleep(0.1)
        spent = self.spent
        self.readings += 1
        await asyncio.sleep(0.1)
        return spent

    def run(self, make: Callable[[Service], Budget]) -> Counter[str]:
        """Look up everyone within a budget; return the number of people per state."""
        states = Counter[str]()

        async def play() -> None:
            timing = Timing(virtual.now, jitter=lambda low, high: high)
            rate_limit = RateLimit(50, clock=virtual.now, jitter=lambda low, high: high)
            recorder = cast("Recorder", FakeRecorder())
            mode = Mode(self.send, cast("Any", None), 20_000)
            context = Context(mode, rate_limit, recorder, 300, 120, timing)
            await Dispatcher(context, make(self)).run(
                phones(len(self._values)), lambda _, outcome: states.update([outcome.state])
            )

        virtual.run(play())
        return states


@pytest.mark.parametrize("seconds", [0.5, 2.0])
@pytest.mark.parametrize("seen", [{"phone": 10.0}, {}], ids=["known", "unknown"])
def test_a_budget_that_is_enough_costs_little_time(seen: dict[str, float], seconds: float) -> None:
    """433 people whose phones cost 3,730 credits, with max_credits=5000: everyone is sent."""
    free = Service(shuffled(1), 10, seconds)
    free.run(lambda _: Budget(Prices()))
    limited = Service(shuffled(1), 10, seconds)
    states = limited.run(lambda s: Budget(Prices(), 5000, Observed(prices=seen), s.read))
    assert limited.spent == 3730
    assert states == {"answered": 433}
    assert limited.readings <= limited.finished
    assert limited.finished <= 1.25 * free.finished
