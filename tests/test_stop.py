"""A run that is stopped, however that happens: nothing more is sent, and no answer is lost."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest

import pronto_pandas as pronto

from . import virtual
from .conftest import Serve, others_slow, people, slow
from .seams.api import Answer
from .seams.bulk import AT_ONCE, CLAIM_AHEAD, put_together
from .seams.notebook import event_loop, signals
from .seams.root import prepare
from .seams.sending import Batch, Dispatcher, Mode, RateLimit, rate_limit
from .test_calling import script, wait_for
from .test_dispatch import FakeRecorder, Service, after, dispatcher, jobs

FEW = 20
"""Requests that have left when a test stops the run, at least."""

SYNC = "df.pronto.enrich('email', progress=False)"
ASYNC = "asyncio.run(df.pronto.aenrich('email', progress=False))"


def start(server: Any, code: str, sent: int = FEW, **more: Any) -> subprocess.Popen[str]:
    """Start a script with 500 people, and wait until some requests have left."""
    slow = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
df = people(500); pronto.configure(rate=50)
"""
    process = script(server, slow + code, warnings="default", **more)
    try:
        wait_for(lambda: sum(server.sandbox.asked.values()) > sent)
    except AssertionError:
        process.kill()
        process.communicate()
        raise
    return process


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a script has written when it ended."""
    try:
        return process.communicate(timeout=30)
    finally:
        process.kill()


def statuses(count: int = 500, type_: str = "email") -> Counter[str]:
    """Return what the ledger has of the people of a script."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        return Counter(people(count).pronto.collect(type_)["pronto_status"])


def assert_nothing_lost(server: Any) -> None:
    """Everybody who was asked for is answered, in the ledger; the rest was not asked for."""
    found = statuses()
    assert found["unknown"] == 0
    assert found["found"] + found["not_found"] == len(server.sandbox.asked)
    assert FEW < len(server.sandbox.asked) < 400
    assert max(server.sandbox.asked.values()) == 1


@pytest.mark.parametrize("call", [SYNC, ASYNC])
def test_the_first_interrupt_waits_for_what_is_in_flight(serve: Serve, call: str) -> None:
    """For longer than any grace; then it says what became of everybody."""
    server = serve(latency=2.5)
    process = start(server, call)
    process.send_signal(signal.SIGINT)
    _, stderr = ended(process)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in stderr
    assert_nothing_lost(server)
    answered = len(server.sandbox.asked)
    assert (
        f"Stopping: waiting for {answered} answers. To stop without waiting, interrupt again.\n"
        in stderr
    )
    assert (
        f"Stopped. {answered} people finished and saved, {500 - answered} not sent. "
        "Run the same line again to continue.\n"
    ) in stderr


@pytest.mark.parametrize(
    ("call", "second"),
    others_slow(*product([SYNC, ASYNC], [signal.SIGINT, signal.SIGTERM])),
)
def test_the_second_lets_go(serve: Serve, call: str, second: signal.Signals) -> None:
    """Soon, and says who may be charged."""
    server = serve(latency=30)
    process = start(server, call)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two presses of a person
    began = time.monotonic()
    process.send_signal(second)
    _, stderr = ended(process)
    assert time.monotonic() - began < 10  # 2 s, and the machine may be slow
    assert process.returncode == -second
    lost = statuses()["unknown"]
    assert lost == len(server.sandbox.asked)
    assert (
        f"Stopped. {lost} people sent, answer lost (you may have been charged; "
        f"resend_unknown=True sends them again), {500 - lost} not sent."
    ) in stderr


@pytest.mark.parametrize("call", others_slow(SYNC, ASYNC))
def test_sigterm_drains_and_then_ends_the_process(serve: Serve, call: str) -> None:
    """As it would have: nothing that follows in the script runs."""
    server = serve(latency=1.5)
    process = start(server, f"try: {call}\nfinally: print('cleaned up')")
    process.send_signal(signal.SIGTERM)
    stdout, stderr = ended(process)
    assert process.returncode == -signal.SIGTERM
    assert stdout == ""
    assert "people finished and saved" in stderr
    assert_nothing_lost(server)


