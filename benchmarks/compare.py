"""The recipes side by side, against the sandbox in a process of its own.

Every figure is of one run on this machine, and stands as a ratio to the others and to the service's
limit. Writes `results/table.md`, `results/table.csv` and `results/share.svg`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
from recipes import RECIPES

HERE = Path(__file__).parent
LIMIT = 50
OURS = "pronto-pandas"


@dataclass(frozen=True)
class Case:
    """How the service behaves; its best is what it can do in a second."""

    name: str
    options: tuple[str, ...]
    latency: float
    rows: int = 3000
    best: float = LIMIT
    recipes: tuple[str, ...] = tuple(RECIPES)


def _quiet(latency: float) -> Case:
    return Case(f"{latency:g} s an answer", ("--latency", str(latency)), latency)


QUEUE = ("--latency", "0.5", "--at-once", "5")
CASES = [
    *map(_quiet, (0.2, 2.0, 10.0, 30.0)),
    Case("2 s, jitter 100 ms", ("--latency", "2", "--jitter", "0.1"), 2.0, recipes=(OURS,)),
    Case("0.5 s, 5 at a time", QUEUE, 0.5, 600, best=10),
    Case("…the queue ends after 40 s", (*QUEUE, "--at-once-for", "40"), 0.5, 2000, recipes=(OURS,)),
]


def rows_for(recipe: str, case: Case, share: float) -> int:
    """Return as many rows as a recipe does in a quarter of a minute: slow ones would take hours."""
    seconds = 15 * share
    at_a_time = {
        "df.apply + requests": 1,
        "ThreadPoolExecutor(50)": 50,
        "httpx + Semaphore(50)": 50,
    }
    if recipe not in at_a_time:
        return int((case.rows if recipe == OURS else min(case.rows, 600)) * share)
    per_second = min(at_a_time[recipe] / case.latency, case.best)
    return max(at_a_time[recipe], min(case.rows, int(per_second * seconds)))


def rate(moments: list[float], low: float = 0.2, high: float = 0.8) -> float:
    """Return how many came a second, in the steady part."""
    part = sorted(moments)[int(low * len(moments)) : int(high * len(moments))]
    return (len(part) - 1) / (part[-1] - part[0]) if len(part) > 1 else 0.0


def most_in_a_second(moments: list[float]) -> int:
    """Return the most that any sliding second holds."""
    moments = sorted(moments)
    return max((bisect_right(moments, t + 1.0) - i for i, t in enumerate(moments)), default=0)


def measure(recipe: str, case: Case, share: float) -> dict[str, Any]:
    """Run one recipe against one service."""
    rows = rows_for(recipe, case, share)
    sandbox = [sys.executable, "-m", "pronto_pandas", "sandbox", "--port", "0", *case.options]
    with subprocess.Popen(sandbox, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            found = re.search(r"(http\S+) \(API key: (\S+)\)", line)
            assert found is not None, line
            client = [sys.executable, str(HERE / "recipes.py"), recipe, *found.groups(), str(rows)]
            done = subprocess.run(client, capture_output=True, text=True, check=True)
            record = httpx.get(found[1] + "/sandbox/record", timeout=60).json()
        finally:
            server.terminate()
    mine = json.loads(done.stdout)
    answered, limited = record["answered"], record["refused"].get("429", 0)
    # Who waits for answers gets them in bunches; a part of those would say nothing.
    paced = recipe in {OURS, "httpx + AsyncLimiter"} or case.best < LIMIT
    steady = rate(answered) if paced else len(answered) / mine["seconds"]
    late = record["concurrency"][int(0.45 * len(answered)) :]
    row = {
        "service": case.name,
        "client": recipe,
        "rows": rows,
        "rows/s": round(steady, 2),
        "of the best": round(steady / case.best, 3),
        "lost": mine["lost"],
        "met 429": limited,
        "worst second (arrivals)": most_in_a_second(record["arrivals"]),
        "worst second (starts)": most_in_a_second(mine["starts"]) or None,
        "in flight, steady": max(late),
        "CPU ms/row": round(1000 * mine["cpu"] / rows, 2),
        "peak MB": round(mine["peak"]),
    }
    if "ends" in case.name:
        end = answered[0] + 40
        row["rows/s"] = round(sum(end + 20 <= t < end + 25 for t in answered) / 5, 2)
        row["of the best"] = round(row["rows/s"] / case.best, 3)
    return row


def chart(table: pd.DataFrame, path: Path) -> None:
    """Draw the share of the limit by latency, a line a client."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    quiet = table[table["service"].str.endswith("an answer")]
    wide = quiet.pivot_table(index="service", columns="client", values="of the best", sort=False)
    axes = (100 * wide).plot.bar(figsize=(9, 4), rot=0, width=0.8)
    axes.set(ylabel="% of 50 rows/s", xlabel="", ylim=(0, 105))
    axes.legend(title=None, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.22), frameon=False)
    plt.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close("all")


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--share", type=float, default=1.0, help="part of the rows, for a quick look"
    )
    parser.add_argument("--only", help="a client's name")
    parser.add_argument("--case", help="part of a case's name")
    parser.add_argument("--go-on", action="store_true", help="after a run that was stopped")
    args = parser.parse_args()
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    whole = not args.only and not args.case and args.share == 1
    so_far = results / "so_far.jsonl"
    if not args.go_on:
        so_far.unlink(missing_ok=True)
    rows = list(map(json.loads, so_far.read_text().splitlines())) if so_far.exists() else []
    done = {(row["service"], row["client"]) for row in rows}
    for case in CASES:
        for recipe in case.recipes:
            asked = args.only in {None, recipe} and (args.case or "") in case.name
            if asked and (case.name, recipe) not in done:
                rows.append(measure(recipe, case, args.share))
                print(rows[-1], flush=True)
                if whole:
                    so_far.open("a").write(json.dumps(rows[-1]) + "\n")
    order = {name: n for n, name in enumerate([*(case.name for case in CASES), *RECIPES])}
    rows.sort(key=lambda row: (order[row["service"]], order[row["client"]]))
    table = pd.DataFrame(rows).astype({"worst second (starts)": "Int64"})
    print(table.to_string(index=False))
    if not whole:
        return
    table.to_csv(results / "table.csv", index=False)
    (results / "table.md").write_text(table.to_markdown(index=False) + "\n")
    chart(table, results / "share.svg")
    so_far.unlink()


if __name__ == "__main__":
    main()
