"""A rate limit in a file: what it survives, and how fairly it is shared."""

from __future__ import annotations

import asyncio
import fcntl
import math
import shutil
import struct
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import virtual
from .seams.sending import Gcra, RateLimit, SharedFile
from .seams.sending import rate_limit_file as shared_module
from .test_rate_limit import most_in_a_second

LATE = 0.05  # seconds: more than two starts


def clock() -> float:
    """Return the seconds of a machine that has run for a while."""
    try:
        return 1000.0 + virtual.now()
    except RuntimeError:  # before the loop runs
        return 1000.0


def process(folder: Path, rate: float = 50, late: float = 0.0) -> RateLimit:
    """Return the pace of one process of several; its loop may wake late."""
    return RateLimit(
        rate,
        Gcra(rate, SharedFile(folder, "limit", clock)),
        clock=clock,
        sleep=lambda seconds: asyncio.sleep(seconds + late),
    )


async def start_until(end: float, pace: RateLimit, starts: list[float]) -> None:
    """Start as often as the pace lets it."""
    while virtual.now() < end:
        await pace.acquire()
        starts.append(virtual.now())


def run_together(seconds: float, *paces: RateLimit) -> list[list[float]]:
    """Return the starts of processes that run side by side."""

    async def main() -> list[list[float]]:
        starts: list[list[float]] = [[] for _ in paces]
        await asyncio.gather(
            *(start_until(seconds, pace, own) for pace, own in zip(paces, starts, strict=True))
        )
        return starts

    return virtual.run(main())


def the_file(folder: Path) -> Path:
    """Return the only file there."""
    (path,) = folder.iterdir()
    return path


values = st.one_of(
    st.sampled_from([math.inf, -math.inf, math.nan, 1e308, -1e308, 0.0, 1e6, 1001.0]), st.floats()
)


@given(content=st.one_of(st.tuples(values, values, values, values), st.binary(max_size=40)))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_in_the_file_starts_go_on(
    tmp_path: Path, content: bytes | tuple[float, ...]
) -> None:
    """A clock of a former boot, infinity, garbage: it costs moments, and no limit is exceeded."""
    written = content if isinstance(content, bytes) else struct.pack("<4d", *content)
    shutil.rmtree(tmp_path)
    pace = process(tmp_path)

    async def main() -> list[float]:
        starts: list[float] = []
        await start_until(1.0, pace, starts)
        the_file(tmp_path).write_bytes(written)
        await start_until(6.0, pace, starts)
        return starts

    starts = virtual.run(main())
    assert most_in_a_second(starts) <= 50
    assert sum(start >= 3.0 for start in starts) >= 3.0 * 47


def test_another_boot_has_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock starts anew; and two machines with one home do not disturb each other."""
    here = process(tmp_path)
    monkeypatch.setattr(shared_module, "boot_id", lambda: "another")
    there = process(tmp_path)
    first, second = run_together(5.0, here, there)
    assert len(first) == pytest.approx(240, abs=3)
    assert len(second) == pytest.approx(240, abs=3)
    assert len(list(tmp_path.iterdir())) == 2


def test_files_of_earlier_boots_are_deleted_after_a_week(tmp_path: Path) -> None:
    """One restart a day does not fill the folder."""
    import os
    import time

    old, recent, other = tmp_path / "limit.old", tmp_path / "limit.recent", tmp_path / "other.old"
    for path in (old, recent, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (time.time() - 8 * 24 * 3600,) * 2)
    process(tmp_path)
    assert sorted(tmp_path.iterdir()) == [recent, other]


def broken_open(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[[], None]:
    """Let the system have no file numbers left; return what ends that."""
    import errno
    import os

    def fails(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    really = os.open
    monkeypatch.setattr(os, "open", fails)
    return lambda: monkeypatch.setattr(os, "open", really)


def file_for_a_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[[], None]:
    """Put a file where the folder was."""
    shutil.rmtree(folder)
    folder.touch()
    return folder.unlink


def locked_for_ever(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[[], None]:
    """Stop a process while it has the lock."""
    file = the_file(folder).open("rb+")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file.close


@pytest.mark.parametrize("breaks", [broken_open, file_for_a_folder, locked_for_ever])
def test_while_the_file_cannot_be_used_the_process_goes_on_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    breaks: Callable[[pytest.MonkeyPatch, Path], Callable[[], None]],
) -> None:
    """It keeps its own limit, logs it once, and shares again when that is possible."""
    folder = tmp_path / "limits"
    pace, other = process(folder), process(folder)

    async def main() -> tuple[list[float], list[float], list[float]]:
        starts: list[float] = []
        others: list[float] = []
        await start_until(2.0, pace, starts)
        mend = breaks(monkeypatch, folder)
        await start_until(6.0, pace, starts)
        mend()
        alone = list(starts)
        await asyncio.gather(start_until(10.0, pace, starts), start_until(10.0, other, others))
        return alone, starts, others

    alone, starts, others = virtual.run(main())
    assert most_in_a_second(starts) <= 50
    assert sum(start >= 2.0 for start in alone) >= 3 * 47
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert most_in_a_second(sorted(starts[len(alone) :] + others)) <= 50
    assert len(others) == pytest.approx(96, abs=5)


def test_a_folder_that_is_deleted_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Programs that clean up do that; the limit over all processes holds."""
    folder = tmp_path / "limits"

    async def main() -> list[float]:
        starts: list[float] = []
        paces = [process(folder) for _ in range(3)]
        for tenth in range(1, 51):  # each time a start of a process may be lost with the file
            await asyncio.gather(*(start_until(tenth / 10, pace, starts) for pace in paces))
            shutil.rmtree(folder)
        return starts

    starts = virtual.run(main())
    assert most_in_a_second(starts) <= 50
    assert len(starts) >= 5 * 30
    assert not caplog.records