def test_a_handler_of_sigterm_is_called_when_the_run_has_ended(serve: Serve) -> None:
    """The caller's own, which stays in place."""
    server = serve(latency=1.0)
    code = f"""
def handler(number, frame):
    print("unknown" in set(df.pronto.collect("email").pronto_status), number)
    raise SystemExit(3)
signal.signal(signal.SIGTERM, handler)
try:
    {SYNC}
finally:
    print(signal.getsignal(signal.SIGTERM) is handler)
"""
    process = start(server, code)
    process.send_signal(signal.SIGTERM)
    stdout, _ = ended(process)
    assert (process.returncode, stdout) == (3, "False 15\nTrue\n")
    assert_nothing_lost(server)


@slow
def test_sigterm_that_is_ignored_stays_so(serve: Serve) -> None:
    """A script may have its reasons."""
    server = serve(latency=0.3)
    process = start(
        server,
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(len(df[:60].pronto.enrich('email', progress=False)))",
    )
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == "60\n"


RAISED = {
    "alarm": """
        import signal
        def alarm(number, frame): raise TimeoutError("alarm")
        signal.signal(signal.SIGALRM, alarm)
        def start(*_): signal.setitimer(signal.ITIMER_REAL, 0.05)
        def watch(now): now.done == 5 and start()
    """,
    "alarm in the callback": """
        import signal
        def alarm(number, frame): raise TimeoutError("alarm")
        signal.signal(signal.SIGALRM, alarm)
        def watch(now): now.done == 5 and signal.raise_signal(signal.SIGALRM)
    """,
    "asynchronous": """
        import ctypes, time
        caller = ctypes.c_ulong(threading.get_ident())
        class Later(Exception): pass
        def throw():
            time.sleep(0.05)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(caller, ctypes.py_object(Later))
        def watch(now): now.done == 5 and threading.Thread(target=throw).start()
    """,
    "KeyboardInterrupt": """
        def watch(now):
            if now.done == 5: raise KeyboardInterrupt
    """,
    "SystemExit": """
        def watch(now):
            if now.done == 5: raise SystemExit(3)
    """,
}
ERRORS = {"alarm in the callback": "TimeoutError", "alarm": "TimeoutError", "asynchronous": "Later"}


NEST = "pronto.configure(loop='nest'); df.pronto.enrich"


@pytest.mark.parametrize(
    ("raised", "call"),
    others_slow(
        *product(RAISED, ["df.pronto.enrich", "await df.pronto.aenrich"]),
        ("KeyboardInterrupt", NEST),
        ("alarm", NEST),
        quick=2,
    ),
)
def test_whatever_is_raised_where_the_caller_is_stops_the_run(
    serve: Serve, raised: str, call: str
) -> None:
    """It is raised on when nothing is in flight any more."""
    server = serve(latency=0.8)
    code = f"""
        import pandas as pd
        df = people(500); pronto.configure(rate=50)
        from tests.seams.notebook import event_loop
        event_loop.CANCEL_GRACE = 20  # an exception outside of the task makes asyncio cancel it
        {RAISED[raised].strip()}
        async def main():
            if {raised == "alarm"}:  # asyncio only logs an exception in a callback: raise it again
                asyncio.get_running_loop().set_exception_handler(start)
            {call}("email", progress=watch)
        try:
            asyncio.run(main())
        except BaseException as error:
            states = pd.Series(df.pronto.collect("email").pronto_status).value_counts()
            print(type(error).__name__, states.get("unknown", 0), states.get("pending", 0) > 300)
    """
    process = script(server, code, warnings="default")
    stdout, stderr = ended(process)
    assert stdout == f"{ERRORS.get(raised, raised)} 0 True\n", stderr
    assert "Stopped. " in stderr
    assert_nothing_lost(server)


