"""The price before a run, the question if it is high, and the bill after it."""

from __future__ import annotations

import asyncio
import io
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.root import account
from .seams.sending import FoundRate
from .test_calling import script
from .test_stop import ended, start

Lines = Callable[[], list[str]]


class Terminal(io.StringIO):
    """What a person types, or sees."""

    def isatty(self) -> bool:
        return True


class Answers:
    """A terminal whose lines are typed when they are read; counts the questions."""

    def __init__(self, typed: str) -> None:
        self.typed, self.questions = typed, 0

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self.questions += 1
        return self.typed


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Answers]:
    """Run in a terminal in which a person types an answer."""

    def typing(answer: str) -> Answers:
        answers = Answers(answer)
        monkeypatch.setattr("sys.stdin", answers)
        monkeypatch.setattr("sys.stderr", Terminal())
        return answers

    return typing


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Lines:
    """Return the lines printed since the last call, without the progress bar; none on stdout."""

    def printed() -> list[str]:
        out, err = capfd.readouterr()
        assert out == ""
        return [line for line in err.replace("\r", "\n").split("\n") if line[:6] not in _BAR]

    return printed


_BAR = {"", "Pronto"}


def test_a_run_says_its_price_and_then_its_bill(serve: Serve, lines: Lines) -> None:
    """With the balance before and after, which is what the service has charged."""
    server = serve(credits=5_000)
    out = pronto.enrich(people(40), "phone")
    found = int((out["pronto_status"] == "found").sum())
    left = server.sandbox.credits
    assert 0 < 5_000 - left == sum(charge["credits"] for charge in server.sandbox.charges)
    assert lines() == [
        "Looking up the phones of 40 people: about 902 credits, at most 6,000; balance 5,000.",
        f"40 people looked up: {found} found. {5_000 - left:,} credits (balance {left:,}).",
    ]


def test_a_rerun_says_that_nothing_was_sent_and_what_that_saved(serve: Serve, lines: Lines) -> None:
    """It needs no balance, so it makes no request at all."""
    server = serve()
    pronto.configure(prices={"email": 1})
    pronto.enrich(people(30), "email", progress=False)
    spent = 100_000 - server.sandbox.credits
    assert lines() == []
    server.stop()
    pronto.enrich(people(30), "email")
    assert lines() == [
        f"30 rows from saved answers; nothing was sent. The ledger saved about {spent} credits."
    ]


def test_a_longer_list_says_what_is_new(serve: Serve, lines: Lines) -> None:
    """And a person in two rows is looked up once, and counts as saved once."""
    server = serve()
    pronto.configure(prices={"email": 1})
    pronto.enrich(people(30), "email", progress=False)
    spent = 100_000 - server.sandbox.credits
    df = people(50).iloc[[*range(50), 0]]
    pronto.enrich(df, "email")
    now = server.sandbox.credits
    found = 100_000 - now - spent
    assert lines()[-1] == (
        f"31 rows from saved answers, 20 people looked up: {found} found. {found} credits "
        f"(balance {now:,}); the ledger saved about {spent} credits."
    )


def test_rows_that_are_not_sent_are_counted_by_reason(serve: Serve, lines: Lines) -> None:
    """In the words of the arguments."""
    serve()
    df = people(200)
    df.loc[3, "lastname"] = None
    only = df.index >= 20
    pronto.enrich(df, "email", only=only, per_company=2, limit=60, suppress="company7.example")
    assert lines()[-1].endswith(
        "140 rows not sent: 79 over per_company=2, 38 over limit=60, 20 excluded by only=, "
        "3 on the suppress= list."
    )


