"""How many are in flight: all that the pace gives, and few where the service lets them queue."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from . import virtual
from .conftest import others_slow
from .seams.api import Answer
from .seams.sending import LEAST, ConcurrencyLimit, Dispatcher, Request
from .test_dispatch import FOUND, Result, play


class Desk:
    """A service that works on a few at a time, first come first served; or on all."""

    def __init__(self, seconds: Callable[[], float], at_once: int = 10**6) -> None:
        self._seconds, self._at_once = seconds, at_once
        self._free: asyncio.Semaphore | None = None
        self.opens = float("inf")
        self.answers: list[float] = []
        self.crowds: list[tuple[float, int]] = []

    async def serve(self, job: Request) -> Answer:
        if virtual.now() < self.opens:
            self._free = self._free or asyncio.Semaphore(self._at_once)
            async with self._free:
                await asyncio.sleep(self._seconds())
        else:
            await asyncio.sleep(self._seconds())
        self.answers.append(virtual.now())
        return FOUND

    def run(self, rows: int) -> Result:
        async def watch(dispatch: Dispatcher) -> None:
            while len(self.answers) < rows - 25:
                await asyncio.sleep(0.25)
                self.crowds.append((virtual.now(), dispatch._concurrency.in_flight))

        result = virtual.run(play(self.serve, rows, meanwhile=watch))
        assert result.states == {"answered": rows}
        return result

    def rate(self, since: float, until: float) -> float:
        return sum(since <= moment < until for moment in self.answers) / (until - since)


@pytest.mark.parametrize(("at_once", "seconds"), [(5, 0.5), (5, 0.2), (10, 0.5), (20, 2.0)])
def test_a_queue_is_kept_short_and_busy(at_once: int, seconds: float) -> None:
    """All that the service can do, and few who wait for it."""
    desk = Desk(lambda: seconds, at_once)
    rows = int(60 * at_once / seconds)
    desk.run(rows)
    steady = [crowd for at, crowd in desk.crowds if at > 15]
    assert max(steady) <= 5 * at_once
    assert desk.rate(1, 55) >= 0.95 * at_once / seconds


def test_a_queue_is_seen_soon() -> None:
    """Within two seconds of the first answers nothing more is piled up."""
    desk = Desk(lambda: 0.5, 5)
    desk.run(600)
    assert max(crowd for _, crowd in desk.crowds) <= 48 * 2.5


@pytest.mark.parametrize("spread", [(0.1, 0.9), (0.4, 1.6)])
def test_a_queue_behind_answers_that_differ(spread: tuple[float, float]) -> None:
    """Luck and waiting are told apart."""
    chance = random.Random(4)
    desk = Desk(lambda: chance.uniform(*spread), 5)
    desk.run(500)
    steady = [crowd for at, crowd in desk.crowds if at > 20]
    assert max(steady) <= 45
    assert desk.rate(1, 40) >= 0.9 * 5 / (sum(spread) / 2)


def test_full_pace_again_when_the_queue_ends() -> None:
    """Within twenty seconds."""
    desk = Desk(lambda: 0.5, 5)
    desk.opens = 40.0
    desk.run(2000)
    assert desk.rate(20, 40) <= 10.1
    assert desk.rate(45, 60) >= 0.9 * 50


CHANCE = random.Random(5)
LATENCIES: dict[str, Callable[[], float]] = {
    "fixed": lambda: 30.0,
    "even": lambda: CHANCE.uniform(0.5, 30),
    "short and long": lambda: 0.3 if CHANCE.random() < 0.3 else CHANCE.uniform(20, 40),
    "rarely short": lambda: 0.3 if CHANCE.random() < 0.05 else CHANCE.uniform(20, 40),
    "long tail": lambda: min(CHANCE.lognormvariate(1, 1.2), 120),
    "exponential": lambda: 0.3 + CHANCE.expovariate(0.1),
}


@pytest.mark.parametrize("name", others_slow(*LATENCIES, quick=2))
def test_no_queue_is_seen_where_there_is_none(name: str) -> None:
    """However much answers differ, starts keep the pace."""
    CHANCE.seed(name)
    desk = Desk(LATENCIES[name])
    result = desk.run(3000)
    starts = result.service.starts
    assert (len(starts) - 1) / (starts[-1] - starts[0]) >= 0.95 * 48


def test_a_service_that_becomes_slower_for_all_is_no_queue_for_long() -> None:
    """It is tried out how long an answer takes when few are in flight."""
    desk = Desk(lambda: 0.5 if virtual.now() < 20 else 3.0)
    desk.run(3000)
    assert desk.rate(40, 55) >= 0.9 * 48


def test_a_window_never_closes_for_good() -> None:
    """Whatever it is told."""
    window = ConcurrencyLimit(100, 48.0, lambda: 0.0)
    for seconds in [0.1] * 20 + [1000.0] * 200 + [0.0] * 200:
        window.answered(seconds, 50)
        assert window.limit >= LEAST


def test_a_queue_that_moves_loses_nobody() -> None:
    """Answers of 8 s, five at a time: of those sent at full pace the last come after minutes."""
    desk = Desk(lambda: 8.0, 5)
    result = desk.run(500)
    assert result.seconds > 2 * 300


def test_a_service_that_falls_silent_is_not_waited_for() -> None:
    """After the time-out, what is in flight is lost."""

    async def silent(job: Request) -> Answer:
        await asyncio.sleep(1 if job.number < 100 else 10**6)
        return FOUND

    result = virtual.run(play(silent, 200))
    assert result.states == {"answered": 100, "unknown": 100}
    assert 300 < result.seconds < 310
    assert "No response arrived" in str(result.outcomes[150].message)