def test_a_loop_that_its_caller_has_left_stops_the_run(serve: Serve) -> None:
    """Nobody cancels the task then, and nobody would see what is spent."""
    server = serve(latency=0.5)
    code = """
import time
async def main():
    answered = asyncio.Event()
    task = asyncio.create_task(df.pronto.aenrich("email", progress=lambda now: answered.set()))
    await answered.wait()
    raise ZeroDivisionError
loop = asyncio.new_event_loop()
try:
    loop.run_until_complete(main())
except ZeroDivisionError:
    while any(thread.name == "pronto" for thread in threading.enumerate()): time.sleep(0.01)
    print("ended")
"""
    process = start(server, code)
    assert ended(process)[0] == "ended\n"
    assert_nothing_lost(server)


async def _leave(server: Any, how: str) -> None:
    async def run() -> None:
        await people(500).pronto.aenrich("email", progress=False)

    async def some() -> None:
        while len(server.sandbox.asked) <= FEW:
            await asyncio.sleep(0.01)

    if how == "timeout":
        async with asyncio.timeout(None) as limit:
            task = asyncio.create_task(some())
            task.add_done_callback(lambda _: limit.reschedule(0))
            await run()
    elif how == "group":
        async with asyncio.TaskGroup() as group:
            group.create_task(run())
            await some()
            raise ZeroDivisionError
    else:
        task = asyncio.create_task(run())
        await some()
        for _ in range(int(how)):
            task.cancel()
            await asyncio.sleep(0.05)
        await task


LEAVING = {
    "timeout": TimeoutError,
    "group": ExceptionGroup,
    "1": asyncio.CancelledError,
    "3": asyncio.CancelledError,
}


@pytest.mark.parametrize("how", LEAVING)
def test_a_task_that_is_cancelled_stores_what_comes_soon(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """However it is cancelled, and how often; the caller's loop does not wait for more."""
    monkeypatch.setattr(event_loop, "CANCEL_GRACE", 20)  # "soon" on a machine under load
    server = serve(latency=0.5, rate=50)
    with pytest.raises(LEAVING[how]):
        asyncio.run(_leave(server, how))
    assert_nothing_lost(server)


def test_a_task_that_is_cancelled_does_not_wait_long(serve: Serve) -> None:
    """What is in flight after the grace is unknown."""
    server = serve(latency=30, rate=50)
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_leave(server, "3"))
    assert time.monotonic() - began < 15
    assert statuses()["unknown"] == len(server.sandbox.asked)


@slow
def test_several_runs_of_one_loop_all_wait(serve: Serve) -> None:
    """The first one to end, here the short one, does not cancel the others."""
    server = serve(latency=3.0)
    code = """
async def main():
    await asyncio.gather(*(
        part.pronto.aenrich("email", progress=False) for part in (df[:20], df[20:])
    ))
asyncio.run(main())
"""
    process = start(server, code, sent=110)
    process.send_signal(signal.SIGINT)
    _, stderr = ended(process)
    assert stderr.count("Stopped. ") == 2
    assert "KeyboardInterrupt" in stderr
    assert_nothing_lost(server)


def test_a_bar_that_cannot_be_drawn_is_dropped(serve: Serve) -> None:
    """The frame is what counts."""
    server = serve(latency=0.2)
    reads, writes = os.pipe()
    code = "print(df[:60].pronto.enrich('email').pronto_status.isin(['found', 'not_found']).all())"
    process = start(server, code, stderr=writes)
    os.close(writes)
    os.close(reads)
    stdout, _ = process.communicate(timeout=30)
    assert stdout == "True\n"


def test_a_stop_leaves_submitted_work_for_the_next_run(serve: Serve) -> None:
    """With ``via="async"`` there is nothing to wait for."""
    server = serve(latency=30)
    process = start(server, "df.pronto.enrich('email', via='async', progress=False)")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = ended(process)
    assert time.monotonic() - began < 10
    submitted = len(server.sandbox.asked)
    assert f"Stopped. {submitted} people submitted (their answers can be fetched later), " in stderr
    assert statuses()["unknown"] == 0


