"""The pace: no sliding second holds more than allowed, and hardly less than allowed is used."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import virtual
from .seams.sending import Gcra, RateLimit, backoff, in_flight_at_most, rate_limit_for

moments = st.floats(0, 3, allow_nan=False)


def most_in_a_second(starts: list[float]) -> int:
    """Return how many starts the worst closed sliding second holds."""
    return max(bisect_right(starts, start + 1.0) - i for i, start in enumerate(starts))


def pace(rate: float) -> RateLimit:
    """Return a pace in virtual time, without chance."""
    return RateLimit(rate, clock=virtual.now, sleep=asyncio.sleep, jitter=lambda low, high: high)


@given(rate=st.floats(0.5, 200), waits=st.lists(st.floats(0, 0.5), min_size=1, max_size=400))
def test_no_sliding_second_holds_more_than_the_rate(rate: float, waits: list[float]) -> None:
    """Whenever starts are asked for, no closed second holds more than the rate allows."""
    gcra, now, starts = Gcra(rate), 1000.0, []
    for wait in waits:
        now += wait
        if gcra.take(now)[0] == 0:
            starts.append(now)
    assert most_in_a_second(starts) <= max(int(rate), 1)


@given(rate=st.integers(1, 100))
def test_greedy_starts_use_the_rate_up_to_what_is_kept_back(rate: int) -> None:
    """Asking again as soon as allowed brings nearly the rate, never more in any second."""
    gcra, now, starts, place = Gcra(rate), 0.0, [], None
    while now < 20:
        wait, place = gcra.take(now, place)
        if wait == 0:
            starts.append(now)
        now += wait
    assert most_in_a_second(starts) <= rate
    assert len(starts) / 20 >= min(0.955 * rate, rate - 1)


def test_fifty_a_second_means_forty_eight() -> None:
    """The documented limit is used to 96 percent."""
    gcra, now, count, place = Gcra(50), 0.0, 0, None
    while now < 100:
        wait, place = gcra.take(now, place)
        count += wait == 0
        now += wait
    assert 4795 <= count <= 4805


def test_a_late_loop_does_not_let_starts_through_together() -> None:
    """Many waiting tasks, and a loop that wakes late, still start one after the other."""

    async def main() -> list[float]:
        limiter = RateLimit(50, clock=virtual.now, sleep=lambda s: asyncio.sleep(s + 0.4))
        starts: list[float] = []

        async def one() -> None:
            starts.append(await limiter.acquire())

        await asyncio.gather(*(one() for _ in range(300)))
        return sorted(starts)

    assert most_in_a_second(virtual.run(main())) <= 50


def test_a_pause_holds_every_start_for_as_long_as_the_service_asks() -> None:
    """After ``Retry-After`` nobody starts early, and all start then."""

    async def main() -> list[float]:
        limiter = pace(50)
        await limiter.acquire()
        assert limiter.pause(7.0) == pytest.approx(7.0)
        starts = await asyncio.gather(*(limiter.acquire() for _ in range(10)))
        return sorted(starts)

    starts = virtual.run(main())
    assert starts[0] == pytest.approx(7.0)
    assert most_in_a_second(starts) <= 50


def test_without_retry_after_pauses_double_and_recover() -> None:
    """429s of one burst are one strike; an answer to a later start resets the count."""

    async def main() -> list[float]:
        limiter = pace(50)
        pauses = [limiter.pause(None), limiter.pause(None)]
        await asyncio.sleep(2)
        pauses.append(limiter.pause(None))
        await asyncio.sleep(5)
        limiter.answered(started=0.0)  # began before the last pause: proves nothing
        pauses.append(limiter.pause(None))
        await asyncio.sleep(10)
        limiter.answered(started=virtual.now())
        pauses.append(limiter.pause(None))
        return pauses

    assert virtual.run(main()) == pytest.approx([1, 1, 2, 4, 1])


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    """The longest wait the service asked for holds."""

    async def main() -> float:
        limiter = pace(50)
        limiter.pause(10.0)
        limiter.pause(1.0)
        return await limiter.acquire()

    assert virtual.run(main()) == pytest.approx(10.0)


def test_backoff_doubles_to_a_cap() -> None:
    """Waits grow, and never without end."""
    waits = [backoff(n) for n in range(1, 50)]
    assert waits[:3] == [1, 2, 4]
    assert all(a <= b for a, b in pairwise(waits))
    assert waits[-1] == 30


def test_runs_with_one_key_share_one_pace() -> None:
    """Two runs of a process share a sliding second; another key or address has its own."""
    one = rate_limit_for("https://a.example", "key", 50)
    assert rate_limit_for("https://a.example", "key", 50) is one
    assert rate_limit_for("https://a.example", "other", 50) is not one
    assert rate_limit_for("https://b.example", "key", 50) is not one


def test_a_new_rate_counts_what_was_started_at_the_old_one() -> None:
    """Changing the rate between two runs opens no gap in the limit."""

    async def main() -> list[float]:
        limiter = pace(50)
        starts = [await limiter.acquire() for _ in range(60)]
        limiter.set_rate(49)
        return starts + [await limiter.acquire() for _ in range(60)]

    starts = virtual.run(main())
    assert most_in_a_second(starts) <= 50


def test_threads_share_a_pace() -> None:
    """Loops in several threads take their starts from one limit."""
    limiter = RateLimit(1000)
    starts: list[float] = []

    def work() -> None:
        async def main() -> None:
            starts.extend([await limiter.acquire() for _ in range(100)])

        asyncio.run(main())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts.sort()
    assert len(starts) == 400
    # 960 a second and a burst of 2: however the threads were scheduled.
    assert all(later - sooner >= 1 / 961 for sooner, later in zip(starts, starts[2:], strict=False))


def test_as_many_in_flight_as_the_pace_can_reach() -> None:
    """50 a second with answers of up to 300 s can be 15,001 in flight, sockets permitting."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        assert in_flight_at_most(50, 10) == 501
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 501
        assert in_flight_at_most(1e9, 1e9) <= before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_low_limit_of_the_system_lowers_what_is_in_flight() -> None:
    """Where the hard limit is low, requests queue here instead of failing for want of sockets."""
    import os

    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256));"
        "from tests.seams.sending import in_flight_at_most;"
        "print(in_flight_at_most(50, 300))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert int(done.stdout) == 128


