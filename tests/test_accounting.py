"""Every credit of an account is explained, or named as unexplained.

An account is simulated with its runs, faults, top-ups and another program that spends from it. What
the ledger would have recorded of it goes to the accounting, and its result is compared with the
truth.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from .seams.root import Prices
from .seams.storage import Count, PastRun, PriceHistory, accounting

TYPES = {"email": (1.0, 3.0), "phone": (10.0, 30.0)}
MOST = {"email": 1, "phone": 5}


@dataclass
class Truth:
    """What really happens, and what of it is recorded."""

    prices: dict[str, float]
    runs: list[PastRun] = field(default_factory=list)
    charges: list[Count] = field(default_factory=list)
    balances: dict[float, float] = field(default_factory=dict)
    events: list[tuple[float, float]] = field(default_factory=list)  # when the balance changes
    spent: dict[str, float] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)
    others: float = 0.0
    added: float = 0.0

    def balance(self, at: float) -> float:
        """Return the balance at a time."""
        return 100_000.0 + sum(change for when, change in self.events if when <= at)


@dataclass(frozen=True)
class World:
    """What may happen."""

    lost: bool = False
    killed: bool = False
    late: bool = False
    spender: bool = False
    top_ups: bool = True
    overlaps: bool = False


ALL = World(lost=True, killed=True, late=True, spender=True, overlaps=True)


def simulated(seed: int, world: World) -> Truth:
    """Return an account that was used for a while."""
    chance = random.Random(seed)
    truth = Truth(
        {t: float(chance.randint(int(low), int(high))) for t, (low, high) in TYPES.items()}
    )
    now = 1_000.0
    for number in range(chance.randint(1, 6)):
        began, seconds = now, chance.uniform(5, 50)
        end = began + seconds
        types = chance.choice([["email"], ["phone"], ["email", "phone"]])
        killed = world.killed and chance.random() < 0.2
        name = f"run-{number}"
        truth.spent[name] = truth.worst[name] = 0.0
        for _ in range(chance.randint(0, 12)):
            request(chance, truth, world, name, chance.choice(types), began, end, killed)
        before = chance.random() < 0.9
        after = not killed and chance.random() < 0.9
        truth.runs.append(
            PastRun(
                name,
                "account",
                "pronto",
                began,
                ",".join(types),
                "sync",
                12,
                12,
                0,
                0.0,
                math.nan if before else None,
                None if killed else end,
                None,
                None,
                None,
                math.nan if after else None,
                None if killed else "finished",
            )
        )
        truth.balances |= dict.fromkeys([began] * before + [end] * after, 0.0)
        now = began + seconds * chance.random() if world.overlaps else end + chance.uniform(1, 9e3)
    happenings(chance, truth, world, now + 100)
    return measured(truth, now + 200_000)


def request(
    chance: random.Random, truth: Truth, world: World, run: str, type_: str, began: float,
    end: float, killed: bool,
) -> None:  # fmt: skip
    """Make one request: Pronto charges it, and the ledger records that, or not."""
    sent = chance.uniform(began + 0.01, end - 1)
    values = chance.choice([0, 1, 1, chance.randint(1, MOST[type_])])
    charged = chance.uniform(sent, end - 0.5)
    recorded: float | None = chance.uniform(charged, end - 0.1)
    is_late = False
    if killed and chance.random() < 0.3:  # the process ended with this request in flight
        recorded = None
    elif world.lost and chance.random() < 0.2:
        recorded = None
        if chance.random() < 0.5:
            values = 0
    elif world.late and chance.random() < 0.2:
        is_late = True
        charged = chance.uniform(sent, end + chance.choice([0, 10_000]))
        recorded = chance.uniform(max(charged, end), end + 30_000)
    cost = values * truth.prices[type_]
    truth.events.append((charged, -cost))
    truth.spent[run] += cost
    if recorded is None:
        truth.worst[run] += MOST[type_] * TYPES[type_][1]
        truth.charges.append(Count(run, type_, False, None, 1, end, end))
    else:
        truth.worst[run] += values * TYPES[type_][1]
        truth.charges.append(Count(run, type_, is_late, values, 1, recorded, recorded))


def happenings(chance: random.Random, truth: Truth, world: World, until: float) -> None:
    """Let others spend, and the owner buy credits, and look at the balance."""
    for _ in range(chance.randint(0, 4) * world.spender):
        amount = float(chance.randint(1, 500))
        truth.events.append((chance.uniform(1_000.5, until), -amount))
        truth.others += amount
    for _ in range(chance.randint(0, 2) * world.top_ups):
        amount = float(chance.randint(1_000, 9_000))
        truth.events.append((chance.uniform(1_000.5, until), amount))
        truth.added += amount
    for _ in range(chance.randint(0, 3)):
        truth.balances[chance.uniform(1_000, until)] = 0.0


def measured(truth: Truth, until: float) -> Truth:
    """Fill in the balances that were read, the first and the last at all events."""
    truth.balances = {at: truth.balance(at) for at in sorted({*truth.balances, 1_000.0, until})}
    truth.runs = [
        replace(
            run,
            balance_before=None if run.balance_before is None else truth.balance(run.began),
            balance_after=None if run.balance_after is None else truth.balance(run.ended or 0),
        )
        for run in truth.runs
    ]
    return truth


def explained(truth: Truth, *, prices: bool) -> accounting.Explained:
    """Return what the accounting makes of it, with the prices configured or not."""
    balances = list(truth.balances.items())
    edges = [-math.inf, *truth.balances, math.inf]
    parts = [
        [one for one in truth.charges if first < one.last <= last]
        for first, last in pairwise(edges)
    ]
    configured = Prices(TYPES)
    if prices:
        configured = configured.with_changes(truth.prices)
    learned = PriceHistory(truth.runs, truth.charges, configured, times=2)
    return accounting.explain(balances, truth.runs, parts, learned)


def near(one: float, other: float) -> bool:
    """Whether two amounts are equal to a thousandth of a credit."""
    return math.isclose(one, other, abs_tol=1e-3)


@pytest.mark.parametrize("prices", [True, False], ids=["known prices", "prices to be learned"])
def test_the_lines_add_up_and_own_spending_is_explained(prices: bool) -> None:
    """In 1,000 accounts where everything goes wrong: others' spending is the most unexplained."""
    for seed in range(1_000):
        truth = simulated(seed, ALL)
        result = explained(truth, prices=prices)
        first, last = (truth.balances[at] for at in (min(truth.balances), max(truth.balances)))
        total = sum(result.runs.values()) + result.late + result.unexplained - result.added
        assert near(total, first - last), seed
        assert -1e-6 <= result.unexplained <= truth.others + 1e-3, seed
        assert result.added >= -1e-6, seed
        for run, spent in result.runs.items():
            assert spent <= truth.worst[run] + 1e-3, (seed, run)


