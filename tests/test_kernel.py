"""In a real kernel: the stop button, and the next run of the cell."""

from __future__ import annotations

import random
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from .conftest import Serve, others_slow, slow
from .test_calling import script, wait_for

ROOT = Path(__file__).parent.parent


class Kernel:
    """A kernel and a client to it."""

    def __init__(self) -> None:
        self.manager: Any = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(ROOT))
        self.client: Any = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.sent = ""

    def send(self, code: str) -> None:
        # Else a kernel may drop what is sent right after a cell that ended with an error.
        self.sent = self.client.execute(textwrap.dedent(code), stop_on_error=False)

    def reply(self) -> dict[str, Any]:
        """Return what the kernel said to the cell sent last.

        A kernel that was slow to start has been asked more than once whether it is ready, and
        those answers still come.
        """
        while True:
            message = self.client.get_shell_msg(timeout=60)
            if message["parent_header"]["msg_id"] == self.sent:
                content: dict[str, Any] = message["content"]
                return content

    def printed(self) -> str:
        """Return what was printed up to the end of the cell sent last."""
        texts = []
        while True:
            message = self.client.get_iopub_msg(timeout=20)
            if message["msg_type"] == "stream":
                texts.append(message["content"]["text"])
            ended = message["content"].get("execution_state") == "idle"
            if ended and message["parent_header"].get("msg_id") == self.sent:
                return "".join(texts)

    def displayed(self) -> list[tuple[str, dict[str, str]]]:
        """Return what was displayed up to the end of the cell sent last: the kind and the data."""
        shown = []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if "data" in message["content"]:
                shown.append((message["msg_type"], message["content"]["data"]))
            assert message["msg_type"] not in {"stream", "error"}, message["content"]
            ended = message["content"].get("execution_state") == "idle"
            if ended and message["parent_header"].get("msg_id") == self.sent:
                return shown

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(kernels: None) -> Iterator[Kernel]:
    """Start a kernel and end it."""
    started = Kernel()
    yield started
    started.close()


SET_UP = """
    import warnings
    import pronto_pandas as pronto
    from tests.conftest import people
    warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
    pronto.configure(base_url={url!r}, api_key={key!r}, rate=200, confirm_above=None)
    df = people(600)
"""


CALLS = ["df.pronto.enrich('email')", "await df.pronto.aenrich('email')"]


@pytest.mark.parametrize("call", others_slow(*CALLS, "df.pronto.enrich('email', progress=False)"))
def test_the_stop_button_waits_for_answers_and_the_next_run_goes_on(
    serve: Serve, kernel: Kernel, call: str
) -> None:
    """With a line that says what was kept; nothing is lost, and nobody is charged twice."""
    server = serve(latency=2.5)
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    assert kernel.reply()["status"] == "ok"
    kernel.printed()
    kernel.send(f"df = people(1200); out = {call}")  # long enough for a busy machine
    wait_for(lambda: len(server.sandbox.charges) > 60)
    kernel.manager.interrupt_kernel()
    began = time.monotonic()
    reply = kernel.reply()
    assert time.monotonic() - began < 10  # an answer takes 2.5 s; the machine may be slow
    assert reply["ename"] in {"KeyboardInterrupt", "CancelledError"}
    answered = len(server.sandbox.asked)
    line = f"Stopped. {answered} people finished and saved, {1200 - answered:,} not sent. "
    assert line in kernel.printed()
    kernel.send(f"out = {call}\nprint(sorted(set(out.pronto_status)), len(out))")
    assert kernel.reply()["status"] == "ok"
    assert "'found', 'not_found'" in kernel.printed()
    assert max(server.sandbox.asked.values()) == 1


@slow
@pytest.mark.parametrize("call", CALLS)
def test_interrupted_at_ten_moments(serve: Serve, kernel: Kernel, call: str) -> None:
    """Each time the cell ends soon, and the same cell goes on; nobody is asked twice."""
    server = serve(latency=0.3)
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.send("pronto.configure(rate=150); df = people(1000)")
    kernel.reply()
    took = []
    for answers in random.Random(4).choices(range(1, 80), k=10):
        before = len(server.sandbox.charges)
        kernel.send(f"out = {call}")
        wait_for(lambda more=answers + before: len(server.sandbox.charges) >= more)
        began = time.monotonic()
        kernel.manager.interrupt_kernel()
        reply = kernel.reply()
        took.append(time.monotonic() - began)
        assert reply.get("ename") in {"KeyboardInterrupt", "CancelledError"}, reply
    assert max(took) < 2, took
    kernel.send(f"out = {call}\nprint(sorted(set(out.pronto_status)), len(out))")
    assert kernel.reply()["status"] == "ok"
    assert kernel.printed().endswith("['found', 'not_found'] 1000\n")
    assert len(server.sandbox.charges) == len(server.sandbox.asked) == 1000


@slow
@pytest.mark.parametrize("call", CALLS)
def test_interrupted_twice_while_answers_take_long(serve: Serve, kernel: Kernel, call: str) -> None:
    """The second one does not wait; what was in flight may be charged, and is said to be."""
    server = serve(latency=30)
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.send(f"out = {call}")
    wait_for(lambda: len(server.sandbox.asked) > 50)
    kernel.manager.interrupt_kernel()
    time.sleep(0.2)  # two presses of a person
    kernel.manager.interrupt_kernel()
    began = time.monotonic()
    assert kernel.reply()["ename"] in {"KeyboardInterrupt", "CancelledError"}
    assert time.monotonic() - began < 10  # and not the 30 s of the answers
    kernel.send("print(df.pronto.collect('email').pronto_status.value_counts().to_dict())")
    kernel.reply()
    printed = kernel.printed()
    assert "people sent, answer lost (you may have been charged" in printed
    assert "unknown" in printed