def test_an_interrupt_ends_the_wait_for_a_pause_of_the_pace(serve: Serve) -> None:
    """Which the service may have asked for in an earlier run."""
    server = serve()
    people(1).pronto.enrich("email", progress=False)  # the pace is there
    for pace in rate_limit._rate_limits.values():
        pace.pause(300)
    run = prepare(people(20), "phone", progress=False)

    async def main() -> None:
        task = asyncio.create_task(run.start(lambda now: None))
        while run._key_check.task is None:
            await asyncio.sleep(0)
        run.interrupt()
        await task

    asyncio.run(asyncio.wait_for(main(), 20))
    assert sum(server.sandbox.asked.values()) == 1


def test_an_error_after_a_signal_is_still_an_interrupt() -> None:
    """So that a script that goes on after errors ends."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as caught, signals.held():  # noqa: PT012  it must be raised there
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert signal.getsignal(signal.SIGINT) == before


class _Failing(RateLimit):
    """Its file is gone after some starts."""

    left = 100

    async def acquire(self) -> float:
        self.left -= 1
        if not self.left:
            raise FileNotFoundError
        return await super().acquire()


def test_an_error_between_two_requests_waits_for_what_is_in_flight() -> None:
    """However long that takes."""
    states: Counter[str] = Counter()

    async def main() -> None:
        service = Service(after(40))
        mode = Mode(service.send, service.fetch, 1000)
        dispatch = dispatcher(mode, FakeRecorder(), _Failing(50, clock=virtual.now))
        await dispatch.run(jobs(500), lambda job, outcome: states.update([outcome.state]))

    with pytest.raises(FileNotFoundError):
        virtual.run(main())
    assert states == {"answered": 99}


async def _never(enrichment_id: str) -> Answer:
    raise AssertionError("A bulk job fetched an answer.")


def submitted(
    send: Callable[[Batch], Awaitable[Answer]],
    meanwhile: Callable[[Dispatcher], None] = lambda submission: None,
    most: float = math.inf,
) -> Counter[str]:
    """Submit 1,000 people in batches, in virtual time, and count what became of them."""
    messages: Counter[str] = Counter()

    async def main() -> None:
        mode = Mode(send, _never, AT_ONCE, CLAIM_AHEAD, put_together, delivered=True)
        rate_limit = RateLimit(50, clock=virtual.now)
        submission = dispatcher(mode, FakeRecorder(), rate_limit, most=most)
        asyncio.get_running_loop().call_later(1, meanwhile, submission)
        try:
            await submission.run(
                jobs(1000), lambda job, outcome: messages.update([str(outcome.message)[:15]])
            )
        except ZeroDivisionError:
            messages["raised"] += 1

    virtual.run(main())
    return messages


async def taken(job: Batch) -> Answer:
    """Take a batch, slowly."""
    await asyncio.sleep(20)
    return Answer(status="pending", enrichment_id=str(job.number))


def test_a_stopped_bulk_job_waits_for_the_batches_in_flight() -> None:
    """The service may have taken them; five are under way at a time."""
    assert submitted(taken, lambda submission: submission.interrupt(None)) == {
        "Sent in a bulk ": 500,
        "Not sent: the r": 500,
    }


def test_a_stopped_bulk_job_tells_who_was_over_the_budget_and_who_was_not_sent() -> None:
    """The same line with the same budget sends the one, and not the other."""
    assert submitted(taken, lambda submission: submission.interrupt(None), most=900 * 3) == {
        "Sent in a bulk ": 500,
        "Not sent: the r": 400,
        "Not sent: this ": 100,
    }


def test_a_mistake_of_ours_does_not_tear_batches_away() -> None:
    """It is raised when the others are through, and as itself."""

    async def buggy(job: Batch) -> Answer:
        if job.number == 3:
            raise ZeroDivisionError
        return await taken(job)

    assert submitted(buggy) == {"Sent in a bulk ": 200, "Not sent: the r": 700, "raised": 1}


def test_an_answer_to_a_whole_batch_is_nobodys_answer() -> None:
    """Whatever its status: the answers of its people come to the webhook."""

    async def finished(job: Batch) -> Answer:
        return Answer(status="success", enrichment_id=str(job.number))

    assert submitted(finished) == {"Sent in a bulk ": 1000}