SHARING = """
import asyncio, sys
from pathlib import Path
from tests.seams.sending import rate_limit_for

async def main():
    pace = rate_limit_for("https://a.example", "key", 200, Path(sys.argv[1]))
    for _ in range(150):
        print(await pace.acquire())

asyncio.run(main())
"""


def test_processes_share_a_pace(tmp_path: Path) -> None:
    """No sliding second of three processes together holds more than the rate."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SHARING, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    printed = [process.communicate(timeout=60)[0].split() for process in processes]
    starts = sorted(float(moment) for lines in printed for moment in lines)
    assert len(starts) == 450
    assert most_in_a_second(starts) <= 200
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_where_processes_cannot_share_threads_do(caplog: pytest.LogCaptureFixture) -> None:
    """A folder that cannot be written is no reason not to work."""
    limiter = rate_limit_for("https://a.example", "alone", 50, Path("/proc/pronto"))
    assert asyncio.run(limiter.acquire()) > 0
    assert "cannot be used" in caplog.text


def test_slower_after_a_429_and_full_pace_again_after_minutes() -> None:
    """And never slower than a tenth."""

    async def main() -> None:
        pace = RateLimit(50, clock=virtual.now)
        times = []
        for part in (0, 20, 2000):
            for _ in range(part):
                pace.slow_down()
            for _ in range(20):
                await pace.acquire()
            began = await pace.acquire()
            for _ in range(96):
                await pace.acquire()
            times.append(virtual.now() - began)
        await asyncio.sleep(4000)
        assert times[0] == pytest.approx(2, rel=0.02)
        assert times[1] == pytest.approx(2 / 0.995**20, rel=0.03)
        assert 15 < times[2] <= 20
        await pace.acquire()
        began = await pace.acquire()
        for _ in range(96):
            await pace.acquire()
        assert virtual.now() - began == pytest.approx(2, rel=0.02)

    virtual.run(main())
