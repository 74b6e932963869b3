"""How close a run comes to the service's limit, whatever an answer's latency.

The sandbox serves from a process of its own. Each line of the table is one run of
``pronto.enrich``; figures are ratios to the limit of 50 starts a second, so that they stand on a
busy machine too.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from pathlib import Path

import httpx
import pandas as pd

import pronto_pandas as pronto

LIMIT = 50
HOLD = 1.08
"""A run may take so many times the time of 48 starts a second and one answer."""


def people(count: int) -> pd.DataFrame:
    """Return distinct invented people."""
    return pd.DataFrame(
        {
            "firstname": "Ada",
            "lastname": [
                f"Benchmark-{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}" for n in range(count)
            ],
            "domain": [f"company{n}.example" for n in range(count)],
        }
    )


def measure(rows: int, latency: float, ledger: Path) -> dict[str, float]:
    """Enrich so many rows at this latency and return what was seen on both sides."""
    command = [sys.executable, "-m", "pronto_pandas", "sandbox", "--port", "0"]
    with subprocess.Popen(
        [*command, "--latency", str(latency)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            found = re.search(r"(http\S+), key (\S+)\.", line)
            assert found is not None, line
            pronto.configure(base_url=found[1], api_key=found[2], ledger=ledger)
            df = people(rows)
            cpu, began = time.process_time(), time.perf_counter()
            out = pronto.enrich(df, "email", progress=False)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            record = httpx.get(found[1] + "/sandbox/record").json()
        finally:
            server.terminate()
    arrivals = record["arrivals"]
    return {
        "latency s": latency,
        "rows": rows,
        "seconds": round(seconds, 2),
        "of allowed": round(seconds / (HOLD * (rows / 48 + latency)), 3),
        "rows/s": round(rows / (seconds - latency), 1),
        "share of limit": round(rows / (seconds - latency) / LIMIT, 3),
        "lost": int((~out["pronto_status"].isin(["found", "not_found"])).sum()),
        "worst second": max(bisect_right(arrivals, t + 1.0) - i for i, t in enumerate(arrivals)),
        "met 429": record["refused"].get("429", 0),
        "CPU ms/row": round(1000 * cpu / rows, 2),
    }


def main() -> None:
    """Print the table; fail where a run took longer than allowed, or lost a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.2, 2.0, 10.0])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.sqlite3"  # on disk, as users have it
        table = pd.DataFrame([measure(args.rows, latency, ledger) for latency in args.latency])
    print(table.to_string(index=False))
    if (
        (table["of allowed"] > 1).any()
        or table["lost"].any()
        or (table["worst second"] > LIMIT).any()
    ):
        sys.exit("A run was slower than allowed, lost a row, or went above the limit.")


if __name__ == "__main__":
    main()
