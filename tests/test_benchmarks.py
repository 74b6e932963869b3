"""The benchmarks run, and measure what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from .conftest import Serve, slow

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))


@slow
@pytest.mark.parametrize("recipe", ["httpx + Semaphore(50)", "pronto-pandas"])
def test_a_recipe_asks_for_each_row(serve: Serve, recipe: str) -> None:
    """And says what it cost."""
    server = serve(latency=0.05)
    client = [sys.executable, str(BENCHMARKS / "recipes.py"), recipe, server.url, "sandbox-key"]
    done = subprocess.run([*client, "40"], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["lost"] == 0
    assert len(server.sandbox.charges) == 40
    assert measured["cpu"] > 0
    balances = 2  # before the run, and after it
    assert len(measured["starts"]) == (40 + balances if recipe == "pronto-pandas" else 0)


def test_rates_are_of_the_steady_part() -> None:
    """A slow start and a long tail do not count."""
    from compare import most_in_a_second, rate

    moments = [0.0, 30.0, *(60 + n / 50 for n in range(1000)), 200.0]
    assert rate(moments) == pytest.approx(50, rel=0.01)
    assert most_in_a_second(moments) == pytest.approx(50, abs=1)


@slow
@pytest.mark.parametrize(("kind", "measured"), [("frame", "people"), ("file", "rows of a file")])
def test_what_the_ledger_answers(kind: str, measured: str) -> None:
    """The benchmark of frames and files sends nothing and finds everybody."""
    command = [sys.executable, str(BENCHMARKS / "big.py"), "--one", kind, "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[measured] == {"people": 200, "rows of a file": 2000}[measured]


@slow
def test_a_run_beside_a_reader() -> None:
    """Both waits are measured."""
    command = [sys.executable, str(BENCHMARKS / "contention.py"), "--known", "300", "--rows", "20"]
    done = subprocess.run([*command, "--warm", "3"], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["longest ms, alone"] > 0
    assert measured["longest ms, beside a reader"] > 0


def test_the_committed_results_are_of_all_cases() -> None:
    """As the last whole run wrote them."""
    from compare import CASES

    table = pd.read_csv(BENCHMARKS / "results" / "table.csv")
    assert table["service"].unique().tolist() == [case.name for case in CASES]
    ours = table[table["client"] == "pronto-pandas"]
    assert ours["lost"].sum() == 0
    assert (ours["worst second (starts)"] <= 50).all()