def test_without_a_balance_the_bill_is_by_the_prices(
    serve: Serve, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that does not say it, or says it in words nobody knows."""
    serve()
    monkeypatch.setattr(account, "balance_in", lambda data: None)
    out = pronto.enrich(people(20), "email")
    found = int((out["pronto_status"] == "found").sum())
    before, after = lines()
    assert before == "Looking up the emails of 20 people: about 24 credits, at most 60."
    assert after == f"20 people looked up: {found} found. {found} to {3 * found} credits."
    assert pronto.runs()["ended"].tolist() == ["finished"]


def test_the_price_line_says_if_the_limit_is_too_low_for_anybody(
    serve: Serve, lines: Lines
) -> None:
    """Or that others may be sent in place of those who are not found."""
    serve()
    pronto.configure(prices={"phone": 10})
    with pytest.warns(pronto.MaxCreditsWarning):
        pronto.enrich(people(9), "phone", max_credits=40)
    assert lines()[0] == (
        "9 people to look up, but one can cost up to 50 credits, and only 40 may be spent; "
        "balance 100,000."
    )
    pronto.enrich(people(60), "phone", per_company=1, limit=55)
    assert " people (more if some are not found): about " in lines()[0]


def test_who_was_not_sent_is_in_no_history(serve: Serve) -> None:
    """A limit of credits ended the run: people are those who were sent."""
    server = serve()
    pronto.configure(prices={"phone": 10})
    with pytest.warns(pronto.MaxCreditsWarning):
        pronto.enrich(people(90), "phone", max_credits=100, progress=False)
    sent = len(server.sandbox.asked)
    assert 0 < sent < 90
    assert pronto.runs()["people"].tolist() == [sent]


def test_other_spending_is_not_hidden_in_the_bill(serve: Serve, lines: Lines) -> None:
    """Another program uses the account meanwhile; or somebody adds credits."""
    server = serve()
    pronto.configure(prices={"email": 1})
    with _changed_by(server, -500):
        pronto.enrich(people(20), "email")
    assert lines()[-1].endswith(
        "This is more than the prices say: other programs spent from this account at the same "
        "time, requests of an earlier run were charged now, or the prices have changed."
    )
    with _changed_by(server, +900):
        pronto.enrich(people(20, start=20), "email")
    assert "The balance rose during the run" in lines()[-1]


@contextmanager
def _changed_by(server: Any, change: int) -> Iterator[None]:
    """Change the balance while the first request is worked on."""
    work = server.sandbox.work

    def change_once(body: Any) -> Any:
        server.sandbox.credits += change
        server.sandbox.work = work
        return work(body)

    server.sandbox.work = change_once
    yield


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "no\n", "yes please\n"])
def test_a_high_price_is_asked_about_first(
    serve: Serve, types: Callable[[str], Answers], answer: str
) -> None:
    """Anything but yes sends nothing, and says how to go on."""
    server, person = serve(), types(answer)
    with pytest.raises(pronto.NotConfirmedError, match=r"(?s)Nothing was sent.*max_credits=…"):
        pronto.enrich(people(101), "phone")
    assert person.questions == 1
    assert server.sandbox.arrivals == []
    assert set(pronto.collect(people(101), "phone")["pronto_status"]) == {"pending"}


@pytest.mark.parametrize("answer", ["y\n", " YES \n"])
def test_a_high_price_that_is_confirmed_is_paid(
    serve: Serve, types: Callable[[str], Answers], answer: str
) -> None:
    """The question is asked once, after the line with the price."""
    server, person = serve(), types(answer)
    pronto.enrich(people(101), "phone", progress=False)
    assert person.questions == 1
    assert len(server.sandbox.asked) == 101
    assert cast("Terminal", sys.stderr).getvalue() == (
        "Looking up the phones of 101 people: about 2,280 credits, at most 15,150; balance "
        "100,000.\nContinue? [y/N] "
    )


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({}, {"max_credits": 100_000}),
        ({"budget": 100_000}, {}),
        ({"confirm_above": None}, {}),
        ({"confirm_above": 2_300}, {}),
    ],
)
def test_a_price_that_is_limited_is_not_asked_about(
    serve: Serve, types: Callable[[str], Answers], settings: Any, more: Any
) -> None:
    """Or one that the person has said is fine."""
    server, person = serve(), types("n\n")
    with pronto.configure(**settings):
        pronto.enrich(people(101), "phone", progress=False, **more)
    assert person.questions == 0
    assert len(server.sandbox.asked) == 101


def test_a_quarter_of_the_balance_is_a_high_price(
    serve: Serve, types: Callable[[str], Answers]
) -> None:
    """However low the price is."""
    serve(credits=100)
    person = types("n\n")
    pronto.enrich(people(20), "email", progress=False)
    assert person.questions == 0
    with pytest.raises(pronto.NotConfirmedError):
        pronto.enrich(people(60, start=20), "email", progress=False)


def test_aenrich_asks_too(serve: Serve, types: Callable[[str], Answers]) -> None:
    """Before the run starts, in the thread of the loop."""
    server, person = serve(), types("n\n")
    with pytest.raises(pronto.NotConfirmedError):
        asyncio.run(pronto.aenrich(people(101), "phone"))
    assert person.questions == 1
    assert server.sandbox.arrivals == []


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminals")
def test_a_person_in_a_terminal_is_asked(serve: Serve) -> None:
    """A real one, whose script prints to a pipe."""
    import pty

    server = serve()
    mine, its = pty.openpty()
    code = """
try: df.pronto.enrich("phone")
except pronto.NotConfirmedError: print("not confirmed")
"""
    process = script(server, code, stdin=its, stderr=its)
    os.close(its)
    shown = b""
    while not shown.endswith(b"Continue? [y/N] "):
        shown += os.read(mine, 1_000)
    os.write(mine, b"n\n")
    stdout, _ = process.communicate(timeout=60)
    os.close(mine)
    assert stdout == "not confirmed\n"
    assert server.sandbox.arrivals == []


def test_nobody_is_asked_who_cannot_answer(
    serve: Serve, types: Callable[[str], Answers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script without a terminal, and another thread than the main one."""
    server, person = serve(), types("n\n")
    thread = threading.Thread(target=lambda: pronto.enrich(people(101), "phone", progress=False))
    thread.start()
    thread.join()
    assert len(server.sandbox.asked) == 101
    for stream in (io.StringIO(), None):
        monkeypatch.setattr("sys.stdin", stream)
        pronto.enrich(people(101), "phone", refresh=True, progress=False)
    assert person.questions == 0


def test_a_file_has_one_price_and_one_bill(serve: Serve, lines: Lines, tmp_path: Path) -> None:
    """However many chunks it has."""
    server = serve()
    people(90).to_csv(tmp_path / "list.csv", index=False)
    pronto.enrich_file(tmp_path / "list.csv", tmp_path / "out.csv", "email", chunksize=30)
    left = server.sandbox.credits
    found = 100_000 - left
    assert lines()[-2:] == [
        "Looking up the emails of about 90 people: about 108 credits; balance 100,000.",
        f"90 people looked up: {found} found. {found} credits (balance {left:,}).",
    ]


def test_a_bulk_job_says_what_was_submitted(serve: Serve, lines: Lines) -> None:
    """Its answers come later."""
    server = serve()
    with pronto.webhook(port=0) as hook:
        pronto.bulk_enrich(people(30), "email", hook.url)
    left = server.sandbox.credits
    assert lines()[-1] == (
        f"30 people submitted. {100_000 - left} credits so far (balance {left:,})."
    )


def test_a_list_that_finds_too_few_stops(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the counts; the rest is pending, and can be looked up without the limit."""
    server = serve(latency=0.01, rate=500)
    monkeypatch.setattr(server.sandbox, "work", _nothing_found(server.sandbox.work))
    with pytest.warns(pronto.LowFoundRateWarning, match=r"found in \d+ answers .*stop_below=0.5"):
        out = pronto.enrich(people(900), "email", stop_below=0.5, progress=False)
    counts = Counter(out["pronto_status"])
    assert 50 <= len(server.sandbox.asked) < 900
    assert counts["not_found"] == len(server.sandbox.asked)
    pending = out[out["pronto_status"] == "pending"]
    assert pending["pronto_message"].str.contains("without stop_below").all()


def _nothing_found(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(body: Any) -> Any:
        return {**work(body), "email": None, "email_status": "not_found"}

    return answer


def test_a_list_that_finds_enough_does_not_stop(serve: Serve) -> None:
    """Nobody is warned."""
    serve()
    out = pronto.enrich(people(200), "email", stop_below=0.3, progress=False)
    assert set(out["pronto_status"]) == {"found", "not_found"}


def test_an_interrupted_run_has_a_bill(serve: Serve) -> None:
    """After the line that says how many people are finished."""
    server = serve(latency=1.0)
    process = start(server, "df.pronto.enrich('email')")
    process.send_signal(signal.SIGINT)
    _, stderr = ended(process)
    done, left = len(server.sandbox.asked), server.sandbox.credits
    printed = [line for line in stderr.splitlines() if "people" in line and "Pronto" not in line]
    assert printed == [
        "Looking up the emails of 500 people: about 600 credits, at most 1,500; balance 100,000.",
        f"Stopped. {done} people finished and saved, {500 - done} not sent. "
        "Run the same line again to continue.",
        f"{done} people looked up: {100_000 - left} found. {100_000 - left} credits (balance "
        f"{left:,}).",
    ]


@pytest.mark.parametrize("rate", [0, 1, 10, "0.1", True, float("nan")])
def test_a_found_rate_that_cannot_be_is_said(serve: Serve, rate: Any) -> None:
    """Before anything is sent."""
    server = serve()
    with pytest.raises(pronto.ConfigurationError, match="stop_below"):
        pronto.enrich(people(3), "email", stop_below=rate)
    assert server.sandbox.arrivals == []


@pytest.mark.parametrize("least", [0.1, 0.3])
def test_a_list_at_the_limit_is_rarely_stopped(least: float) -> None:
    """Fewer than one in 1,000, although each answer is a test; far below, it is soon stopped."""
    dice = random.Random(7)
    stopped = sum(_stops(dice, least, least) is not None for _ in range(2_000))
    assert stopped <= 4
    soon = sorted(_stops(dice, least, least / 4) or 1_000 for _ in range(50))
    assert soon[0] >= 50
    assert soon[25] < 250


def _stops(dice: random.Random, least: float, truth: float) -> int | None:
    rate = FoundRate(least)
    for answer in range(1, 501):
        rate.add(found=dice.random() < truth)
        if rate.too_low:
            return answer
    return None


def test_a_run_is_recorded_with_its_balances(serve: Serve) -> None:
    """So that its cost can be read later, too: to the credit."""
    server = serve(credits=5_000)
    pronto.enrich(people(30), "email", progress=False)
    first = 5_000 - server.sandbox.credits
    pronto.enrich(people(50), "email", progress=False)
    both = 5_000 - server.sandbox.credits
    runs = pronto.runs()
    assert runs["credits"].tolist() == [both - first, first]
    assert runs["people"].tolist() == [20, 30]
    assert runs["found"].tolist() == [both - first, first]
    assert runs["from_ledger"].tolist() == [30, 0]
    assert runs["saved"].tolist() == [first, 0]
    assert set(runs["ended"]) == {"finished"}
    statement = pronto.statement().set_index("line")["change"]
    assert statement["total"] == -both
    assert statement["unexplained"] == 0


def test_a_price_that_a_run_has_shown_makes_the_bill_exact(serve: Serve, lines: Lines) -> None:
    """What the ledger saved is one number then."""
    server = serve()
    pronto.enrich(people(30), "email")
    spent = 100_000 - server.sandbox.credits
    pronto.enrich(people(30), "email")
    assert lines()[-1] == (
        f"30 rows from saved answers; nothing was sent. The ledger saved about {spent} credits."
    )


def test_another_run_at_the_same_time_is_not_hidden_in_the_bill(serve: Serve, lines: Lines) -> None:
    """Although its spending fits the prices."""
    serve(latency=0.3)
    other = threading.Thread(
        target=lambda: pronto.enrich(people(5, start=50), "email", progress=False)
    )
    other.start()
    pronto.enrich(people(20), "email")
    other.join()
    assert "Other programs spent from this account at the same time" in lines()[-1]


def test_a_file_is_one_run(serve: Serve, tmp_path: Path) -> None:
    """With the numbers of the whole file, and ``stop_below`` for all of it."""
    server = serve()
    people(90).to_csv(tmp_path / "list.csv", index=False)
    files = tmp_path / "list.csv", tmp_path / "out.csv"
    pronto.enrich_file(*files, "email", chunksize=30, progress=False)
    (run,) = pronto.runs().to_dict("records")
    spent = 100_000 - server.sandbox.credits
    assert (run["rows"], run["people"], run["credits"]) == (90, 90, spent)
    assert run["found"] + run["not_found"] == 90
    with pytest.warns(pronto.LowFoundRateWarning):
        pronto.enrich_file(
            *files, "email", chunksize=30, progress=False, refresh=True, stop_below=0.99
        )
    assert 140 <= len(server.sandbox.charges) <= 150


def test_the_bar_ends_with_the_cost_by_the_balance(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    """While it moves, the price is known as a range only."""
    server = serve()
    pronto.enrich(people(20), "email")
    *_, bar, _ = capfd.readouterr().err.replace("\r", "\n").strip().split("\n")
    assert bar.strip().endswith(f", credits={100_000 - server.sandbox.credits}]")
