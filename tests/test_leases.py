"""Starts leased from a database: never too many, hardly too few, and none without a lease."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import random
from bisect import bisect_left
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import virtual
from .seams.sending import Lease, LeasedStarts, RateLimit, interval_for
from .test_rate_limit import most_in_a_second

Wait = Callable[[], float]
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run in virtual time, of which no test here needs much."""
    return virtual.run(asyncio.wait_for(main, 100.0))


class Table:
    """What the database does with its one row, and what it was asked, by its own clock."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self.next_start = -math.inf
        self.statements: list[float] = []
        self.counts: list[int] = []
        self.times: list[float] = []
        self.down = False

    def lease(self, account: str, count: int, interval: float) -> Lease | None:
        assert account == "account"
        now = virtual.now() + self.ahead
        self.statements.append(virtual.now())
        self.counts.append(count)
        if self.down:
            raise ConnectionError
        first = max(self.next_start, now)
        self.next_start = first + count * interval
        self.times += [first + number * interval - self.ahead for number in range(count)]
        return Lease(first, now)


class Process:
    """A process with clocks of its own, a way to the database, and a loop that wakes late."""

    def __init__(
        self,
        table: Table,
        *,
        there: Wait = lambda: 0.001,
        back: Wait = lambda: 0.001,
        late: Wait = lambda: 0.0,
        skew: float = 0.0,
        speed: float = 1.0,
        rate: float = 50,
    ) -> None:
        self.there, self.back, self.skew, self.speed = there, back, skew, speed
        self.statements: list[float] = []
        self.starts: list[float] = []
        self.slept = 0.0
        self.pace = RateLimit(
            rate,
            LeasedStarts(
                rate,
                table.lease,
                "account",
                clock=self.clock,
                wall=lambda: self.clock() + 1e9 + self.slept,
                run=self.run,
            ),
            clock=self.clock,
            sleep=lambda seconds: asyncio.sleep(max(0.0, seconds) / speed + late()),
        )

    def clock(self) -> float:
        """Return this machine's monotonic clock, which is not exactly as fast as the others."""
        try:
            return self.skew + self.speed * virtual.now()
        except RuntimeError:  # before the loop runs
            return self.skew

    async def run(self, function: Callable[[], Lease | None]) -> Lease | None:
        """Send a statement over a network."""
        self.statements.append(virtual.now())
        await asyncio.sleep(self.there())
        answer = function()
        await asyncio.sleep(self.back())
        return answer

    async def start_until(self, end: float, every: float = 0.0) -> None:
        """Start as often as possible, or with pauses."""
        while virtual.now() < end:
            await self.pace.acquire()
            self.starts.append(virtual.now())
            if every:
                await asyncio.sleep(every)


def run_together(seconds: float, *processes: Process) -> list[float]:
    """Let processes start side by side; return all starts."""

    async def main() -> None:
        with contextlib.suppress(TimeoutError):  # a loop that is always late may get no start
            async with asyncio.timeout(seconds + 2.0):
                await asyncio.gather(*(one.start_until(seconds) for one in processes))

    run(main())
    return sorted(start for one in processes for start in one.starts)


def between(starts: list[float], begin: float, end: float) -> int:
    """Return how many starts are in a span of time."""
    return bisect_left(starts, end) - bisect_left(starts, begin)


process = st.fixed_dictionaries(
    {
        "there": st.sampled_from([0.0, 0.002, 0.02, 0.1, 0.6]),
        "back": st.sampled_from([0.0, 0.002, 0.02, 0.1, 0.6]),
        "late": st.sampled_from([0.0, 0.003, 0.03, 0.09, 0.5]),
        "skew": st.sampled_from([-600.0, 0.0, 600.0, 3e5]),
        "speed": st.sampled_from([1 - 2e-4, 1.0, 1 + 2e-4]),
        "rate": st.sampled_from([50, 50, 50, 50, 20, 7.5, 1]),
        "steady": st.booleans(),
    }
)