@pytest.mark.parametrize("prices", [True, False], ids=["known prices", "prices to be learned"])
def test_nothing_is_unexplained_without_losses_and_others(prices: bool) -> None:
    """Late answers, overlapping runs and bought credits are no reason."""
    for seed in range(1_000):
        truth = simulated(seed, World(late=True, overlaps=seed % 2 == 0))
        result = explained(truth, prices=prices)
        assert near(result.unexplained, 0.0), seed


def test_with_known_prices_all_is_exact() -> None:
    """Each run's credits, what was bought, and what others have spent between runs."""
    for seed in range(500):
        truth = simulated(seed, World())
        result = explained(truth, prices=True)
        assert near(result.added, truth.added), seed
        for run, spent in truth.spent.items():
            assert near(result.runs[run], spent), (seed, run)


def test_others_spending_is_found() -> None:
    """All of it, if no credits were bought at the same time and nothing was lost."""
    for seed in range(500):
        truth = simulated(seed, World(spender=True, top_ups=False))
        result = explained(truth, prices=True)
        assert near(result.unexplained, truth.others), seed


def past(
    name: str,
    began: float,
    ended: float | None,
    balance_before: float | None = None,
    balance_after: float | None = None,
) -> PastRun:
    """Return a run of emails."""
    return PastRun(
        id=name, account="account", service="pronto", began=began, types="email", mode="sync",
        rows=1, people=1, from_ledger=0, saved=0.0, balance_before=balance_before, ended=ended,
        found=None, not_found=None, unknown=None, balance_after=balance_after, why=None,
    )  # fmt: skip


def emails(run: str, number: int, at: float, *, late: bool = False) -> Count:
    """Return charges for emails."""
    return Count(run, "email", late, 1, number, at, at)


ONE = Prices(TYPES).with_changes({"email": 1})


def test_what_was_charged_before_the_first_balance_explains_nothing() -> None:
    """Although it was recorded after it; nothing was added to the account then."""
    run = past("a", 1.0, 6.0)
    balances, parts = [(3.0, 100.0), (5.0, 99.0)], [[], [emails("a", 3, 4.0)], []]
    result = accounting.explain(balances, [run], parts, PriceHistory([run], [], ONE))
    assert (result.runs["a"], result.added, result.unexplained) == (1.0, 0.0, 0.0)


def test_bought_credits_do_not_hide_what_others_have_spent() -> None:
    """500 were spent by another program before; then 1,000 were bought, during a run."""
    run = past("a", 20.0, 30.0)
    balances = [(1.0, 2_000.0), (10.0, 1_500.0), (20.0, 1_500.0), (30.0, 2_490.0)]
    parts = [[], [], [], [emails("a", 10, 25.0)], []]
    result = accounting.explain(balances, [run], parts, PriceHistory([run], [], ONE))
    assert (result.runs["a"], result.added, result.unexplained) == (10.0, 1_000.0, 500.0)