@slow
def test_a_run_in_the_background_of_a_kernel_is_not_a_cells(serve: Serve, kernel: Kernel) -> None:
    """The stop button means the cell; and the kernel lives on."""
    server = serve()
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.send("""
        import asyncio, signal, time
        before = signal.getsignal(signal.SIGINT)
        task = asyncio.create_task(df.pronto.aenrich('email'))
    """)
    kernel.reply()
    wait_for(lambda: len(server.sandbox.asked) > 20)
    kernel.send("time.sleep(60)")
    time.sleep(1)  # the cell has begun
    kernel.manager.interrupt_kernel()
    assert kernel.reply()["ename"] == "KeyboardInterrupt"
    kernel.printed()
    kernel.send("print(len(await task), signal.getsignal(signal.SIGINT) == before)")
    assert kernel.reply()["status"] == "ok"
    assert "600 " in kernel.printed()


@slow
def test_two_cells_in_a_row_and_one_that_awaits(serve: Serve, kernel: Kernel) -> None:
    """On the kernel's own loop, which stays as it is."""
    server = serve()
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.printed()
    for code in (
        "print(len(df.pronto.enrich('email', progress=False)))",
        "print(len(await df.pronto.aenrich(['email', 'phone'], progress=False)))",
        "import asyncio; print(hasattr(asyncio, '_nest_patched'))",
    ):
        kernel.send(code)
        assert kernel.reply()["status"] == "ok"
    assert kernel.printed() == "600\n600\nFalse\n"
    assert len(server.sandbox.charges) == 1200


LIVE = {
    "magic": "%%time\nout = df.pronto.enrich('email', limit=20)\nprint(len(out))",
    "widget": """
        import ipywidgets
        button = ipywidgets.Button()
        button.on_click(lambda _: print(len(df.pronto.enrich('email', limit=20))))
        button.click()
    """,
    "task": """
        import asyncio
        async def clock():
            while True: await asyncio.sleep(0.01)
        task = asyncio.create_task(clock())
        print(len(df.pronto.enrich('email', limit=20)))
        print(len(await df.pronto.aenrich('email', limit=20)))
        assert task.cancel()
    """,
    "thread": """
        import asyncio, threading
        thread = threading.Thread(target=lambda: asyncio.run(df.pronto.aenrich('email', limit=20)))
        thread.start(); thread.join()
        print(len(df.pronto.collect('email')))
    """,
    "nest": """
        pronto.configure(loop='nest')
        print(len(df.pronto.enrich('email', limit=20)))
        pronto.configure(loop='thread')
        print(len(df.pronto.enrich('phone', limit=20)))
    """,
    "nested by somebody": """
        import nest_asyncio; nest_asyncio.apply()
        print(len(df.pronto.enrich('email', limit=20)))
        print(len(await df.pronto.aenrich('phone', limit=20)))
    """,
    "server before and after": """
        from pronto_pandas.sandbox import Server
        with Server() as server:
            with pronto.configure(base_url=server.url, api_key=server.sandbox.api_key):
                print(len(df.pronto.enrich('email', limit=20)))
        with Server() as server, pronto.configure(
            base_url=server.url, api_key=server.sandbox.api_key
        ):
            print(len(df.pronto.enrich('email', limit=20)))
    """,
}


@slow
@pytest.mark.parametrize("cell", LIVE)
def test_beside_what_else_runs_in_a_kernel(serve: Serve, kernel: Kernel, cell: str) -> None:
    """Magics, widget callbacks, tasks, threads, patched loops, servers."""
    server = serve()
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.printed()
    kernel.send(LIVE[cell])
    reply = kernel.reply()
    assert reply["status"] == "ok", reply
    assert kernel.printed().startswith("600\n")


@slow
@pytest.mark.parametrize("call", CALLS)
def test_a_high_price_is_asked_about_where_the_front_end_allows_it(
    serve: Serve, kernel: Kernel, call: str
) -> None:
    """A person answers in the notebook; a tool that executes notebooks is not asked."""
    server = serve()
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.send("pronto.configure(confirm_above=100)")
    kernel.reply()
    kernel.printed()
    kernel.send(f"out = {call}")
    question = kernel.client.get_stdin_msg(timeout=60)["content"]["prompt"]
    kernel.client.input("n")
    reply = kernel.reply()
    assert (question, reply["ename"]) == ("Continue? [y/N] ", "NotConfirmedError")
    assert server.sandbox.arrivals == []
    kernel.send(f"out = {call}")
    kernel.client.get_stdin_msg(timeout=60)
    kernel.client.input("y")
    assert kernel.reply()["status"] == "ok"
    assert len(server.sandbox.asked) == 600
    code = call.replace("'email'", "'phone'")
    kernel.sent = kernel.client.execute(f"out = {code}", allow_stdin=False)
    assert kernel.reply()["status"] == "ok"


@slow
def test_on_another_loop(serve: Serve) -> None:
    """uvloop, whose loop nest-asyncio cannot patch."""
    server = serve()
    code = """
        import uvloop
        async def main():
            return len(df.pronto.enrich("email")), len(await df.pronto.aenrich("phone"))
        print(uvloop.run(main()))
    """
    running = script(server, code)
    out, errors = running.communicate(timeout=60)
    assert out == "(100, 100)\n", errors
