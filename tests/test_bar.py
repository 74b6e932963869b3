"""What a person sees during a run."""

from __future__ import annotations

import re

import pytest

import pronto_pandas as pronto

from .conftest import Serve, people, slow
from .seams.notebook import REDRAW, SILENT, Notebook, Watcher, watching, words
from .test_kernel import SET_UP, Kernel
from .test_kernel import kernel as kernel


class Screen:
    """Keeps what is drawn, and a clock that tests set."""

    def __init__(self) -> None:
        self.drawn: list[dict[str, str]] = []
        self.now = 0.0

    def display(self, bundle: dict[str, str]) -> object:
        self.drawn.append(bundle)
        return self.drawn.append

    @property
    def line(self) -> str:
        return self.drawn[-1]["text/plain"]


def notebook(screen: Screen, total: int = 1000) -> Notebook:
    """Return a bar on a screen."""
    return Notebook(total, "rows", screen.display, lambda: screen.now)  # type: ignore[arg-type]  # append returns None


def test_the_line_has_all_counts() -> None:
    """Done, found, not found, errors, the rate, the time left, and the credits as a range."""
    screen = Screen()
    bar = notebook(screen)
    screen.now = 10.0
    bar.show(
        pronto.Progress(
            total=1000, done=480, found=300, not_found=170, error=7, unknown=3,
            credits_low=300.0, credits_high=1900.0,
        )
    )  # fmt: skip
    assert screen.line == (
        "480 of 1,000 rows · 300 found · 170 not found · 7 errors · 3 unknown · 48.0 rows/s · "
        "11 s left · 300 to 1,900 credits so far"
    )
    assert 'value="480"' in screen.drawn[-1]["text/html"]


def test_it_is_drawn_a_few_times_a_second_at_most() -> None:
    """Whatever the number of rows; and the last line is always drawn."""
    screen = Screen()
    bar = notebook(screen)
    for number in range(1000):
        screen.now += 0.001
        bar.show(pronto.Progress(total=1000, done=number + 1))
        bar.tick()
    assert len(screen.drawn) <= 1 + 1 / REDRAW
    bar.close(stopped=False)
    assert screen.line.startswith("1,000 of 1,000 rows")
    assert screen.line.endswith("in 1 s")


def test_the_line_shows_that_no_response_comes() -> None:
    """While the run waits for the network or for a slow first answer."""
    screen = Screen()
    bar = notebook(screen)
    for tick in range(130):
        screen.now += 0.1
        bar.tick()
        if tick == 35:
            assert screen.line == "0 of 1,000 rows · waiting for the first answer: 3 s"
    assert screen.line == "0 of 1,000 rows · no response for 13 s"
    assert len(screen.drawn) <= 15
    bar.show(pronto.Progress(total=1000, done=1, found=1))
    screen.now += SILENT - 1
    bar.tick()
    assert "no response" not in screen.line
    bar.close(stopped=True)
    assert screen.line.startswith("Stopped after 1 of 1,000 rows")


def test_a_stop_says_what_it_waits_for() -> None:
    """And how to stop without it; no time left is shown, because no more is sent."""
    screen = Screen()
    bar = notebook(screen)
    screen.now = 10.0
    bar.show(pronto.Progress(total=1000, done=480, found=480, awaited=225))
    assert screen.line == (
        "480 of 1,000 rows · 480 found · 48.0 rows/s · "
        "Stopping: waiting for 225 answers. To stop without waiting, interrupt again."
    )
    bar.close(stopped=True)
    assert screen.line == "Stopped after 480 of 1,000 rows · 480 found · 48.0 rows/s · in 10 s"


@pytest.mark.parametrize("progress", [False, lambda now: None])
def test_a_stop_without_a_bar_is_one_line(
    progress: bool | Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise it would look like a hang."""
    with watching(progress, 10) as view:
        view.show(pronto.Progress(total=10, done=1))
        view.show(pronto.Progress(total=10, done=1, awaited=2))
        view.show(pronto.Progress(total=10, done=2, awaited=1))
    assert capsys.readouterr() == (
        "",
        "Stopping: waiting for 2 answers. To stop without waiting, interrupt again.\n",
    )


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (61, "1 min 1 s"), (7325, "2 h 2 min")]
)
def test_times_are_readable(seconds: float, said: str) -> None:
    """In seconds, minutes, or hours."""
    now = pronto.Progress(total=1, done=1, seconds=seconds)
    assert words(now, "rows", silent=0, over=True).endswith(f"in {said}")


def test_credits_so_far_are_those_of_the_run(serve: Serve) -> None:
    """By the prices of the settings, for what was found."""
    server = serve()
    seen: list[pronto.Progress] = []
    with pronto.configure(prices={"email": (1, 3)}):
        people(40).pronto.enrich("email", progress=seen.append)
    charged = sum(charge["credits"] for charge in server.sandbox.charges)
    assert (seen[-1].credits_low, seen[-1].credits_high) == (charged, 3 * charged)
    assert seen[-1].seconds_left == 0
    assert pronto.Progress(total=5).seconds_left is None


@slow
def test_in_a_notebook_one_output_replaces_itself(serve: Serve, kernel: Kernel) -> None:
    """So a saved notebook has the last line, which can be read without a kernel."""
    server = serve(latency=0.05)
    kernel.send(SET_UP.format(url=server.url, key=server.sandbox.api_key))
    kernel.reply()
    kernel.printed()
    kernel.send("out = df.pronto.enrich('email')")
    shown = kernel.displayed()
    price, bar, *updates, bill = shown
    assert [kind for kind, _ in (price, bar, bill)] == ["display_data"] * 3
    assert {kind for kind, _ in updates} == {"update_display_data"}
    assert price[1]["text/plain"].startswith("Looking up the emails of 600 people: about ")
    assert bill[1]["text/plain"].startswith("600 people looked up: ")
    last = updates[-1][1]
    assert re.fullmatch(
        r"600 of 600 rows · \d+ found · \d+ not found · .* rows/s · in .* credits",
        last["text/plain"],
    )
    assert "<progress" in last["text/html"]
    assert len(shown) < 60
