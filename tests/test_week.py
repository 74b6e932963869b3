"""A list that grows for a week: enriched, saved, read again, appended, interrupted, continued.

The sandbox charges for each phone number, so the credits that it has taken are the truth: every
number that was paid for is in every DataFrame that follows, nobody is charged twice, and the
history adds up to the balance.
"""

from __future__ import annotations

import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import pronto_pandas as pronto

from .conftest import Serve
from .test_calling import script, wait_for

PRICE = 10
CREDITS = 100_000
ROWS, NEW, COMPANIES = 2_000, 300, 400
MOST = 5_000

CALL = {"type": "phone", "per_company": 2, "max_credits": MOST, "progress": False}


def leads(count: int, start: int = 0) -> pd.DataFrame:
    """Return invented people: some twice, some with a phone, five per company."""
    numbers = np.arange(start, start + count)
    names = ["".join("abcdefghij"[int(d)] for d in str(n)) for n in numbers]
    df = pd.DataFrame(
        {
            "First Name": [f"Ana{name}" for name in names],
            "Last Name": [f"Lovelace{name[::-1]}" for name in names],
            "Website": [f"https://company{n % COMPANIES}.example/about" for n in numbers],
            "LinkedIn": [f"https://www.linkedin.com/in/ana-example-{n}/" for n in numbers],
            "Mobile Phone": [f"+4477009{n:05d}" if n % 40 == 7 else None for n in numbers],
        },
        dtype=object,
    )
    return pd.concat([df, df.iloc[::20]], ignore_index=True)


def opt_outs(folder: Path) -> Path:
    """Write people who must never be sent, in the three ways in which lists name them."""
    path = folder / "optouts.csv"
    rows = ["Email,LinkedIn", *(f"company{n}.example," for n in range(3))]
    rows += [f",https://www.linkedin.com/in/ana-example-{n}/" for n in range(100, 120)]
    path.write_text("\n".join(rows) + "\n")
    return path


def paid(df: pd.DataFrame) -> int:
    """Return the credits that the phone numbers in a DataFrame have cost, each person once."""
    columns = [name for name in df.columns if name.startswith("phone_") and name[6:].isdigit()]
    people = df.drop_duplicates(["First Name", "Last Name", "LinkedIn"])
    return PRICE * int(people[columns].notna().to_numpy().sum())


def enriched(df: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Run the line of every week."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.MaxCreditsWarning)  # the budget of a week ends
        out: pd.DataFrame = df.pronto.enrich(**CALL, suppress=folder / "optouts.csv")
    return out


def test_a_week_of_work(serve: Serve, tmp_path: Path) -> None:
    """Every paid number is in every DataFrame, once; `runs` adds up to the balance."""
    server = serve(credits=CREDITS)
    sandbox: Any = server.sandbox
    opt_outs(tmp_path)

    def spent() -> int:
        return int(CREDITS - sandbox.credits)

    first = enriched(leads(ROWS), tmp_path)
    assert 0 < spent() <= MOST
    assert paid(first) == spent()
    first.pronto.save(tmp_path / "week1.xlsx")
    again = pronto.read(tmp_path / "week1.xlsx")
    assert paid(again) == spent()

    grown = pd.concat([again, leads(NEW, start=ROWS)], ignore_index=True)
    before = spent()
    second = enriched(grown, tmp_path)
    assert paid(second) == spent()
    assert spent() - before <= MOST
    old = second.iloc[: len(again)]
    for name in ("pronto_status", "phone_1", "enrichment_id"):
        kept = again[name].notna() & ~again["pronto_status"].isin(["skipped", "pending"])
        assert old[name][kept].tolist() == again[name][kept].tolist()

    # Interrupted in one process, continued in this one.
    sandbox.latency = 1.0
    code = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
pronto.configure(rate=50)
from tests.test_week import grown_list, enriched
from pathlib import Path
enriched(grown_list(), Path(FOLDER))
""".replace("FOLDER", repr(str(tmp_path)))
    sent = sum(sandbox.asked.values())
    process = script(server, code, warnings="default")
    wait_for(lambda: sum(sandbox.asked.values()) > sent + 20)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert "Stopped." in printed
    sandbox.latency = 0.0
    third = enriched(grown_list(), tmp_path)
    assert paid(third) == spent()
    assert max(sandbox.asked.values()) == 1
    runs = pronto.runs()
    assert runs["credits"].sum() == spent() == CREDITS - pronto.balance()


def grown_list() -> pd.DataFrame:
    """Return the list of the third week."""
    return leads(ROWS + 2 * NEW)