@given(seed=st.integers(0, 2**32), machines=st.lists(process, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_second_holds_more_than_the_limit(seed: int, machines: list[dict[str, float]]) -> None:
    """Whatever the lag of the database, of the loops, and the clocks."""
    chances, table = random.Random(seed), Table(ahead=1.7e9)

    def wait(most: float, steady: float) -> Wait:
        return (lambda: most) if steady else (lambda: chances.uniform(0.0, most))

    processes = [
        Process(
            table,
            there=wait(machine["there"], machine["steady"]),
            back=wait(machine["back"], machine["steady"]),
            late=wait(machine["late"], False),
            skew=machine["skew"],
            speed=machine["speed"],
            rate=machine["rate"],
        )
        for machine in machines
    ]
    starts = run_together(6.0, *processes)
    assert not starts or most_in_a_second(starts) <= max(one.pace.rate for one in processes)
    if all(one.pace.rate == 50 for one in processes):  # slower ones take as much time
        for one, machine in zip(processes, machines, strict=True):
            assert one.starts or max(machine["there"], machine["back"], machine["late"]) > 0.1
    for one in filter(lambda one: one.starts, processes):
        assert most_in_a_second(one.starts) <= one.pace.rate
        assert most_in_a_second(one.statements) <= 5


@given(
    seed=st.integers(0, 2**32),
    number=st.integers(1, 6),
    skews=st.lists(st.floats(-600, 600), min_size=6, max_size=6),
)
@settings(max_examples=25, deadline=None)
def test_steady_processes_use_the_limit(seed: int, number: int, skews: list[float]) -> None:
    """At least 95 %, with some lag everywhere, and each of them gets its share."""
    chances, table = random.Random(seed), Table(ahead=1.7e9)
    some = functools.partial(chances.uniform, 0.0, 0.008)
    processes = [
        Process(table, there=some, back=some, late=some, skew=skews[n]) for n in range(number)
    ]
    starts = run_together(23.0, *processes)
    assert most_in_a_second(starts) <= 50
    assert between(starts, 2.0, 22.0) >= 0.95 * 50 * 20
    for one in processes:
        assert between(one.starts, 2.0, 22.0) >= 0.85 * 48 * 20 / number


@pytest.mark.parametrize(("there", "back"), [(0.0, 0.018), (0.018, 0.0), (0.3, 0.0), (0.0, 0.3)])
def test_each_start_has_a_leased_time_and_leaves_at_most_40_ms_after_it(
    there: float, back: float
) -> None:
    """On either way the lag may be; a lag above 20 ms moves the starts of a lease by the rest."""
    chances, table = random.Random(1), Table(ahead=-600.0)
    late = functools.partial(chances.uniform, 0.0, 0.06)
    one = Process(table, there=lambda: there, back=lambda: back, late=late)
    starts = run_together(10.0, one)
    furthest = 0.04 + max(0.0, there + back - 0.02)
    times = iter(table.times)
    for start in starts:  # each has a time of its own
        assert next(time for time in times if time + furthest + 1e-3 >= start) <= start + 1e-3
    assert len(starts) >= 60


def test_a_slow_way_to_the_database_costs_speed_alone() -> None:
    """Half a second there and back: starts go on."""
    one = Process(Table(), there=lambda: 0.25, back=lambda: 0.25)
    starts = run_together(20.0, one)
    assert most_in_a_second(starts) <= 50
    assert between(starts, 2.0, 20.0) >= 18 * 15


def test_a_process_that_needs_little_leases_little() -> None:
    """What it does not need, others have."""
    table = Table()
    rare, greedy = Process(table), Process(table)

    async def main() -> None:
        await asyncio.gather(rare.start_until(20.0, every=0.5), greedy.start_until(20.0))

    run(main())
    assert len(rare.starts) >= 20
    assert between(greedy.starts, 2.0, 20.0) >= 18 * 40


def test_a_database_that_is_away_delays_starts_and_loses_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing starts without a lease; it is logged once; and then it goes on."""
    table = Table()
    one = Process(table)

    async def main() -> None:
        await one.start_until(2.0)
        table.down = True
        task = asyncio.create_task(one.start_until(20.0))
        await asyncio.sleep(8.0)
        table.down = False
        await task

    run(main())
    assert between(one.starts, 2.5, 10.0) == 0
    assert between(one.starts, 15.0, 20.0) >= 5 * 47
    assert most_in_a_second(one.starts) <= 50
    assert between(one.statements, 3.0, 10.0) <= 8
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No request is sent until it" in caplog.text


def test_what_was_leased_before_a_machine_slept_is_thrown_away() -> None:
    """The monotonic clock stops meanwhile, and the wall clock does not."""
    table = Table()
    one = Process(table)

    async def main() -> None:
        await one.start_until(2.0)
        one.slept = 5.0
        table.ahead = 5.0
        table.next_start = 0.0
        begin = virtual.now()
        table.times.clear()
        await one.start_until(4.0)
        assert min(start for start in one.starts if start > begin) >= table.times[0]

    run(main())


def test_a_forked_child_leaves_the_leased_starts_to_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both would use them."""
    one = Process(Table())

    async def main() -> int:
        await one.start_until(1.0)
        before = len(one.statements)
        monkeypatch.setattr("os.getpid", lambda: -1)
        await one.pace.acquire()  # a lease is left, and not due for a moment
        return len(one.statements) - before

    assert run(main()) == 1


def test_near_waits_for_a_lease_and_takes_nothing() -> None:
    """A commit may begin that much before the start that it is for, and not without a lease."""
    table = Table()
    one = Process(table, there=lambda: 0.1, back=lambda: 0.1)

    async def main() -> list[float]:
        moments = []
        await one.pace.nearly(0.05)
        moments.append(virtual.now())
        moments.append(await one.pace.acquire())
        one.pace.pause(3.0)
        await one.pace.nearly(0.05)
        moments.append(virtual.now())
        moments.append(await one.pace.acquire())
        return moments

    first, start, second, later = run(main())
    assert first == pytest.approx(0.2, abs=0.01)
    assert start == pytest.approx(0.2, abs=0.01)
    assert 3.1 <= second <= later
    assert later >= start + 3.0
    assert sum(table.counts[:1]) >= 1


def test_a_new_rate_gives_up_what_was_leased() -> None:
    """Also what arrives afterwards for the former one."""
    one = Process(Table(), there=lambda: 0.015)

    async def main() -> list[float]:
        one.pace.set_rate(1000)
        asked = asyncio.create_task(one.pace.acquire())
        await asyncio.sleep(0.01)
        one.pace.set_rate(10)  # while the statement is under way
        await asked
        one.starts.append(virtual.now())
        await one.start_until(3.0)
        one.pace.set_rate(50)
        await one.start_until(6.0)
        one.pace.set_rate(10)
        begin = virtual.now()
        await one.start_until(12.0)
        assert most_in_a_second([start for start in one.starts if start < 3.0]) <= 10
        return [start for start in one.starts if start > begin]

    starts = run(main())
    assert most_in_a_second(starts) <= 10
    assert len(starts) >= 40


def test_slower_after_429s() -> None:
    """The leases are of the slower rate."""
    one = Process(Table())

    async def main() -> None:
        for _ in range(200):
            one.pace.slow_down()
        await one.start_until(11.0)

    run(main())
    assert between(one.starts, 1.0, 11.0) == pytest.approx(480 * 0.995**200, rel=0.06)


@pytest.mark.parametrize("rate", [0.5, 1, 3.7, 10, 50, 200])
def test_the_interval_keeps_the_rate(rate: float) -> None:
    """By the arithmetic of the module."""
    whole = max(int(rate), 1)
    assert int(1.04 / interval_for(rate)) + 1 <= whole
    assert 1 / interval_for(rate) >= 0.9 * min(rate, whole)


def test_loops_of_several_threads_share_the_leases() -> None:
    """A lease that one loop asked for serves the others, also when that loop has ended."""
    import threading
    import time

    lock = threading.Lock()
    row = [0.0]

    def lease(account: str, count: int, interval: float) -> Lease:
        with lock:
            now = time.monotonic()
            first = max(row[0], now)
            row[0] = first + count * interval
            return Lease(first, now)

    pace = RateLimit(500, LeasedStarts(500, lease, "account"))
    starts: list[float] = []

    def work(number: int) -> None:
        async def main() -> None:
            starts.extend([await pace.acquire() for _ in range(number)])

        asyncio.run(main())

    threads = [threading.Thread(target=work, args=(30 * n,)) for n in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 180
    assert most_in_a_second(sorted(starts)) <= 500
