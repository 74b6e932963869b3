"""From a script, a live loop, a thread, async code; with a bar, in silence, and interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import subprocess
import sys
import textwrap
import threading
import time
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto

from .conftest import Serve, others_slow, people, slow
from .seams.notebook import event_loop
from .seams.root import prepare

SETTLED = {"found", "not_found"}


def script(
    server: Any, code: str, *, warnings: str = "error", **more: Any
) -> subprocess.Popen[str]:
    """Start a script whose package is set to a server; ``df`` holds 100 people."""
    head = f"""
        import asyncio, sys, threading
        import pronto_pandas as pronto
        from tests.conftest import people
        pronto.configure(base_url={server.url!r}, api_key={server.sandbox.api_key!r}, rate=500)
        df = people(100)
    """
    return subprocess.Popen(
        [sys.executable, "-W", warnings, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )


def test_from_a_script(serve: Serve) -> None:
    """A bar on stderr, nothing on stdout, and the process ends."""
    process = script(serve(), "out = df.pronto.enrich('email'); print(len(out))")
    stdout, stderr = process.communicate(timeout=60)
    assert stdout == "100\n"
    assert "100/100" in stderr
    assert "found=" in stderr
    assert process.returncode == 0


def test_inside_a_live_loop(serve: Serve) -> None:
    """As in a notebook's cell, where a loop runs already; it is not patched."""
    serve()

    async def cell() -> pd.DataFrame:
        return pronto.enrich(people(30), "email", progress=False)

    assert set(asyncio.run(cell())["pronto_status"]) <= SETTLED
    assert not hasattr(asyncio, "_nest_patched")