def learned(*runs: tuple[PastRun, list[Count]], times: int = 1) -> dict[str, float]:
    """Return the prices that runs have shown."""
    counts = [one for _, mine in runs for one in mine]
    seen = PriceHistory([run for run, _ in runs], counts, Prices(TYPES), times=times).latest()
    return {type_: price for type_, (price, _) in seen.items()}


def priced(name: str, began: float, price: float, number: int = 4) -> tuple[PastRun, list[Count]]:
    """Return a run of 10 s in which emails cost this."""
    run = past(name, began, began + 10, balance_before=100.0, balance_after=100 - price * number)
    return run, [emails(name, number, began + 5)]


def test_a_price_is_learned_from_the_balance_before_and_after() -> None:
    """The latest run counts."""
    assert learned() == {}
    assert learned(priced("a", 0, 2)) == {"email": 2.0}
    assert learned(priced("a", 0, 2), priced("b", 20, 1.5)) == {"email": 1.5}


def test_no_price_is_learned_from_a_doubtful_difference() -> None:
    """Outside of the range; not a whole number of hundredths; nothing found; no balance."""
    assert learned(priced("a", 0, 3.5)) == {}
    assert learned(priced("a", 0, 0.5)) == {}
    assert learned(priced("a", 0, 5 / 3, 3), priced("b", 20, 4 / 3, 7)) == {}
    assert learned((past("a", 0, 10, balance_before=9.0), [emails("a", 1, 5)])) == {}


def test_no_price_is_learned_while_others_may_be_charged() -> None:
    """Runs at the same time, lost answers, and answers that came late."""
    other = past("b", 5.0, 15.0), [emails("b", 1, 12)]
    assert learned(priced("a", 0, 2), other) == {}
    killed = past("b", -100.0, None), list[Count]()
    assert learned(killed, priced("a", 0, 2)) == {}
    run, mine = priced("a", 0, 2)
    lost = Count("a", "email", False, None, 1, 5, 5)
    assert learned((run, [*mine, lost])) == {}
    earlier = past("b", -5_000.0, -4_000.0), [emails("b", 1, 4.0, late=True)]
    assert learned(earlier, (run, mine)) == {}


def test_a_second_type_is_learned_once_the_first_is_known() -> None:
    """One unknown price per run; and both are unknown again if they do not fit."""
    phones = Count("b", "phone", False, 2, 1, 25, 25)
    both = past("b", 20.0, 30.0, balance_before=100.0, balance_after=100 - 3 * 2 - 2 * 12.0)
    mine = [emails("b", 3, 25), phones]
    assert learned((both, mine)) == {}
    assert learned(priced("a", 0, 2), (both, mine)) == {"email": 2.0, "phone": 12.0}
    dearer = replace(both, id="c", began=40.0, ended=50.0, balance_after=0.0)
    more = [replace(one, run="c", first=45, last=45) for one in mine]
    assert learned(priced("a", 0, 2), (both, mine), (dearer, more)) == {}


def many(name: str, began: float, spent: float) -> tuple[PastRun, list[Count]]:
    """Return a run that found 120 emails and 100 phone numbers."""
    run = past(name, began, began + 10, balance_before=9_000.0, balance_after=9_000.0 - spent)
    return run, [emails(name, 120, began + 5), Count(name, "phone", False, 2, 50, began, began + 5)]


def test_two_types_are_learned_together_if_only_whole_prices_fit() -> None:
    """Also when both have changed; not from a total that no whole prices fit, or several."""
    assert learned(many("a", 0, 120 * 1 + 100 * 10)) == {"email": 1.0, "phone": 10.0}
    assert learned(many("a", 0, 1_120), many("b", 20, 120 * 3 + 100 * 30)) == {
        "email": 3.0, "phone": 30.0
    }  # fmt: skip
    assert learned(many("a", 0, 120 * 1.5 + 100 * 10)) == {}
    assert learned(many("a", 0, 1_121)) == {}
    run, (one, two) = many("a", 0, 100 * 2 + 100 * 20)
    assert learned((run, [replace(one, number=100), two])) == {}  # 1 and 21, or 2 and 20


def test_prices_between_two_runs_that_differ_are_a_range() -> None:
    """Before and after, the nearest run counts; and only what two runs have shown, if so asked."""
    pairs = [priced("a", 0, 1), priced("b", 20, 1), priced("c", 40, 3), priced("d", 60, 3)]
    counts = [one for _, mine in pairs for one in mine]
    twice = PriceHistory([run for run, _ in pairs], counts, Prices(TYPES), times=2)
    assert twice.at("email", "x", -1.0) == (1.0, 1.0)
    assert twice.at("email", "x", 35.0) == (1.0, 3.0)
    assert twice.at("email", "c", 45.0) == (3.0, 3.0)
    assert twice.at("email", "x", 99.0) == (3.0, 3.0)
    once = PriceHistory([run for run, _ in pairs[:1]], pairs[0][1], Prices(TYPES), times=2)
    assert once.at("email", "x", 35.0) == (1.0, 3.0)
    assert twice.at("phone", "x", 35.0) == (10.0, 30.0)