def test_a_full_disk_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is made, and stays empty."""
    import errno
    import os

    def fails(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", fails)
    (starts,) = run_together(4.0, process(tmp_path))
    assert most_in_a_second(starts) <= 50
    assert len(starts) >= 4 * 47


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("times", "late"), [(0, 0.0), (1, 0.0), (30, 0.0), (0, LATE), (1, LATE)])
def test_two_processes_get_as_many_starts(
    tmp_path: Path, times: int, late: float, reverse: bool
) -> None:
    """Also when one of them was slowed by a 429, or wakes late."""

    async def main() -> list[list[float]]:
        paces = [process(tmp_path), process(tmp_path, late=late)]
        for _ in range(times):
            paces[1].slow_down()
        if reverse:
            paces.reverse()
        starts: list[list[float]] = [[], []]
        await asyncio.gather(
            *(start_until(5.0, pace, own) for pace, own in zip(paces, starts, strict=True))
        )
        return starts[::-1] if reverse else starts

    usual, other = virtual.run(main())
    assert most_in_a_second(sorted(usual + other)) <= 50
    if late:  # it can start once in two intervals and what it wakes late
        assert len(other) >= 0.8 * 5 / (2 / 48 + LATE)
        assert len(usual) + len(other) >= 0.9 * 240
    else:
        assert len(usual) == pytest.approx(len(other), abs=3)
        assert len(usual) + len(other) >= 0.9 * 240


def test_many_processes_get_as_many_starts(tmp_path: Path) -> None:
    """Seven of them, of which two were slowed and two wake late."""

    async def main() -> list[list[float]]:
        paces = [process(tmp_path, late=LATE if number < 2 else 0.002) for number in range(7)]
        for pace in paces[:4:2]:
            pace.slow_down()
        starts: list[list[float]] = [[] for _ in paces]
        await asyncio.gather(
            *(start_until(10.0, pace, own) for pace, own in zip(paces, starts, strict=True))
        )
        return starts

    starts = virtual.run(main())
    assert most_in_a_second(sorted(chain(*starts))) <= 50
    assert sum(map(len, starts)) >= 0.92 * 480
    assert all(len(own) >= 0.6 * 480 / 7 for own in starts)
    assert max(map(len, starts[2:])) - min(map(len, starts[2:])) <= 5


def test_a_process_with_a_lower_rate_keeps_it_and_takes_little_from_a_faster_one(
    tmp_path: Path,
) -> None:
    """Each keeps its own rate, and together they keep the higher one."""
    fast, slow = run_together(10.0, process(tmp_path, 50), process(tmp_path, 10))
    assert most_in_a_second(sorted(fast + slow)) <= 50
    assert most_in_a_second(slow) <= 10
    assert len(slow) >= 0.9 * 96
    assert len(fast) >= 0.95 * (480 - 96)


def test_processes_with_a_lower_rate_share_it_when_the_faster_one_has_ended(
    tmp_path: Path,
) -> None:
    """The higher rate counts only while it is used."""

    async def main() -> list[float]:
        starts: list[float] = []
        await start_until(2.0, process(tmp_path, 50), [])
        slow = [process(tmp_path, 10) for _ in range(3)]
        await asyncio.gather(*(start_until(10.0, pace, starts) for pace in slow))
        return [start for start in starts if start > 5.0]

    starts = virtual.run(main())
    assert most_in_a_second(starts) <= 10
    assert len(starts) >= 45


@given(
    lates=st.lists(st.floats(0, 0.2), min_size=1, max_size=5),
    slow=st.lists(st.integers(0, 20), min_size=5, max_size=5),
    rates=st.lists(st.sampled_from([50, 50, 50, 20, 7.5]), min_size=5, max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_no_second_holds_more_than_the_highest_rate(
    tmp_path_factory: pytest.TempPathFactory,
    lates: list[float],
    slow: list[int],
    rates: list[float],
) -> None:
    """However late loops wake, and whoever was slowed."""
    folder = tmp_path_factory.mktemp("limits")

    async def main() -> list[list[float]]:
        paces = [process(folder, rate, late) for rate, late in zip(rates, lates, strict=False)]
        for pace, times in zip(paces, slow, strict=False):
            for _ in range(times):
                pace.slow_down()
        starts: list[list[float]] = [[] for _ in paces]
        await asyncio.gather(
            *(start_until(4.0, pace, own) for pace, own in zip(paces, starts, strict=True))
        )
        return starts

    starts = virtual.run(main())
    assert most_in_a_second(sorted(chain(*starts))) <= max(rates[: len(lates)])
    for own, rate in zip(starts, rates, strict=False):
        assert most_in_a_second(own) <= rate