def test_from_worker_threads(serve: Serve) -> None:
    """Several at once share the pace."""
    server = serve(rate=100)
    frames: list[pd.DataFrame] = []
    threads = [
        threading.Thread(
            target=lambda n=n: frames.append(
                people(20, 20 * n).pronto.enrich("email", progress=False)
            )
        )
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(pd.concat(frames)["pronto_status"]) <= SETTLED
    assert len(server.sandbox.charges) == 60
    starts = sorted(server.sandbox.arrivals)
    assert starts[-1] - starts[0] >= 58 / 96 - 0.1


def test_from_async_code(serve: Serve) -> None:
    """``aenrich`` leaves the loop free for other tasks."""
    serve(latency=0.2)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def main() -> pd.DataFrame:
        ticking = asyncio.create_task(tick())
        out: pd.DataFrame = await people(30).pronto.aenrich("email", progress=False)
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
        return out

    assert set(asyncio.run(main())["pronto_status"]) <= SETTLED
    assert ticks >= 5


def test_aenrich_of_nothing_to_send_returns_at_once() -> None:
    """Without a key."""
    assert len(asyncio.run(pronto.aenrich(people(0), "email"))) == 0


NEST = """
    pronto.configure(loop={mode!r})
    if {apply}:
        import nest_asyncio; nest_asyncio.apply()
    async def cell():
        first = df.pronto.enrich("email", progress=False)
        second = df.iloc[:5].pronto.enrich(["phone"], progress=False)
        return first, second, asyncio.get_running_loop()
    first, second, running = asyncio.new_event_loop().run_until_complete(cell())
    print(sorted(set(first.pronto_status) | set(second.pronto_status)))
    print(hasattr(running, "_nest_patched"))
"""


@pytest.mark.parametrize(
    ("mode", "apply", "patched"),
    others_slow(("nest", False, True), ("thread", False, False), ("thread", True, True)),
)
def test_nest_asyncio_is_used_where_asked_for_or_applied(
    serve: Serve, mode: str, apply: bool, patched: bool
) -> None:
    """In a process of its own, because it patches the whole one."""
    server = serve()
    process = script(server, NEST.format(mode=mode, apply=apply))
    stdout, stderr = process.communicate(timeout=60)
    assert stdout.splitlines() == ["['found', 'not_found']", str(patched)], stderr


@slow
def test_the_sandbox_in_process_runs_after_nest_asyncio() -> None:
    """Its server must not depend on what is patched."""
    code = """
        import nest_asyncio; nest_asyncio.apply()
        import pronto_pandas as pronto
        from tests.conftest import people
        pronto.configure(base_url="sandbox")
        print(len(people(3).pronto.enrich("email", progress=False)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "3\n", done.stderr


def test_a_callable_gets_events_in_the_callers_thread(serve: Serve) -> None:
    """Rows, not requests: repeated people count for each of their rows."""
    serve()
    events: list[pronto.Progress] = []
    threads = set()

    def watch(event: pronto.Progress) -> None:
        events.append(event)
        threads.add(threading.current_thread())

    df = pd.concat([people(20), people(10), people(1).assign(firstname=None)])
    out = df.pronto.enrich("email", progress=watch)
    assert threads == {threading.current_thread()}
    assert len(events) == 20
    assert [event.total for event in events] == [30] * 20
    last = events[-1]
    assert last.done == last.found + last.not_found == 30
    assert last.found == (out["pronto_status"] == "found").sum()
    assert last.rows_per_second > 0
    assert pronto.Progress(total=1).rows_per_second == 0
    assert all(sooner.done < later.done for sooner, later in pairwise(events))


def test_a_callable_that_raises_costs_no_answer(serve: Serve) -> None:
    """It is warned of, and not called again."""
    serve()
    calls = []

    def watch(event: pronto.Progress) -> None:
        calls.append(event)
        raise ZeroDivisionError

    with pytest.warns(pronto.ProntoWarning, match="ZeroDivisionError"):
        out = people(20).pronto.enrich("email", progress=watch)
    assert len(calls) == 1
    assert set(out["pronto_status"]) <= SETTLED


def test_silence(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    """``progress=False`` prints nothing at all."""
    serve()
    people(5).pronto.enrich("email", progress=False)
    assert capfd.readouterr() == ("", "")


def test_the_bar_shows_errors_only_where_there_are(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    """Found, not found, and what went wrong."""
    serve(faults=1.0, fault_kinds=("500",))
    with pytest.warns(pronto.UnknownRowsWarning):
        people(4).pronto.enrich("email")
    shown = capfd.readouterr().err
    assert "unknown=4" in shown
    assert "errors" not in shown


def test_the_signature_reads_well() -> None:
    """For editors and ``?``: the same parameters everywhere, the frame only in functions."""
    of_function = inspect.signature(pronto.enrich)
    of_method = inspect.signature(people(1).pronto.enrich)
    assert list(of_function.parameters) == [
        "df", "type", "columns", "limit", "max_credits", "overwrite", "refresh",
        "resend_unknown", "phones", "phone_country_codes", "prefix", "custom", "progress", "via",
        "suppress", "only", "per_company", "stop_below",
    ]  # fmt: skip
    assert list(of_method.parameters) == list(of_function.parameters)[1:]
    for function in (pronto.aenrich, pronto.check, pronto.estimate):
        assert inspect.signature(function).parameters == of_function.parameters
    assert "Parameters" in str(people(1).pronto.enrich.__doc__)
    assert "aenrich" in repr(people(2).pronto)


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Poll until something holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


class _Stubborn:
    """A task that only ends when it is let go of."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.ended: asyncio.Event

    async def start(self, emit: Any) -> None:
        self.ended = getattr(self, "ended", None) or asyncio.Event()
        emit("running")
        await self.ended.wait()

    def interrupt(self, grace: float | None) -> None:
        self.calls.append("interrupt")

    def abandon(self) -> None:
        self.calls.append("abandon")
        self.ended = getattr(self, "ended", None) or asyncio.Event()
        self.ended.set()


@pytest.mark.parametrize("nested", [False, True])
def test_first_interrupt_asks_second_lets_go(nested: bool) -> None:
    """The same in a thread's loop and on the caller's own."""
    code = f"""
        import asyncio, os, signal, threading, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        from tests.seams.notebook import event_loop
        from tests.test_calling import _Stubborn
        task = _Stubborn()
        def interrupts():
            for call in ("interrupt", "abandon"):
                while not hasattr(task, "ended"): time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGINT)
                while call not in task.calls: time.sleep(0.01)
        threading.Thread(target=interrupts, daemon=True).start()
        async def cell():
            event_loop.run(task, print, lambda: None, nest={nested})
        try:
            own = asyncio.new_event_loop()
            own.run_until_complete(cell())
        except KeyboardInterrupt:
            print(task.calls)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "['interrupt', 'abandon']" in done.stdout, done.stderr


def test_an_interrupt_is_not_swallowed_by_what_draws_the_bar() -> None:
    """Widgets and their messages catch what they can; the run stops all the same."""
    code = """
        import os, signal, threading, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        from tests.seams.notebook import event_loop
        from tests.test_calling import _Stubborn
        task, swallowed = _Stubborn(), []
        def draw(event):
            for call in ("interrupt", "abandon"):
                try:
                    os.kill(os.getpid(), signal.SIGINT)
                    while call not in task.calls: time.sleep(0.01)
                except KeyboardInterrupt:
                    swallowed.append(call)
        try:
            event_loop.run(task, draw, lambda: None, nest=False)
        except KeyboardInterrupt:
            print(task.calls, swallowed, signal.getsignal(signal.SIGINT).__name__)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "['interrupt', 'abandon'] [] default_int_handler\n", done.stderr


def test_an_error_in_the_run_is_raised_in_the_callers_thread() -> None:
    """With its type."""

    class Broken(_Stubborn):
        async def start(self, emit: Any) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        event_loop.run(Broken(), print, print, nest=False)


def test_something_ticks_while_one_long_answer_is_awaited() -> None:
    """On the caller's own loop, where an interrupt is noticed when the loop wakes."""
    ticks: list[int] = []

    class Long(_Stubborn):
        async def start(self, emit: Any) -> None:
            while len(ticks) < 3:  # nothing of its own wakes the loop
                ticked = asyncio.get_running_loop().create_future()
                waiting.append(ticked)
                await ticked

    waiting: list[asyncio.Future[None]] = []

    def tick() -> None:
        ticks.append(1)
        while waiting:
            waiting.pop().set_result(None)

    async def main() -> None:
        async with asyncio.timeout(20):
            await event_loop.awaited(Long(), print, tick)

    asyncio.run(main())
    assert len(ticks) >= 3


def test_cancelling_aenrich_cancels_the_run(serve: Serve) -> None:
    """As when a notebook interrupts a cell that awaits."""
    server = serve(latency=0.3, rate=50)

    async def main() -> None:
        task = asyncio.create_task(people(500).pronto.aenrich("email", progress=False))
        while len(server.sandbox.arrivals) < 10:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(server.sandbox.arrivals) < 100


def test_an_interrupt_before_the_first_request_stops_the_run(serve: Serve) -> None:
    """However early it comes."""
    server = serve()
    run = prepare(people(20), "email", progress=False)
    run.interrupt(1.0)
    asyncio.run(run.start(lambda event: None))
    assert server.sandbox.arrivals == []
    assert set(run.frame()["pronto_status"]) == {"pending"}


def test_an_interrupt_before_there_is_a_loop_reaches_the_run() -> None:
    """The thread that makes the loop may not have got that far."""
    task = _Stubborn()
    threaded: event_loop._Threaded[Any] = event_loop._Threaded(
        task, lambda event: None, lambda: None
    )
    threaded.stop()
    threaded.stop()
    threaded.follow()
    assert task.calls == ["abandon"]


def test_interrupt_while_the_key_is_checked(serve: Serve) -> None:
    """Before the first contact, too."""
    server = serve()
    run = prepare(people(20), "email", progress=False)

    async def main() -> None:
        task = asyncio.create_task(run.start(lambda event: None))
        while run._key_check.task is None:
            await asyncio.sleep(0)
        run.abandon()
        await task

    asyncio.run(main())
    assert server.sandbox.charges == []
    assert set(run.frame()["pronto_status"]) == {"pending"}
